//! Plans and suites as tests, for clients that show a list of them.

use serde_json::{Value, json};

use super::client::{Editor, Manner};
use crate::sessions::scene::{DEADLINE, Scene};
use crate::support::wait_until;

const PLAN: &str = r#"version: 3
metadata: {name: small}
execution: {keep: none}
agents: [{id: sh, agent: shell}, {id: two, agent: shell}]
tasks:
  - id: good
    prompts: ["echo made > made.txt"]
    repositories: [.]
  - id: bad
    prompts: ["echo no >&2; exit 3"]
    repositories: [.]
matrix: {exclude: [{task: bad, agent: two}]}
"#;

fn tester() -> Manner {
    let options = json!({ "tests": true, "changes": true, "commands": "all" });
    Manner { options, ..Manner::able() }
}

/// The states of each item of a run, in the order in which they came, until it has ended.
fn follow(editor: &mut Editor, run: &Value) -> Vec<(String, String, Value)> {
    let mut found = Vec::new();
    loop {
        let sent = editor.any_of(&["divisi/testRun", "divisi/testResult"]);
        let params = sent.params;
        assert_eq!(&params["run"], run);
        if sent.method == "divisi/testResult" {
            let item = params["item"].as_str().expect("an item").to_owned();
            found.push((item, params["state"].as_str().expect("a state").to_owned(), params));
        } else if params["state"] == "ended" {
            return found;
        }
    }
}

/// What an item came to.
fn last<'a>(found: &'a [(String, String, Value)], end: &str) -> &'a Value {
    let of = |(item, _, _): &&(String, String, Value)| item.ends_with(end);
    &found.iter().rfind(of).unwrap_or_else(|| panic!("no {end} in {found:?}")).2
}

#[test]
fn a_plan_is_a_tree_of_tests_that_can_be_run() {
    let scene = Scene::new();
    let plan = scene.env.write("repo/plan.yaml", PLAN);
    scene.env.write("repo/other.yaml", "version: 3\nservices: {}\n");
    let mut editor = Editor::open(&scene, tester());
    let answer = editor.request("divisi/tests", json!({}));
    let items = answer["items"].as_array().expect("items");
    assert_eq!(items.len(), 1, "{answer}");
    let root = items[0].clone();
    assert_eq!((&root["kind"], &root["label"], &root["error"]), (&json!("plan"), &json!("small"), &Value::Null));
    let labels = |item: &Value| -> Vec<String> {
        let children = item["children"].as_array().into_iter().flatten();
        children.filter_map(|child| child["label"].as_str().map(str::to_owned)).collect()
    };
    assert_eq!(labels(&root), ["good", "bad"]);
    assert_eq!(labels(&root["children"][0]), ["sh", "two"]);
    assert_eq!(labels(&root["children"][1]), ["sh"]);
    assert_eq!(root["children"][1]["range"]["start"]["line"], 8);

    let started = editor.request("divisi/test/run", json!({ "items": [root["id"]] }));
    assert_eq!(started["items"].as_array().map(Vec::len), Some(3), "{started}");
    let found = follow(&mut editor, &started["run"]);
    assert_eq!(last(&found, "#good#sh")["state"], "passed");
    assert_eq!(last(&found, "#bad#sh")["state"], "failed");
    assert!(last(&found, "#bad#sh")["message"].as_str().unwrap().contains("exit 3"), "{found:?}");

    // Only a part of it.
    let only = &root["children"][0]["children"][1]["id"];
    let started = editor.request("divisi/test/run", json!({ "items": [only] }));
    assert_eq!(started["items"], json!([only]));
    let found = follow(&mut editor, &started["run"]);
    assert!(found.iter().all(|(item, _, _)| item == only.as_str().unwrap()), "{found:?}");
    assert_eq!(last(&found, "#good#two")["state"], "passed");

    // It says something else now.
    editor.open_file(&plan);
    editor.type_text(&plan, &PLAN.replace("id: good", "id: better"));
    let changed = editor.notified("divisi/testsChanged");
    assert_eq!(changed["uris"], json!([root["uri"]]));
    let answer = editor.request("divisi/tests", json!({ "uri": root["uri"] }));
    assert_eq!(labels(&answer["items"][0]), ["better", "bad"]);
    editor.type_text(&plan, "version: 3\nagnts: []\nagents: []\ntasks: []\n");
    editor.notified("divisi/testsChanged");
    let answer = editor.request("divisi/tests", json!({ "uri": root["uri"] }));
    assert!(answer["items"][0]["error"].as_str().unwrap().contains("did you mean 'agents'?"), "{answer}");
    editor.forget(&["divisi/changed"]);
}

#[test]
fn a_suite_asks_for_a_session_and_tells_of_each_evaluator() {
    let scene = Scene::new();
    scene.env.write(
        "repo/gates.yaml",
        "version: 1\nname: gates\nevaluators:\n  - {id: zwei, kind: script, command: grep -q zwei lines.txt}\n  \
         - {id: nine, kind: script, command: grep -q nine lines.txt}\n",
    );
    scene.shell("one", "sed -i 's/^line 2$/zwei/' lines.txt").ok();
    let mut editor = Editor::open(&scene, tester());
    let root = editor.request("divisi/tests", json!({}))["items"][0].clone();
    let ask = |editor: &mut Editor, items: Value, session: Option<&Value>| {
        let mut params = json!({ "items": items });
        if let Some(session) = session {
            params["session"] = session.clone();
        }
        editor.request("divisi/test/run", params)
    };
    let mut asked = Value::Null;
    // The server hears of its sessions after it has its daemon.
    wait_until(DEADLINE, "the session", || {
        asked = ask(&mut editor, json!([root["id"]]), None);
        asked["choices"].as_array().is_some_and(|choices| !choices.is_empty())
    });
    assert_eq!((&asked["needs"], &asked["choices"][0]["label"]), (&json!("session"), &json!("one")));
    let session = asked["choices"][0]["session"].clone();
    let started = ask(&mut editor, json!([root["id"]]), Some(&session));
    let found = follow(&mut editor, &started["run"]);
    assert_eq!(last(&found, "#zwei")["state"], "passed");
    assert_eq!(last(&found, "#nine")["state"], "failed");
    let part = ask(&mut editor, json!([root["children"][1]["id"]]), Some(&session));
    let found = follow(&mut editor, &part["run"]);
    assert_eq!(found.iter().map(|(_, state, _)| state.as_str()).collect::<Vec<_>>(), ["failed"]);

    // What the command line started is told as well.
    let file = scene.repo.join("gates.yaml");
    scene.divisi(&["eval", "one", "--suite", file.to_str().expect("a path")]).exits(4);
    let begun = editor.notified("divisi/testRun");
    let found = follow(&mut editor, &begun["run"]);
    assert_eq!(last(&found, "#zwei")["state"], "passed");
    editor.forget(&["divisi/changed"]);
}

#[test]
fn a_run_is_cancelled_and_who_asks_for_no_tests_hears_of_none() {
    let scene = Scene::new();
    scene.env.write(
        "repo/plan.yaml",
        "version: 3\nexecution: {keep: none}\nagents: [{id: sh, agent: shell}]\ntasks: [{id: t, prompts: [sleep 600], repositories: [.]}]\n",
    );
    let mut other = Editor::open(&scene, Manner::able());
    let mut editor = Editor::open(&scene, tester());
    let root = editor.request("divisi/tests", json!({}))["items"][0].clone();
    let started = editor.request("divisi/test/run", json!({ "items": [root["id"]] }));
    let id = editor.post("divisi/test/cancel", json!({ "run": started["run"] }));
    assert!(editor.answer(&id).is_ok());
    let found = follow(&mut editor, &started["run"]);
    assert_eq!(last(&found, "#t#sh")["state"], "skipped");
    for wrong in [json!({ "items": ["plan:file:///nowhere"] }), json!({})] {
        let id = editor.post("divisi/test/run", wrong);
        assert!(editor.answer(&id).is_err());
    }
    editor.forget(&["divisi/changed"]);
    other.told("has ended: 1 cancelled");
    other.until("nothing runs", |other| other.progress.is_empty());
}
