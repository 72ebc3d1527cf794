//! A daemon that has nothing to do: its memory, its time, its git processes. And how large the program and its parts are.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::json;

use super::scene::{DIVISI, Daemon, Scene, activity, memory};
use super::{Measure, kib, size};

/// How long idleness is watched.
const WINDOW: Duration = Duration::from_secs(10);

/// A daemon that knows a hundred sessions.
pub(super) fn idleness() -> Vec<Measure> {
    let scene = Scene::new();
    let repository = scene.repository("r", 10);
    let daemon = scene.daemon();
    let mut client = daemon.connect();
    client.subscribe();
    let sessions = size("DIVISI_BENCH_SESSIONS", 100);
    let empty = memory(daemon.pid(), &["Rss"]);
    let begin = Instant::now();
    for number in 0..sessions {
        let session = client.create(&repository, "shell", &format!("echo {number}"));
        client.wait_for(&session, |event| event["type"] == "turn.ended");
    }
    let each = begin.elapsed() / u32::try_from(sessions.max(1)).expect("not that many");
    let after_work = memory(daemon.pid(), &["Rss"]);
    let worked = watch(&daemon);
    daemon.stop();
    let daemon = scene.daemon();
    let mut client = daemon.connect();
    client.subscribe();
    let listed = client.call("session/list", &json!({}));
    assert_eq!(listed.as_array().map(Vec::len), Some(sessions));
    let fresh = memory(daemon.pid(), &["Rss"]);
    let anonymous = memory(daemon.pid(), &["Anonymous"]);
    let started = watch(&daemon);
    daemon.stop();
    let line = |what: String, median: String, ratio: String, goal: &str| Measure {
        what,
        median,
        ratio,
        goal: goal.to_owned(),
    };
    vec![
        line(
            format!("RSS that has just run {sessions} sessions"),
            kib(after_work),
            format!("{} before the first", kib(empty)),
            "30 MiB",
        ),
        line(
            format!("RSS started with {sessions} sessions known"),
            kib(fresh),
            format!("{} of it not from files", kib(anonymous)),
            "30 MiB",
        ),
        line(
            "memory per session".to_owned(),
            format!("{} KiB", after_work.saturating_sub(empty) / sessions.max(1) as u64),
            "after its work, arenas and caches included".to_owned(),
            "",
        ),
        line("CPU after the work".to_owned(), worked.0, worked.1, "0.1 %, 0 git processes"),
        line("CPU after a start".to_owned(), started.0, started.1, "0.1 %, 0 git processes"),
        line("a whole shell session, until its turn has ended".to_owned(), super::millis(each), String::new(), ""),
    ]
}

/// Watches a daemon for a while: its share of one processor, and what it did.
fn watch(daemon: &Daemon) -> (String, String) {
    let git = || daemon.connect().call("daemon/status", &json!({}))["git_processes"].as_u64().unwrap_or(0);
    let git_before = git();
    // What the question itself caused is over then: the daemon copies its log once it is quiet.
    pass(Duration::from_secs(2));
    let before = activity(daemon.pid());
    pass(WINDOW);
    let after = activity(daemon.pid());
    let share = (after.0.saturating_sub(before.0)).as_secs_f64() / WINDOW.as_secs_f64() * 100.0;
    let processes = git() - git_before;
    (
        format!("{share:.4} %"),
        format!("{processes} git processes, {} wake-ups in {} s", after.1.saturating_sub(before.1), WINDOW.as_secs()),
    )
}

/// Lets time pass: what is measured is what happens when nothing does.
fn pass(time: Duration) {
    let (_never, silence) = mpsc::channel::<()>();
    let _ = silence.recv_timeout(time);
}

/// The program's size, and what stands behind one running agent.
pub(super) fn sizes() -> Vec<Measure> {
    let scene = Scene::new();
    let repository = scene.repository("r", 10);
    let daemon = scene.daemon();
    let mut client = daemon.connect();
    client.subscribe();
    let mut shims = Vec::new();
    for _ in 0..8 {
        let session = client.create(&repository, "shell", "while [ ! -e done ]; do sleep 0.2; done");
        let started = client.wait_for(&session, |event| event["type"] == "job.started");
        let pid = started["payload"]["shim"]["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok());
        shims.push((session, pid.expect("a shim has a process id")));
    }
    let (_, shim) = shims[shims.len() / 2];
    let (rss, own) = (memory(shim, &["Rss"]), memory(shim, &["Private_Dirty", "Private_Clean"]));
    for (session, _) in &shims {
        client.call("session/stop", &json!({"session": session}));
        client.wait_for(session, |event| event["type"] == "turn.ended");
    }
    daemon.stop();
    let size = std::fs::metadata(DIVISI).map_or(0, |file| file.len());
    let line = |what: &str, median: String, ratio: String| Measure {
        what: what.to_owned(),
        median,
        ratio,
        goal: String::new(),
    };
    vec![
        line("the program, stripped", kib(size / 1024), "SQLite included".to_owned()),
        line("a shim, 8 running: RSS", kib(rss), format!("{} of it its own", kib(own))),
    ]
}
