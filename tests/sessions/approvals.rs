//! Permission requests: shown, answered once, remembered when asked to, never granted by themselves.

use super::scene::{DEADLINE, Scene};
use crate::support::wait_until;

const ASKS: &str = "ask-permission a Run the tests :: make test\nif-allowed\nedit allowed.txt yes\nend\nif-rejected\nedit rejected.txt no\nend\nsay done";

#[test]
fn an_approval_waits_for_a_person_and_takes_the_first_answer() {
    let scene = Scene::new();
    scene.scripted("ask", ASKS);
    let approval = scene.wait_for_approval("ask");
    assert_eq!(scene.show("ask")["waiting_for"], "approval");
    let open = scene.approvals();
    assert_eq!(open[0]["command_line"], "make test");
    scene.divisi(&["answer", &approval, "once"]).ok();
    scene.wait_for("ask", &["review"]);
    assert!(scene.worktree("ask").join("allowed.txt").exists());
    // Too late.
    scene.divisi(&["answer", &approval, "reject"]).exits(1);
    assert!(scene.approvals().is_empty());
    scene.discard(&["ask"]);
}

#[test]
fn a_rejection_reaches_the_agent() {
    let scene = Scene::new();
    scene.scripted("ask", ASKS);
    let approval = scene.wait_for_approval("ask");
    scene.divisi(&["answer", &approval, "reject"]).ok();
    scene.wait_for("ask", &["review"]);
    assert!(scene.worktree("ask").join("rejected.txt").exists());
    assert!(!scene.worktree("ask").join("allowed.txt").exists());
    scene.discard(&["ask"]);
}

#[test]
fn the_message_of_a_rejection_becomes_the_next_prompt_where_the_protocol_carries_none() {
    let scene = Scene::new();
    scene.scripted("ask", ASKS);
    let approval = scene.wait_for_approval("ask");
    let instead = "#!script\nedit instead.txt instead\nsay instead";
    scene.divisi(&["answer", &approval, "reject", "--message", instead]).ok();
    wait_until(DEADLINE, "both turns have ended", || {
        let session = scene.show("ask");
        session["turns"] == 2 && session["state"] == "review"
    });
    assert!(scene.worktree("ask").join("rejected.txt").exists());
    assert_eq!(scene.read("ask", "instead.txt").trim_end(), "instead");
    let events = scene.events("ask");
    let count = |kind: &str| events.iter().filter(|event| event["type"] == kind).count();
    assert_eq!(count("turn.started"), 2);
    let said =
        |event: &&serde_json::Value| event["payload"]["text"].as_str().is_some_and(|text| text.contains("next prompt"));
    assert_eq!(events.iter().filter(|event| event["type"] == "agent.notice").filter(said).count(), 1);
    scene.discard(&["ask"]);
}

#[test]
fn always_is_remembered_for_exactly_what_was_said() {
    let scene = Scene::new();
    let twice = format!(
        "{ASKS}\nask-permission b Run them again :: make test\nif-allowed\nedit again.txt yes\nend\nask-permission c Something else :: make clean\nsay end"
    );
    scene.scripted("ask", &twice);
    let first = scene.wait_for_approval("ask");
    scene.divisi(&["answer", &first, "always", "--scope", "exact"]).ok();
    // The second request is the same command: answered by the rule. The third is another.
    wait_until(DEADLINE, "the third request is open", || {
        scene.approvals().first().is_some_and(|open| open["command_line"] == "make clean")
    });
    let answered: Vec<_> = scene
        .events("ask")
        .into_iter()
        .filter(|event| event["type"] == "approval.answered")
        .map(|event| event["payload"]["by"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(answered.len(), 2, "{answered:?}");
    assert_eq!(answered[1], "rule");
    let third = scene.wait_for_approval("ask");
    scene.divisi(&["answer", &third, "reject"]).ok();
    scene.wait_for("ask", &["review"]);
    scene.discard(&["ask"]);
}

#[test]
fn with_nobody_to_answer_waiting_ends_with_5() {
    let scene = Scene::new();
    let prompt = format!("#!script\n{ASKS}");
    scene.divisi(&["new", "--name", "ask", "--agent", "scripted", "--wait", &prompt]).exits(5);
    assert_eq!(scene.state("ask"), "awaiting_input");
    scene.divisi(&["wait", "ask"]).exits(5);
    scene.divisi(&["policy", "ask", "auto"]).ok();
    scene.divisi(&["wait", "ask"]).ok();
    assert!(scene.worktree("ask").join("allowed.txt").exists());
    scene.discard(&["ask"]);
}

#[test]
fn a_question_is_answered_with_one_of_its_choices() {
    let scene = Scene::new();
    scene.scripted("ask", "ask-question q Which one? :: red | blue\nsay done");
    let approval = scene.wait_for_approval("ask");
    assert_eq!(scene.show("ask")["waiting_for"], "question");
    scene.divisi(&["answer", &approval, "once"]).exits(1);
    let options = scene.approvals()[0]["options"].clone();
    let blue = options.as_array().unwrap().iter().find(|option| option["name"] == "blue").unwrap()["id"].clone();
    scene.divisi(&["answer", &approval, "once", "--option", blue.as_str().unwrap()]).ok();
    scene.wait_for("ask", &["completed"]);
    assert!(scene.spoken("ask").contains("blue"), "{}", scene.spoken("ask"));
    scene.discard(&["ask"]);
}

#[test]
fn stopping_a_turn_withdraws_what_it_asked() {
    let scene = Scene::new();
    scene.scripted("ask", ASKS);
    scene.wait_for_approval("ask");
    scene.divisi(&["stop", "ask"]).ok();
    scene.wait_for("ask", &["interrupted"]);
    assert!(scene.approvals().is_empty());
    // The agent is still there and takes the next prompt.
    scene.send_script("ask", "say again");
    scene.wait_for("ask", &["completed"]);
    scene.discard(&["ask"]);
}

#[test]
fn an_open_approval_survives_the_daemon() {
    let scene = Scene::new();
    scene.scripted("ask", ASKS);
    let approval = scene.wait_for_approval("ask");
    scene.kill_daemon();
    assert_eq!(scene.wait_for_approval("ask"), approval);
    scene.divisi(&["answer", &approval, "once"]).ok();
    scene.wait_for("ask", &["review"]);
    assert!(scene.worktree("ask").join("allowed.txt").exists());
    scene.discard(&["ask"]);
}
