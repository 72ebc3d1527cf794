//! What a program on a terminal does, as its session tells it.

use serde_json::Value;

use super::scene::{idle, look, scene};
use crate::sessions::scene::DEADLINE;
use crate::support::wait_until;

#[test]
fn a_prompt_is_pasted_and_entered_and_the_program_says_when_it_is_done() {
    let scene = scene();
    scene.divisi(&["new", "--name", "one", "--agent", "fake", "two\nlines"]).ok();
    let seen = scene.wait_for("one", &["completed", "failed"]);
    assert_eq!(seen["turn"]["stop_reason"], "end_turn", "{seen:#}");
    let spoken = scene.spoken("one");
    assert!(spoken.contains("heard [two|lines]"), "a paste with its newline: {spoken}");
    assert!(!spoken.contains('\u{1b}'), "the transcript is text: {spoken:?}");
    scene.divisi(&["send", "one", "and more"]).ok();
    wait_until(DEADLINE, "the second prompt is heard by the same process", || {
        scene.spoken("one").contains("heard [and more]")
    });
    assert_eq!(scene.show("one")["turns"], 2);
}

#[test]
fn its_changes_are_committed_when_it_says_that_it_is_done() {
    let scene = idle("one");
    scene.divisi(&["send", "one", "work"]).ok();
    scene.wait_for("one", &["running"]);
    scene.env.write(scene.worktree("one").join("go"), "");
    scene.wait_for("one", &["review"]);
    assert_eq!(scene.read("one", "made.txt"), "by the fake\n");
    let diff = scene.divisi(&["diff", "one", "--name-only"]);
    assert!(diff.ok().stdout.contains("made.txt"));
}

#[test]
fn a_question_is_shown_and_answered_in_the_terminal_only() {
    let scene = idle("one");
    scene.divisi(&["send", "one", "ask"]).ok();
    let approval = scene.wait_for_approval("one");
    let asked = &scene.approvals()[0];
    assert_eq!((asked["kind"].as_str(), asked["tool"]["title"].as_str()), (Some("question"), Some("write it")));
    scene.divisi(&["policy", "one", "auto"]).ok();
    assert_eq!(scene.state("one"), "awaiting_input", "nobody but a person in the terminal answers it");
    let refused = scene.divisi(&["answer", &approval, "once"]);
    assert!(refused.exits(1).stderr.contains("divisi open one --terminal"), "{refused}");
    let mut person = look(&scene, "one", 80, 24);
    person.until("may I?");
    person.type_in("y");
    person.until("allowed");
    scene.wait_for("one", &["completed"]);
    assert!(scene.approvals().is_empty());
}

#[test]
fn a_failure_it_reports_is_a_failed_turn_with_its_words() {
    let scene = idle("one");
    scene.divisi(&["send", "one", "fail"]).ok();
    let seen = scene.wait_for("one", &["failed"]);
    assert_eq!(seen["reason"], "no model");
}

#[test]
fn a_stop_interrupts_it_and_it_goes_on_to_serve() {
    let scene = idle("one");
    scene.divisi(&["send", "one", "work"]).ok();
    let person = look(&scene, "one", 80, 24);
    person.until("working");
    scene.divisi(&["stop", "one"]).ok();
    scene.wait_for("one", &["interrupted"]);
    person.until("interrupted");
    scene.divisi(&["send", "one", "again"]).ok();
    person.until("heard [again]");
    scene.wait_for("one", &["completed"]);
}

#[test]
fn what_a_person_types_is_a_turn_of_its_own() {
    let scene = idle("one");
    let mut person = look(&scene, "one", 80, 24);
    person.until("heard [hello there]");
    scene.env.write(scene.worktree("one").join("go"), "");
    person.type_in("work\r");
    person.until("made it");
    let seen = scene.wait_for("one", &["review"]);
    assert_eq!(seen["turn"]["prompt"], "(typed in the terminal)");
    assert_eq!(seen["turns"], 2);
    assert_eq!(scene.read("one", "made.txt"), "by the fake\n");
}

#[test]
fn the_end_of_a_program_that_says_nothing_decides() {
    let scene = scene();
    scene.divisi(&["new", "--name", "good", "--agent", "terminal", "printf 'one\\033[31mtwo\\n'; tty >tty.txt"]).ok();
    let seen = scene.wait_for("good", &["review", "failed"]);
    assert_eq!(seen["turn"]["stop_reason"], "exit 0");
    assert_eq!(scene.spoken("good").trim(), "onetwo");
    assert!(scene.read("good", "tty.txt").starts_with("/dev/pts/"));
    scene.divisi(&["new", "--name", "bad", "--agent", "terminal", "seq 5000; exit 3"]).ok();
    let seen = scene.wait_for("bad", &["failed"]);
    assert_eq!(seen["reason"], "exit 3");
    let spoken = scene.spoken("bad");
    assert!(spoken.contains("4999\n5000"), "{spoken}");
    let refused = scene.divisi(&["open", "bad", "--terminal"]);
    assert!(refused.exits(1).stderr.contains("terminal"), "{refused}");
}

#[test]
fn a_full_screen_program_leaves_a_screen_and_not_a_flood() {
    let scene = idle("one");
    scene.divisi(&["send", "one", "flood"]).ok();
    wait_until(DEADLINE, "the flood is over", || scene.spoken("one").contains("flooded"));
    let spoken = scene.spoken("one");
    assert!(spoken.len() < 20_000, "{} bytes", spoken.len());
    let events: Vec<Value> = scene.events("one");
    assert!(events.len() < 100, "{} events", events.len());
}

#[test]
fn its_tree_ends_with_its_session_and_a_stop_ends_a_program_that_says_nothing() {
    let scene = scene();
    let command = "setsid sleep 1000 & trap '' INT TERM HUP; echo ready; while :; do sleep 1; done";
    scene.divisi(&["new", "--name", "one", "--agent", "terminal", command]).ok();
    let person = look(&scene, "one", 80, 24);
    person.until("ready");
    scene.divisi(&["stop", "one"]).ok();
    scene.wait_for("one", &["interrupted"]);
    person.until("ended");
}
