//! Prompt buffers: references, what is sent, and text that is never lost.

use serde_json::{Value, json};

use super::editor::{Scene, wait_until};
use super::in_every_neovim;

const PROMPT: &str = "divisi://prompt/fix";

async fn called(scene: &Scene, method: &str) -> Value {
    wait_until(method, || !scene.fake.called(method).is_empty()).await;
    scene.fake.called(method).last().unwrap().clone()
}

/// The prompt of `fix` is open, its cursor in it, in normal mode.
async fn open(scene: &Scene, command: &str) {
    scene.editor.ex(command).await;
    scene.editor.until("vim.bo.filetype == 'divisi-prompt' and vim.api.nvim_get_mode().mode == 'i'").await;
    scene.editor.keys("<Esc>").await;
    scene.editor.until("vim.api.nvim_get_mode().mode == 'n'").await;
}

/// Asks the language server of the current buffer.
async fn ask_server(scene: &Scene, method: &str) -> Value {
    scene.editor.until("vim.lsp.get_clients({ bufnr = 0, name = 'divisi' })[1] ~= nil and vim.lsp.get_clients({ bufnr = 0, name = 'divisi' })[1].initialized").await;
    scene
        .editor
        .lua(&format!(
            "_G.answer = nil
             local cursor = vim.api.nvim_win_get_cursor(0)
             local params = {{ textDocument = {{ uri = vim.uri_from_bufnr(0) }}, position = {{ line = cursor[1] - 1, character = cursor[2] + 1 }} }}
             vim.lsp.get_clients({{ bufnr = 0, name = 'divisi' }})[1].request({method:?}, params, function(err, result) _G.answer = {{ err, result }} end, 0)"
        ))
        .await;
    scene.editor.until("_G.answer ~= nil").await;
    scene.editor.lua("return _G.answer[2]").await
}

fn labels(answer: &Value) -> Vec<&str> {
    answer["items"].as_array().unwrap().iter().map(|item| item["label"].as_str().unwrap()).collect()
}

in_every_neovim! {
    async fn lines_of_a_motion_are_put_in_looked_at_and_sent(scene) {
        scene.session("aaaaaaaaaa", "fix", "running");
        scene.editor.ex("edit src/a.lua").await;
        scene.editor.attach().await;
        scene.editor.lua("vim.keymap.set({ 'n', 'x' }, 'ga', '<Plug>(DivisiAsk)')").await;
        scene.editor.keys("gaj").await;
        scene.editor.shows(PROMPT, "@src/a.lua:1-2").await;
        scene.editor.until("vim.api.nvim_get_mode().mode == 'i'").await;
        scene.editor.keys("<Esc>").await;
        // Again with dot, from another place; then what is selected.
        scene.editor.ex("wincmd p").await;
        scene.editor.keys("j.").await;
        scene.editor.shows(PROMPT, "@src/a.lua:2-3").await;
        scene.editor.until("vim.api.nvim_get_mode().mode == 'i'").await;
        scene.editor.keys("<Esc>:wincmd p<CR>Vga").await;
        scene.editor.shows(PROMPT, "@src/a.lua:2 ").await;
        scene.editor.until("vim.bo.filetype == 'divisi-prompt'").await;
        scene.editor.keys("<Esc>:%d<CR>iwhy @src/a.lua:1-2?<Esc>").await;
        scene.editor.keys("g<CR>").await;
        let page = "vim.api.nvim_win_get_config(0).relative ~= '' and table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n')";
        scene.editor.until(page).await;
        let shown = scene.editor.lua(&format!("return {page}")).await;
        scene.editor.keys("q").await;
        scene.editor.until("vim.bo.filetype == 'divisi-prompt'").await;
        scene.editor.keys("<CR>").await;
        let sent = called(&scene, "session/send").await;
        assert_eq!(sent["text"], "why `src/a.lua:1-2`?\n\nsrc/a.lua:1-2\n```lua\nlocal a = 1\nlocal b = 2\n```");
        assert_eq!(sent["text"], shown);
        scene.editor.until("vim.deep_equal(vim.api.nvim_buf_get_lines(0, 0, -1, false), { '' })").await;
        scene.editor.assert_calm().await;
    }

    async fn references_bring_diagnostics_quickfix_and_diffs(scene) {
        scene.session("aaaaaaaaaa", "fix", "running");
        scene.fake.answers("session/patch", json!({ "patch": "diff --git a/x b/x\n" }));
        scene.editor.ex("edit src/a.lua").await;
        scene.editor.attach().await;
        scene.editor.lua("vim.diagnostic.set(vim.api.nvim_create_namespace('t'), 0, { { lnum = 1, col = 6, message = 'odd\\nname', severity = 2, source = 'lint' } })
            vim.fn.setqflist({}, ' ', { title = 'todo', items = { { bufnr = vim.api.nvim_get_current_buf(), lnum = 3, col = 1, text = 'return' } } })").await;
        open(&scene, "Divisi ask fix @diagnostics, @quickfix and @diff, not me@example.org or @param in @file").await;
        scene.editor.keys("<CR>").await;
        let sent = called(&scene, "session/send").await;
        assert_eq!(
            sent["text"].as_str().unwrap().trim_end(),
            "the diagnostics below, the quickfix list below and the diff of fix below, not me@example.org or @param in `src/a.lua`\n\n\
             Diagnostics:\n```\nsrc/a.lua:2:7: warn: odd name (lint)\n```\n\nQuickfix list, todo:\n```\nsrc/a.lua:3:1: return\n```\n\n\
             What fix changed:\n```diff\ndiff --git a/x b/x\n\n```"
        );
        scene.editor.assert_calm().await;
    }

    async fn the_server_completes_references_files_and_commands(scene) {
        scene.session("aaaaaaaaaa", "fix", "running");
        scene.fake.set("aaaaaaaaaa", json!({ "commands": [{ "name": "review", "description": "look" }, { "name": "explain", "description": "" }] }));
        std::process::Command::new("git").args(["init", "--quiet"]).arg(scene.worktree("fix")).env("HOME", scene.repository()).status().unwrap();
        open(&scene, "Divisi ask fix").await;
        scene.editor.keys("isee @<Esc>").await;
        let offered = ask_server(&scene, "textDocument/completion").await;
        assert_eq!(labels(&offered), ["@file", "@selection", "@diagnostics", "@quickfix", "@diff", "@src/a.lua"]);
        assert_eq!(offered["items"][0]["textEdit"]["range"], json!({ "start": { "line": 0, "character": 4 }, "end": { "line": 0, "character": 5 } }));
        scene.editor.keys(":%d<CR>isee @a.l<Esc>").await;
        assert_eq!(labels(&ask_server(&scene, "textDocument/completion").await), ["@src/a.lua"]);
        scene.editor.keys(":%d<CR>iname@a.l<Esc>").await;
        assert!(labels(&ask_server(&scene, "textDocument/completion").await).is_empty());
        scene.editor.keys(":%d<CR>i/r<Esc>").await;
        let mut offered = ask_server(&scene, "textDocument/completion").await;
        while labels(&offered).is_empty() {
            // The daemon has not said yet which commands there are.
            offered = ask_server(&scene, "textDocument/completion").await;
        }
        assert_eq!(labels(&offered), ["/review"]);
        // Without any plugin the built-in completion offers the same.
        scene.editor.keys("A<C-x><C-o>").await;
        scene.editor.until("vim.fn.pumvisible() == 1 or vim.fn.getline(1) == '/review'").await;
        scene.editor.keys("<C-e><Esc>:%d<CR>i@src/a.lua:3 <Esc>0").await;
        scene.editor.until("vim.fn.getline(1) == '@src/a.lua:3 '").await;
        let hover = ask_server(&scene, "textDocument/hover").await;
        assert_eq!(hover["contents"]["value"], "src/a.lua:3\n```lua\nreturn a + b\n```");
        scene.editor.assert_calm().await;
    }

    async fn a_draft_survives_everything_but_being_sent(scene) {
        scene.session("aaaaaaaaaa", "fix", "running");
        open(&scene, "Divisi ask fix").await;
        scene.editor.keys("ione<CR>two<Esc>").await;
        scene.editor.shows(PROMPT, "two").await;
        assert_eq!(scene.editor.lua("return vim.bo.modified").await, false);
        scene.editor.ex("q!").await;
        open(&scene, "Divisi ask fix").await;
        assert_eq!(scene.editor.lines(PROMPT).await, ["one", "two"]);
        scene.editor.keys("othree<Esc>").await;
        scene.editor.ex("bwipeout!").await;
        open(&scene, "Divisi ask fix").await;
        assert_eq!(scene.editor.lines(PROMPT).await, ["one", "two", "three"]);
        // Killed a moment after the last key, like the machine it ran on.
        scene.editor.keys("ofour<Esc>").await;
        let drafts = "vim.fn.glob(vim.fn.stdpath('state') .. '/divisi/draft.*')";
        scene.editor.until(&format!("table.concat(vim.fn.readfile({drafts}), ' ') == 'one two three four'")).await;
        let other = scene.another().await;
        other.ex("Divisi ask fix").await;
        other.shows(PROMPT, "four").await;
        other.kill().await;
        // What is refused stays; what was sent is gone, here and on the disk.
        scene.fake.refuses("session/send", "conflict", "not now");
        scene.editor.keys("<CR>").await;
        scene.editor.until("_G.told('not now')").await;
        assert_eq!(scene.editor.lines(PROMPT).await.len(), 4);
        scene.fake.answers("session/send", json!({ "outcome": { "outcome": "done" } }));
        scene.editor.keys("<CR>").await;
        scene.editor.until(&format!("vim.fn.getline(1) == '' and {drafts} == ''")).await;
        // And can be had again.
        scene.editor.keys("<C-p>").await;
        assert_eq!(scene.editor.lines(PROMPT).await.last().unwrap(), "four");
        scene.editor.keys("<C-n>").await;
        scene.editor.until("vim.fn.getline(1) == ''").await;
        scene.editor.assert_calm().await;
    }

    async fn what_waits_is_seen_edited_and_taken_back(scene) {
        scene.session("aaaaaaaaaa", "fix", "running");
        let waiting = |id: &str, text: &str| json!({ "id": id, "session": "aaaaaaaaaa", "text": text, "queued_at": 1 });
        scene.fake.set("aaaaaaaaaa", json!({ "queue": [waiting("p1", "first\u{1b} 100%"), waiting("p2", "second")] }));
        open(&scene, "Divisi ask fix my own words").await;
        scene.editor.until("vim.wo.winbar:find('2 waiting: first␛ 100%%%%')").await;
        scene.editor.will_choose(&["edit: second"]).await;
        scene.editor.keys("Q").await;
        scene.editor.until("vim.fn.getline(1) == 'second'").await;
        scene.editor.keys("A, changed<Esc><CR>").await;
        let sent = called(&scene, "prompt/edit").await;
        assert_eq!((&sent["prompt"], &sent["text"]), (&json!("p2"), &json!("second, changed")));
        scene.editor.until("vim.fn.getline(1) == 'my own words '").await;
        scene.editor.will_choose(&["take back: first"]).await;
        scene.editor.keys("Q").await;
        assert_eq!(called(&scene, "prompt/cancel").await["prompt"], "p1");
        scene.editor.assert_calm().await;
    }

    async fn a_new_session_is_written_in_a_prompt_too(scene) {
        scene.editor.ex("edit src/a.lua").await;
        scene.editor.ex("2Divisi new --agent acp").await;
        scene.editor.until("vim.api.nvim_get_mode().mode == 'i'").await;
        scene.editor.keys("why<Esc>").await;
        scene.editor.shows("divisi://new", "why").await;
        scene.editor.keys("<CR>").await;
        let sent = called(&scene, "session/create").await;
        assert_eq!((&sent["agent"], &sent["prompt"]), (&json!("acp"), &json!("`src/a.lua:2` why\n\nsrc/a.lua:2\n```lua\nlocal b = 2\n```")));
        assert_eq!(sent["repository"], scene.repository().join("src").display().to_string());
        scene.editor.assert_calm().await;
    }

    async fn it_stands_below_its_transcript_and_leaves_the_rest_alone(scene) {
        scene.session("aaaaaaaaaa", "fix", "running");
        scene.editor.ex("edit src/a.lua").await;
        scene.editor.ex("Divisi show fix").await;
        scene.editor.until("vim.bo.filetype == 'divisi-transcript'").await;
        scene.editor.keys("i").await;
        scene.editor.until("vim.bo.filetype == 'divisi-prompt'").await;
        let layout = scene.editor.lua("local function names(node) if node[1] == 'leaf' then return vim.bo[vim.api.nvim_win_get_buf(node[2])].filetype end return vim.tbl_map(names, node[2]) end return names(vim.fn.winlayout())").await;
        assert_eq!(layout, json!(["lua", ["divisi-transcript", "divisi-prompt"]]));
        scene.editor.keys("<Esc>q").await;
        scene.editor.until("vim.bo.filetype == 'divisi-transcript'").await;
        assert_eq!(scene.editor.lua("return #vim.api.nvim_list_wins()").await, 2);
        scene.editor.assert_calm().await;
    }
}
