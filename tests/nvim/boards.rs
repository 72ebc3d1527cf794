//! Dashboards of batches and benchmarks, against a daemon and runs on disk that the test makes.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::editor::{Scene, wait_until, write};
use super::in_every_neovim;
use super::views::{PLAIN, SIZES, close_all, looks, size};

const BOARD: &str = "divisi://batch/bbatch0001";
const MINUTE: i64 = 60_000;

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

#[expect(clippy::needless_pass_by_value, reason = "tests read better with json! in place")]
fn run(number: u32, task: &str, prompt: &str, agent: &str, state: &str, attempts: Value) -> Value {
    json!({
        "id": format!("bbatch0001.r{number}"), "number": number, "task": task, "prompt": prompt, "agent": agent, "repository": ".",
        "repetition": 1, "state": state, "discounted": 0, "attempts": attempts, "spend": { "tokens": 0 },
    })
}

fn attempt(session: &str, began: i64, outcome: Option<&str>) -> Value {
    json!({
        "number": 1, "session": session, "started_at": began, "ended_at": outcome.map(|_| began + 65_000), "outcome": outcome,
        "stat": { "files": outcome.map_or(0, |_| 2), "added": outcome.map_or(0, |_| 10), "removed": outcome.map_or(0, |_| 3) }, "turns": 1, "spend": { "tokens": 1000, "usd_micros": 120_000 },
    })
}

/// A batch of six runs in every state, as the daemon tells of it.
fn batch() -> Value {
    let began = now() - 30_000 - 125 * MINUTE;
    let mut passed = attempt("sessionaaa", began, Some("done"));
    (passed["score"], passed["gates"]) = (json!(90), json!({ "passed": 3, "all": 3 }));
    let mut failed = attempt("sessionbbb", began, Some("failed"));
    (failed["score"], failed["gates"]) = (json!(40), json!({ "passed": 1, "all": 3 }));
    let mut runs = vec![
        run(1, "errors", "config", "claude", "passed", json!([passed])),
        run(2, "errors", "config", "codex", "failed", json!([failed])),
        run(3, "errors", "parser", "claude", "running", json!([attempt("sessionccc", began, None)])),
        run(4, "errors", "parser", "codex", "queued", json!([])),
        run(5, "docs", "1", "claude", "cancelled", json!([])),
        run(6, "docs", "1", "codex", "skipped", json!([])),
    ];
    (runs[0]["spend"], runs[1]["spend"]) =
        (json!({ "tokens": 1000, "usd_micros": 1_110_000 }), json!({ "tokens": 1000, "usd_micros": 120_000 }));
    runs[1]["reason"] = json!("it did not pass: tests");
    runs[2]["activity"] = json!("Edit src/parse.rs\u{1b}[31m");
    runs[5]["reason"] = json!("no more money");
    let candidate =
        |run: &str, place: u32| json!({ "run": run, "agent": "x", "place": place, "evidence": "passed, score 90" });
    json!({
        "id": "bbatch0001", "name": "error-handling", "path": "/nowhere/plan.yaml", "state": "active", "reason": null,
        "created_at": began, "ended_at": null, "concurrency": 4,
        "counts": { "queued": 1, "running": 1, "passed": 1, "failed": 1, "cancelled": 1, "skipped": 1 },
        "spend": { "tokens": 2000, "usd_micros": 1_230_000 }, "budget": { "usd_micros": 20_000_000 }, "eta": now() + 30_000 + 5 * MINUTE,
        "runs": runs,
        "ranking": [{ "task": "errors", "prompt": "config", "repository": ".", "candidates": [candidate("bbatch0001.r1", 1), candidate("bbatch0001.r2", 2)] }],
    })
}

/// The daemon has the batch.
fn has(scene: &Scene, batch: &Value) {
    scene.fake.answers("batch/get", batch.clone());
    let mut listed = batch.clone();
    listed["created_at"] = json!(1_700_000_000_000_i64);
    scene.fake.answers("batch/list", json!([listed]));
}

fn done(scene: &Scene, methods: &[&str]) {
    for method in methods {
        scene.fake.answers(method, json!({ "command": "c", "seq": 1, "outcome": { "outcome": "done" } }));
    }
}

/// The runs of the board, without what is before them.
async fn rows(scene: &Scene) -> Vec<String> {
    let lines = scene.editor.lines(BOARD).await;
    lines.into_iter().skip_while(|line| !line.contains("TASK")).skip(1).collect()
}

/// A run of a benchmark in this editor's state directory.
fn bench_run(scene: &Scene) -> PathBuf {
    let run = scene.repository().parent().unwrap().join("state/divisi/bench/polyglot-claude-1700000000000");
    let line = |case: &str, outcome: Value, at: i64| {
        let mut line = json!({
            "case": case, "group": "rust", "contestant": "claude", "attempt": 1, "digest": "d", "patch_sha256": "p", "iterations": 2,
            "prepare_ms": 1_000, "agent_ms": 60_000, "test_ms": 4_000, "usage": { "scope": "session", "source": "reported", "cost_micros": 250_000 },
            "at": at, "session": "sessionaaa", "artefacts": format!("cases/{case}/claude/1"),
        });
        line.as_object_mut().unwrap().extend(outcome.as_object().unwrap().clone());
        line.to_string()
    };
    let lines = [
        line("rust/bowling", json!({ "outcome": "resolved" }), 1_700_000_100_000),
        line("rust/clock", json!({ "outcome": "unresolved" }), 1_700_000_200_000),
        line("rust/robot", json!({ "outcome": "infrastructure", "why": "no cargo" }), 1_700_000_300_000),
    ];
    write(&run.join("results.jsonl"), &(lines.join("\n") + "\n"));
    write(
        &run.join("run.json"),
        &json!({ "version": 1, "divisi": "0", "suite": "polyglot", "seed": 0, "attempts": 1, "tools": [] }).to_string(),
    );
    write(&run.join("cases/rust/clock/claude/1/patch.diff"), "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\u{1b}[2J\n");
    write(&run.join("cases/rust/clock/claude/1/test_output.txt"), "running\nFAILED clock\n");
    let at = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    std::fs::File::options().append(true).open(run.join("run.json")).unwrap().set_modified(at).unwrap();
    run
}

/// Waits until the board of this buffer is drawn for the width: the column of this title is there on a wide screen only.
async fn drawn(scene: &Scene, wide: bool, title: &str) {
    let there = format!("table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n'):find('{title}', 1, true)");
    scene.editor.until(&format!("({there} ~= nil) == {wide}")).await;
}

in_every_neovim! {
    async fn the_boards_look_like_their_references(scene) {
        let editor = &scene.editor;
        editor.lua(PLAIN).await;
        has(&scene, &batch());
        bench_run(&scene);
        editor.attach().await;
        editor.ex("edit src/a.lua").await;
        for wanted in SIZES {
            size(editor, wanted).await;
            editor.ex("Divisi batch open bbatch").await;
            editor.shows(BOARD, "Edit src/parse.rs").await;
            editor.until("vim.api.nvim_buf_get_name(0):find('divisi://batch/') and vim.fn.getline('.'):find('config') ~= nil").await;
            drawn(&scene, wanted.0 > 60, "STATE").await;
            looks(editor, "batch", &[]).await;
            editor.keys("g?").await;
            editor.until("vim.api.nvim_win_get_config(0).relative ~= ''").await;
            looks(editor, "batch_help", &[]).await;
            editor.keys("q").await;
            editor.until("vim.api.nvim_win_get_config(0).relative == ''").await;
            editor.keys("q").await;
            editor.until("#vim.api.nvim_list_tabpages() == 1").await;
            editor.ex("Divisi batch").await;
            editor.shows("divisi://batches", "error-handling").await;
            drawn(&scene, wanted.0 > 60, "BATCH").await;
            looks(editor, "batches", &[]).await;
            close_all(editor).await;
            editor.ex("Divisi bench").await;
            editor.shows("divisi://benches", "polyglot").await;
            drawn(&scene, wanted.0 > 60, "BEGAN").await;
            looks(editor, "benches", &[]).await;
            editor.keys("<CR>").await;
            editor.shows("divisi://bench/polyglot-claude-1700000000000", "no cargo").await;
            editor.until("vim.fn.getline('.'):find('bowling') ~= nil").await;
            drawn(&scene, wanted.0 > 60, "TESTS").await;
            looks(editor, "bench", &[]).await;
            editor.keys("q").await;
            editor.until("#vim.api.nvim_list_tabpages() == 1").await;
            close_all(editor).await;
        }
        editor.assert_calm().await;
    }

    async fn an_update_of_a_batch_touches_only_what_changed(scene) {
        let editor = &scene.editor;
        let mut it = batch();
        has(&scene, &it);
        editor.attach().await;
        editor.ex("Divisi batch open").await;
        editor.shows(BOARD, "Edit src/parse.rs").await;
        assert_eq!(rows(&scene).await.len(), 6);
        editor.lua("_G.changes = {} vim.api.nvim_buf_attach(0, false, { on_lines = function(_, _, _, first, last, new) table.insert(_G.changes, { first, last, new }) end })").await;
        it["runs"][3]["state"] = json!("running");
        it["runs"][3]["attempts"] = json!([attempt("sessionddd", now() - 30_000 - 187 * MINUTE, None)]);
        has(&scene, &it);
        scene.fake.emit("", "run.started", json!({ "run": "bbatch0001.r4", "attempt": {} }));
        editor.until("vim.iter(vim.api.nvim_buf_get_lines(0, 0, -1, false)):any(function(line) return line:find('3h07m') ~= nil end)").await;
        let changes = editor.lua("return _G.changes").await;
        let at = editor.lua("return vim.fn.search('3h07m', 'nw')").await.as_u64().unwrap();
        assert!(changes.as_array().unwrap().contains(&json!([at - 1, at, at])), "{changes}");
        // The second running row counts on by itself; nothing else of the table moves.
        let moved = |change: &Value| change[0].as_u64().unwrap() + 1 == at || change[0].as_u64().unwrap() + 2 == at;
        assert!(changes.as_array().unwrap().iter().all(moved), "{changes}");
        // Lines that come above leave the cursor on its run.
        editor.lua("vim.fn.search('parser.*codex')").await;
        it["reason"] = json!("a reason, that is so long that it needs a line of its own, whatever else stands there, even on a wide screen, or two");
        has(&scene, &it);
        scene.fake.emit("", "run.started", json!({ "run": "bbatch0001.r4", "attempt": {} }));
        editor.shows(BOARD, "or two").await;
        editor.until("vim.fn.getline('.'):find('parser') ~= nil and vim.fn.getline('.'):find('codex') ~= nil").await;
        // Events of other batches are not asked about.
        let asked = scene.fake.called("batch/get").len();
        scene.fake.emit("", "run.started", json!({ "run": "another.r4", "attempt": {} }));
        scene.fake.emit("", "run.ended", json!({ "run": "bbatch0001.r4", "outcome": "done" }));
        wait_until("it is looked at", || scene.fake.called("batch/get").len() > asked).await;
        // Where nobody looks nothing is asked, and what is seen again is new.
        editor.keys("q").await;
        editor.until("#vim.api.nvim_list_tabpages() == 1").await;
        it["name"] = json!("another name");
        has(&scene, &it);
        editor.ex("Divisi batch open").await;
        editor.shows(BOARD, "another name").await;
        editor.assert_calm().await;
    }

    async fn the_keys_of_a_batch_do_what_they_say(scene) {
        let editor = &scene.editor;
        for (id, name) in [("sessionaaa", "one"), ("sessionbbb", "two")] {
            scene.session(id, name, "review");
        }
        let mut it = batch();
        has(&scene, &it);
        done(&scene, &["batch/pause", "batch/resume", "batch/cancel", "batch/concurrency", "batch/retry"]);
        editor.attach().await;
        editor.ex("Divisi batch open").await;
        editor.shows(BOARD, "Edit src/parse.rs").await;
        editor.until("vim.fn.getline('.'):find('claude') ~= nil").await;

        editor.keys("++").await;
        wait_until("asked twice", || scene.fake.called("batch/concurrency").len() == 2).await;
        let asked: Vec<Value> = scene.fake.called("batch/concurrency").iter().map(|sent| sent["concurrency"].clone()).collect();
        assert_eq!(asked, [5, 6]);
        editor.keys("9-").await;
        wait_until("asked again", || scene.fake.called("batch/concurrency").len() == 3).await;
        assert_eq!(scene.fake.called("batch/concurrency")[2]["concurrency"], 1);

        editor.keys("p").await;
        wait_until("paused", || !scene.fake.called("batch/pause").is_empty()).await;
        it["state"] = json!("paused");
        has(&scene, &it);
        scene.fake.emit("", "batch.changed", json!({ "batch": "bbatch0001", "change": "state", "state": "paused" }));
        editor.shows(BOARD, "paused").await;
        editor.keys("p").await;
        wait_until("goes on", || !scene.fake.called("batch/resume").is_empty()).await;

        // One run; above the runs all, after a question; and no question is answered by itself.
        editor.keys("]]R").await;
        wait_until("retried", || scene.fake.called("batch/retry").len() == 1).await;
        assert_eq!(scene.fake.called("batch/retry")[0]["runs"], json!(["bbatch0001.r2"]));
        editor.will_choose(&["Leave", "again", "Let it", "Cancel"]).await;
        editor.keys("ggRRXX").await;
        wait_until("cancelled", || !scene.fake.called("batch/cancel").is_empty()).await;
        wait_until("all", || scene.fake.called("batch/retry").len() == 2).await;
        assert_eq!(scene.fake.called("batch/retry")[1]["runs"], Value::Null);
        assert_eq!(editor.lua("return _G.asked[1].texts[1]").await, "Run all 3 again");
        assert_eq!((scene.fake.called("batch/cancel").len(), &scene.fake.called("batch/cancel")[0]["batch"]), (1, &json!("bbatch0001")));

        // Everything about a run.
        editor.keys("G[[K").await;
        editor.until("vim.api.nvim_win_get_config(0).relative ~= ''").await;
        let page = editor.lua("return vim.api.nvim_buf_get_lines(0, 0, -1, false)").await.to_string();
        assert!(page.contains("- why: it did not pass: tests") && page.contains("1 of 3 passed") && page.contains("2 of 2: passed, score 90"), "{page}");
        editor.keys("q").await;

        // Failures, with what evaluators found where the worktree is there.
        let finding = json!({ "file": "src/a.lua", "line": 2, "column": 1, "message": "wrong\u{7}", "severity": "error" });
        scene.fake.answers("evaluation/list", json!([{ "id": "e", "session": "sessionbbb", "suite": "gates", "state": "done", "passed": false,
            "results": [{ "id": "lint", "outcome": "failed", "findings": [finding] }] }]));
        editor.keys("Q").await;
        editor.until("vim.bo.buftype == 'quickfix'").await;
        let list = editor.lua("return vim.tbl_map(function(e) return ('%s:%d:%s'):format(e.bufnr > 0 and vim.fn.bufname(e.bufnr) or '', e.lnum, e.text) end, vim.fn.getqflist())").await;
        let list: Vec<&str> = list.as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
        assert_eq!(list.len(), 2, "{list:?}");
        assert_eq!(list[0], "divisi://session/two:0:run 2, errors/config by codex: it did not pass: tests");
        assert!(list[1].ends_with("two/src/a.lua:2:lint: wrong␇"), "{list:?}");
        editor.ex("cclose").await;

        // The candidates for a task, the review of one, the transcript of another whose session is gone.
        scene.fake.answers("session/compare", json!({ "candidates": [], "files": [] }));
        editor.keys("C").await;
        wait_until("compared", || !scene.fake.called("session/compare").is_empty()).await;
        assert_eq!(scene.fake.called("session/compare")[0]["sessions"], json!(["sessionaaa", "sessionbbb"]));
        editor.until("vim.bo.filetype == 'divisi-compare'").await;
        editor.keys("q").await;
        editor.until("vim.bo.filetype == 'divisi-batch'").await;
        scene.fake.turn("sessionccc", 1, "parse it");
        editor.lua("vim.fn.search('parser.*claude')").await;
        editor.keys("<CR>").await;
        editor.shows("divisi://session/sessionccc", "parse it").await;
        editor.keys("q").await;
        editor.until("vim.bo.filetype == 'divisi-batch'").await;
        editor.keys("r").await;
        editor.until("_G.told('by claude has no worktree')").await;
        editor.keys("C").await;
        editor.until("_G.told('keep: all')").await;

        // The report.
        scene.fake.answers("batch/export", json!({ "text": "<html>\u{1b}</html>" }));
        let report = scene.repository().join("out.html");
        editor.will_choose(&[report.to_str().unwrap()]).await;
        editor.lua("vim.ui.open = function(path) _G.opened = path; return nil, 'no opener is here' end").await;
        editor.keys("E").await;
        editor.until("_G.opened ~= nil").await;
        assert_eq!(std::fs::read_to_string(&report).unwrap(), "<html>\u{1b}</html>");
        // Where nothing opens it that is said, and where it is.
        editor.until("_G.told('nothing here opens it (no opener is here)')").await;
        editor.until("_G.told('out.html')").await;
        editor.assert_calm().await;
    }

    async fn a_batch_is_a_matrix_too_and_its_keys_mean_the_run_under_the_cursor(scene) {
        let editor = &scene.editor;
        has(&scene, &batch());
        done(&scene, &["batch/retry"]);
        editor.attach().await;
        editor.will_choose(&["error-handling"]).await;
        editor.ex("Divisi pick batches").await;
        editor.shows(BOARD, "Edit src/parse.rs").await;
        editor.keys("m").await;
        editor.until("vim.fn.search('^all .*passed', 'nw') > 0").await;
        let shown = rows(&scene).await;
        assert!(shown[0].starts_with("errors/config  ✓ 3/3 90 #1 $1.11  ✗ 1/3 40 #2 $0.12"), "{shown:#?}");
        assert!(shown[1].starts_with("errors/parser  ▸ ") && shown[1].trim_end().ends_with('…'), "{shown:#?}");
        assert!(shown[2].starts_with("docs           ■ ") && shown[2].trim_end().ends_with('-'), "{shown:#?}");
        assert!(shown[3].contains("1/3 passed") && shown[3].contains("0/3 passed"), "{shown:#?}");
        // Onto the one that failed, and what stands before and behind it.
        editor.keys("gg]]R").await;
        wait_until("retried", || scene.fake.called("batch/retry").len() == 1).await;
        editor.keys("0R").await;
        wait_until("the first of the line", || scene.fake.called("batch/retry").len() == 2).await;
        editor.lua("vim.fn.search('docs')").await;
        editor.keys("$R").await;
        wait_until("the last of the line", || scene.fake.called("batch/retry").len() == 3).await;
        let sent: Vec<Value> = scene.fake.called("batch/retry").iter().map(|sent| sent["runs"][0].clone()).collect();
        assert_eq!(sent, ["bbatch0001.r2", "bbatch0001.r1", "bbatch0001.r6"]);
        editor.keys("Q").await;
        editor.until("vim.bo.buftype == 'quickfix' and vim.fn.getqflist()[1].text:find('run 2', 1, true) ~= nil").await;
        editor.ex("cclose").await;
        editor.keys("m").await;
        editor.shows(BOARD, "Edit src/parse.rs").await;
        editor.assert_calm().await;
    }

    async fn a_batch_tells_of_its_end_once_and_its_sessions_do_not(scene) {
        let editor = &scene.editor;
        editor.lua("_G.heard = {} vim.api.nvim_create_autocmd('User', { pattern = 'DivisiBatch*', callback = function(a) table.insert(_G.heard, { a.match, a.data.id, a.data.state }) end })").await;
        let mut it = batch();
        scene.session("sessionccc", "three", "running");
        scene.fake.set("sessionccc", json!({ "run": "bbatch0001.r3" }));
        has(&scene, &it);
        editor.attach().await;
        editor.until("require('divisi').statusline() == '1 running, 1 batch'").await;
        assert_eq!(editor.lua("return vim.g.divisi_status.batches").await, 1);
        assert_eq!(editor.lua("return require('divisi').batches()[1].name").await, "error-handling");
        assert_eq!(editor.lua("return vim.fn.getcompletion('Divisi batch o', 'cmdline')").await, json!(["open"]));
        assert_eq!(editor.lua("return vim.fn.getcompletion('Divisi batch open bb', 'cmdline')").await, json!(["bbatch0001"]));
        scene.fake.set("sessionccc", json!({ "state": "review" }));
        scene.fake.emit("sessionccc", "turn.ended", json!({ "turn": "sessionccc.t1", "outcome": "done" }));
        it["state"] = json!("ended");
        it["ended_at"] = json!(now());
        has(&scene, &it);
        scene.fake.emit("", "batch.changed", json!({ "batch": "bbatch0001", "change": "state", "state": "ended" }));
        editor.until("_G.told('error-handling ended: 1 passed, 1 failed')").await;
        editor.until("require('divisi').statusline() == '1 review'").await;
        scene.fake.die();
        editor.until("require('divisi.mirror').connection.state == 'lost'").await;
        scene.fake.listen();
        editor.until("require('divisi.mirror').connection.state == 'attached'").await;
        let notices = editor.notices().await;
        assert_eq!(notices.iter().filter(|text| text.contains("ended")).count(), 1, "{notices:?}");
        assert!(!notices.iter().any(|text| text.contains("three")), "{notices:?}");
        assert_eq!(editor.lua("return _G.heard").await, json!([["DivisiBatchChanged", "bbatch0001", "ended"], ["DivisiBatchEnded", "bbatch0001", "ended"]]));
        editor.assert_calm().await;
    }

    async fn a_case_of_a_benchmark_shows_its_log_and_its_patch(scene) {
        let editor = &scene.editor;
        let run = bench_run(&scene);
        editor.ex("Divisi bench open polyglot").await;
        let name = "divisi://bench/polyglot-claude-1700000000000";
        editor.shows(name, "resolved 1 of 2: 50.0 %").await;
        editor.until("vim.fn.getline('.'):find('bowling') ~= nil").await;
        editor.keys("]]<CR>").await;
        editor.until("vim.fn.getline('.') == 'FAILED clock'").await;
        editor.keys("q").await;
        editor.until("vim.bo.filetype == 'divisi-bench'").await;
        editor.keys("d").await;
        editor.until("vim.bo.filetype == 'diff' and vim.fn.getline('$') == '+b␛[2J'").await;
        editor.keys("q").await;
        editor.until("vim.bo.filetype == 'divisi-bench'").await;
        // What an attempt that ends adds appears by itself.
        let results = std::fs::read_to_string(run.join("results.jsonl")).unwrap();
        let more = results.lines().next().unwrap().replace("rust/bowling", "rust/zebra");
        write(&run.join("results.jsonl"), &(results + &more + "\n"));
        editor.shows(name, "rust/zebra").await;
        editor.keys("gg<CR>").await;
        editor.until("_G.told('nothing on this line')").await;
        editor.ex("Divisi bench open nowhere").await;
        editor.until("_G.told('there is no run')").await;
        // A run that another tool made, by its path.
        editor.ex(&format!("Divisi bench open {}", run.display())).await;
        editor.shows(&format!("divisi://bench/{}", run.display()), "rust/zebra").await;
        editor.assert_calm().await;
    }

    async fn divisi_bench_run_is_the_program_itself(scene) {
        let editor = &scene.editor;
        editor.ex("Divisi bench run nowhere.yaml --agent gold").await;
        editor.until("vim.bo.buftype == 'terminal' and table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false)):find('nowhere.yaml') ~= nil").await;
        editor.until("_G.told('divisi bench run: ended with code 1')").await;
        editor.ex("stopinsert").await;
        editor.assert_calm().await;
    }

    async fn a_board_that_cannot_be_shown_says_so(scene) {
        let editor = &scene.editor;
        scene.fake.refuses("batch/get", "user", "there is no batch 'x'\u{1b}");
        editor.attach().await;
        editor.ex("edit divisi://batch/x").await;
        editor.shows("divisi://batch/x", "there is no batch 'x'").await;
        editor.keys("K]]R").await;
        editor.until("_G.told('nothing on this line')").await;
        for (command, told) in [
            ("batch open y", "there is no batch"), ("batch jump", "is no verb of :Divisi batch"), ("bench jump", "is no verb of :Divisi bench"),
            ("batch run --fast", "--fast is no option"), ("batch run a.txt", "is no plan"), ("batch run --concurrency", "wants a number"),
            ("batch run not-there.yaml", "failed to read the plan"),
        ] {
            editor.lua("_G.notices = {}").await;
            editor.ex(&format!("Divisi {command}")).await;
            editor.until(&format!("_G.told({told:?})")).await;
        }
        editor.ex("bwipeout").await;
        editor.assert_calm().await;
    }

    async fn every_key_of_a_board_is_in_the_help(scene) {
        let editor = &scene.editor;
        let doc = std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("doc/divisi.txt")).unwrap();
        has(&scene, &batch());
        bench_run(&scene);
        editor.attach().await;
        for (command, filetype, part) in [
            ("batch open", "batch", "*divisi-batch*"), ("batch", "batches", "*:Divisi-batch*"), ("bench open", "bench", "*divisi-bench*"), ("bench", "benches", "*:Divisi-bench*"),
        ] {
            editor.ex(&format!("Divisi {command}")).await;
            editor.until(&format!("vim.bo.filetype == 'divisi-{filetype}'")).await;
            let keys = editor.lua("return vim.tbl_map(function(map) return map.lhs end, vim.tbl_filter(function(map) return (map.desc or ''):find('^divisi') ~= nil end, vim.api.nvim_buf_get_keymap(0, 'n')))").await;
            let keys: Vec<String> = keys.as_array().unwrap().iter().map(|key| key.as_str().unwrap().to_owned()).collect();
            assert!(keys.len() >= 5, "{filetype}: {keys:?}");
            let about = doc.split(part).nth(1).unwrap().split(" *").next().unwrap();
            // What every view has is said once; these lists are opened from with <CR>.
            let common = ["q", "g?", "]]", "[["];
            let missing: Vec<&String> = keys
                .iter()
                .filter(|key| !(common.contains(&key.as_str()) && filetype.ends_with("es")))
                .filter(|key| !about.contains(&format!("`{key}`")) && !about.contains(&format!("{key} ")) && !about.contains(&format!("{key};")))
                .collect();
            assert!(missing.is_empty(), "not in doc/divisi.txt below {part}: {missing:?}");
        }
        editor.assert_calm().await;
    }
}
