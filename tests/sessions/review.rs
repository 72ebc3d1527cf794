//! Review: decisions, comments that follow their lines, rounds, and that no crash loses any of it.

use std::fs;

use serde_json::Value;

use super::scene::{DEADLINE, Scene};
use crate::support::wait_until;

/// Changes three places of a file of sixty lines; the answer to a round says the prompt and changes a fourth.
const SCRIPT: &str = "on-turn 1\nreplace long.txt row 5. :: ROW 5.\nreplace long.txt row 25. :: ROW 25.\nreplace long.txt row 50. :: ROW 50.\n\
    edit new.txt fresh\non-turn 2\nprompt\nreplace long.txt row 40. :: FORTY";

fn scene() -> Scene {
    let scene = Scene::new();
    let rows = (1..=60).map(|number| format!("row {number}.\n")).collect::<Vec<_>>().concat();
    scene.env.write("repo/long.txt", rows);
    scene.env.git(&scene.repo, &["add", "--all"]);
    scene.env.git(&scene.repo, &["commit", "--quiet", "--message", "Add rows"]);
    scene
}

fn begin(scene: &Scene) {
    let variable = format!("AGENT_SCRIPT={SCRIPT}");
    scene.divisi(&["new", "--name", "one", "--agent", "scripted", "--env", &variable, "--wait", "go"]).ok();
}

fn review(scene: &Scene, more: &[&str]) -> Value {
    let mut arguments = vec!["review", "one"];
    arguments.extend(more);
    scene.env.json(&scene.repo, &arguments)
}

/// The id of the hunk that holds a line.
fn hunk(diff: &Value, line: &str) -> String {
    let files = diff["files"].as_array().expect("files").iter();
    let mut hunks = files.flat_map(|file| file["hunks"].as_array().cloned().unwrap_or_default());
    let found = hunks.find(|hunk| hunk["lines"].as_array().unwrap().iter().any(|text| text == line));
    found.unwrap_or_else(|| panic!("no hunk has {line}: {diff}"))["id"].as_str().unwrap().to_owned()
}

fn of(diff: &Value, id: &str) -> Value {
    let files = diff["files"].as_array().expect("files").iter();
    let mut hunks = files.flat_map(|file| file["hunks"].as_array().cloned().unwrap_or_default());
    hunks.find(|hunk| hunk["id"] == id).unwrap_or(Value::Null)
}

#[test]
fn a_round_sends_comments_and_rejections_and_the_next_review_shows_the_answer_only() {
    let scene = scene();
    begin(&scene);
    let diff = review(&scene, &[])["diff"].clone();
    scene.divisi(&["comment", "one", "long.txt:25", "why \u{1b}[31mloud?", "--kind", "question"]).ok();
    scene.divisi(&["comment", "one", "new.txt", "needs a test"]).ok();
    scene.divisi(&["comment", "one", "long.txt:50-60", "x"]).ok();
    scene.divisi(&["comments", "one", "--remove", "c3"]).ok();
    scene.divisi(&["accept", "one", &hunk(&diff, "+ROW 50.")]).ok();
    scene.divisi(&["reject", "one", &hunk(&diff, "+ROW 5.")]).ok();
    assert!(scene.read("one", "long.txt").starts_with("row 1.\nrow 2.\nrow 3.\nrow 4.\nrow 5.\n"));
    let shown = scene.divisi(&["comments", "one"]).ok().stdout.clone();
    assert!(shown.contains("c1  question long.txt:25") && !shown.contains('\u{1b}'), "{shown}");
    let sent = scene.divisi(&["review", "one", "--send", "Almost there."]).ok().stdout.clone();
    assert_eq!(sent, "round 1 sent to one: 2 comments, 1 rejected hunk\n");
    wait_until(DEADLINE, "the answer is there", || scene.show("one")["turns"] == 2 && scene.state("one") == "review");
    let said = scene.spoken("one");
    for wanted in [
        "Almost there.",
        "### 1. Question: long.txt, line 25",
        "   25  ROW 25.",
        "### 2. Issue: new.txt, the whole file",
        "-row 5.\n+ROW 5.",
    ] {
        assert!(said.contains(wanted), "{wanted:?} was not said:\n{said}");
    }
    // What the answer changed, and nothing else; everything is there still.
    let answer = scene.env.json(&scene.repo, &["diff", "one", "--round"]);
    assert_eq!(answer["files"].as_array().unwrap().len(), 1, "{answer}");
    let forty = hunk(&answer, "+FORTY");
    assert_eq!(answer["files"][0]["hunks"].as_array().unwrap().len(), 1);
    let whole = scene.env.json(&scene.repo, &["diff", "one"]);
    assert_eq!(of(&whole, &hunk(&whole, "+ROW 50."))["decision"], "accepted", "a decision survives edits elsewhere");
    assert_eq!(whole["files"].as_array().unwrap().len(), 2);
    // Nothing is sent twice.
    scene.divisi(&["review", "one", "--send"]).exits(1);
    let view = scene.show("one")["review"].clone();
    assert_eq!((&view["round"], &view["comments"], &view["rejected"]), (&1.into(), &0.into(), &0.into()));
    // A hunk of the answer is decided on by the id it has there.
    scene.divisi(&["reject", "one", &forty]).ok();
    assert!(scene.read("one", "long.txt").contains("row 40."));
    let id = scene.show("one")["id"].as_str().unwrap().to_owned();
    let refs = || scene.env.git(&scene.repo, &["for-each-ref", "--format=%(refname)", &format!("refs/divisi/{id}")]);
    assert_eq!(refs().trim(), format!("refs/divisi/{id}/round/1"));
    scene.discard(&["one"]);
    assert_eq!(refs().trim(), "");
}

#[test]
fn comments_follow_their_lines_and_say_when_those_changed() {
    let scene = scene();
    begin(&scene);
    scene.divisi(&["comment", "one", "long.txt:25-26", "this"]).ok();
    scene.divisi(&["comment", "one", "long.txt:5", "that", "--old"]).ok();
    scene.divisi(&["comment", "one", "long.txt:99", "no"]).exits(1);
    scene.divisi(&["comment", "one", "nowhere.txt:1", "no"]).exits(1);
    scene.divisi(&["comment", "one", "../repo/long.txt:1", "no"]).exits(1);
    scene.divisi(&["comment", "one", "long.txt:1", &"x".repeat(8_001)]).exits(1);
    let path = scene.worktree("one").join("long.txt");
    let text = fs::read_to_string(&path).unwrap();
    let comments = || scene.env.json(&scene.repo, &["comments", "one"]);
    fs::write(&path, format!("first\nsecond\n{text}")).unwrap();
    scene.divisi(&["daemon", "restart"]).ok();
    let moved = comments();
    assert_eq!((&moved[0]["line"], &moved[0]["outdated"]), (&27.into(), &false.into()));
    assert_eq!((&moved[1]["line"], &moved[1]["side"]), (&5.into(), &"old".into()));
    fs::write(&path, text.replace("ROW 25.\nrow 26.\n", "other\n")).unwrap();
    let changed = comments();
    assert_eq!((&changed[0]["line"], &changed[0]["outdated"]), (&25.into(), &true.into()));
    scene.divisi(&["comments", "one", "--resolve", "c1"]).ok();
    assert_eq!(comments().as_array().unwrap().len(), 1);
    scene.divisi(&["comments", "one", "--edit", "c1", "again"]).ok();
    assert_eq!(comments()[0]["text"], "again");
    scene.discard(&["one"]);
}

#[test]
fn of_two_equal_hunks_the_one_that_stays_keeps_its_decision() {
    let scene = scene();
    let rows: String =
        (1..=60).map(|n| if n == 10 || n == 40 { "same.\n".to_owned() } else { format!("row {n}.\n") }).collect();
    scene.env.write("repo/twice.txt", rows);
    scene.env.git(&scene.repo, &["add", "--all"]);
    scene.env.git(&scene.repo, &["commit", "--quiet", "--message", "Add equals"]);
    scene.shell("one", "sed -i 's/same/SAME/' twice.txt").ok();
    let diff = scene.env.json(&scene.repo, &["diff", "one"]);
    let ids: Vec<String> =
        diff["files"][0]["hunks"].as_array().unwrap().iter().map(|h| h["id"].as_str().unwrap().to_owned()).collect();
    scene.divisi(&["accept", "one", &ids[1]]).ok();
    scene.divisi(&["reject", "one", &ids[0]]).ok();
    let diff = scene.env.json(&scene.repo, &["diff", "one"]);
    assert_eq!(
        (&diff["files"][0]["hunks"][0]["id"], &diff["files"][0]["hunks"][0]["decision"]),
        (&ids[1].clone().into(), &"accepted".into())
    );
    // Somebody puts it back: it waits for a decision again, and says why.
    scene.divisi(&["send", "one", "sed -i 's/same/SAME/' twice.txt"]).ok();
    scene.divisi(&["wait", "one"]).ok();
    let diff = scene.env.json(&scene.repo, &["diff", "one"]);
    let back = of(&diff, &ids[0]);
    assert_eq!((&back["returned"], &back["decision"]), (&true.into(), &Value::Null), "{diff}");
    scene.divisi(&["reject", "one", &ids[0]]).ok();
    scene.divisi(&["undo", "one", &ids[0]]).ok();
    assert_eq!(scene.read("one", "twice.txt").matches("SAME").count(), 2);
    // Its prompts are commands: a round would run what it quotes.
    scene.divisi(&["comment", "one", "twice.txt:10", "x"]).ok();
    assert!(scene.divisi(&["review", "one", "--send"]).exits(1).stderr.contains("reads no reviews"));
    scene.discard(&["one"]);
}

/// What is left of a review.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    text: String,
    decisions: Vec<(String, String)>,
    prompts: usize,
    turns: u64,
    rounds: u64,
    told: Value,
}

fn play(kill: Option<String>) -> (Outcome, u64) {
    let mut scene = scene();
    if let Some(points) = kill {
        scene.env.set("DIVISI_TEST_KILL", points);
        scene.env.tolerate("divisi.sock");
    }
    begin(&scene);
    let diff = scene.env.json(&scene.repo, &["diff", "one"]);
    let (five, fifty) = (hunk(&diff, "+ROW 5."), hunk(&diff, "+ROW 50."));
    scene.divisi(&["reject", "one", &five]).ok();
    scene.divisi(&["reject", "one", &fifty]).ok();
    scene.divisi(&["undo", "one", &fifty]).ok();
    scene.divisi(&["comment", "one", "long.txt:25", "why?"]).ok();
    scene.divisi(&["review", "one", "--send"]).ok();
    wait_until(DEADLINE, "the answer is there", || scene.show("one")["turns"] == 2 && scene.state("one") == "review");
    let events = scene.events("one");
    let decided = events.iter().filter(|event| event["type"] == "hunk.decided");
    let outcome = Outcome {
        text: scene.read("one", "long.txt"),
        decisions: decided.map(|e| (e["payload"]["hunk"].to_string(), e["payload"]["decision"].to_string())).collect(),
        prompts: events.iter().filter(|event| event["type"] == "prompt.queued").count(),
        turns: scene.show("one")["turns"].as_u64().unwrap(),
        rounds: scene.show("one")["review"]["round"].as_u64().unwrap(),
        told: review(&scene, &[])["rejected"][0]["told"].clone(),
    };
    let head = scene.env.json(&scene.repo, &["daemon", "status"])["head"].as_u64().unwrap();
    scene.discard(&["one"]);
    (outcome, head)
}

/// The daemon dies after every second event of a review, once with the even and once with the odd ones.
fn dies(shard: u64) {
    let (expected, head) = play(None);
    assert_eq!((expected.rounds, &expected.told, expected.prompts), (1, &Value::Bool(true), 2), "{expected:?}");
    for seq in (head / 3 + shard..=head).step_by(2) {
        let (outcome, _) = play(Some(format!("after:{seq}")));
        assert_eq!(outcome, expected, "the daemon was killed after event {seq}");
    }
}

#[test]
fn a_daemon_that_dies_at_an_even_event_loses_no_decision_and_sends_no_round_twice() {
    dies(0);
}

#[test]
fn a_daemon_that_dies_at_an_odd_event_loses_no_decision_and_sends_no_round_twice() {
    dies(1);
}
