//! The store under load, kills, damage and a full disk.
//!
//! `DIVISI_TEST_SCALE=20` makes the random tests twenty times as long.

mod bus;
mod crash;
mod damage;
mod full;
mod large;

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use divisi::host::port::{Batch, Row, Store, Table};
use divisi::model::id::Seq;
use divisi::model::{Cause, Envelope, Event};
use divisi::store::SqliteStore;

/// How long a test waits for something that must happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// The session most events belong to.
const SESSION: &str = "abcdefghij";

/// How many times longer than usual.
fn scale() -> u64 {
    std::env::var("DIVISI_TEST_SCALE").ok().and_then(|scale| scale.parse().ok()).unwrap_or(1)
}

/// An event that says its own number, so that it can be checked alone.
fn event(seq: u64) -> Envelope {
    let filler = "abcdefghijklmnopqrstuvwxyz".repeat(usize::try_from(seq % 9).unwrap());
    Envelope {
        seq: Seq(seq),
        time: 1_000_000 + i64::try_from(seq).unwrap(),
        session: (!seq.is_multiple_of(4)).then(|| SESSION.into()),
        cause: Cause::Journal { job: "abcdefghij.j1".into(), offset: seq * 10 },
        event: Event::AgentMessage { turn: "abcdefghij.t1".into(), text: format!("event {seq} {filler}") },
    }
}

/// The row that is written with every batch: the last event's number.
fn row(seq: u64) -> Row {
    Row {
        table: Table::Sessions,
        key: SESSION.to_owned(),
        session: Some(SESSION.into()),
        live: true,
        doc: Some(format!("{{\"seq\":{seq}}}")),
    }
}

/// Events `first..=last` and the row after them.
fn batch(first: u64, last: u64) -> Batch {
    Batch { events: (first..=last).map(event).collect(), rows: vec![row(last)] }
}

/// Appends and waits until it is durable.
fn append(store: &SqliteStore, batch: Batch) {
    let (sent, received) = mpsc::channel();
    store.append(batch, Box::new(move || sent.send(()).unwrap()));
    received.recv_timeout(PATIENCE).unwrap();
}

/// Reads everything, expecting all of it to be right, dense and as many as the head says; returns the head.
fn check_all(store: &SqliteStore) -> u64 {
    let mut after = Seq(0);
    loop {
        let page = store.events(after, None, 5000).unwrap();
        for found in &page {
            assert_eq!(found, &event(after.0 + 1));
            after = found.seq;
        }
        if page.is_empty() {
            break;
        }
    }
    assert_eq!(after, store.head());
    if after.0 > 0 {
        assert_eq!(store.row(Table::Sessions, SESSION).unwrap(), Some(row(after.0)));
    }
    after.0
}

/// A file beside the database.
fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// This test binary again, running one of its ignored tests as a program of its own, with a directory to work in.
fn again(wrapper: &[&str], test: &str, directory: &Path) -> std::process::Command {
    let this = std::env::current_exe().unwrap();
    let mut command = match wrapper.split_first() {
        Some((program, arguments)) => {
            let mut command = std::process::Command::new(program);
            command.args(arguments).arg(this);
            command
        }
        None => std::process::Command::new(this),
    };
    command.args([test, "--exact", "--ignored", "--nocapture", "--test-threads=1"]).env(CHILD_DIRECTORY, directory);
    command
}

/// Where a child works; absent when an ignored test was not started by its parent.
const CHILD_DIRECTORY: &str = "DIVISI_TEST_STORE_CHILD";

/// The child's directory.
fn child_directory() -> Option<PathBuf> {
    std::env::var_os(CHILD_DIRECTORY).map(PathBuf::from)
}

/// A small generator of reproducible numbers (`xorshift64*`); the seed is printed by whoever uses it.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % below
    }
}
