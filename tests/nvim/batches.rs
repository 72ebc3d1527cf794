//! A batch, and evaluations, in a real Neovim with the real daemon.

use serde_json::json;

use super::real::everywhere;

const PLAN: &str = r#"version: 3
metadata: {name: small}
execution: {concurrency: 1, keep: all}
agents: [{id: sh, agent: shell}, {id: other, agent: shell}]
tasks:
  - id: work
    prompts:
      - {id: good, prompt: "echo $DIVISI_SESSION_NAME > made.txt"}
      - {id: bad, prompt: "while [ ! -e GATE ]; do sleep 0.02; done; echo no >&2; exit 3"}
    repositories: [.]
"#;

/// What a linter would say of the second line of lines.txt.
const SARIF: &str = r#"{"version":"2.1.0","runs":[{"results":[{"level":"error","message":{"text":"too long"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"lines.txt"},"region":{"startLine":2,"startColumn":3}}}]}]}]}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_is_started_from_its_buffer_watched_and_looked_into() {
    everywhere(async |real, _| {
        let (editor, scene) = (&real.editor, &real.scene);
        let gate = scene.env.path("gate");
        let _ = std::fs::remove_file(&gate);
        let plan = scene.env.write("repo/plan.yaml", PLAN.replace("GATE", gate.to_str().unwrap()).replace("concurrency", "concurency"));
        editor.ex(&format!("edit {}", plan.display())).await;
        // What is wrong is shown where it is, and nothing starts.
        editor.ex("Divisi batch run").await;
        editor.until("vim.bo.buftype == 'quickfix'").await;
        assert_eq!(editor.lua("return vim.fn.getqflist()[1].lnum").await, 3);
        editor.until("_G.told('line 3')").await;
        editor.ex("cclose").await;
        editor.ex("%s/concurency/concurrency/").await;
        editor.ex("Divisi batch run").await;
        editor.until("_G.told(':w first')").await;
        editor.ex("silent write").await;
        editor.ex("Divisi batch run --concurrency=4").await;
        editor.until("vim.bo.filetype == 'divisi-batch' and vim.fn.search('running', 'nw') > 0 and vim.fn.search('4 at once', 'nw') > 0").await;
        editor.until("#vim.api.nvim_buf_get_lines(0, 0, -1, false) == 10").await;
        editor.until("vim.fn.search('2 passed', 'nw') > 0 and require('divisi').statusline():find('1 batch', 1, true) ~= nil").await;
        std::fs::write(&gate, "").unwrap();
        editor.until("vim.fn.search('2 passed, 2 failed', 'nw') > 0 and vim.fn.search('ended', 'nw') > 0").await;
        editor.until("_G.told('small ended: 2 passed, 2 failed')").await;
        // Into one that failed, and back.
        editor.keys("]]<CR>").await;
        editor.until("vim.bo.filetype == 'divisi-transcript' and vim.fn.search('exit 3', 'nw') > 0").await;
        editor.keys("q").await;
        editor.until("vim.bo.filetype == 'divisi-batch'").await;
        editor.keys("Q").await;
        editor.until("vim.bo.buftype == 'quickfix' and #vim.fn.getqflist() == 2").await;
        editor.ex("cclose").await;
        editor.lua("vim.fn.search('good')").await;
        editor.keys("C").await;
        editor.until("vim.bo.filetype == 'divisi-compare' and vim.fn.search('made.txt', 'nw') > 0").await;
        editor.keys("q").await;
        editor.until("vim.bo.filetype == 'divisi-batch'").await;
        editor.keys("r").await;
        editor.until("vim.t.divisi_diff == 'review' and vim.fn.expand('%:t') == 'made.txt'").await;
        editor.ex("tabclose").await;
        editor.until("vim.bo.filetype == 'divisi-batch'").await;
        // One of them again.
        editor.keys("gg]]R").await;
        editor.until("vim.fn.search('2 passed, 2 failed', 'nw') > 0 and vim.fn.getline('.'):find(' 2 ') ~= nil").await;
        editor.until("#vim.tbl_filter(function(n) return n.text:find('small ended', 1, true) end, _G.notices) == 2").await;
        let list = scene.env.json(&scene.repo, &["list"]);
        let notices = editor.notices().await;
        for session in list.as_array().unwrap() {
            let name = session["name"].as_str().unwrap();
            assert!(!notices.iter().any(|text| text.contains(name)), "{notices:?}");
            scene.divisi(&["remove", session["id"].as_str().unwrap(), "--discard"]).ok();
        }
        editor.assert_calm().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_evaluation_becomes_diagnostics_and_a_quickfix_list() {
    everywhere(async |real, _| {
        let (editor, scene) = (&real.editor, &real.scene);
        scene.shell("one", "sed -i 's/line 2$/LINE 2/' lines.txt").ok();
        let sarif = scene.env.write("found.sarif", SARIF);
        let suite = |command: &str| format!("version: 1\nname: style\nevaluators:\n  - {{id: lint, kind: script, format: sarif, command: '{command}'}}\n");
        let bad = scene.env.write("bad.yaml", suite(&format!("cat {}; exit 1", sarif.display())));
        let good = scene.env.write("good.yaml", suite(&format!("cat {}", scene.env.write("none.sarif", "{\"version\":\"2.1.0\",\"runs\":[]}").display())));
        let file = scene.worktree("one").join("lines.txt");
        editor.attach().await;
        editor.ex(&format!("edit {}", file.display())).await;
        let suites = scene.env.path("");
        let completed = editor.lua(&format!("return vim.fn.getcompletion('Divisi eval one {}', 'cmdline')", suites.join("bad").display())).await;
        assert_eq!(completed, json!([bad]));
        assert_eq!(editor.lua("return vim.fn.getcompletion('Divisi eval o', 'cmdline')").await, json!(["one"]));
        // The session of this buffer.
        editor.ex(&format!("Divisi eval {}", bad.display())).await;
        editor.until("vim.bo.buftype == 'quickfix'").await;
        assert_eq!(editor.lua("local e = vim.fn.getqflist()[1] return { e.lnum, e.col, e.text }").await, json!([2, 3, "lint: too long"]));
        editor.ex("cclose").await;
        let seen = "return vim.tbl_map(function(d) return { d.lnum, d.col, d.severity, d.message, d.source } end, vim.diagnostic.get(0))";
        assert_eq!(editor.lua(seen).await, json!([[1, 2, 1, "too long", "divisi lint"]]));
        // In a buffer that is read later too.
        editor.ex("bwipeout").await;
        editor.ex(&format!("edit {}", file.display())).await;
        editor.until("#vim.diagnostic.get(0) == 1").await;
        // One that was begun elsewhere counts as well; what is repaired goes.
        scene.divisi(&["eval", "one", "--suite", good.to_str().unwrap()]);
        editor.until("#vim.diagnostic.get(0) == 0").await;
        editor.ex(&format!("Divisi eval one {}", bad.display())).await;
        editor.until("vim.bo.buftype == 'quickfix'").await;
        editor.ex("cclose").await;
        editor.ex(&format!("Divisi eval one --suite={}", good.display())).await;
        editor.until("_G.told('one passed style') and #vim.diagnostic.get(0) == 0").await;
        // They can be taken away, and go with the session's end.
        scene.divisi(&["eval", "one", "--suite", bad.to_str().unwrap()]);
        editor.until("#vim.diagnostic.get(0) == 1").await;
        editor.ex("Divisi eval --clear one").await;
        assert_eq!(editor.lua("return #vim.diagnostic.get(0)").await, 0);
        editor.assert_calm().await;
        scene.discard(&["one"]);
    })
    .await;
}
