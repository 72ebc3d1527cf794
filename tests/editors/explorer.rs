//! Plans and suites in VS Code's Test Explorer, and batches in their view: run, watched while they run, cancelled, looked at.

use serde_json::{Value, json};

use super::code::{Code, LINE, QUICK, ROW};
use crate::sessions::scene::{DEADLINE, Scene};
use crate::support::wait_until;

/// The Test Explorer.
const TEST: &str = ".test-explorer .monaco-list-row";
/// What came of tests.
const RESULT: &str = ".test-output-peek-tree .monaco-list-row";

/// One task passes, one fails, one is found wanting at a line, and one goes on until somebody ends it.
const PLAN: &str = r#"version: 3
metadata: {name: greeting}
execution: {concurrency: 4}
agents: [{id: sh, agent: shell}]
tasks:
  - {id: works, prompts: ["sed -i 's/^line 2$/zwei/' lines.txt"], repositories: [.]}
  - {id: fails, prompts: ["echo no >&2; exit 3"], repositories: [.]}
  - {id: lacking, prompts: ["sed -i 's/^line 2$/deux/' lines.txt"], repositories: [.]}
  - {id: waits, prompts: ["sleep 600"], repositories: [.]}
evaluators:
  - {id: words, kind: script, format: json, required: true, command: "sh words.sh"}
"#;

const SUITE: &str =
    "version: 1\nname: words\nevaluators:\n  - {id: german, kind: script, format: json, command: sh words.sh}\n";

/// Says where a word is that should not be there.
const WORDS: &str = r#"line=$(grep -n deux lines.txt | cut -d: -f1)
if [ -z "$line" ]; then echo '{"passed": true}'; else
  echo '{"passed": false, "findings": [{"file": "lines.txt", "line": '"$line"', "message": "deux is French", "severity": "error"}]}'
fi
"#;

fn scene() -> Scene {
    let scene = Scene::new();
    scene.env.write("repo/plan.yaml", PLAN);
    scene.env.write("repo/words.yaml", SUITE);
    scene.env.write("repo/words.sh", WORDS);
    scene.env.git(&scene.repo, &["add", "--all"]);
    scene.env.git(&scene.repo, &["commit", "--quiet", "--message", "Add a plan and a suite"]);
    scene
}

fn batches(scene: &Scene) -> Value {
    scene.env.json(&scene.repo, &["batch", "list"])
}

/// The sign of a state at a row of the Test Explorer; of a file, the row has the file's name.
fn sign(name: &str, state: &str) -> String {
    format!("{TEST}[aria-label^=\"{name}\"] .computed-state.codicon-{state}")
}

/// The button that runs one.
fn run(name: &str) -> String {
    format!("{TEST}[aria-label^=\"{name}\"] [aria-label=\"Run Test\"]")
}

const PASSED: &str = "testing-passed-icon";
const FAILED: &str = "testing-failed-icon";
const SKIPPED: &str = "testing-skipped-icon";
const RUNNING: &str = "loading";

#[test]
fn a_plan_and_a_suite_are_run_watched_and_cancelled_in_the_test_explorer() {
    let test = "editors::explorer::a_plan_and_a_suite_are_run_watched_and_cancelled_in_the_test_explorer";
    let Some(tools) = Code::tools(test) else { return };
    let scene = scene();
    let mut code = Code::open(&scene, &tools, "explorer");
    code.command("Testing: Focus on Test Explorer View");
    code.see(TEST, "words");
    code.see(TEST, "greeting");

    // A plan: what has ended shows while another task still runs.
    code.click(TEST, "greeting");
    code.key("ArrowRight");
    code.see(TEST, "works");
    code.press(&run("plan.yaml"));
    for (name, state) in [("works", PASSED), ("fails", FAILED), ("lacking", FAILED), ("waits", RUNNING)] {
        code.see_at(&sign(name, state));
    }
    code.shot("1-running");

    // The same batch in the view of batches, with what its runs do; its report is a page.
    code.command("divisi: Show Batches");
    code.see(ROW, "greeting");
    code.see(ROW, "3/4 · 1 running · 1 passed · 2 failed");
    code.click(ROW, "greeting");
    code.see(".tab", "greeting");
    code.shot("2-report");

    // Cancelled there, it is skipped here.
    code.command("divisi: Cancel a Batch");
    code.click(".monaco-dialog-box .monaco-button", "Stop It");
    code.command("Testing: Focus on Test Explorer View");
    code.see_at(&sign("waits", SKIPPED));
    wait_until(DEADLINE, "the batch has ended", || batches(&scene)[0]["state"] == "ended");

    // What was found is at its line, in the worktree of the run.
    code.click(RESULT, "deux is French");
    code.shot("3-results");
    code.press_in_row(RESULT, "deux is French", &format!("{RESULT}.focused [aria-label=\"Go to Error\"]"));
    code.see(LINE, "deux");
    code.see(".statusbar-item", "Ln 2, Col 1");
    code.shot("4-finding");

    // A suite asks which session it is to judge; that it is started elsewhere is as good.
    let lacking = session(&scene, "lacking");
    code.command("Testing: Focus on Test Explorer View");
    code.click(TEST, "words");
    code.press(&run("words.yaml"));
    code.see(QUICK, "Judge which session?");
    code.pick(&lacking);
    code.see_at(&sign("words.yaml", FAILED));
    code.shot("5-judged");
    let works = session(&scene, "works");
    let suite = scene.repo.join("words.yaml");
    scene.divisi(&["eval", &works, "--suite", suite.to_str().expect("a path")]).ok();
    code.see_at(&sign("words.yaml", PASSED));

    // The file says something else.
    scene.env.write("repo/plan.yaml", PLAN.replace("name: greeting", "name: other"));
    code.see(TEST, "other");
    drop(code);
    let all = scene.env.json(&scene.repo, &["list"]);
    for one in all.as_array().expect("sessions") {
        scene.divisi(&["remove", one["id"].as_str().expect("an id"), "--discard"]).ok();
    }
    assert_eq!(scene.env.json(&scene.repo, &["list"]), json!([]));
}

/// The name of the session of a task.
fn session(scene: &Scene, task: &str) -> String {
    let all = scene.env.json(&scene.repo, &["list"]);
    let names = all.as_array().expect("sessions").iter().filter_map(|one| one["name"].as_str());
    names.filter(|name| name.starts_with(task)).map(str::to_owned).next().expect("a session")
}
