//! `--wait`, `wait`, `log --follow`, and Ctrl-C.

use std::fs;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{TestEnv, wait_until};

const DEADLINE: Duration = Duration::from_secs(30);

fn until(file: &std::path::Path) -> String {
    format!("until [ -e '{}' ]; do sleep 0.02; done", file.display())
}

#[test]
fn several_sessions_are_waited_for_and_the_worst_end_counts() {
    let env = TestEnv::new();
    let repo = env.repo("repo");
    let gate = env.path("gate");
    env.divisi_in(&repo, &["new", "--agent", "shell", "--name", "good", &until(&gate)]).ok();
    env.divisi_in(&repo, &["new", "--agent", "shell", "--name", "bad", &format!("{}; exit 3", until(&gate))]).ok();
    let waiting = env.spawn_divisi(&repo, &["wait", "good", "bad"]);
    fs::write(&gate, "").unwrap();
    let ran = waiting.wait(DEADLINE);
    assert!(ran.exits(4).stdout.contains("bad failed"), "{ran}");
    env.divisi_in(&repo, &["wait", "good"]).ok();
    env.divisi_in(&repo, &["send", "bad", "--wait", "true"]).ok();
    env.divisi_in(&repo, &["remove", "good", "bad", "--discard"]).ok();
}

#[test]
fn ctrl_c_ends_the_waiting_and_not_the_agent() {
    let env = TestEnv::new();
    let repo = env.repo("repo");
    let gate = env.path("gate");
    let mut waiting = env.spawn_divisi(
        &repo,
        &["new", "--agent", "shell", "--name", "on", "--wait", &format!("{}; echo went on > on.txt", until(&gate))],
    );
    waiting.line(DEADLINE);
    wait_until(DEADLINE, "the session runs", || env.json(&repo, &["list"])[0]["state"] == "running");
    let pid = i32::try_from(waiting.pid()).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::INT).unwrap();
    waiting.wait(DEADLINE).exits(130);
    fs::write(&gate, "").unwrap();
    env.divisi_in(&repo, &["wait", "on"]).ok();
    assert_eq!(fs::read_to_string(repo.join(".worktrees/on/on.txt")).unwrap(), "went on\n");
    env.divisi_in(&repo, &["remove", "on", "--discard"]).ok();
}

#[test]
fn a_daemon_that_is_killed_while_someone_waits_is_replaced() {
    let mut env = TestEnv::new();
    env.tolerate("divisi.sock");
    let repo = env.repo("repo");
    let gate = env.path("gate");
    let mut waiting = env.spawn_divisi(&repo, &["new", "--agent", "shell", "--name", "on", "--wait", &until(&gate)]);
    waiting.line(DEADLINE);
    wait_until(DEADLINE, "the session runs", || env.json(&repo, &["list"])[0]["state"] == "running");
    let daemon = env.json("", &["daemon", "status"])["pid"].as_i64().unwrap();
    kill_process(Pid::from_raw(i32::try_from(daemon).unwrap()).unwrap(), Signal::KILL).unwrap();
    fs::write(&gate, "").unwrap();
    // Only the waiting client is there to start another.
    waiting.wait(DEADLINE).ok();
    env.divisi_in(&repo, &["remove", "on", "--discard"]).ok();
}

#[test]
fn a_followed_log_streams_until_the_session_is_removed() {
    let env = TestEnv::new();
    let repo = env.repo("repo");
    let gate = env.path("gate");
    let command = format!("echo first; {}; echo second", until(&gate));
    env.divisi_in(&repo, &["new", "--agent", "shell", "--name", "talk", &command]).ok();
    let mut log = env.spawn_divisi(&repo, &["log", "talk", "--follow"]);
    let mut events = env.spawn_divisi(&repo, &["log", "talk", "--follow", "--json"]);
    while log.line(DEADLINE) != "first" {}
    fs::write(&gate, "").unwrap();
    while log.line(DEADLINE) != "second" {}
    let mut last = 0;
    loop {
        let event: serde_json::Value = serde_json::from_str(&events.line(DEADLINE)).unwrap();
        assert!(event["seq"].as_u64().unwrap() > last);
        last = event["seq"].as_u64().unwrap();
        if event["type"] == "turn.ended" {
            break;
        }
    }
    env.divisi_in(&repo, &["remove", "talk", "--discard"]).ok();
    log.wait(DEADLINE).ok();
    events.wait(DEADLINE).ok();
}

#[test]
fn prompts_come_from_files_and_standard_input() {
    let env = TestEnv::new();
    let repo = env.repo("repo");
    env.write("task.sh", "echo one > one.txt\necho two >> one.txt\n");
    let file = env.path("task.sh");
    env.divisi_in(
        &repo,
        &["new", "--agent", "shell", "--name", "file", "--wait", "--from-file", file.to_str().unwrap()],
    )
    .ok();
    assert_eq!(fs::read_to_string(repo.join(".worktrees/file/one.txt")).unwrap(), "one\ntwo\n");
    let mut sending = env.spawn_divisi(&repo, &["send", "file", "--wait", "-"]);
    sending.write("echo three >> one.txt\n");
    sending.close_stdin();
    sending.wait(DEADLINE).ok();
    assert_eq!(fs::read_to_string(repo.join(".worktrees/file/one.txt")).unwrap(), "one\ntwo\nthree\n");
    let none = env.divisi_in(&repo, &["new", "--agent", "shell"]);
    assert!(none.exits(1).stderr.contains("there is no prompt"), "{none}");
    env.divisi_in(&repo, &["remove", "file", "--discard"]).ok();
}

#[test]
fn always_is_given_by_scope_and_the_second_answer_is_late() {
    let env = TestEnv::new();
    let repo = env.repo("repo");
    let script = "#!script\nask-permission p1 Test :: make test one\nask-permission p2 Test :: make test two\nsay end";
    env.divisi_in(&repo, &["new", "--agent", "scripted", "--name", "asks", "--wait", script]).exits(5);
    let open = env.json(&repo, &["approvals", "asks"]);
    let id = open[0]["id"].as_str().unwrap();
    env.divisi_in(&repo, &["answer", id, "once", "--scope", "tool"]).exits(1);
    env.divisi_in(&repo, &["answer", &id[..6], "always", "--scope", "prefix:make test"]).ok();
    env.divisi_in(&repo, &["wait", "asks"]).ok();
    env.divisi_in(&repo, &["answer", id, "reject"]).exits(1);
    assert!(env.divisi_in(&repo, &["log", "asks"]).ok().stdout.contains("allowed always by cli"));
    env.divisi_in(&repo, &["remove", "asks", "--discard"]).ok();
}
