//! Transcripts.

use serde_json::json;

use super::editor::wait_until;
use super::in_every_neovim;

const BUFFER: &str = "divisi://session/fix";

in_every_neovim! {
    async fn history_and_what_follows_are_one_text(scene) {
        scene.session("aaaaaaaaaa", "fix", "running");
        scene.fake.turn("aaaaaaaaaa", 1, "make it work");
        scene.fake.say("aaaaaaaaaa", "I look ");
        scene.editor.ex("Divisi show fix").await;
        scene.editor.shows(BUFFER, "I look").await;
        scene.fake.say("aaaaaaaaaa", "at it.\nDone");
        let call = |status: &str| json!({ "turn": "aaaaaaaaaa.t1", "call": { "id": "c", "title": "Write a", "kind": "edit", "status": status } });
        scene.fake.emit("aaaaaaaaaa", "agent.tool", call("in_progress"));
        scene.fake.say("aaaaaaaaaa", "after");
        scene.fake.emit("aaaaaaaaaa", "agent.tool", call("completed"));
        scene.editor.shows(BUFFER, "- ✓ **edit** Write a").await;
        assert_eq!(scene.editor.said(BUFFER).await, ["## Turn 1", "make it work", "---", "I look at it.", "Done", "- ✓ **edit** Write a", "after"]);
        assert_eq!(scene.editor.lua("return { vim.bo.filetype, vim.bo.buftype, vim.bo.modifiable }").await, json!(["divisi-transcript", "nofile", false]));
        scene.editor.assert_calm().await;
    }

    async fn it_follows_only_when_the_cursor_is_at_the_end(scene) {
        scene.session("aaaaaaaaaa", "fix", "running");
        scene.fake.turn("aaaaaaaaaa", 1, "count");
        scene.editor.ex("Divisi show fix").await;
        scene.editor.shows(BUFFER, "count").await;
        for n in 0..100 {
            scene.fake.say("aaaaaaaaaa", &format!("line {n}\n"));
        }
        scene.editor.shows(BUFFER, "line 99").await;
        scene.editor.until("vim.fn.line('.') == vim.fn.line('$')").await;
        scene.editor.keys("10G").await;
        scene.editor.until("vim.fn.line('.') == 10").await;
        let top = scene.editor.lua("return vim.fn.line('w0')").await;
        for n in 100..200 {
            scene.fake.say("aaaaaaaaaa", &format!("line {n}\n"));
        }
        scene.editor.shows(BUFFER, "line 199").await;
        assert_eq!(scene.editor.lua("return { vim.fn.line('.'), vim.fn.line('w0') }").await, json!([10, top]));
        scene.editor.keys("G").await;
        scene.fake.say("aaaaaaaaaa", "line 200\n");
        scene.editor.shows(BUFFER, "line 200").await;
        scene.editor.until("vim.fn.line('.') == vim.fn.line('$')").await;
    }

    async fn control_characters_do_nothing_but_show(scene) {
        scene.session("aaaaaaaaaa", "fix", "running");
        scene.fake.turn("aaaaaaaaaa", 1, "evil\u{1b}[2J");
        scene.fake.say("aaaaaaaaaa", "a\u{1b}]52;c;AAAA\u{7}b\rc\u{0}d\u{9b}e\n");
        scene.editor.ex("Divisi show fix").await;
        scene.editor.shows(BUFFER, "␛]52;c;AAAA␇b␍c␀d<U+009B>e").await;
        scene.editor.shows(BUFFER, "evil␛[2J").await;
        scene.editor.assert_calm().await;
    }

    async fn turns_fold_and_can_be_walked(scene) {
        scene.session("aaaaaaaaaa", "fix", "running");
        for turn in 1..=3 {
            scene.fake.turn("aaaaaaaaaa", turn, &format!("task {turn}"));
            scene.fake.say("aaaaaaaaaa", "one\ntwo\nthree\n");
        }
        scene.editor.ex("Divisi show fix").await;
        scene.editor.shows(BUFFER, "task 3").await;
        scene.editor.keys("gg]]").await;
        scene.editor.until("vim.fn.getline('.') == '## Turn 2'").await;
        scene.editor.keys("]][[[[").await;
        scene.editor.until("vim.fn.getline('.') == '## Turn 1'").await;
        scene.editor.until("vim.fn.foldlevel(2) == 1 and vim.fn.foldclosed(2) == -1").await;
        scene.editor.keys("zc").await;
        scene.editor.until("vim.fn.foldclosed(2) == 1 and vim.fn.foldclosed(vim.fn.search('Turn 2', 'n')) == -1").await;
        scene.editor.assert_calm().await;
    }

    async fn a_path_is_opened_in_the_worktree(scene) {
        scene.session("aaaaaaaaaa", "fix", "running");
        scene.fake.turn("aaaaaaaaaa", 1, "look");
        scene.fake.say("aaaaaaaaaa", "src/a.lua\n");
        scene.editor.ex("Divisi show fix").await;
        scene.editor.shows(BUFFER, "src/a.lua").await;
        scene.editor.keys("/src<CR>gf").await;
        let path = scene.worktree("fix").join("src/a.lua");
        scene.editor.until(&format!("vim.api.nvim_buf_get_name(0) == {:?}", path.display().to_string())).await;
    }

    async fn by_its_name_it_opens_before_there_is_a_connection(scene) {
        scene.session("aaaaaaaaaa", "fix", "running");
        scene.fake.turn("aaaaaaaaaa", 1, "look");
        scene.editor.ex("edit divisi://session/fix").await;
        scene.editor.shows(BUFFER, "look").await;
        assert_eq!(scene.editor.lua("return vim.bo.filetype").await, "divisi-transcript");
        scene.editor.ex("Divisi show fix").await;
        scene.editor.until("#vim.api.nvim_list_wins() == 1 and vim.b.divisi_session == 'aaaaaaaaaa'").await;
        scene.editor.assert_calm().await;
    }

    async fn it_is_highlighted_as_markdown_by_one_means(scene) {
        scene.session("aaaaaaaaaa", "fix", "running");
        scene.fake.turn("aaaaaaaaaa", 1, "look");
        scene.editor.ex("Divisi show fix").await;
        scene.editor.shows(BUFFER, "look").await;
        // While the agent talks the parser would read all of it at every change.
        assert_eq!(scene.editor.lua("return vim.treesitter.highlighter.active[vim.api.nvim_get_current_buf()] == nil").await, true);
        scene.fake.set("aaaaaaaaaa", json!({ "state": "review", "updated_at": 9 }));
        scene.fake.emit("aaaaaaaaaa", "agent.plan", json!({ "entries": [] }));
        scene.editor.until("vim.treesitter.highlighter.active[vim.api.nvim_get_current_buf()] ~= nil or vim.fn.has('nvim-0.11') == 0").await;
        let means = scene.editor.lua("return { vim.treesitter.highlighter.active[vim.api.nvim_get_current_buf()] ~= nil, vim.b.current_syntax == 'divisi-transcript', vim.fn.has('nvim-0.11') == 1 }").await;
        assert_eq!((&means[0], &means[1]), (&means[2], &json!(!means[2].as_bool().unwrap())));
    }

    async fn a_wiped_buffer_can_be_opened_again(scene) {
        scene.session("aaaaaaaaaa", "fix", "running");
        scene.fake.turn("aaaaaaaaaa", 1, "look");
        scene.editor.ex("Divisi show fix").await;
        scene.editor.shows(BUFFER, "look").await;
        scene.editor.ex("bwipeout").await;
        scene.fake.say("aaaaaaaaaa", "while nobody looked\n");
        scene.editor.ex("Divisi show fix").await;
        scene.editor.shows(BUFFER, "while nobody looked").await;
        // A second window shows the same, once.
        scene.editor.ex("edit divisi://session/fix").await;
        scene.fake.say("aaaaaaaaaa", "and on");
        scene.editor.shows(BUFFER, "and on").await;
        let lines = scene.editor.lines(BUFFER).await;
        assert_eq!(lines.iter().filter(|line| line.contains("while nobody")).count(), 1, "{lines:?}");
        scene.editor.assert_calm().await;
    }

    async fn an_unread_session_counts_as_read_once_it_is_shown(scene) {
        scene.session("aaaaaaaaaa", "fix", "review");
        scene.fake.set("aaaaaaaaaa", json!({ "unread": true }));
        scene.editor.ex("Divisi show fix").await;
        scene.editor.until("vim.b.divisi_session == 'aaaaaaaaaa'").await;
        wait_until("session/read", || scene.fake.called("session/read").len() == 1).await;
        // What happens while somebody is there is read at once, and what happens elsewhere is not.
        scene.fake.set("aaaaaaaaaa", json!({ "state": "failed" }));
        scene.fake.emit("aaaaaaaaaa", "agent.plan", json!({ "entries": [] }));
        wait_until("session/read", || scene.fake.called("session/read").len() == 2).await;
        scene.editor.ex("wincmd p").await;
        scene.fake.set("aaaaaaaaaa", json!({ "state": "completed" }));
        scene.fake.emit("aaaaaaaaaa", "agent.plan", json!({ "entries": [] }));
        scene.editor.until("require('divisi.mirror').sessions.aaaaaaaaaa.state == 'completed'").await;
        assert_eq!(scene.fake.called("session/read").len(), 2);
        scene.editor.ex("wincmd p").await;
        wait_until("session/read", || scene.fake.called("session/read").len() == 3).await;
    }

    async fn what_a_tool_did_is_folded_and_what_failed_is_not(scene) {
        scene.session("aaaaaaaaaa", "fix", "running");
        scene.fake.turn("aaaaaaaaaa", 1, "change it");
        let call = |id: &str, status: &str| json!({ "turn": "aaaaaaaaaa.t1", "call": {
            "id": id, "title": format!("Write {id}"), "kind": "edit", "status": status, "input": { "path": id, "evil": "\u{1b}[2J" },
            "diffs": [{ "path": "src/a.lua", "old_text": "one\ntwo\n", "new_text": "one\n2\n" }],
        } });
        scene.fake.emit("aaaaaaaaaa", "agent.tool", call("good", "completed"));
        scene.fake.emit("aaaaaaaaaa", "agent.tool", call("bad", "failed"));
        scene.editor.ex("Divisi show fix").await;
        scene.editor.shows(BUFFER, "Write bad").await;
        let body = ["changes src/a.lua +1 −1", "@@ -1 +1 @@", " one", "-two", "+2"];
        let lines = scene.editor.said(BUFFER).await;
        let below = |sign: &str| body.map(|line| format!("  {sign} {line}")).to_vec();
        assert_eq!(lines[3..], [vec!["- ✓ **edit** Write good".to_owned()], below("│"), vec!["- ✗ **edit** Write bad".to_owned()], below("┃")].concat());
        scene.editor.until("vim.fn.foldclosed(vim.fn.search('│ -two', 'nw')) > 0 and vim.fn.foldclosed(vim.fn.search('┃ -two', 'nw')) == -1").await;
        // All of it, from its line or from below it.
        scene.editor.keys("gg/┃ -two<CR>K").await;
        let page = "vim.api.nvim_win_get_config(0).relative ~= '' and table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n')";
        scene.editor.until(page).await;
        let shown = scene.editor.lua(&format!("return {page}")).await;
        let shown = shown.as_str().unwrap();
        assert!(shown.starts_with("- ✗ **edit** Write bad\n\n## Arguments\n\n```json\n{"), "{shown}");
        assert!(shown.contains("\"path\": \"bad\"") && shown.contains("\n-two\n+2\n") && !shown.contains('\u{1b}'), "{shown}");
        scene.editor.keys("q").await;
        scene.editor.keys("ggK").await;
        scene.editor.until("_G.told('no tool call here')").await;
        scene.editor.assert_calm().await;
    }

    async fn what_came_before_is_read_when_somebody_goes_there(scene) {
        scene.session("aaaaaaaaaa", "fix", "running");
        for turn in 1..=30 {
            scene.fake.turn("aaaaaaaaaa", turn, &format!("task {turn}"));
            for n in 0..99 {
                scene.fake.say("aaaaaaaaaa", &format!("said {turn}.{n}\n"));
            }
        }
        scene.editor.ex("Divisi show fix").await;
        scene.editor.shows(BUFFER, "said 30.98").await;
        let first = scene.editor.lines(BUFFER).await[0].clone();
        assert_eq!(first, "## Turn 11", "it begins with a turn, not with everything");
        scene.editor.keys("ggM").await;
        scene.editor.shows(BUFFER, "said 1.0").await;
        assert_eq!(scene.editor.lines(BUFFER).await[0], "## Turn 1");
        // The text somebody was reading did not move.
        scene.editor.until("vim.fn.getline('w0') == '## Turn 11'").await;
        assert_eq!(scene.fake.called("event/list").iter().filter(|params| params["last"].is_u64()).count(), 2);
        scene.editor.assert_calm().await;
    }

    async fn a_path_with_a_line_is_opened_there_and_an_outline_lists_turns(scene) {
        scene.session("aaaaaaaaaa", "fix", "running");
        scene.fake.turn("aaaaaaaaaa", 1, "look at it");
        scene.fake.say("aaaaaaaaaa", "Look: (`src/a.lua:3`), not src/none.lua:1.\n");
        scene.fake.turn("aaaaaaaaaa", 2, "and again");
        scene.editor.ex("Divisi show fix").await;
        scene.editor.shows(BUFFER, "and again").await;
        scene.editor.keys("gO").await;
        scene.editor.until("vim.bo.buftype == 'quickfix'").await;
        assert_eq!(scene.editor.lua("return vim.tbl_map(function(i) return i.text end, vim.fn.getloclist(0))").await, json!(["Turn 1: look at it", "Turn 2: and again"]));
        scene.editor.ex("lclose").await;
        scene.editor.until("vim.bo.filetype == 'divisi-transcript'").await;
        scene.editor.keys("gg/none<CR>gf").await;
        scene.editor.until("_G.told('no file of the worktree')").await;
        scene.editor.keys("gg/a.lua<CR><CR>").await;
        let path = scene.worktree("fix").join("src/a.lua");
        scene.editor.until(&format!("vim.api.nvim_buf_get_name(0) == {:?} and vim.fn.line('.') == 3", path.display().to_string())).await;
        scene.editor.assert_calm().await;
    }

    async fn a_turn_shows_what_it_took_and_the_window_how_the_session_stands(scene) {
        scene.session("aaaaaaaaaa", "fix", "running");
        scene.fake.turn("aaaaaaaaaa", 1, "look");
        scene.fake.set("aaaaaaaaaa", json!({ "policy": "hold", "model": "m%{1}" }));
        scene.editor.ex("Divisi show fix").await;
        scene.editor.shows(BUFFER, "look").await;
        let usage = json!({ "scope": "turn", "source": "reported", "input": 12_000, "output": 345 });
        scene.fake.emit("aaaaaaaaaa", "usage.reported", json!({ "turn": "aaaaaaaaaa.t1", "usage": usage }));
        scene.fake.emit("aaaaaaaaaa", "turn.stopped", json!({ "turn": "aaaaaaaaaa.t1", "outcome": "done", "stop_reason": "end_turn" }));
        scene.editor.shows(BUFFER, "turn 1 done").await;
        let mark = scene.editor.lua("local ns = vim.api.nvim_get_namespaces()['divisi.transcript.turns'] local m = vim.api.nvim_buf_get_extmarks(0, ns, 0, -1, { details = true })[1] return { vim.fn.getline(m[2] + 1), m[4].virt_text[1][1] }").await;
        assert_eq!(mark, json!(["## Turn 1", "12k→345 tokens · 0s"]));
        scene.editor.until("vim.wo.winbar:find('gate hold', 1, true) and vim.wo.winbar:find('m%%{1}', 1, true)").await;
        scene.editor.assert_calm().await;
    }
}
