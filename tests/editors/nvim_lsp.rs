//! Neovim with `vim.lsp.enable("divisi")`: without the plugin, and with it.

use std::path::Path;

use serde_json::json;
use tokio::process::Command;
use tokio::time::timeout;

use super::stage::{SCRIPT, scene};
use crate::nvim::editor::{Editor, OUTER};
use crate::sessions::scene::Scene;
use crate::support::{NvimEnd, nvim};

/// A Neovim on the scene's notes, with the language server.
pub(super) async fn open(scene: &mut Scene, program: &Path, plugin: bool) -> Editor {
    scene.env.tolerate("run/nvim.");
    let mut command = scene.env.command(program);
    command.arg("-n").current_dir(&scene.repo);
    if !plugin {
        command.args(["--cmd", "let g:loaded_divisi = 1"]);
    }
    let editor = Editor::launch(Command::from(command)).await;
    // Messages are kept, and shown as Neovim shows them: too much of them asks for a key.
    editor
        .lua(
            "vim.notify = function(text, level)
                table.insert(_G.notices, { text = text, level = level or 2 })
                vim.api.nvim_echo({ { text } }, true, {})
              end
              _G.of_divisi = function() return vim.lsp.get_clients({ name = 'divisi' })[1] end",
        )
        .await;
    editor.ex("edit notes.md").await;
    editor.lua("vim.lsp.enable('divisi')").await;
    editor.until("of_divisi() and of_divisi().initialized and vim.lsp.buf_is_attached(0, of_divisi().id)").await;
    editor
}

/// Chooses a code action at a line of the current buffer.
async fn choose(editor: &Editor, line: u32, title: &str) {
    editor.will_choose(&[title]).await;
    editor.ex(&format!("{line}")).await;
    editor.lua("vim.lsp.buf.code_action()").await;
    editor.until("#_G.asked == 1").await;
    let asked = editor.lua("return _G.asked[1].texts").await;
    assert_eq!(editor.lua("return #_G.answers").await, 0, "{asked}");
    assert!(asked.as_array().unwrap().iter().any(|text| text.as_str().unwrap().contains(title)), "{title:?}: {asked}");
}

/// A command of the language server.
async fn execute(editor: &Editor, command: &str, arguments: &str) {
    let code = format!("of_divisi():exec_cmd({{ title = '', command = {command:?}, arguments = {{ {arguments} }} }})");
    editor.lua(&code).await;
}

/// Nothing waits for a key, and nothing failed.
pub(super) async fn calm(editor: &Editor) {
    // Neovim's own file type plugin for Markdown takes mappings back that it did not make.
    editor.lua("if vim.v.errmsg:find('^E31:') then vim.v.errmsg = '' end").await;
    editor.assert_calm().await;
}

/// Ends the language server before its Neovim: one that is still there when the daemon is stopped looks for it.
pub(super) async fn leave(editor: Editor) {
    editor.lua("for _, client in ipairs(vim.lsp.get_clients()) do client:stop() end").await;
    editor.until("#vim.lsp.get_clients() == 0").await;
}

async fn in_time(test: impl Future<Output = ()>) {
    assert!(timeout(OUTER, test).await.is_ok(), "not finished in time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_started_answered_reviewed_and_landed_without_the_plugin() {
    let test = "editors::nvim_lsp::a_session_is_started_answered_reviewed_and_landed_without_the_plugin";
    let Some(program) = nvim(NvimEnd::New, test) else { return };
    in_time(async {
        let mut scene = scene();
        let editor = open(&mut scene, &program, false).await;
        assert_eq!(editor.lua("return vim.fn.exists(':Divisi')").await, 0, "the plugin is there");

        choose(&editor, 1, "divisi: new session").await;
        editor.until("vim.fn.expand('%:t') == 'prompt.md'").await;
        editor.keys(&format!("Go{}<Esc>", SCRIPT.join("<CR>"))).await;
        editor.until("vim.api.nvim_get_mode().mode == 'n' and vim.fn.line('$') >= 9").await;
        editor.ex("write").await;
        choose(&editor, 9, "Send this").await;
        editor.until("_G.told('script asks: make test')").await;

        // A diagnostic leads to the question.
        editor.until("vim.iter(vim.diagnostic.get()):any(function(d) return d.code == 'approval' end)").await;
        editor.lua("vim.diagnostic.setqflist({ open = false })").await;
        editor.ex("cfirst").await;
        editor.until("vim.fn.expand('%:t') == 'sessions.md'").await;
        editor.until("vim.lsp.buf_is_attached(0, of_divisi().id)").await;
        let line = editor.lua("return vim.fn.line('.')").await;
        choose(&editor, u32::try_from(line.as_u64().unwrap()).unwrap(), "Allow once: make test").await;
        editor.until("_G.told('script: to review')").await;

        editor.ex("buffer notes.md").await;
        editor.until("#vim.diagnostic.get(0) == 2").await;
        choose(&editor, 21, "Reject the hunk of script").await;
        editor.until("#vim.diagnostic.get(0) == 1").await;
        choose(&editor, 3, "Accept the hunk of script").await;
        editor.until("#vim.diagnostic.get(0) == 0").await;
        execute(&editor, "divisi.review", "'script'").await;
        editor.until("vim.fn.expand('%:t') == 'review-script.md'").await;
        editor.until("vim.fn.search('1 of 1 hunks decided', 'w') > 0").await;
        execute(&editor, "divisi.land", "").await;
        editor.until("_G.told('landing script: completed')").await;
        editor.ex("buffer notes.md").await;
        editor.ex("checktime").await;
        editor.until("vim.fn.getline(3) == 'zwei' and vim.fn.getline(21) == 'line 11'").await;
        assert_eq!(editor.lua("return vim.fn.getbufinfo({ bufmodified = 1 })").await, json!([]));
        assert_eq!(editor.lua("return #vim.lsp.get_clients()").await, 1);
        calm(&editor).await;
        scene.discard(&["script"]);
        leave(editor).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beside_the_plugin_nothing_is_there_twice() {
    let Some(program) = nvim(NvimEnd::New, "editors::nvim_lsp::beside_the_plugin_nothing_is_there_twice") else {
        return;
    };
    in_time(async {
        let mut scene = scene();
        let editor = open(&mut scene, &program, true).await;
        editor.attach().await;
        editor.lua("_G.progress = {} vim.api.nvim_create_autocmd('LspProgress', { callback = function(args) table.insert(_G.progress, args.data) end })").await;
        scene.scripted("twice", &SCRIPT[1..].join("\n"));
        editor.until("#require('divisi.mirror').approvals == 1").await;
        editor.until("vim.iter(vim.diagnostic.get()):any(function(d) return d.code == 'approval' end)").await;
        let approval = scene.wait_for_approval("twice");
        scene.divisi(&["answer", &approval, "once"]).ok();
        editor.until("#vim.diagnostic.get(0) == 2").await;
        editor.until("_G.told('twice review')").await;

        // Each thing once: the plugin told of it, the language server did not.
        let notices = editor.notices().await;
        assert!(!notices.iter().any(|text| text.contains("code action") || text.contains("twice: ")), "{notices:?}");
        assert_eq!(editor.lua("return _G.progress").await, json!([]), "the plugin shows it");
        let marks = editor
            .lua("local signs, ours = {}, {}
                for name, ns in pairs(vim.api.nvim_get_namespaces()) do
                  for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(0, ns, 0, -1, { details = true })) do
                    if mark[4].sign_text then table.insert(signs, mark[2] + 1) end
                    if name:find('^divisi') then table.insert(ours, name) end
                  end
                end
                table.sort(signs)
                return { signs, ours }")
            .await;
        assert_eq!(marks, json!([[3, 21], []]));
        editor.lua("vim.lsp.codelens.enable(true)").await;
        let over = "vim.tbl_map(function(l) return (l.lens or l).command.title end, vim.lsp.codelens.get({ bufnr = 0 }))";
        editor.until(&format!("#{over} > 0")).await;
        let lenses = editor.lua(&format!("local all = {over} table.sort(all) return all")).await;
        let both = ["accept (twice)", "accept (twice)", "reject", "reject", "twice: to review (+2 -2)"];
        assert_eq!(lenses, json!(both));

        // What it answers it says, in one line that waits for no key, however much there is.
        for _ in 0..3 {
            execute(&editor, "divisi.stop", &format!("'{}'", "no such session ".repeat(20))).await;
        }
        editor.until("_G.told('there is no session')").await;
        calm(&editor).await;
        scene.discard(&["twice"]);
        leave(editor).await;
    })
    .await;
}
