//! Plans and batches in an editor: written with help, run from a lens, watched, cancelled, and what failed told at its line.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::client::{Editor, Manner};
use crate::sessions::scene::{DEADLINE, Scene};
use crate::support::wait_until;

const PLAN: &str = r#"version: 3
metadata: {name: small}
execution: {concurrency: 2, keep: none}
agents: [{id: sh, agent: shell}]
tasks:
  - id: good
    prompts: ["echo made > made.txt"]
    repositories: [.]
  - id: bad
    prompts: ["echo no >&2; exit 3"]
    repositories: [.]
"#;

/// A plan whose one run goes on until a file is there.
fn held(scene: &Scene) -> (PathBuf, PathBuf) {
    let gate = scene.env.path("go");
    let text = format!(
        "version: 3\nmetadata: {{name: held}}\nexecution: {{keep: none}}\nagents: [{{id: sh, agent: shell}}]\ntasks:\n  - id: waits\n    \
         prompts: [\"until test -e {}; do sleep 0.05; done\"]\n    repositories: [.]\n",
        gate.display()
    );
    (write(scene, &text), gate)
}

fn write(scene: &Scene, text: &str) -> PathBuf {
    let file = scene.env.write("repo/plan.yaml", text);
    // What is in no commit would be no obstacle, but a plan belongs to its repository.
    scene.env.git(&scene.repo, &["add", "--all"]);
    scene.env.git(&scene.repo, &["commit", "--quiet", "--message", "Add a plan"]);
    file
}

fn titles(lenses: &Value) -> Vec<String> {
    let all = lenses.as_array().into_iter().flatten();
    all.filter_map(|lens| lens["command"]["title"].as_str().map(str::to_owned)).collect()
}

/// Runs the lens whose title contains this, as soon as it is there.
#[track_caller]
fn press(editor: &mut Editor, file: &Path, title: &str) {
    let mut found = Value::Null;
    wait_until(DEADLINE, title, || {
        let lenses = editor.at("textDocument/codeLens", file, 0, 0);
        let all = lenses.as_array().cloned().unwrap_or_default();
        let lens = all.into_iter().find(|lens| lens["command"]["title"].as_str().unwrap().contains(title));
        found = lens.map_or(Value::Null, |lens| lens["command"].clone());
        !found.is_null()
    });
    let arguments = found["arguments"].as_array().cloned().unwrap_or_default();
    editor.execute(found["command"].as_str().expect("a command"), &arguments);
}

fn codes(editor: &Editor, file: &Path) -> Vec<String> {
    let found = editor.diagnostics.get(file).into_iter().flatten();
    found.filter_map(|found| found["code"].as_str().map(str::to_owned)).collect()
}

#[test]
fn a_plan_is_read_by_the_daemons_reader_while_it_is_written_and_put_right() {
    let scene = Scene::new();
    let wrong = PLAN.replace("concurrency", "concurency").replacen("[.]", "[nowhere]", 1);
    let file = scene.env.write("repo/plan.yaml", &wrong);
    let mut editor = Editor::open(&scene, Manner::able());
    editor.open_file(&file);
    editor.until("the typo", |editor| codes(editor, &file) == ["unknown-key"]);
    let told = &editor.diagnostics[&file][0];
    assert_eq!(told["message"], "'execution' has no 'concurency' (did you mean 'concurrency'?)");
    assert_eq!(
        told["range"],
        json!({ "start": { "line": 2, "character": 12 }, "end": { "line": 2, "character": 22 } })
    );
    let fixes = editor.actions(&file, 2);
    let fix = fixes.iter().find(|action| action["title"] == "Change it to `concurrency`").expect("a correction");
    let edit = fix["edit"]["changes"].as_object().and_then(|changes| changes.values().next()).expect("an edit");
    assert_eq!(edit[0]["newText"], "concurrency");
    // What only its reader knows: a repository that is not there.
    editor.type_text(&file, &wrong.replace("concurency", "concurrency"));
    editor.until("the repository", |editor| {
        let found = editor.diagnostics.get(&file).into_iter().flatten();
        found.filter_map(|found| found["message"].as_str()).any(|told| told.contains("the repository 'nowhere'"))
    });
    editor.type_text(&file, PLAN);
    editor.until("nothing is wrong", |editor| !editor.diagnostics.contains_key(&file));

    let hover = editor.at("textDocument/hover", &file, 2, 14);
    assert!(hover["contents"]["value"].as_str().unwrap().contains("Runs at the same time"), "{hover}");
    editor.type_text(&file, &PLAN.replace("keep: none", "keep: "));
    let found = editor.at("textDocument/completion", &file, 2, 34);
    let labels: Vec<&str> = found.as_array().unwrap().iter().filter_map(|item| item["label"].as_str()).collect();
    assert_eq!(labels, ["all", "failed", "none"]);
    let symbols = editor.at("textDocument/documentSymbol", &file, 0, 0);
    assert!(symbols.to_string().contains("good"), "{symbols}");
    editor.type_text(&file, PLAN);
    editor.until("nothing is wrong", |editor| !editor.diagnostics.contains_key(&file));
}

#[test]
fn suites_are_read_by_their_readers_too() {
    let scene = Scene::new();
    let gates = scene.env.write("repo/gates.yaml", "version: 1\nevaluators:\n  - {id: a, kind: tets}\n");
    let bench = scene.env.write(
        "repo/bench.yaml",
        "version: 1\ncases:\n  - {id: a, directory: ., script_command: \"true\", prompt_file: no.md}\n",
    );
    let mut editor = Editor::open(&scene, Manner::able());
    editor.open_file(&gates);
    editor.open_file(&bench);
    let message = |editor: &Editor, file: &Path| {
        let found = editor.diagnostics.get(file).and_then(|found| found.first());
        found.and_then(|found| found["message"].as_str().map(str::to_owned)).unwrap_or_default()
    };
    editor.until("the word", |editor| message(editor, &gates).contains("did you mean tests?"));
    let fix = editor.actions(&gates, 2);
    assert!(fix.iter().any(|action| action["title"] == "Change it to `tests`"), "{fix:?}");
    editor.until("the file", |editor| message(editor, &bench).contains("cannot read 'no.md'"));
}

#[test]
fn a_batch_is_run_from_its_plan_and_what_failed_is_told_there() {
    let scene = Scene::new();
    let file = write(&scene, PLAN);
    let mut editor = Editor::open(&scene, Manner::able());
    editor.open_file(&file);
    press(&mut editor, &file, "▶ run batch");
    editor.told("the batch has begun: 2 runs");
    editor.told("the batch small has ended: 1 passed, 1 failed");
    press(&mut editor, &file, "ended: 1 passed, 1 failed");
    let page = editor.shown();
    wait_until(DEADLINE, "the page", || {
        std::fs::read_to_string(&page).is_ok_and(|text| text.contains("- [x] #1") && text.contains("- [!] #2"))
    });
    editor.until("what failed", |editor| codes(editor, &file) == ["run-failed"]);
    let told = &editor.diagnostics[&file][0];
    assert_eq!(told["range"]["start"]["line"], 8);
    assert!(told["message"].as_str().unwrap().contains("exit 3"), "{told}");
    // It fails again, in a run of its own; nothing is told while nobody knows.
    editor.choose(&file, 8, "Run it again");
    editor.told("running again what did not pass in small");
    editor.told("the batch small has ended: 1 passed, 1 failed");
    editor.until("a second attempt", |editor| {
        std::fs::read_to_string(&page).is_ok_and(|text| text.contains("attempt 2"))
            && codes(editor, &file) == ["run-failed"]
    });
    editor.choose(&file, 8, "Show no more of this batch here");
    editor.until("nothing more", |editor| !editor.diagnostics.contains_key(&file));
    editor.execute("divisi.batch.export", &[json!({ "batch": "small", "format": "md" })]);
    let report = editor.shown();
    assert!(std::fs::read_to_string(&report).unwrap().contains("| failed |"), "{report:?}");
    editor.execute("divisi.batch.check", &[json!("plan.yaml")]);
    let page = editor.shown();
    wait_until(DEADLINE, "the check", || std::fs::read_to_string(&page).is_ok_and(|text| text.contains("- runs: 2")));
    editor.execute("divisi.batch.list", &[]);
    editor.shown();
    editor.execute("divisi.batch.pause", &[]);
    editor.told("no batch of a plan in these folders fits divisi.batch.pause");
}

#[test]
fn a_batch_is_in_progress_and_can_be_paused_and_cancelled() {
    let scene = Scene::new();
    let (file, _) = held(&scene);
    let mut editor = Editor::open(&scene, Manner::able());
    editor.open_file(&file);
    editor.execute("divisi.batch.run", &[json!({ "path": file })]);
    editor.told("the batch has begun: 1 run");
    editor.until("progress", |editor| editor.progress.values().any(|words| words == "1 running"));
    assert_eq!(editor.progress.len(), 1, "its runs are told together: {:?}", editor.progress);
    press(&mut editor, &file, "pause");
    editor.told("held pauses");
    editor.until("the pause", |editor| editor.progress.values().any(|words| words.starts_with("paused")));
    press(&mut editor, &file, "resume");
    editor.told("held goes on");
    let token = editor.progress.keys().next().expect("its progress").clone();
    editor.notify("window/workDoneProgress/cancel", json!({ "token": token }));
    editor.told("cancelling held");
    editor.told("the batch held has ended: 1 cancelled");
    editor.until("the end of it", |editor| editor.progress.is_empty());
    let lenses = editor.at("textDocument/codeLens", &file, 0, 0);
    assert!(titles(&lenses).iter().any(|title| title.contains("ended: 1 cancelled")), "{lenses}");
}

#[test]
fn a_budget_that_is_used_up_is_told_at_its_line() {
    let scene = Scene::new();
    let file = write(
        &scene,
        r##"version: 3
metadata: {name: dear}
execution: {concurrency: 1, repeat: 5, budget: {tokens: 200}, keep: none}
agents: [{id: bad, agent: scripted}]
tasks: [{id: t, prompts: ["#!script\nusage 100 20 0.01\nsay Done."], repositories: [.]}]
"##,
    );
    let mut editor = Editor::open(&scene, Manner::able());
    editor.execute("divisi.batch.run", &[json!(file)]);
    editor.told("the batch has begun: 5 runs");
    editor.told("the batch dear has ended");
    // Also in a plan that is not open.
    editor.until("the budget", |editor| codes(editor, &file) == ["budget"]);
    let told = &editor.diagnostics[&file][0];
    assert_eq!(told["range"]["start"]["line"], 2);
    assert!(told["message"].as_str().unwrap().starts_with("the budget of dear is used up"), "{told}");
}

#[test]
fn a_suite_judges_a_session_that_is_chosen() {
    let scene = Scene::new();
    let suite = scene.env.write(
        "repo/gates.yaml",
        "version: 1\nname: gates\nevaluators:\n  - {id: check, kind: script, command: grep -q zwei lines.txt}\n",
    );
    scene.shell("one", "sed -i 's/^line 2$/zwei/' lines.txt").ok();
    let mut editor = Editor::open(&scene, Manner::able());
    editor.open_file(&suite);
    press(&mut editor, &suite, "▶ on one");
    editor.told("evaluating one");
    editor.told("one: the evaluation passed, score 100");
    wait_until(DEADLINE, "the verdict", || {
        let lenses = editor.at("textDocument/codeLens", &suite, 0, 0);
        titles(&lenses).iter().any(|title| title == "one: passed, score 100")
    });
    press(&mut editor, &suite, "one: passed");
    let page = editor.shown();
    wait_until(DEADLINE, "the list", || {
        std::fs::read_to_string(&page).is_ok_and(|text| text.contains("- suite: gates"))
    });
    editor.until("nothing is in progress", |editor| editor.progress.is_empty());
}
