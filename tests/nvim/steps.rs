//! Timelines and comparisons in Neovim, against the real daemon.

use serde_json::json;

use super::editor::{wait_until, write};
use super::real::everywhere;

const TIMELINE: &str = "divisi://timeline/one";
const COMPARE: &str = "divisi://compare/one,two";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_timeline_compares_goes_back_and_grows_another_session() {
    everywhere(async |real, _| {
        let (editor, scene) = (&real.editor, &real.scene);
        scene.shell("one", "echo one > a.txt").ok();
        scene.divisi(&["send", "one", "--wait", "echo two > a.txt"]).ok();
        editor.ex("edit lines.txt").await;
        editor.ex("Divisi timeline one").await;
        editor.shows(TIMELINE, "● t2").await;
        assert_eq!(editor.lines(TIMELINE).await, ["● t2     echo two > a.txt", "  t1     echo one > a.txt", "  start  from main"]);
        // The diff of a step, and since one.
        editor.keys("D").await;
        editor.shows("divisi://patch/one/t1..t2", "-one\n+two").await;
        editor.keys("q").await;
        editor.until("vim.bo.filetype == 'divisi-timeline'").await;
        write(&scene.worktree("one").join("late.txt"), "by hand\n");
        editor.keys("jd").await;
        editor.shows("divisi://patch/one/t1..now", "+by hand").await;
        editor.keys("q").await;
        // Unsaved text in the worktree is not run over.
        let file = scene.worktree("one").join("a.txt").display().to_string();
        editor.until("vim.bo.filetype == 'divisi-timeline'").await;
        editor.lua(&format!("_G.buf = vim.fn.bufadd({file:?}) vim.fn.bufload(_G.buf) vim.api.nvim_buf_set_lines(_G.buf, 0, -1, false, {{ 'mine' }})")).await;
        editor.keys("u").await;
        editor.until("_G.told('unsaved here first: a.txt')").await;
        editor.lua("vim.api.nvim_buf_call(_G.buf, function() vim.cmd('silent edit!') end)").await;
        editor.will_choose(&["Bring the files back", "cat a.txt > b.txt"]).await;
        editor.keys("u").await;
        editor.shows(TIMELINE, "● c2     back to t1").await;
        assert_eq!(scene.read("one", "a.txt"), "one\n");
        editor.until("vim.api.nvim_buf_get_lines(_G.buf, 0, -1, false)[1] == 'one'").await;
        assert_eq!(scene.divisi(&["diff", "one", "--name-only", "--from", "c2", "--to", "c1"]).ok().stdout, "a.txt\nlate.txt\n");
        // Another session from the first checkpoint.
        editor.keys("/t1     echo<CR>f").await;
        editor.until("_G.told('started')").await;
        editor.until("#require('divisi').sessions() == 2").await;
        let fork = editor.lua("return vim.iter(require('divisi').sessions()):find(function(r) return r.name ~= 'one' end).name").await;
        let fork = fork.as_str().unwrap().to_owned();
        real.state(&fork, "review").await;
        assert_eq!(scene.read(&fork, "b.txt"), "one\n");
        editor.assert_calm().await;
        scene.discard(&["one", &fork]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_comparison_picks_from_several_and_says_what_conflicts() {
    everywhere(async |real, _| {
        let (editor, scene) = (&real.editor, &real.scene);
        scene.shell("one", "sed -i 's/line 2$/LINE 2/' lines.txt; echo one > one.txt").ok();
        scene.shell("two", "sed -i 's/line 2$/other 2/; s/line 12$/LINE 12/' lines.txt").ok();
        editor.ex("edit lines.txt").await;
        editor.ex("Divisi compare one two").await;
        editor.shows(COMPARE, "+other 2").await;
        let lines = editor.lines(COMPARE).await;
        assert!(lines[0].starts_with("1  one") && lines[0].contains("review · 2 files +2 −1 · 1 turn"), "{lines:?}");
        assert_eq!(lines[3], "lines.txt   1: M +1 −1   2: M +2 −2");
        // The file, three ways.
        editor.keys("4G<CR>").await;
        editor.until("#vim.api.nvim_list_tabpages() == 2 and #vim.api.nvim_tabpage_list_wins(0) == 3").await;
        let second = editor.lua("return vim.tbl_map(function(w) return { vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(w), 1, 2, false)[1], vim.wo[w].diff } end, vim.api.nvim_tabpage_list_wins(0))").await;
        assert_eq!(second, json!([["line 2", true], ["LINE 2", true], ["other 2", true]]));
        editor.ex("tabclose").await;
        // Both whole: they conflict, and nothing is made.
        editor.until("vim.bo.filetype == 'divisi-compare'").await;
        editor.will_choose(&["", ""]).await;
        editor.keys("ggxjxc").await;
        editor.until("_G.told('conflicts with what was taken before it in lines.txt')").await;
        // One hunk of the second, on a line of it, and the first's new file.
        editor.keys("ggxjx/LINE 12<CR>x/^one.txt<CR>1x").await;
        editor.lua("vim.ui.input = function(_, done) done('best') end").await;
        editor.keys("c").await;
        editor.until("_G.told('best holds what you picked')").await;
        wait_until("the worktree is there", || scene.repo.join(".worktrees/best/one.txt").exists()).await;
        real.state("best", "review").await;
        let made = scene.read("best", "lines.txt");
        assert!(made.contains("\nline 2\n") && made.contains("LINE 12"), "{made}");
        editor.assert_calm().await;
        scene.discard(&["one", "two", "best"]);
    })
    .await;
}
