//! Files of worktrees that change under an editor: read again at once and with undo, or marked as a conflict; never a question.

use std::path::PathBuf;

use serde_json::json;

use super::editor::{Scene, write};
use super::in_every_neovim;

const LINES: &str = "return vim.api.nvim_buf_get_lines(0, 0, -1, false)";

/// A session and its file, open in the editor.
async fn open(scene: &Scene) -> PathBuf {
    scene.session("aaaaaaaaaa", "fix", "running");
    let file = scene.worktree("fix").join("src/live.lua");
    write(&file, "one\ntwo\nthree\n");
    scene.editor.attach().await;
    scene.editor.ex("set noautoread").await;
    scene.editor.ex(&format!("edit {}", file.display())).await;
    file
}

/// The person edits the second line, then the agent the third.
async fn conflict(scene: &Scene) -> PathBuf {
    let file = open(scene).await;
    scene.editor.keys("jAmine<Esc>").await;
    scene.editor.until("vim.bo.modified and vim.fn.getline(2) == 'twomine'").await;
    scene.editor.until("require('divisi.live').base(0 + vim.fn.bufnr()) ~= nil").await;
    write(&file, "one\ntwo\nTHREE of theirs\n");
    scene.editor.until("vim.b.divisi_conflict").await;
    file
}

in_every_neovim! {
    async fn a_file_that_an_agent_writes_is_read_again_at_once_and_can_be_undone(scene) {
        let file = open(&scene).await;
        scene.editor.lua("vim.api.nvim_create_autocmd('User', { pattern = 'DivisiFileChanged', callback = function(a) _G.changed = a.data end }) vim.go.undoreload = 1").await;
        scene.editor.keys("jj").await;
        write(&file, "one\ntwo\nthree\nfour of theirs\n");
        scene.editor.until("vim.fn.getline(4) == 'four of theirs'").await;
        assert_eq!(scene.editor.lua("return { vim.fn.line('.'), vim.bo.modified, _G.changed.session, vim.go.undoreload }").await, json!([3, false, "aaaaaaaaaa", 1]));
        // Written as editors and agents do: another file takes its place.
        write(&file.with_extension("new"), "replaced\n");
        std::fs::rename(file.with_extension("new"), &file).unwrap();
        scene.editor.until("vim.fn.getline(1) == 'replaced'").await;
        scene.editor.ex("silent undo").await;
        assert_eq!(scene.editor.lua(LINES).await, json!(["one", "two", "three", "four of theirs"]));
        scene.editor.assert_calm().await;
    }

    async fn nothing_is_reloaded_while_an_operator_or_the_cmdwin_waits(scene) {
        let file = open(&scene).await;
        scene.editor.keys("d").await;
        scene.editor.until("vim.api.nvim_get_mode().mode == 'no'").await;
        write(&file, "one\ntwo\nthree\nfour\n");
        scene.editor.keys("j").await;
        // The person's two lines went; what the agent wrote meanwhile is a conflict, not a reload.
        scene.editor.until("vim.b.divisi_conflict").await;
        assert_eq!(scene.editor.lua(LINES).await, json!(["three"]));
        scene.editor.assert_calm().await;
    }

    async fn files_that_are_not_of_a_session_are_left_alone(scene) {
        open(&scene).await;
        let own = scene.repository().join("src/a.lua");
        scene.editor.ex("edit src/a.lua").await;
        assert_eq!(scene.editor.lua("return #vim.api.nvim_get_autocmds({ event = 'FileChangedShell', buffer = 0 })").await, 0);
        write(&own, "changed elsewhere\n");
        scene.editor.lua("require('divisi.live').check('/nowhere')").await;
        assert_eq!(scene.editor.lua("return vim.fn.getline(1)").await, "local a = 1");
    }

    async fn a_conflict_is_marked_and_written_by_nobody_without_an_answer(scene) {
        let file = conflict(&scene).await;
        scene.editor.until("_G.told('live.lua: you and fix both changed it')").await;
        let found = scene.editor.lua("return vim.tbl_map(function(d) return { d.lnum, d.message } end, vim.diagnostic.get(0))").await;
        assert_eq!(found, json!([[1, "fix has 2 lines here on disk; :Divisi conflict"]]));
        let bar = "vim.api.nvim_eval_statusline(vim.wo.winbar, { winid = 0, use_winbar = true }).str";
        scene.editor.until(&format!("{bar}:find('changed on disk too', 1, true)")).await;
        scene.editor.ex("write").await;
        scene.editor.until("_G.told('live.lua not written')").await;
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "one\ntwo\nTHREE of theirs\n");
        assert_eq!(scene.editor.lua("return { vim.bo.modified, #vim.tbl_filter(function(n) return n.text:find('both changed') end, _G.notices) }").await, json!([true, 1]));
        scene.editor.assert_calm().await;
    }

    async fn mine_writes_over_theirs_and_undo_shows_theirs(scene) {
        let file = conflict(&scene).await;
        scene.editor.ex("Divisi conflict mine").await;
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "one\ntwomine\nthree\n");
        assert_eq!(scene.editor.lua("return { vim.bo.modified, vim.b.divisi_conflict == nil, vim.fn.line('.'), #vim.diagnostic.get(0) }").await, json!([false, true, 2, 0]));
        scene.editor.ex("silent undo").await;
        assert_eq!(scene.editor.lua(LINES).await, json!(["one", "two", "THREE of theirs"]));
        scene.editor.ex("silent undo").await;
        assert_eq!(scene.editor.lua(LINES).await, json!(["one", "twomine", "three"]));
        scene.editor.assert_calm().await;
    }

    async fn theirs_is_read_and_undo_shows_mine(scene) {
        conflict(&scene).await;
        scene.editor.will_choose(&["Take fix"]).await;
        scene.editor.ex("Divisi conflict").await;
        assert_eq!(scene.editor.lua(LINES).await, json!(["one", "two", "THREE of theirs"]));
        assert_eq!(scene.editor.lua("return { vim.bo.modified, vim.b.divisi_conflict == nil }").await, json!([false, true]));
        scene.editor.ex("silent undo").await;
        assert_eq!(scene.editor.lua(LINES).await, json!(["one", "twomine", "three"]));
        scene.editor.assert_calm().await;
    }

    async fn three_ways_are_compared_in_a_tab_and_what_was_seen_may_be_written(scene) {
        let file = conflict(&scene).await;
        scene.editor.ex("Divisi conflict diff").await;
        scene.editor.until("#vim.api.nvim_tabpage_list_wins(0) == 3").await;
        let wins = scene.editor.lua("return vim.tbl_map(function(w) return { vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(w), 1, 3, false), vim.wo[w].diff } end, vim.api.nvim_tabpage_list_wins(0))").await;
        assert_eq!(wins, json!([[["two", "THREE of theirs"], true], [["twomine", "three"], true], [["two", "three"], true]]));
        scene.editor.ex("call setline(3, 'THREE of theirs and mine')").await;
        // The agent writes once more: what was seen is not what is there.
        write(&file, "one\ntwo\nTHREE again\n");
        scene.editor.ex("write").await;
        scene.editor.until("_G.told('live.lua not written')").await;
        scene.editor.ex("Divisi conflict diff").await;
        scene.editor.until("#vim.api.nvim_list_tabpages() == 3").await;
        scene.editor.ex("write").await;
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "one\ntwomine\nTHREE of theirs and mine\n");
        assert_eq!(scene.editor.lua("return { vim.bo.modified, vim.b.divisi_conflict == nil }").await, json!([false, true]));
        scene.editor.assert_calm().await;
    }

    async fn an_undo_to_the_old_text_ends_a_conflict(scene) {
        conflict(&scene).await;
        scene.editor.ex("silent undo").await;
        scene.editor.until("vim.fn.getline(3) == 'THREE of theirs' and vim.b.divisi_conflict == nil").await;
        assert_eq!(scene.editor.lua("return vim.bo.modified").await, false);
        scene.editor.assert_calm().await;
    }
}
