//! Every view on a small screen and on a usual one, compared with reference screens. `DIVISI_TEST_WRITE_SCREENS=1` writes them.

use serde_json::json;

use super::editor::{Editor, wait_until};
use super::in_every_neovim;
use super::real::everywhere;
use super::review::compare_screen;

pub(super) const SIZES: [(i64, i64); 2] = [(60, 20), (100, 30)];

/// Options under which both Neovims draw the same.
pub(super) const PLAIN: &str =
    "vim.o.showtabline = 0 vim.o.ruler = false vim.o.showcmd = false vim.o.showmode = false vim.o.statusline = '%t'
    vim.o.shortmess = vim.o.shortmess .. 'IFWc' vim.g.divisi = { float = false, progress = false }";

const SCREEN: &str = "vim.cmd('redraw!') local lines = {}
    for row = 1, vim.o.lines do
      local cells = {}
      for column = 1, vim.o.columns do cells[column] = vim.fn.screenstring(row, column) end
      lines[row] = (table.concat(cells):gsub('%s+$', ''))
    end
    return table.concat(lines, '\\n') .. '\\n'";

pub(super) async fn size(editor: &Editor, (columns, rows): (i64, i64)) {
    editor.nvim.ui_try_resize(columns, rows).await.unwrap();
    editor.until(&format!("vim.o.columns == {columns} and vim.o.lines == {rows}")).await;
}

/// Compares what is shown with the reference of a name; `(what, instead)` is replaced first, and times are left out.
pub(super) async fn looks(editor: &Editor, name: &str, replace: &[(&str, &str)]) {
    // What an event changes is drawn in the next turns of Neovim's loop.
    editor.lua("vim.wait(30, function() return false end) vim.cmd('echo')").await;
    let seen = editor.lua(SCREEN).await.as_str().unwrap().to_owned();
    let seen = replace.iter().fold(seen, |seen, (what, instead)| seen.replace(what, instead));
    let timeless =
        seen.lines().map(|line| if line.contains(" · now") { &line[..line.floor_char_boundary(26)] } else { line });
    let (columns, rows) = (editor.lua("return vim.o.columns").await, editor.lua("return vim.o.lines").await);
    compare_screen(&format!("{name}_{columns}x{rows}"), &(timeless.collect::<Vec<_>>().join("\n") + "\n"));
}

pub(super) async fn close_all(editor: &Editor) {
    editor.lua("for _, w in ipairs(vim.api.nvim_list_wins()) do if vim.api.nvim_win_is_valid(w) and (vim.w[w].divisi or vim.api.nvim_win_get_config(w).relative ~= '') then pcall(vim.api.nvim_win_close, w, true) end end").await;
}

in_every_neovim! {
    async fn the_views_of_sessions_look_like_their_references(scene) {
        let editor = &scene.editor;
        editor.lua(PLAIN).await;
        scene.session("aaaaaaaaaa", "parser", "running");
        scene.session("bbbbbbbbbb", "docs", "review");
        scene.session("cccccccccc", "a-name-that-is-much-too-long", "failed");
        scene.fake.set("aaaaaaaaaa", json!({ "activity": "Edit src/parse.rs", "said": "I begin with the tests.", "updated_at": 3 }));
        scene.fake.set("bbbbbbbbbb", json!({ "unread": true, "stat": { "files": 4, "added": 120, "removed": 3 }, "turn": { "started_at": 1_000, "ended_at": 66_000 } }));
        scene.fake.set("cccccccccc", json!({ "reason": "exit 3", "stat": { "files": 0, "added": 0, "removed": 0 } }));
        scene.fake.turn("aaaaaaaaaa", 1, "fix the parser");
        scene.fake.say("aaaaaaaaaa", "I look at it.\n");
        let call = json!({ "id": "c", "title": "Edit src/a.lua", "kind": "edit", "status": "completed", "diffs": [{ "path": "src/a.lua", "new_text": "x\n" }] });
        scene.fake.emit("aaaaaaaaaa", "agent.tool", json!({ "turn": "aaaaaaaaaa.t1", "call": call }));
        scene.fake.ask("ap1", "aaaaaaaaaa", "cargo test");
        editor.attach().await;
        editor.ex("edit src/a.lua").await;
        editor.until("#require('divisi.mirror').approvals == 1").await;
        for wanted in SIZES {
            size(editor, wanted).await;
            editor.ex("Divisi list").await;
            editor.shows("divisi://sessions", "docs").await;
            looks(editor, "list", &[]).await;
            editor.keys("g?").await;
            editor.until("vim.api.nvim_win_get_config(0).relative ~= ''").await;
            looks(editor, "help", &[]).await;
            close_all(editor).await;
            editor.ex("Divisi list --float").await;
            editor.until("vim.api.nvim_win_get_config(0).relative ~= '' and vim.bo.filetype == 'divisi-sessions'").await;
            looks(editor, "list_float", &[]).await;
            // Whoever has a border everywhere has one here.
            if editor.lua("return vim.fn.exists('+winborder')").await == 1 {
                editor.keys("q").await;
                editor.until("vim.api.nvim_win_get_config(0).relative == ''").await;
                editor.ex("set winborder=rounded | Divisi list --float").await;
                editor.until("vim.api.nvim_win_get_config(0).relative ~= ''").await;
                looks(editor, "list_float_border", &[]).await;
                editor.ex("set winborder=").await;
            }
            // What a key of the float opens is below nothing.
            editor.keys("<CR>").await;
            editor.until("vim.bo.filetype == 'divisi-transcript' and vim.iter(vim.api.nvim_list_wins()):all(function(w) return vim.api.nvim_win_get_config(w).relative == '' end)").await;
            close_all(editor).await;
            editor.ex("Divisi show parser").await;
            editor.shows("divisi://session/parser", "cargo test").await;
            looks(editor, "transcript", &[]).await;
            editor.keys("i").await;
            editor.until("vim.bo.filetype == 'divisi-prompt'").await;
            editor.keys("<Esc>ggcGdo as @src/a.lua:2 says<Esc>").await;
            editor.until("vim.api.nvim_get_mode().mode == 'n'").await;
            // What a reference brings is looked up a moment later.
            editor.until(&format!("(function() {SCREEN} end)():find(': 1 lin', 1, true) ~= nil")).await;
            looks(editor, "prompt", &[]).await;
            close_all(editor).await;
            editor.ex("Divisi approvals").await;
            editor.until("vim.bo.filetype == 'divisi-approvals'").await;
            looks(editor, "approvals", &[]).await;
            close_all(editor).await;
        }
        editor.lua("require('divisi').setup({ float = true, progress = false })").await;
        scene.fake.ask("ap2", "bbbbbbbbbb", "make docs");
        editor.until("vim.iter(vim.api.nvim_list_wins()):any(function(w) return vim.api.nvim_win_get_config(w).relative ~= '' end)").await;
        for wanted in SIZES {
            size(editor, wanted).await;
            looks(editor, "approval_float", &[]).await;
        }
        editor.assert_calm().await;
    }

    async fn the_focus_goes_back_to_where_the_person_was_after_the_last_answer(scene) {
        let editor = &scene.editor;
        scene.session("aaaaaaaaaa", "fix", "running");
        scene.fake.turn("aaaaaaaaaa", 1, "go");
        editor.ex("edit src/a.lua").await;
        editor.ex("Divisi show fix").await;
        editor.shows("divisi://session/fix", "## Turn 1").await;
        scene.fake.ask("ap1", "aaaaaaaaaa", "cargo test");
        editor.until("#require('divisi.mirror').approvals == 1").await;
        // First from the file; then the transcript is gone to, and from there the queue again.
        editor.ex("1wincmd w").await;
        editor.ex("Divisi approvals").await;
        editor.until("vim.bo.filetype == 'divisi-approvals'").await;
        editor.lua("vim.api.nvim_set_current_win(vim.iter(vim.api.nvim_list_wins()):find(function(w) return vim.bo[vim.api.nvim_win_get_buf(w)].filetype == 'divisi-transcript' end))").await;
        editor.keys("a").await;
        editor.until("vim.bo.filetype == 'divisi-approvals'").await;
        editor.keys("o").await;
        wait_until("approval/answer", || !scene.fake.called("approval/answer").is_empty()).await;
        editor.until("vim.bo.filetype == 'divisi-transcript' and vim.fn.bufwinid('divisi://approvals') == -1").await;
        editor.assert_calm().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_views_of_changes_look_like_their_references() {
    everywhere(async |real, _| {
        let (editor, scene) = (&real.editor, &real.scene);
        editor.lua(PLAIN).await;
        scene.shell("one", "sed -i 's/line 2$/LINE 2/' lines.txt; echo one > one.txt").ok();
        scene.shell("two", "sed -i 's/line 2$/other 2/; s/line 12$/LINE 12/' lines.txt").ok();
        scene.divisi(&["comment", "one", "lines.txt:2", "why?", "--kind", "question"]).ok();
        editor.ex("edit lines.txt").await;
        for wanted in SIZES {
            size(editor, wanted).await;
            editor.ex("Divisi timeline one").await;
            editor.shows("divisi://timeline/one", "from main").await;
            looks(editor, "timeline", &[]).await;
            editor.keys("q").await;
            editor.ex("Divisi review one").await;
            editor.until("vim.t.divisi_diff == 'review' and vim.fn.expand('%:t') == 'lines.txt' and vim.fn.maparg('\\\\a', 'n') ~= ''").await;
            editor.keys("2G\\c").await;
            editor.until("vim.bo.buftype == 'acwrite'").await;
            editor.keys("<Esc>").await;
            editor.until("vim.api.nvim_get_mode().mode == 'n'").await;
            looks(editor, "comment", &[]).await;
            editor.keys("q").await;
            editor.until("vim.fn.expand('%:t') == 'lines.txt'").await;
            editor.keys("g?").await;
            editor.until("vim.api.nvim_win_get_config(0).relative ~= ''").await;
            looks(editor, "review_help", &[]).await;
            editor.keys("q").await;
            editor.ex("tabclose").await;
            editor.ex("Divisi compare one two").await;
            editor.shows("divisi://compare/one,two", "+other 2").await;
            looks(editor, "compare", &[]).await;
            editor.keys("q").await;
        }
        // Landing as the settings want it.
        scene.divisi(&["config", "set", "git.landing", "rebase"]).ok();
        scene.divisi(&["daemon", "stop"]).ok();
        editor.until("require('divisi.mirror').connection.state ~= 'attached'").await;
        let id = scene.show("one")["id"].as_str().unwrap().to_owned();
        let repo = scene.repo.display().to_string();
        for wanted in SIZES {
            size(editor, wanted).await;
            editor.ex("Divisi land one").await;
            editor.shows("divisi://land/one", "# strategy  rebase").await;
            looks(editor, "land", &[(&id, "<id>"), (&repo, "<repo>")]).await;
            editor.keys("q").await;
            editor.until("vim.fn.bufexists('divisi://land/one') == 0").await;
        }
        // Health has versions and places in it: every line of it is checked instead.
        editor.ex("checkhealth divisi").await;
        editor.until("vim.bo.filetype == 'checkhealth'").await;
        let health = editor.lua("return vim.api.nvim_buf_get_lines(0, 0, -1, false)").await;
        let lines: Vec<&str> = health.as_array().unwrap().iter().filter_map(serde_json::Value::as_str).collect();
        assert!(!lines.iter().any(|line| line.contains("ERROR")), "{lines:#?}");
        for part in ["Neovim", "binary", "daemon", "git"] {
            assert!(lines.iter().any(|line| line.to_lowercase().contains(&part.to_lowercase())), "nothing about {part}: {lines:#?}");
        }
        editor.assert_calm().await;
        scene.discard(&["one", "two"]);
    })
    .await;
}
