//! `:Divisi terminal`, with the real daemon and a real program on a terminal.

use super::real::{Real, everywhere};

/// Says how large it is, and what it hears.
const PROGRAM: &str = "stty -echo; echo ready; while read line; do echo heard $line; stty size; done";

/// True in Lua when the current buffer is a terminal that shows this.
fn shows(text: &str) -> String {
    format!(
        "vim.bo.buftype == 'terminal' and table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n'):find({text:?}, 1, true) ~= nil"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_is_attached_typed_on_closed_and_attached_again_without_the_program_noticing() {
    everywhere(async |real: Real, _| {
        let (editor, scene) = (&real.editor, &real.scene);
        editor.ex("edit lines.txt").await;
        editor.ex(&format!("Divisi new --name one --agent terminal {PROGRAM}")).await;
        real.state("one", "running").await;
        editor.ex("Divisi terminal one").await;
        editor.until(&shows("ready")).await;
        editor.until("#vim.api.nvim_list_tabpages() == 2").await;
        editor.keys("from the editor<CR>").await;
        editor.until(&shows("heard from the editor")).await;
        let size =
            editor.lua("return ('%d %d'):format(vim.api.nvim_win_get_height(0), vim.api.nvim_win_get_width(0))").await;
        editor.until(&shows(size.as_str().unwrap())).await;
        // Asked for again it is gone to, not opened twice.
        editor.keys("<C-\\><C-n>gt").await;
        editor.ex("Divisi terminal one").await;
        editor.until("vim.bo.buftype == 'terminal' and #vim.api.nvim_list_tabpages() == 2").await;
        editor.keys("<C-\\><C-n>:close<CR>").await;
        editor.until("#vim.api.nvim_list_tabpages() == 1 and vim.fn.expand('%:t') == 'lines.txt'").await;
        editor
            .until("vim.iter(vim.api.nvim_list_bufs()):all(function(b) return vim.bo[b].buftype ~= 'terminal' end)")
            .await;
        assert_eq!(scene.state("one"), "running");
        editor.ex("Divisi! terminal one").await;
        editor.until(&shows("heard from the editor")).await;
        editor.until("#vim.api.nvim_list_tabpages() == 1 and #vim.api.nvim_tabpage_list_wins(0) == 2").await;
        editor.keys("<C-\\><C-n>:close<CR>").await;
        editor.until("vim.bo.buftype == ''").await;
        scene.discard(&["one"]);
        editor.until("next(require('divisi.mirror').sessions) == nil").await;
    })
    .await;
}
