//! What pickers get to show: the lines and the previews, drawn by one that stands for all that know `preview_item`.

use serde_json::json;

use super::in_every_neovim;
use super::views::{PLAIN, SIZES, close_all, looks, size};

/// A `vim.ui.select` with the items on the left and the preview of the first on the right, in floats.
const SELECT: &str = "vim.ui.select = function(items, opts, done)
      local width, height = math.floor(vim.o.columns / 2) - 2, vim.o.lines - 4
      local function float(buf, col, title)
        return vim.api.nvim_open_win(buf, false, { relative = 'editor', row = 0, col = col, width = width, height = height, style = 'minimal', border = 'single', title = title })
      end
      local list = vim.api.nvim_create_buf(false, true)
      vim.api.nvim_buf_set_lines(list, 0, -1, false, vim.tbl_map(opts.format_item, items))
      vim.wo[float(list, 0, opts.prompt)].wrap = false
      vim.wo[float(opts.preview_item(items[1]).buf, width + 2, opts.kind)].wrap = false
      _G.done = done
    end";

in_every_neovim! {
    async fn a_picker_shows_lines_and_a_preview(scene) {
        let editor = &scene.editor;
        editor.lua(PLAIN).await;
        editor.lua(SELECT).await;
        editor.lua("require('divisi').setup({ picker = 'select', float = false, progress = false })").await;
        scene.session("aaaaaaaaaa", "parser", "running");
        scene.session("bbbbbbbbbb", "docs", "review");
        scene.session("cccccccccc", "session-with-a-long-name", "failed");
        scene.fake.set("aaaaaaaaaa", json!({ "activity": "Edit src/parse.rs", "said": "I begin with the tests." }));
        scene.fake.set("cccccccccc", json!({ "reason": "exit 3", "said": "It does not compile." }));
        editor.attach().await;
        for wanted in SIZES {
            size(editor, wanted).await;
            editor.ex("Divisi pick sessions").await;
            editor.until("_G.done ~= nil").await;
            looks(editor, "pick", &[]).await;
            close_all(editor).await;
            editor.lua("_G.done(nil) _G.done = nil").await;
        }
        editor.assert_calm().await;
    }
}
