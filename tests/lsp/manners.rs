//! How the server behaves towards editors of all kinds: in order, without waiting, without outliving them.

use std::time::Duration;

use lsp_server::{Message, Response};
use serde_json::{Value, json};

use super::client::{Editor, Manner};
use crate::sessions::scene::Scene;

/// The wedge test: an editor that answers nothing is served all the same.
#[test]
fn fifty_unanswered_requests_do_not_keep_it_from_answering() {
    let scene = Scene::new();
    let mut editor = Editor::open(&scene, Manner { answers: false, ..Manner::able() });
    for _ in 0..50 {
        editor.execute("divisi.sessions", &[]);
    }
    let file = scene.repo.join("lines.txt");
    editor.open_file(&file);
    assert!(!editor.actions(&file, 0).is_empty());
    for _ in 0..50 {
        editor.asked("window/showDocument");
    }
}

#[test]
fn answers_come_in_the_order_of_the_questions_and_edits_are_seen_by_the_next() {
    let scene = Scene::new();
    scene.shell("one", "sed -i 's/^line 2$/zwei/' lines.txt").ok();
    let file = scene.repo.join("lines.txt");
    let mut editor = Editor::open(&scene, Manner::able());
    editor.open_file(&file);
    editor.until("the hunk", |editor| editor.diagnostics.contains_key(&file));
    let text = std::fs::read_to_string(&file).unwrap();
    let uri = divisi::lsp::uri::from_path(&file);
    let mut asked = Vec::new();
    for shift in 1..=30_u32 {
        let moved = "above\n".repeat(usize::try_from(shift).unwrap()) + &text;
        editor.notify(
            "textDocument/didChange",
            json!({ "textDocument": { "uri": uri, "version": shift + 1 }, "contentChanges": [{ "text": moved }] }),
        );
        let at = json!({ "line": 1 + shift, "character": 0 });
        let id = editor.post(
            "textDocument/codeAction",
            json!({ "textDocument": { "uri": uri }, "range": { "start": at, "end": at }, "context": { "diagnostics": [] } }),
        );
        asked.push(id);
    }
    for id in asked {
        let actions = editor.answer(&id).unwrap();
        let titles = actions.as_array().unwrap();
        assert!(titles.iter().any(|action| action["title"] == "Reject the hunk of one (+1 -1)"), "{id}: {titles:?}");
    }
}

#[test]
fn a_request_before_initialize_or_unknown_or_malformed_gets_an_error() {
    let scene = Scene::new();
    let mut editor = Editor::start(scene.env.divisi_command(&scene.repo, &["lsp"]), Manner::bare());
    let early = editor.post("textDocument/hover", json!({}));
    assert!(editor.answer(&early).unwrap_err().contains("not initialized"));
    editor.request("initialize", json!({ "processId": null, "capabilities": {} }));
    editor.find_daemon();
    let unknown = editor.post("textDocument/rename", json!({}));
    assert!(editor.answer(&unknown).unwrap_err().contains("does not know"));
    let malformed = editor.post("textDocument/codeAction", json!({ "textDocument": 7 }));
    assert!(editor.answer(&malformed).is_err());
    editor.send(&Message::Response(Response::new_ok(99.into(), json!("nobody asked"))));
    editor.execute("divisi.lnad", &[json!(["odd"])]);
    editor.told("did you mean divisi.land?");
    editor.execute("divisi.stop", &[json!("nobody")]);
    editor.told("there is no session 'nobody'");
}

#[test]
fn what_a_client_cannot_is_said_instead_and_not_asked_again() {
    let scene = Scene::new();
    let mut bare = Editor::open(&scene, Manner::bare());
    bare.execute("divisi.sessions", &[]);
    bare.told("sessions.md");
    let file = scene.repo.join("lines.txt");
    bare.open_file(&file);
    let actions = bare.actions(&file, 0);
    assert!(actions.iter().all(|action| action["command"].is_string()), "bare commands: {actions:?}");

    let mut editor = Editor::open(&scene, Manner::able());
    editor.execute("divisi.sessions", &[]);
    let (id, _) = editor.asked("window/showDocument");
    editor.send(&Message::Response(Response::new_err(id, -32601, "no such method".to_owned())));
    editor.told("sessions.md");
    editor.execute("divisi.sessions", &[]);
    editor.told("sessions.md");
}

#[test]
fn which_session_is_asked_where_that_is_safe_and_told_where_it_is_not() {
    let scene = Scene::new();
    scene.shell("one", "touch a").ok();
    scene.shell("two", "touch b").ok();
    let mut editor = Editor::open(&scene, Manner::able());
    let mut helix = Editor::open(&scene, Manner { name: "helix", ..Manner::able() });
    crate::support::wait_until(crate::sessions::scene::DEADLINE, "both know of both", || {
        let file = scene.repo.join("lines.txt");
        [&mut editor, &mut helix].into_iter().all(|editor| {
            editor.open_file(&file);
            let actions = editor.actions(&file, 0);
            ["one: review", "two: review"].iter().all(|title| actions.iter().any(|action| action["title"] == *title))
        })
    });
    helix.execute("divisi.review", &[]);
    helix.told("which session? ");
    editor.execute("divisi.review", &[]);
    let (id, params) = editor.asked("window/showMessageRequest");
    assert_eq!(params["actions"].as_array().map(Vec::len), Some(2));
    editor.respond(id, json!({ "title": "two" }));
    assert!(editor.shown().ends_with("review-two.md"));
    editor.execute("divisi.review", &[]);
    let (id, _) = editor.asked("window/showMessageRequest");
    editor.respond(id, Value::Null);
}

/// The fastest of some tries: a machine that does something else only ever makes it slower.
fn fastest(mut one: impl FnMut() -> Duration) -> Duration {
    (0..4).map(|_| one()).min().expect("some")
}

#[test]
fn it_ends_within_a_second_of_exit_of_the_end_of_input_and_of_its_editor() {
    const SECOND: Duration = Duration::from_secs(1);
    let scene = Scene::new();
    let took = fastest(|| {
        let mut editor = Editor::open(&scene, Manner::able());
        let (code, took) = editor.quit();
        assert_eq!(code, Some(0));
        took
    });
    assert!(took < SECOND, "after exit: {took:?}");
    let took = fastest(|| {
        let mut editor = Editor::open(&scene, Manner::able());
        let since = std::time::Instant::now();
        editor.close_input();
        assert_eq!(editor.gone(), Some(1));
        since.elapsed()
    });
    assert!(took < SECOND, "after the end of input: {took:?}");
    // An editor that was killed, but whose pipe somebody else holds open.
    let took = fastest(|| {
        let mut parent = std::process::Command::new("sleep").arg("600").spawn().unwrap();
        let mut editor = Editor::on(&scene, Manner::able(), &scene.repo.clone(), Some(parent.id()));
        assert!(crate::sessions::scene::is_alive(i32::try_from(editor.pid()).unwrap()));
        let since = std::time::Instant::now();
        parent.kill().unwrap();
        parent.wait().unwrap();
        assert_eq!(editor.gone(), Some(1));
        since.elapsed()
    });
    assert!(took < SECOND, "after its editor's end: {took:?}");
}

#[test]
fn a_daemon_that_dies_is_said_once_and_found_again() {
    let scene = Scene::new();
    scene.shell("one", "sed -i 's/^line 2$/zwei/' lines.txt").ok();
    let file = scene.repo.join("lines.txt");
    let mut editor = Editor::open(&scene, Manner::able());
    editor.until("the hunk", |editor| editor.diagnostics.contains_key(&file));
    scene.kill_daemon();
    editor.told("no connection to the daemon");
    let diff = scene.env.json(&scene.repo, &["diff", "one"]);
    scene.divisi(&["accept", "one", diff["files"][0]["hunks"][0]["id"].as_str().expect("a hunk")]).ok();
    editor.until("what happened meanwhile", |editor| !editor.diagnostics.contains_key(&file));
}
