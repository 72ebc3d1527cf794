//! Colours, borders and characters: light and dark, with 'winborder', on a small screen, in every font.

use std::path::Path;

use serde_json::json;

use super::in_every_neovim;
use super::views::close_all;

/// Groups whose text cannot be told from what is behind it, with the ratio of their luminances.
const UNREADABLE: &str = "(function()
    local function luminance(colour)
      local function part(value) value = value / 255 return value <= 0.03928 and value / 12.92 or ((value + 0.055) / 1.055) ^ 2.4 end
      return 0.2126 * part(bit.rshift(colour, 16)) + 0.7152 * part(bit.band(bit.rshift(colour, 8), 255)) + 0.0722 * part(bit.band(colour, 255))
    end
    local found = {}
    local normal = vim.api.nvim_get_hl(0, { name = 'Normal', link = false })
    local dark = vim.o.background == 'dark'
    for name in pairs(require('divisi.ui.highlight').links) do
      local hl = vim.api.nvim_get_hl(0, { name = name, link = false })
      local fg, bg = hl.fg or normal.fg or (dark and 0xffffff or 0), hl.bg or normal.bg or (dark and 0 or 0xffffff)
      if hl.reverse then fg, bg = bg, fg end
      local one, other = luminance(fg), luminance(bg)
      local ratio = (math.max(one, other) + 0.05) / (math.min(one, other) + 0.05)
      if ratio < 2 then table.insert(found, ('%s %.2f'):format(name, ratio)) end
      if vim.tbl_isempty(vim.api.nvim_get_hl(0, { name = name })) then table.insert(found, name .. ' is not defined') end
    end
    return found
  end)()";

in_every_neovim! {
    async fn every_group_is_a_link_that_can_be_read_light_and_dark_and_after_another_colour_scheme(scene) {
        scene.session("aaaaaaaaaa", "fix", "review");
        scene.editor.ex("set termguicolors").await;
        scene.editor.ex("Divisi list").await;
        scene.editor.shows("divisi://sessions", "fix").await;
        scene.editor.ex("highlight DivisiFailed guifg=#ff8800").await;
        let schemes =
            [("default", "dark"), ("default", "light"), ("evening", "dark"), ("quiet", "dark"), ("default", "dark")];
        for (scheme, background) in schemes {
            scene.editor.ex(&format!("set background={background}")).await;
            scene.editor.ex(&format!("colorscheme {scheme}")).await;
            assert_eq!(scene.editor.lua("return vim.o.background").await, background, "{scheme}");
            assert_eq!(scene.editor.lua(&format!("return {UNREADABLE}")).await, json!([]), "{scheme} {background}");
            assert_eq!(scene.editor.lua("return vim.api.nvim_get_hl(0, { name = 'DivisiReview' }).link").await, "DiagnosticInfo");
        }
        // A person's own comes before ours, and a colour scheme's before both.
        scene.editor.lua("vim.api.nvim_create_autocmd('ColorScheme', { callback = function() vim.api.nvim_set_hl(0, 'DivisiFailed', { fg = 0xff8800 }) end })").await;
        scene.editor.ex("colorscheme evening").await;
        assert_eq!(scene.editor.lua("return vim.api.nvim_get_hl(0, { name = 'DivisiFailed' }).fg").await, 0xff_8800);
        scene.editor.assert_calm().await;
    }

    async fn floats_are_on_the_screen_whatever_border_they_have(scene) {
        let editor = &scene.editor;
        if editor.lua("return vim.fn.exists('+winborder')").await == 0 {
            return;
        }
        editor.nvim.ui_try_resize(60, 20).await.unwrap();
        editor.until("vim.o.columns == 60 and vim.o.lines == 20").await;
        scene.session("aaaaaaaaaa", "a-session-with-quite-a-long-name", "running");
        scene.fake.turn("aaaaaaaaaa", 1, "look");
        let call = json!({ "id": "c", "title": "Edit src/a.lua", "kind": "edit", "status": "completed", "diffs": [{ "path": "src/a.lua", "new_text": "x\n".repeat(60) }] });
        scene.fake.emit("aaaaaaaaaa", "agent.tool", json!({ "turn": "aaaaaaaaaa.t1", "call": call }));
        editor.attach().await;
        for border in ["rounded", "double", "none", ""] {
            editor.ex(&format!("set winborder={border}")).await;
            scene.fake.ask(&format!("ap-{border}"), "aaaaaaaaaa", &"a command that is long ".repeat(9));
            let float = "vim.iter(vim.api.nvim_list_wins()):find(function(w) return vim.api.nvim_win_get_config(w).relative ~= '' end)";
            let fits = "(function() local out = {}
                for _, win in ipairs(vim.api.nvim_list_wins()) do
                  local config, position = vim.api.nvim_win_get_config(win), vim.api.nvim_win_get_position(win)
                  if config.relative ~= '' then
                    local edge = type(config.border) == 'table' and config.border[1] ~= '' and 2 or 0
                    if position[1] < 0 or position[2] < 0 or position[1] + config.height + edge > vim.o.lines or position[2] + config.width + edge > vim.o.columns then
                      table.insert(out, vim.inspect({ position, config }))
                    end
                  end
                end
                return out end)()";
            // The small one that nobody asked for, one over everything, one with all of a tool call; and the help over each.
            for open in ["", "Divisi list --float", "Divisi show a-session-with-quite-a-long-name"] {
                if !open.is_empty() {
                    editor.ex(open).await;
                }
                if open.contains("show") {
                    editor.shows("divisi://session/a-session-with-quite-a-long-name", "Edit src/a.lua").await;
                    editor.lua("vim.fn.search('Edit src/a.lua')").await;
                    editor.keys("K").await;
                    editor.until("vim.api.nvim_win_get_config(0).relative ~= ''").await;
                }
                editor.until(&format!("{float} ~= nil")).await;
                assert_eq!(editor.lua(&format!("return {fits}")).await, json!([]), "{open} with {border:?}");
                if open.contains("float") {
                    editor.keys("g?").await;
                    editor.until("vim.api.nvim_buf_get_lines(0, 0, -1, false)[1]:find('transcript') ~= nil or vim.api.nvim_buf_line_count(0) > 10").await;
                    assert_eq!(editor.lua(&format!("return {fits}")).await, json!([]), "help over {open} with {border:?}");
                }
                close_all(editor).await;
                if open.is_empty() {
                    // Closed by the person it comes back with the next approval only.
                    scene.fake.answer(&format!("ap-{border}"), "once", "cli");
                    editor.until("#require('divisi.mirror').approvals == 0").await;
                }
            }
        }
        editor.assert_calm().await;
    }
}

/// Whether a character is only in patched fonts: the private use areas, which such fonts fill.
fn is_private(character: char) -> bool {
    matches!(character, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}')
}

#[test]
fn no_character_needs_a_patched_font() {
    fn look(path: &Path, found: &mut Vec<String>) {
        if path.is_dir() {
            for entry in std::fs::read_dir(path).unwrap().flatten() {
                look(&entry.path(), found);
            }
        } else if let Ok(text) = std::fs::read_to_string(path)
            && text.chars().any(is_private)
        {
            found.push(path.display().to_string());
        }
    }
    assert!(is_private('\u{f015}') && !is_private('◆'));
    let mut found = Vec::new();
    for place in ["lua", "plugin", "src/nvim", "src/wire/transcript", "tests/nvim/screens"] {
        look(&Path::new(env!("CARGO_MANIFEST_DIR")).join(place), &mut found);
    }
    assert!(found.is_empty(), "{found:?}");
}
