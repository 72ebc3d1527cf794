//! `kill -9` of the daemon at every event of a scripted run: afterwards the agents have gone on, everything acknowledged is there,
//! every transcript is the same to the byte, nothing is there twice, nothing is orphaned (promises P1, P8 and P17).
//!
//! The daemon is told to kill itself when a certain event is durable and before anybody was told (`DIVISI_TEST_KILL`); the command
//! line starts the next one and repeats what it was about under the same command id, as it does for a person.

use super::scene::{DEADLINE, Scene};
use crate::support::wait_until;

/// Two turns of an agent with an approval in each, and a shell job beside it.
const FIRST: &str = "say One. \nthink hmm\nplan +look | *change | check\ntool-call t1 execute Look around\ntool-done t1\n\
    edit made.txt first\nask-permission p1 Go on :: make go\nif-allowed\nsay Allowed. \nend\nusage 100 20 0.01\nsay Two. ";
const SECOND: &str = "say Three. \nappend made.txt more\nask-permission p2 Go on again :: make again\nif-rejected\nsay Rejected. \nend\nsay Four.";
const SHELL: &str = "echo a; echo b > shell.txt; echo c";

/// What is left of a run.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    said: String,
    shell_said: String,
    turns: u64,
    approvals: usize,
    messages_of_tools: usize,
    files: [String; 2],
    commits: String,
    branches: String,
}

fn play(kill_after: Option<u64>) -> (Outcome, u64) {
    let mut scene = Scene::new();
    if let Some(seq) = kill_after {
        scene.env.set("DIVISI_TEST_KILL", format!("after:{seq}"));
    }
    scene.scripted("agent", FIRST);
    scene.divisi(&["new", "--name", "shell", "--agent", "shell", SHELL]).ok();
    let first = scene.wait_for_approval("agent");
    scene.divisi(&["answer", &first, "once"]).ok();
    scene.wait_for("agent", &["review"]);
    scene.send_script("agent", SECOND);
    let second = scene.wait_for_approval("agent");
    scene.divisi(&["answer", &second, "reject"]).ok();
    scene.wait_for("agent", &["review"]);
    wait_until(DEADLINE, "the shell job has ended", || scene.state("shell") == "review");
    let events = scene.events("agent");
    let count = |kind: &str| events.iter().filter(|event| event["type"] == kind).count();
    assert_eq!(count("approval.requested"), count("approval.answered"));
    let outcome = Outcome {
        said: scene.spoken("agent"),
        shell_said: scene.spoken("shell"),
        turns: scene.show("agent")["turns"].as_u64().unwrap(),
        approvals: count("approval.requested"),
        messages_of_tools: count("agent.tool"),
        files: [scene.read("agent", "made.txt"), scene.read("shell", "shell.txt")],
        commits: scene.env.git(scene.worktree("agent"), &["log", "--format=%s", "main.."]),
        branches: scene.env.git(&scene.repo, &["for-each-ref", "--format=%(refname)", "refs/heads"]),
    };
    let head = scene.env.json(&scene.repo, &["daemon", "status"])["head"].as_u64().unwrap();
    if kill_after.is_none() {
        // Two daemons see the same state.
        let before = [scene.show("agent"), scene.show("shell")];
        scene.divisi(&["daemon", "restart"]).ok();
        assert_eq!([scene.show("agent"), scene.show("shell")], before);
    }
    scene.discard(&["agent", "shell"]);
    (outcome, head)
}

/// Every `SHARDS`-th event, beginning with the `shard`-th.
fn kill_at_every_event(shard: u64) {
    const SHARDS: u64 = 4;
    let (expected, head) = play(None);
    assert!(head >= 45, "the scripted run has {head} events");
    for seq in (1 + shard..=head).step_by(usize::try_from(SHARDS).unwrap()) {
        let (outcome, _) = play(Some(seq));
        assert_eq!(outcome, expected, "the daemon was killed after event {seq}");
    }
}

#[test]
fn killed_at_every_event_a() {
    kill_at_every_event(0);
}

#[test]
fn killed_at_every_event_b() {
    kill_at_every_event(1);
}

#[test]
fn killed_at_every_event_c() {
    kill_at_every_event(2);
}

#[test]
fn killed_at_every_event_d() {
    kill_at_every_event(3);
}

#[test]
fn a_turn_that_ends_while_no_daemon_lives_is_found_ended() {
    let scene = Scene::new();
    let gate = scene.env.path("gate");
    let done = scene.env.path("done");
    let script = format!(
        "say before. \nsleep-until {}\nsay after.\nedit late.txt late\ntouch {}\nexit 0",
        gate.display(),
        done.display()
    );
    scene.scripted("alone", &script);
    scene.wait_for("alone", &["running"]);
    wait_until(DEADLINE, "the agent has spoken", || scene.spoken("alone").contains("before"));
    scene.kill_daemon();
    std::fs::write(&gate, "").unwrap();
    wait_until(DEADLINE, "the agent has gone on without a daemon", || done.exists());
    // An exit in the middle of a turn is no end of a turn, but what was said and done is all there.
    scene.wait_for("alone", &["interrupted", "failed"]);
    assert_eq!(scene.spoken("alone"), "before.after.");
    assert_eq!(scene.read("alone", "late.txt").trim_end(), "late");
}
