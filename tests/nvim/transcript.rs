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
}
