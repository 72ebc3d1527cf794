//! Commands and what is offered: as many as the command line has verbs, and none that is refused.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::client::{Editor, Manner};
use crate::sessions::scene::{DEADLINE, Scene};
use crate::support::wait_until;

/// Verbs that are no commands of an editor, and why.
const NOT_HERE: &[(&str, &str)] = &[
    ("try", "a tour in a terminal"),
    ("completions", "for shells"),
    ("nvim", "a face that an editor starts"),
    ("lsp", "this one"),
    ("mcp", "for agents"),
    ("http", "a server of its own"),
    ("bench", "runs in the terminal that it was started in"),
];

#[test]
fn every_verb_of_the_command_line_is_a_command() {
    let scene = Scene::new();
    let help = scene.divisi(&["--help"]).ok().stdout.clone();
    let verbs: BTreeSet<String> = help
        .lines()
        .skip_while(|line| !line.starts_with("Commands:"))
        .skip(1)
        .take_while(|line| !line.trim().is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .collect();
    assert!(verbs.len() > 30, "{verbs:?}");
    let mut editor = Editor::start(scene.env.divisi_command(&scene.repo, &["lsp"]), Manner::bare());
    let answer = editor.request("initialize", json!({ "processId": null, "capabilities": {} }));
    editor.find_daemon();
    let commands: BTreeSet<&str> = answer["capabilities"]["executeCommandProvider"]["commands"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|name| name.as_str()?.strip_prefix("divisi."))
        .collect();
    let lacking: Vec<&String> = verbs
        .iter()
        .filter(|verb| !commands.contains(verb.as_str()) && !NOT_HERE.iter().any(|(name, _)| name == verb))
        .collect();
    assert_eq!(lacking, [""; 0], "add them to src/lsp/verbs.rs, or say here why not");
    let idle: Vec<&(&str, &str)> = NOT_HERE.iter().filter(|(name, _)| commands.contains(name)).collect();
    assert!(idle.is_empty(), "they are commands: {idle:?}");
}

#[test]
fn what_has_no_view_of_its_own_is_a_report() {
    let scene = Scene::new();
    scene.shell("one", "sed -i 's/^line 2$/zwei/' lines.txt").ok();
    scene.shell("two", "sed -i 's/^line 9$/neun/' lines.txt").ok();
    let mut editor = Editor::open(&scene, Manner::able());
    editor.until("both are known", |editor| editor.diagnostics.values().map(Vec::len).sum::<usize>() >= 2);
    let all: &[(&str, Value, &str)] = &[
        ("divisi.show", json!("one"), "- name: one"),
        ("divisi.diff", json!("one"), "+zwei"),
        ("divisi.timeline", json!("one"), "current"),
        ("divisi.preflight", json!("one"), "- ready: yes"),
        ("divisi.compare", json!({ "sessions": "one two" }), "two"),
        ("divisi.comments", json!("one"), "Nothing."),
        ("divisi.agents", json!({}), "## shell"),
        ("divisi.doctor", json!({}), "# divisi: doctor"),
        ("divisi.daemon", json!({}), "- pid: "),
        ("divisi.queue", json!("two"), "- name: two"),
    ];
    for (command, argument, words) in all {
        editor.execute(command, std::slice::from_ref(argument));
        let page = editor.shown();
        wait_until(DEADLINE, &format!("{command} says {words}"), || {
            std::fs::read_to_string(&page).is_ok_and(|text| text.contains(words) && !text.contains("is being read"))
        });
    }
    editor.execute("divisi.diff", &[json!({ "session": "one", "number": 1 })]);
    let page = editor.shown();
    assert!(page.ends_with("diff_one_turn_1.md"), "{page:?}");
    editor.execute("divisi.open", &[json!("one")]);
    assert!(editor.shown().ends_with("one/lines.txt"));
    editor.told("the worktree of one is");
    editor.execute("divisi.wait", &[json!("one")]);
    editor.told("one: to review");
}

/// Everything that is offered on a session that waits for a review is done, one after the other, and nothing is refused.
#[test]
fn what_is_offered_is_not_refused() {
    let scene = Scene::new();
    scene.shell("one", "sed -i 's/^line 2$/zwei/; s/^line 11$/elf/' lines.txt").ok();
    let file = scene.repo.join("lines.txt");
    let mut editor = Editor::open(&scene, Manner::able());
    editor.open_file(&file);
    editor.until("two hunks", |editor| editor.diagnostics.get(&file).is_some_and(|found| found.len() == 2));
    let titles = |editor: &mut Editor, line: u32| -> Vec<String> {
        let actions = editor.actions(&file, line);
        actions.iter().filter_map(|action| action["title"].as_str()).map(str::to_owned).collect()
    };
    let wait_for = |editor: &mut Editor, title: &str, line: u32| {
        wait_until(DEADLINE, title, || titles(editor, line).iter().any(|found| found.contains(title)));
    };
    for (line, title, next) in [
        (1, "Accept the hunk of one", "Take the decision back"),
        (1, "Take the decision back", "Reject the hunk of one"),
        (10, "Accept the hunk of one", "Take the decision back"),
    ] {
        wait_for(&mut editor, title, line);
        editor.choose(&file, line, title);
        wait_for(&mut editor, next, line);
    }
    assert!(!titles(&mut editor, 0).iter().any(|title| title.contains("one: stop")), "nothing runs");
    editor.choose(&file, 1, "Comment on the hunk of one");
    let draft = editor.shown();
    let text = std::fs::read_to_string(&draft).unwrap() + "why?\n";
    std::fs::write(&draft, text).unwrap();
    editor.choose(&draft, 0, "Send this");
    editor.told("commented");
    wait_for(&mut editor, "one: send the review", 0);
    editor.choose(&file, 0, "one: open the worktree");
    assert!(editor.shown().ends_with("one/lines.txt"));
    editor.told("the worktree of one is");
    wait_for(&mut editor, "one: land", 0);
    editor.choose(&file, 0, "one: land");
    editor.told("landing one: completed");
    editor.told("landing one");
    wait_until(DEADLINE, "a session that has landed offers no landing", || {
        !titles(&mut editor, 0).iter().any(|title| title.contains("one: land"))
    });
    editor.until("nothing waits", |editor| !editor.diagnostics.contains_key(&file));
}

#[test]
fn the_command_of_an_action_comes_when_it_is_chosen_where_the_editor_can_ask() {
    let scene = Scene::new();
    let mut manner = Manner::able();
    manner.capabilities["textDocument"]["codeAction"]["resolveSupport"] = json!({ "properties": ["edit", "command"] });
    let mut editor = Editor::open(&scene, manner);
    let file = scene.repo.join("lines.txt");
    editor.open_file(&file);
    let actions = editor.actions(&file, 0);
    assert!(actions.iter().all(|action| action["command"].is_null() && action["data"].is_object()), "{actions:?}");
    let sessions = actions.iter().find(|action| action["title"] == "divisi: sessions").unwrap().clone();
    let resolved = editor.request("codeAction/resolve", sessions.clone());
    assert_eq!(resolved["command"]["command"], "divisi.sessions");
    for _ in 0..40 {
        editor.actions(&file, 0);
    }
    let late = editor.post("codeAction/resolve", sessions);
    assert!(editor.answer(&late).unwrap_err().contains("too long ago"));
}
