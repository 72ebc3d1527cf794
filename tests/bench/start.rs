//! A daemon's start with a large history: from the process to its first answer.

use std::sync::mpsc;

use divisi::host::port::{Batch, Row, Store as _, Table};
use divisi::model::id::Seq;
use divisi::model::{Cause, Envelope, Event};
use divisi::store::SqliteStore;
use serde_json::json;

use super::scene::{DIVISI, Scene};
use super::{Measure, median, millis, scaled, size, timed};

const SESSIONS: usize = 200;

/// The whole daemon, a million events and two hundred sessions.
pub(super) fn starting() -> Vec<Measure> {
    let scene = Scene::new();
    let events = size("DIVISI_BENCH_EVENTS", 1_000_000) as u64;
    fill(&scene, events, SESSIONS);
    let (mut ready, mut answered, mut spawned) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=scaled(11) {
        let (spawn, ended) = timed(|| scene.command(DIVISI).arg("--version").output().expect("divisi is built"));
        assert!(ended.status.success());
        let begin = std::time::Instant::now();
        let daemon = scene.daemon();
        let until_ready = begin.elapsed();
        let list = daemon.connect().call("session/list", &json!({}));
        let until_answer = begin.elapsed();
        assert_eq!(list.as_array().map(Vec::len), Some(SESSIONS));
        daemon.stop();
        if round > 0 {
            ready.push(until_ready);
            answered.push(until_answer);
            spawned.push(spawn);
        }
    }
    let (answered, spawned) = (median(&mut answered), median(&mut spawned));
    vec![Measure {
        what: format!(
            "from the process to the answer of the first `session/list`, {events} events, {SESSIONS} sessions"
        ),
        median: format!("{} (ready after {})", millis(answered), millis(median(&mut ready))),
        ratio: format!(
            "{:.1} × `divisi --version` ({})",
            answered.as_secs_f64() / spawned.as_secs_f64(),
            millis(spawned)
        ),
        goal: "100 ms".to_owned(),
    }]
}

/// One real session, then its copies up to the number of sessions, and streamed text up to the number of events.
pub(super) fn fill(scene: &Scene, events: u64, sessions: usize) {
    let repository = scene.repository("r", 10);
    let daemon = scene.daemon();
    let mut client = daemon.connect();
    client.subscribe();
    let session = client.create(&repository, "shell", "echo the first of many");
    client.wait_for(&session, |event| event["type"] == "turn.ended");
    drop(client);
    daemon.stop();
    let store = SqliteStore::open(&scene.database()).expect("the daemon has closed it");
    let mut rows = Vec::new();
    for table in [Table::Sessions, Table::Worktrees, Table::Names] {
        for row in store.live_rows(table).expect("reads").rows {
            for number in 1..sessions {
                let id = format!("copy{number:06}");
                let renamed = |text: &str| text.replace(&session, &id).replace("the-first-of-many", &id);
                rows.push(Row {
                    table,
                    key: renamed(&row.key),
                    session: Some(id.as_str().into()),
                    live: true,
                    doc: row.doc.as_deref().map(renamed),
                });
            }
        }
    }
    let (sent, received) = mpsc::channel();
    let mut next = store.head().0 + 1;
    let mut waiting = 0;
    while next <= events {
        let last = (next + 999).min(events);
        let batch = Batch {
            events: (next..=last).map(|seq| event(seq, &session, sessions)).collect(),
            rows: std::mem::take(&mut rows),
        };
        let sent = sent.clone();
        store.append(batch, Box::new(move || sent.send(()).unwrap_or_default()));
        waiting += 1;
        if waiting > 32 {
            received.recv().expect("every append is answered");
            waiting -= 1;
        }
        next = last + 1;
    }
    for _ in 0..waiting {
        received.recv().expect("every append is answered");
    }
}

fn event(seq: u64, session: &str, sessions: usize) -> Envelope {
    let number = usize::try_from(seq).unwrap_or(0) % sessions;
    let owner = if number == 0 { session.to_owned() } else { format!("copy{number:06}") };
    Envelope {
        seq: Seq(seq),
        time: 1_767_322_445_000 + i64::try_from(seq).expect("benches are short"),
        cause: Cause::Host,
        event: Event::AgentMessage {
            turn: format!("{owner}.t1").as_str().into(),
            text: "all work and no play ".repeat(8),
        },
        session: Some(owner.as_str().into()),
    }
}
