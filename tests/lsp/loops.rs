//! What a person does: start, watch, answer, review, land, each from where they are.

use serde_json::{Value, json};

use super::client::{Editor, Manner};
use crate::sessions::scene::Scene;

fn messages(found: Option<&Vec<Value>>) -> Vec<&str> {
    found.into_iter().flatten().filter_map(|diagnostic| diagnostic["message"].as_str()).collect()
}

#[test]
fn a_hunk_is_seen_rejected_and_accepted_and_the_session_lands() {
    let scene = Scene::new();
    let file = scene.repo.join("lines.txt");
    let mut editor = Editor::open(&scene, Manner::able());
    editor.open_file(&file);
    scene.shell("one", "sed -i 's/^line 2$/zwei/; s/^line 11$/elf/' lines.txt").ok();
    editor.told("one: to review");
    editor.until("two hunks", |editor| messages(editor.diagnostics.get(&file)).len() == 2);
    let found = &editor.diagnostics[&file];
    assert_eq!((&found[0]["range"]["start"]["line"], &found[1]["range"]["start"]["line"]), (&json!(1), &json!(10)));
    let hover = editor.request(
        "textDocument/hover",
        json!({ "textDocument": { "uri": divisi::lsp::uri::from_path(&file) }, "position": { "line": 1, "character": 0 } }),
    );
    assert!(hover["contents"]["value"].as_str().unwrap().contains("+zwei"), "{hover}");

    editor.choose(&file, 10, "Reject the hunk of one");
    editor.until("one hunk", |editor| messages(editor.diagnostics.get(&file)).len() == 1);
    assert!(scene.read("one", "lines.txt").contains("line 11"), "it is out of the worktree");
    editor.choose(&file, 1, "Accept the hunk of one");
    editor.until("none", |editor| !editor.diagnostics.contains_key(&file));

    editor.execute("divisi.land", &[json!("one")]);
    editor.told("landing one: completed");
    editor.told("landing one");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("zwei") && text.contains("line 11"), "{text}");
}

#[test]
fn an_approval_is_answered_by_a_code_action_and_is_gone_everywhere() {
    let scene = Scene::new();
    let mut editor = Editor::open(&scene, Manner::able());
    let mut other = Editor::open(&scene, Manner::bare());
    scene.scripted("asks", "ask-permission a Run the tests :: make test\nsay thanks\n");
    let told = editor.told("asks asks:");
    assert!(told.contains("make test"), "{told}");
    other.told("asks asks:");
    let file = scene.repo.join("lines.txt");
    editor.open_file(&file);
    editor.choose(&file, 0, "Allow once");
    scene.wait_for("asks", &["review", "completed"]);
    editor.told("asks: ");
    other.told("asks: ");
    for editor in [&mut editor, &mut other] {
        let actions = editor.actions(&file, 0);
        assert!(!actions.iter().any(|action| action["title"].as_str().unwrap().contains("Allow")), "{actions:?}");
    }
    scene.discard(&["asks"]);
}

#[test]
fn a_session_starts_from_a_prompt_file_and_shows_its_views() {
    let scene = Scene::new();
    let mut editor = Editor::open(&scene, Manner::able());
    editor.execute("divisi.new", &[]);
    let prompt = editor.shown();
    let text = std::fs::read_to_string(&prompt).unwrap() + "touch made-here\n";
    std::fs::write(&prompt, &text).unwrap();
    editor.open_file(&prompt);
    // The configured default may be any agent; a prompt is a prompt.
    editor.execute("divisi.new", &[json!({ "prompt": "touch made-here", "agent": "shell", "name": "fresh" })]);
    editor.told("started fresh");
    editor.told("fresh: ");
    editor.execute("divisi.review", &[json!("fresh")]);
    let review = editor.shown();
    crate::support::wait_until(crate::sessions::scene::DEADLINE, "the hunk in the view", || {
        std::fs::read_to_string(&review).is_ok_and(|text| text.contains("## made-here (new)"))
    });
    editor.execute("divisi.transcript", &[json!("fresh")]);
    let transcript = editor.shown();
    crate::support::wait_until(crate::sessions::scene::DEADLINE, "a transcript", || {
        std::fs::read_to_string(&transcript).is_ok_and(|text| text.contains("touch made-here"))
    });
    editor.execute("divisi.sessions", &[]);
    let list = editor.shown();
    let text = std::fs::read_to_string(&list).unwrap();
    let line = u32::try_from(text.lines().position(|line| line.starts_with("## fresh")).unwrap()).unwrap();
    assert!(editor.actions(&list, line).iter().any(|action| action["title"] == "fresh: review"));
    assert!(editor.actions(&prompt, 0).iter().any(|action| action["title"] == "Send this"));
    assert!(prompt.starts_with(scene.repo.join(".git")), "nothing appears in the repository's own files");
}

#[test]
fn progress_begins_with_the_work_ends_with_it_and_can_cancel_it() {
    let scene = Scene::new();
    let mut editor = Editor::open(&scene, Manner::able());
    scene.divisi(&["new", "--name", "long", "--agent", "shell", "sleep 600"]).ok();
    editor.until("progress", |editor| editor.progress.len() == 1);
    let token = editor.progress.keys().next().unwrap().clone();
    editor.notify("window/workDoneProgress/cancel", json!({ "token": token }));
    editor.told("stopping long");
    editor.until("the end of progress", |editor| editor.progress.is_empty());
    editor.told("long: ");
    scene.wait_for("long", &["interrupted", "failed"]);
}

#[test]
fn two_sessions_on_the_same_lines_are_told_while_both_are_only_worktrees() {
    let scene = Scene::new();
    let file = scene.repo.join("lines.txt");
    scene.shell("left", "sed -i 's/^line 5$/links/' lines.txt").ok();
    scene.shell("right", "sed -i 's/^line 5$/rechts/' lines.txt").ok();
    let mut editor = Editor::open(&scene, Manner::able());
    editor.until("a collision", |editor| {
        messages(editor.diagnostics.get(&file)).iter().any(|message| message.contains("both change these lines"))
    });
}
