//! Virtual documents: transcripts that grow, and files as they were.

use serde_json::{Value, json};

use super::client::{Editor, Manner};
use crate::sessions::scene::Scene;

const REQUEST: &str = "workspace/textDocumentContent";
const REFRESH: &str = "workspace/textDocumentContent/refresh";

fn text(editor: &mut Editor, uri: &str) -> String {
    let answer = editor.request(REQUEST, json!({ "uri": uri }));
    answer["text"].as_str().expect("a text").to_owned()
}

#[test]
fn a_transcript_is_refreshed_once_until_it_is_asked_for_again() {
    let scene = Scene::new();
    let mut manner = Manner::able();
    manner.capabilities["workspace"]["textDocumentContent"] = json!({ "dynamicRegistration": true });
    let mut editor = Editor::open(&scene, manner);
    scene.scripted("talks", "say one\nsleep-until go\nsay two\nsleep-until on\nsay three\\e[31m\n");
    let session = scene.show("talks")["id"].as_str().expect("an id").to_owned();
    let uri = format!("divisi:/transcript/{session}/talks.transcript");
    // What is there when it is opened comes at once; what follows is told.
    while !text(&mut editor, &uri).contains("\none\n") {
        let (id, params) = editor.asked(REFRESH);
        assert_eq!(params["uri"], uri);
        editor.respond(id, Value::Null);
    }
    for (file, says) in [("go", "two"), ("on", "three")] {
        std::fs::write(scene.worktree("talks").join(file), "").expect("our own folder");
        loop {
            let (id, _) = editor.asked(REFRESH);
            editor.respond(id, Value::Null);
            if text(&mut editor, &uri).contains(says) {
                break;
            }
        }
    }
    scene.wait_for("talks", &["review", "completed"]);
    assert!(!text(&mut editor, &uri).contains('\u{1b}'), "nothing in it is a control character");
    editor.told("talks: ");
    // Closed: nothing is told any more.
    editor.notify("textDocument/didClose", json!({ "textDocument": { "uri": uri } }));
    editor.find_daemon();
    editor.left();
    scene.discard(&["talks"]);
}

#[test]
fn a_file_is_shown_as_it_was_where_the_session_began() {
    let scene = Scene::new();
    let mut editor = Editor::open(&scene, Manner::able());
    scene.shell("one", "sed -i 's/^line 2$/zwei/' lines.txt; echo new > 'n e w.txt'").ok();
    editor.told("one: to review");
    let session = scene.show("one")["id"].as_str().expect("an id").to_owned();
    let base = text(&mut editor, &format!("divisi:/base/{session}/0/lines.txt"));
    assert!(base.starts_with("line 1\nline 2\n"), "{base}");
    assert_eq!(text(&mut editor, &format!("divisi:/base/{session}/0/n%20e%20w.txt")), "");
    assert_eq!(text(&mut editor, &format!("divisi:/gone/{session}/lines.txt")), "");
    for not in ["divisi:/base/nobody/0/lines.txt", "divisi:/what/x/y", "file:///etc/passwd"] {
        let id = editor.post(REQUEST, json!({ "uri": not }));
        assert!(editor.answer(&id).is_err(), "{not}");
    }
    scene.discard(&["one"]);
}

#[test]
fn the_page_of_a_batch_grows_while_it_is_looked_at() {
    let scene = Scene::new();
    let gate = scene.env.path("go");
    let plan = format!(
        "version: 3\nmetadata: {{name: held}}\nexecution: {{keep: none}}\nagents: [{{id: sh, agent: shell}}]\ntasks:\n  - id: waits\n    \
         prompts: [\"until test -e {}; do sleep 0.05; done\"]\n    repositories: [.]\n",
        gate.display()
    );
    let file = scene.env.write("repo/plan.yaml", plan);
    let mut manner = Manner::able();
    manner.capabilities["workspace"]["textDocumentContent"] = json!({ "dynamicRegistration": true });
    let mut editor = Editor::open(&scene, manner);
    editor.execute("divisi.batch.run", &[json!(file)]);
    editor.told("the batch has begun");
    let batches = editor.request("divisi/call", json!({ "method": "batch/list" }));
    let uri = format!("divisi:/batch/{}/held.md", batches[0]["id"].as_str().expect("an id"));
    assert!(text(&mut editor, &uri).contains("# divisi: batch held"));
    std::fs::write(&gate, "").expect("our own folder");
    while !text(&mut editor, &uri).contains("ended: 1 passed") {
        let (id, params) = editor.asked(REFRESH);
        assert_eq!(params["uri"], uri);
        editor.respond(id, Value::Null);
    }
    editor.told("the batch held has ended: 1 passed");
    editor.notify("textDocument/didClose", json!({ "textDocument": { "uri": uri } }));
    let id = editor.post(REQUEST, json!({ "uri": "divisi:/batch/nothing/x.md" }));
    assert!(editor.answer(&id).is_err());
}
