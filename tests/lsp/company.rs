//! Several folders, several faces, one editor: everything once, and where it belongs.

use serde_json::{Value, json};

use super::client::{Editor, Manner};
use crate::sessions::scene::{DEADLINE, Scene};
use crate::support::wait_until;

#[test]
fn folders_with_spaces_and_umlauts_each_have_their_own_sessions() {
    let scene = Scene::new();
    let other = scene.env.repo("mein projekt \u{fc} \u{540d}");
    let file = scene.env.write("mein projekt \u{fc} \u{540d}/a b.txt", "eins\nzwei\n");
    scene.env.git(&other, &["add", "--all"]);
    scene.env.git(&other, &["commit", "--quiet", "--message", "Add it"]);
    let mut editor = Editor::on_all(&scene, Manner::able(), &[&scene.repo, &other], Some(std::process::id()));
    scene
        .env
        .divisi_in(&other, &["new", "--name", "here", "--agent", "shell", "--wait", "sed -i 's/eins/one/' 'a b.txt'"])
        .ok();
    editor.told("here: to review");
    editor.until("its hunk", |editor| editor.diagnostics.contains_key(&file));
    editor.open_file(&file);
    let actions = editor.actions(&file, 0);
    let new = actions.iter().find(|action| action["title"] == "divisi: new session ...").unwrap();
    assert_eq!(new["command"]["arguments"][0]["repository"], json!(other.to_string_lossy()));
    let first = scene.repo.join("lines.txt");
    editor.open_file(&first);
    let elsewhere = editor.actions(&first, 0);
    assert!(!elsewhere.iter().any(|action| action["title"].as_str().unwrap().contains("here:")), "{elsewhere:?}");
    editor.choose(&file, 0, "divisi: new session");
    assert!(editor.shown().starts_with(other.join(".git")));
    let folder = json!([{ "uri": divisi::lsp::uri::from_path(&other), "name": "x" }]);
    editor.notify("workspace/didChangeWorkspaceFolders", json!({ "event": { "added": [], "removed": folder } }));
    let text = json!({ "uri": divisi::lsp::uri::from_path(&file) });
    editor.notify("textDocument/didClose", json!({ "textDocument": text }));
    editor.until("nothing of a folder that is gone", |editor| !editor.diagnostics.contains_key(&file));
}

#[test]
fn approvals_are_asked_one_at_a_time_and_a_late_answer_goes_nowhere() {
    let scene = Scene::new();
    let manner = Manner { options: json!({ "approvals": "ask" }), ..Manner::able() };
    let mut editor = Editor::open(&scene, manner);
    for name in ["first", "second"] {
        scene.scripted(name, &format!("ask-permission a Run it :: make {name}\nsay thanks\n"));
        editor.told(&format!("{name} asks:"));
    }
    let (first, params) = editor.asked("window/showMessageRequest");
    assert!(params["message"].as_str().unwrap().contains("make first"), "{params}");
    // Answered elsewhere: the question is taken back, and the next one is asked.
    let approval = scene.wait_for_approval("first");
    scene.divisi(&["answer", &approval, "once"]).ok();
    let cancelled = editor.notified("$/cancelRequest");
    assert_eq!(json!(first), cancelled["id"]);
    editor.told("first: ");
    let (second, params) = editor.asked("window/showMessageRequest");
    assert!(params["message"].as_str().unwrap().contains("make second"), "{params}");
    editor.respond(first, json!({ "title": "Allow once" }));
    // Dismissed is deferred: it waits, and is not asked again.
    editor.respond(second, Value::Null);
    scene.scripted("third", "ask-permission a Run it :: make third\nsay thanks\n");
    editor.told("third asks:");
    let (third, params) = editor.asked("window/showMessageRequest");
    assert!(params["message"].as_str().unwrap().contains("make third"), "{params}");
    assert_eq!(scene.state("second"), "awaiting_input", "the late answer to the first was none to this");
    editor.respond(third, json!({ "title": "Reject" }));
    editor.told("third: ");
    scene.wait_for("third", &["review", "completed"]);
    scene.discard(&["first", "second", "third"]);
    let _ = editor.left();
}

#[test]
fn helix_is_asked_nothing_that_a_key_could_answer() {
    let scene = Scene::new();
    let manner = Manner { name: "helix", options: json!({ "approvals": "ask" }), ..Manner::able() };
    let mut editor = Editor::open(&scene, manner);
    scene.scripted("asks", "ask-permission a Run it :: make test\nsay thanks\n");
    editor.told("asks asks:");
    let approval = scene.wait_for_approval("asks");
    editor.execute("divisi.approve", &[]);
    editor.told("divisi.approve: which approval? asks: make test");
    editor.execute("divisi.approve", &[json!(approval)]);
    editor.told("asks: ");
    scene.discard(&["asks"]);
}

#[test]
fn where_somebody_else_in_the_editor_tells_what_happens_this_is_quiet() {
    let scene = Scene::new();
    let file = scene.repo.join("lines.txt");
    let manner = Manner { options: json!({ "quiet": true, "approvals": "ask" }), ..Manner::able() };
    let mut from_the_start = Editor::open(&scene, manner);
    let mut later = Editor::open(&scene, Manner::able());
    scene.divisi(&["new", "--name", "long", "--agent", "shell", "sleep 600"]).ok();
    later.until("progress", |editor| editor.progress.len() == 1);
    later.notify("divisi/quiet", json!({ "quiet": true }));
    later.until("no progress any more", |editor| editor.progress.is_empty());
    scene.divisi(&["stop", "long"]).ok();
    scene.wait_for("long", &["interrupted", "failed"]);
    scene.shell("one", "sed -i 's/^line 2$/zwei/' lines.txt").ok();
    // Diagnostics are nobody else's. The drop of an editor fails on any message.
    for editor in [&mut from_the_start, &mut later] {
        editor.until("the hunk", |editor| editor.diagnostics.contains_key(&file));
        assert!(editor.progress.is_empty());
    }
}

#[test]
fn a_session_that_is_removed_takes_everything_of_it_away_and_its_worktree_had_nothing_twice() {
    let scene = Scene::new();
    scene.shell("one", "sed -i 's/^line 2$/zwei/' lines.txt").ok();
    let file = scene.repo.join("lines.txt");
    let mut editor = Editor::open(&scene, Manner::able());
    editor.until("the hunk", |editor| editor.diagnostics.contains_key(&file));
    let worktree = scene.worktree("one");
    assert!(!editor.diagnostics.keys().any(|path| path.starts_with(&worktree)), "{:?}", editor.diagnostics.keys());
    scene.discard(&["one"]);
    editor.until("nothing", |editor| editor.diagnostics.is_empty());
}

#[test]
fn who_wrote_a_line_is_told_in_the_worktree_when_it_is_wanted() {
    let scene = Scene::new();
    scene.shell("one", "sed -i 's/^line 2$/zwei/' lines.txt").ok();
    scene.divisi(&["send", "one", "--wait", "sed -i 's/^line 9$/neun/' lines.txt"]).ok();
    let file = scene.worktree("one").join("lines.txt");
    let manner = Manner { options: json!({ "authorship": true }), ..Manner::able() };
    let mut editor = Editor::open(&scene, manner);
    editor.open_file(&file);
    wait_until(DEADLINE, "the turn of a hunk", || {
        let said = editor.at("textDocument/hover", &file, 8, 0)["contents"]["value"].to_string();
        said.contains("**one** (shell") && said.contains("this hunk of turn 2 is undecided")
    });
    wait_until(DEADLINE, "both turns", || {
        let hints = editor.at("textDocument/inlayHint", &file, 0, 0);
        let labels: Vec<&str> =
            hints.as_array().into_iter().flatten().filter_map(|hint| hint["label"].as_str()).collect();
        labels == ["one, turn 1", "one, turn 2"]
    });
    let mut plain = Editor::open(&scene, Manner::able());
    plain.open_file(&file);
    assert_eq!(plain.at("textDocument/inlayHint", &file, 0, 0), Value::Null, "off unless it is asked for");
}

#[test]
fn views_have_symbols_and_links() {
    let scene = Scene::new();
    scene.shell("one", "sed -i 's/^line 2$/zwei/' lines.txt").ok();
    let mut editor = Editor::open(&scene, Manner::able());
    editor.until("the hunk", |editor| !editor.diagnostics.is_empty());
    editor.execute("divisi.review", &[json!("one")]);
    let review = editor.shown();
    wait_until(DEADLINE, "the hunk in the view", || {
        std::fs::read_to_string(&review).is_ok_and(|text| text.contains("## lines.txt"))
    });
    editor.open_file(&review);
    let symbols = editor.at("textDocument/documentSymbol", &review, 0, 0);
    assert!(symbols.to_string().contains("lines.txt"), "{symbols}");
    let links = editor.at("textDocument/documentLink", &review, 0, 0);
    assert!(links[0]["target"].as_str().unwrap().ends_with("one/lines.txt"), "{links}");
}
