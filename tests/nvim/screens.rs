//! Whole screens, as a person sees them: small ones, the bare editor, nothing but divisi.

use serde_json::json;

use super::editor::{Scene, wait_until};
use super::in_every_neovim;

/// What is on the screen now, line by line, without trailing spaces.
const SCREEN: &str = "vim.cmd.redraw()
    local lines = {}
    for row = 1, vim.o.lines do
      local cells = {}
      for column = 1, vim.o.columns do cells[column] = vim.fn.screenstring(row, column) end
      lines[row] = (table.concat(cells):gsub('%s+$', ''))
    end
    return (table.concat(lines, '\\n'):gsub('\\n+$', ''))";

async fn screen(scene: &Scene) -> String {
    scene.editor.lua(SCREEN).await.as_str().unwrap().to_owned()
}

/// Waits until the screen is this one.
async fn looks(scene: &Scene, expected: &str) {
    let expected = expected.trim_end_matches('\n');
    let expected = expected.to_owned();
    // In Neovim, so that each look is at a whole screen.
    let same = format!("(function() {SCREEN} end)() == {expected:?}");
    let wait = tokio::time::timeout(std::time::Duration::from_secs(8), async {
        while scene.editor.lua(&format!("return {same}")).await != true {
            tokio::task::yield_now().await;
        }
    });
    assert!(wait.await.is_ok(), "expected:\n{expected}\n\nseen:\n{}", screen(scene).await);
}

async fn small(scene: &Scene, columns: i64, lines: i64) {
    scene.editor.nvim.ui_try_resize(columns, lines).await.unwrap();
    scene.editor.until(&format!("vim.o.columns == {columns} and vim.o.lines == {lines}")).await;
    scene.editor.lua("vim.o.statusline = '%f' vim.o.ruler = false vim.o.showmode = false vim.o.showcmd = false vim.o.shortmess = vim.o.shortmess .. 'IFWc' vim.g.divisi = { float = false, progress = false }").await;
}

in_every_neovim! {
    async fn the_list_on_a_small_screen(scene) {
        small(&scene, 60, 20).await;
        scene.session("aaaaaaaaaa", "parser", "running");
        scene.session("bbbbbbbbbb", "docs", "review");
        scene.session("cccccccccc", "a-name-that-is-much-too-long", "failed");
        scene.fake.set("aaaaaaaaaa", json!({ "activity": "Edit src/parse.rs", "said": "I begin with the tests.", "updated_at": 3 }));
        scene.fake.set("bbbbbbbbbb", json!({ "unread": true, "stat": { "files": 4, "added": 120, "removed": 3 }, "turn": { "started_at": 1_000, "ended_at": 66_000 } }));
        scene.fake.set("cccccccccc", json!({ "reason": "exit 3", "stat": { "files": 0, "added": 0, "removed": 0 } }));
        scene.editor.ex("Divisi list").await;
        looks(
            &scene,
            &format!(
                "\n{}[No Name]
▾ repo  1 failed · 1 review · 1 running
 ✗ a-name-that-is-much-too…              exit 3
●◆ docs                     +120 −3/4 1m thinking
 ▸ parser                     +2 −1/1    Edit src/parse.rs
    I begin with the tests.
divisi://sessions",
                "~\n".repeat(11)
            ),
        )
        .await;
        scene.editor.keys("za").await;
        scene.editor.shows("divisi://sessions", "▹ repo  1 failed · 1 review · 1 running").await;
        scene.editor.until("vim.api.nvim_buf_line_count(0) == 1").await;
        scene.editor.keys("<Tab>").await;
        scene.editor.until("vim.api.nvim_buf_line_count(0) == 4").await;
        scene.editor.will_choose(&["PARS"]).await;
        scene.editor.keys("/").await;
        scene.editor.until("vim.deep_equal(vim.api.nvim_buf_get_lines(0, 0, -1, false), { '▾ repo  1 running  /PARS', ' ▸ parser +2 −1/1 Edit src/parse.rs' })").await;
        scene.editor.assert_calm().await;
    }

    async fn a_transcript_with_its_prompt_on_a_usual_screen(scene) {
        small(&scene, 80, 24).await;
        scene.session("aaaaaaaaaa", "parser", "running");
        scene.fake.turn("aaaaaaaaaa", 1, "fix the parser");
        scene.fake.say("aaaaaaaaaa", "I look at it.\n");
        let call = json!({ "id": "c", "title": "Edit src/a.lua", "kind": "edit", "status": "completed", "diffs": [{ "path": "src/a.lua", "new_text": "x\n" }] });
        scene.fake.emit("aaaaaaaaaa", "agent.tool", json!({ "turn": "aaaaaaaaaa.t1", "call": call }));
        scene.fake.ask("ap1", "aaaaaaaaaa", "cargo test");
        scene.editor.ex("edit src/a.lua").await;
        scene.editor.ex("Divisi show parser").await;
        scene.editor.shows("divisi://session/parser", "cargo test").await;
        scene.editor.keys("i").await;
        scene.editor.until("vim.bo.filetype == 'divisi-prompt'").await;
        scene.editor.keys("do as @src/a.lua:2 says<Esc>").await;
        scene.editor.lua("vim.cmd('echo')").await;
        looks(&scene, " parser · ? asks · gate ask · 1 to answer (a)

I look at it.

- ✓ **edit** Edit src/a.lua
  │ creates src/a.lua +1 −0 (2 more lines, za opens, K shows all)···············
- ? **approval** `ap1` cargo test   <CR> answers
divisi://session/parser
 to parser · <CR> sends · g? keys
do as @src/a.lua:2 says   @src/a.lua:2: 1 line
~
~
divisi://prompt/parser
local a = 1
local b = 2
return a + b
~
~
~
~
~
~
src/a.lua
").await;
        scene.editor.assert_calm().await;
    }

    async fn twenty_approvals_are_answered_one_after_another(scene) {
        small(&scene, 80, 24).await;
        for n in 10..30 {
            scene.session(&format!("s{n:09}"), &format!("job-{n}"), "running");
        }
        scene.editor.attach().await;
        for n in 10..30 {
            scene.fake.ask(&format!("ap{n}"), &format!("s{n:09}"), &format!("make {n}\n{}", "step\n".repeat(40)));
        }
        scene.editor.until("#require('divisi.mirror').approvals == 20").await;
        scene.editor.ex("Divisi approvals").await;
        scene.editor.shows("divisi://approvals", "job-29 asks").await;
        scene.editor.keys("gg]]]]").await;
        scene.editor.until("vim.fn.getline('.') == 'job-12 asks'").await;
        scene.editor.keys("[[").await;
        scene.editor.until("vim.fn.getline('.') == 'job-11 asks'").await;
        // Each is short; all of it is one key away.
        assert_eq!(scene.editor.lua("return vim.api.nvim_buf_line_count(0)").await, 20 * 19);
        scene.editor.keys("K").await;
        scene.editor.until("vim.api.nvim_win_get_config(0).relative ~= '' and vim.api.nvim_buf_line_count(0) >= 40").await;
        scene.editor.keys("q").await;
        for left in (0..20).rev() {
            scene.editor.keys("o").await;
            scene.editor.until(&format!("#require('divisi.mirror').approvals == {left}")).await;
        }
        let answered = scene.fake.called("approval/answer");
        assert!(answered.len() == 20 && answered.iter().all(|sent| sent["answer"] == "once"));
        assert_eq!((&answered[0]["approval"], &answered[1]["approval"]), (&json!("ap11"), &json!("ap12")));
        scene.editor.assert_calm().await;
    }

    async fn an_approval_is_answered_where_it_is_asked_and_the_gate_is_set(scene) {
        scene.session("aaaaaaaaaa", "fix", "running");
        scene.fake.turn("aaaaaaaaaa", 1, "go");
        scene.editor.ex("Divisi show fix").await;
        scene.editor.shows("divisi://session/fix", "## Turn 1").await;
        scene.fake.ask("ap1", "aaaaaaaaaa", "cargo test");
        scene.editor.shows("divisi://session/fix", "cargo test").await;
        scene.editor.will_choose(&["once"]).await;
        scene.editor.keys("G<CR>").await;
        wait_until("approval/answer", || !scene.fake.called("approval/answer").is_empty()).await;
        scene.editor.shows("divisi://session/fix", "- ✓ **approval** `ap1` cargo test").await;
        scene.editor.will_choose(&["hold: waits without telling"]).await;
        scene.editor.keys("p").await;
        wait_until("session/policy", || scene.fake.called("session/policy").len() == 1).await;
        scene.editor.ex("Divisi gate fix auto").await;
        wait_until("session/policy", || scene.fake.called("session/policy").len() == 2).await;
        let set: Vec<_> = scene.fake.called("session/policy").iter().map(|sent| sent["policy"].clone()).collect();
        assert_eq!(set, ["hold", "auto"]);
        scene.editor.assert_calm().await;
    }
}
