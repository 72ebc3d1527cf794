//! A layout as diff plugins make it, in every mode, while everything that agents do comes in: nothing of it is touched.

use serde_json::{Value, json};

use super::editor::{Scene, write};
use super::in_every_neovim;

/// Everything of the person's: all options, mappings, windows, buffers, lists, registers, and the screen.
const ALL: &str = "(function()
    local all = {}
    local function add(what, ...)
      local words = { what }
      for _, value in ipairs({ ... }) do table.insert(words, type(value) == 'string' and value or vim.inspect(value)) end
      table.insert(all, table.concat(words, ' '))
    end
    local infos = vim.api.nvim_get_all_options_info()
    for name, info in pairs(infos) do
      local ok, value = pcall(vim.api.nvim_get_option_value, name, { scope = 'global' })
      if ok then add('global', name, value) end
      if info.scope == 'win' then
        for _, win in ipairs(vim.api.nvim_list_wins()) do
          add('window', win, name, vim.api.nvim_get_option_value(name, { win = win }))
        end
      elseif info.scope == 'buf' then
        for _, buf in ipairs(vim.api.nvim_list_bufs()) do
          if vim.b[buf].theirs then add('buffer', buf, name, vim.api.nvim_get_option_value(name, { buf = buf })) end
        end
      end
    end
    for _, mode in ipairs({ 'n', 'i', 'x', 's', 'o', 'c', 't', 'l' }) do
      for _, map in ipairs(vim.api.nvim_get_keymap(mode)) do add('map', mode, map.lhs) end
      for _, buf in ipairs(vim.api.nvim_list_bufs()) do
        if vim.b[buf].theirs then
          for _, map in ipairs(vim.api.nvim_buf_get_keymap(buf, mode)) do add('bufmap', buf, mode, map.lhs) end
        end
      end
    end
    for _, buf in ipairs(vim.api.nvim_list_bufs()) do
      if vim.b[buf].theirs then
        if vim.bo[buf].buftype ~= 'terminal' then add('text', buf, vim.api.nvim_buf_get_changedtick(buf), vim.api.nvim_buf_get_lines(buf, 0, -1, false)) end
        for name, value in pairs(vim.fn.getbufvar(buf, '')) do if name ~= 'changedtick' then add('variable', buf, name, value) end end
      end
    end
    for _, tab in ipairs(vim.api.nvim_list_tabpages()) do
      add('layout', vim.fn.winlayout(vim.api.nvim_tabpage_get_number(tab)), vim.fn.getcwd(-1, vim.api.nvim_tabpage_get_number(tab)))
      for _, win in ipairs(vim.api.nvim_tabpage_list_wins(tab)) do
        add('shows', win, vim.api.nvim_win_get_buf(win), vim.api.nvim_win_get_cursor(win), vim.fn.getwininfo(win)[1].topline)
        add('place', vim.api.nvim_win_get_position(win), vim.api.nvim_win_get_width(win), vim.api.nvim_win_get_height(win))
        add('locations', win, vim.fn.getloclist(win, { all = 1 }))
      end
    end
    for number = 1, vim.fn.getqflist({ nr = '$' }).nr do add('quickfix', vim.fn.getqflist({ nr = number, all = 1 })) end
    for _, name in ipairs({ '\"', '0', '1', 'a', '/', ':', '.' }) do add('register', name, vim.fn.getreg(name)) end
    add('here', vim.api.nvim_get_mode(), vim.api.nvim_get_current_win(), vim.fn.getcmdline(), vim.fn.getcmdpos(), vim.fn.getcmdwintype(), vim.fn.mode(1))
    add('messages', vim.fn.execute('messages'))
    vim.cmd.redraw()
    for row = 1, vim.o.lines do
      local cells = {}
      for column = 1, vim.o.columns do cells[column] = vim.fn.screenstring(row, column) end
      add('screen', ('%02d'):format(row), table.concat(cells))
    end
    table.sort(all)
    return all
  end)()";

fn changes(before: &Value, after: &Value) -> Vec<String> {
    let only = |one: &Value, other: &Value, sign: char| {
        let others = other.as_array().unwrap();
        let items = one.as_array().unwrap().iter().filter(|item| !others.contains(item));
        items.map(|item| format!("{sign}{}", item.as_str().unwrap())).collect::<Vec<_>>()
    };
    [only(before, after, '-'), only(after, before, '+')].concat()
}

/// All of it, once Neovim itself changes nothing any more: terminals are drawn some time after their window changed.
async fn settled(scene: &Scene) -> Value {
    let look = format!("vim.wait(20, function() return false end) return {ALL}");
    let mut seen = scene.editor.lua(&look).await;
    for _ in 0..50 {
        let again = scene.editor.lua(&look).await;
        if again == seen {
            break;
        }
        seen = again;
    }
    seen
}

/// Two windows in diff mode, a quickfix list and a location list that are open, a terminal, a float, and a tab beside.
async fn layout(scene: &Scene) {
    let editor = &scene.editor;
    editor.lua("vim.g.divisi = { float = false, progress = false } vim.o.ruler = false").await;
    scene.session("aaaaaaaaaa", "fix", "running");
    scene.session("bbbbbbbbbb", "other", "running");
    scene.fake.turn("aaaaaaaaaa", 1, "look");
    editor.attach().await;
    editor.ex("edit src/a.lua").await;
    editor.ex("diffthis | leftabove vnew | setlocal buftype=nofile bufhidden=wipe | call setline(1, ['local a = 2', 'local b = 2', 'return a']) | file plugin://base/a.lua | diffthis | wincmd p").await;
    editor.ex("vimgrep /local/ src/*.lua | vimgrep /return/ src/*.lua | colder | copen | wincmd p | lvimgrep /local/ src/*.lua | lopen | wincmd p").await;
    editor.ex("botright split | terminal cat").await;
    editor.lua("vim.api.nvim_open_win(vim.api.nvim_create_buf(false, true), false, { relative = 'editor', row = 1, col = 60, width = 9, height = 2 })").await;
    editor.ex("tabnew src/only_here.lua | tabprevious").await;
    editor.lua("for _, win in ipairs(vim.api.nvim_list_wins()) do vim.b[vim.api.nvim_win_get_buf(win)].theirs = true
          if vim.bo[vim.api.nvim_win_get_buf(win)].buftype == '' and vim.wo[win].diff then vim.api.nvim_set_current_win(win) end end
        vim.fn.setreg('a', 'kept') vim.v.errmsg = ''").await;
    editor.until("vim.wo.diff and vim.fn.expand('%:t') == 'a.lua'").await;
}

/// Everything that agents do, once; waits until the plugin knows all of it.
async fn all_happens(scene: &Scene, number: usize) {
    let (fake, one, other) = (&scene.fake, "aaaaaaaaaa", "bbbbbbbbbb");
    for line in 0..50 {
        fake.say(one, &format!("said {number} {line}\n"));
    }
    let call = json!({ "id": format!("c{number}"), "title": "Edit src/a.lua", "kind": "edit", "status": "completed",
        "diffs": [{ "path": "src/a.lua", "new_text": "x\n" }] });
    fake.emit(one, "agent.tool", json!({ "turn": "aaaaaaaaaa.t1", "call": call }));
    write(&scene.worktree("fix").join("src/a.lua"), &format!("return {number}\n"));
    fake.set(one, json!({ "state": "review", "unread": true, "activity": format!("step {number}") }));
    fake.emit(one, "turn.ended", json!({ "turn": "aaaaaaaaaa.t1", "head": "x" }));
    fake.set(one, json!({ "state": "running" }));
    fake.emit(
        one,
        "turn.started",
        json!({ "turn": "aaaaaaaaaa.t2", "number": 2, "prompt": "p", "text": "on", "from": "a".repeat(40) }),
    );
    fake.set(other, json!({ "state": "failed", "reason": format!("exit {number}") }));
    fake.emit(other, "turn.ended", json!({ "turn": "bbbbbbbbbb.t1", "outcome": "failed", "head": "x" }));
    let (id, third) = (format!("ap{number}"), format!("cccccccc{number:02}"));
    fake.ask(&id, one, "make it");
    scene.session(&third, &format!("new-{number}"), "running");
    fake.emit(&third, "session.created", json!({}));
    let mirror = "require('divisi.mirror')";
    scene.editor.until(&format!("#{mirror}.approvals == 1 and {mirror}.find('new-{number}') ~= nil")).await;
    fake.answer(&id, "once", "cli");
    fake.forget(&third);
    fake.emit(&third, "session.removed", json!({ "checkout": "removed" }));
    fake.set(one, json!({ "activity": format!("end of {number}") }));
    fake.emit(one, "agent.plan", json!({ "entries": [] }));
    scene
        .editor
        .until(&format!("#{mirror}.approvals == 0 and {mirror}.find('new-{number}') == nil and {mirror}.find('fix').activity == 'end of {number}'"))
        .await;
}

in_every_neovim! {
    async fn in_every_mode_a_persons_layout_stays_to_the_last_cell(scene) {
        layout(&scene).await;
        let terminal = "<C-\\><C-n>:lua for _, w in ipairs(vim.api.nvim_tabpage_list_wins(0)) do if vim.bo[vim.api.nvim_win_get_buf(w)].buftype == 'terminal' then vim.api.nvim_set_current_win(w) end end<CR>i";
        let modes = [
            ("", "n"), ("ihello", "i"), ("<C-x><C-n>", "ic"), ("<C-e><Esc>u", "n"), ("R", "R"), ("<Esc>v", "v"), ("<Esc>Vj", "V"), ("<Esc><C-v>j", "\u{16}"),
            ("<Esc>gh", "s"), ("<Esc>\"ad", "no"), ("<Esc>d/loc", "c"), ("<Esc>:echo 'half a", "c"), ("<Esc>q:", "n"), (":q<CR>", "n"),
            (terminal, "t"), ("<C-\\><C-n>", "nt"), ("<C-w>ti<C-o>", "niI"),
        ];
        for (number, (keys, mode)) in modes.into_iter().enumerate() {
            scene.editor.keys(keys).await;
            let there = format!("vim.api.nvim_get_mode().mode == '{mode}'");
            scene.editor.until(if keys == "<Esc>q:" { "vim.fn.getcmdwintype() == ':'" } else { &there }).await;
            let before = settled(&scene).await;
            all_happens(&scene, number).await;
            let changed = changes(&before, &settled(&scene).await);
            assert!(changed.is_empty(), "after {keys:?}, in mode {mode:?}: {changed:#?}");
        }
        scene.editor.keys("<Esc><Esc>").await;
        scene.editor.until("vim.api.nvim_get_mode().mode == 'n'").await;
        scene.editor.assert_calm().await;
    }

    async fn what_agents_do_does_not_move_a_diff_of_a_worktree_either(scene) {
        scene.session("aaaaaaaaaa", "fix", "running");
        let tree = scene.worktree("fix");
        scene.editor.attach().await;
        scene.editor.ex(&format!("tabedit {} | diffsplit {}", scene.repository().join("src/a.lua").display(), tree.join("src/a.lua").display())).await;
        scene.editor.ex("wincmd p | 2").await;
        let shape = "return { vim.fn.winlayout(), vim.fn.winsaveview(), vim.api.nvim_get_current_win(), vim.tbl_map(function(w) return { w, vim.wo[w].diff, vim.wo[w].scrollbind, vim.wo[w].foldmethod } end, vim.api.nvim_tabpage_list_wins(0)) }";
        let before = scene.editor.lua(shape).await;
        write(&tree.join("src/a.lua"), "local a = 1\nlocal b = 2\nlocal c = 'longer than it was'\nreturn a + b\n");
        scene.fake.set("aaaaaaaaaa", json!({ "state": "review" }));
        scene.fake.emit("aaaaaaaaaa", "turn.ended", json!({ "turn": "aaaaaaaaaa.t1", "head": "x" }));
        // The worktree's side shows what is there now; the diff is of that.
        scene.editor.until(&format!("vim.fn.getbufline({:?}, 3)[1] == \"local c = 'longer than it was'\"", tree.join("src/a.lua").display().to_string())).await;
        assert_eq!(scene.editor.lua(shape).await, before);
        scene.editor.assert_calm().await;
    }
}
