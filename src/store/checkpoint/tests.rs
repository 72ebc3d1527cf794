use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::KEPT;
use crate::base::clock;
use crate::host::port::{Batch, Store as _};
use crate::model::id::Seq;
use crate::model::{Cause, Envelope, Event};
use crate::store::SqliteStore;
use crate::store::lock::beside;

const PATIENCE: Duration = Duration::from_secs(20);

fn append(store: &SqliteStore, first: u64, last: u64) {
    let event = |seq| Envelope {
        seq: Seq(seq),
        time: 1,
        session: None,
        cause: Cause::Host,
        event: Event::FaultRaised { part: "test".to_owned(), message: "x".repeat(60_000) },
    };
    let (sent, received) = mpsc::channel();
    store.append(
        Batch { events: (first..=last).map(event).collect(), rows: vec![] },
        Box::new(move || sent.send(()).unwrap()),
    );
    received.recv_timeout(PATIENCE).unwrap();
}

#[test]
fn a_log_that_is_written_to_without_a_pause_begins_anew_too() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("state.db");
    let store = SqliteStore::open(&path).unwrap();
    let most = u64::try_from(KEPT).unwrap();
    let mut longest = 0;
    // Four times as much as may stay.
    for first in (1..=most * 4 / 60_000).step_by(20) {
        append(&store, first, first + 19);
        longest = longest.max(std::fs::metadata(beside(&path, "-wal")).unwrap().len());
    }
    assert!(longest > 3_000_000 && longest < most * 3, "the log was {longest} bytes long");
}

#[test]
fn the_log_is_copied_when_it_is_quiet_and_then_begins_anew() {
    let home = tempfile::tempdir().unwrap();
    let (path, alone) = (home.path().join("state.db"), home.path().join("alone.db"));
    let store = SqliteStore::open(&path).unwrap();
    append(&store, 1, 60);
    let length = || std::fs::metadata(beside(&path, "-wal")).unwrap().len();
    assert!(length() > 3_000_000);
    let deadline = clock::instant() + PATIENCE;
    let mut head = 60;
    // When the last part of the copying is still going on, the next event goes to the end of the log once more.
    loop {
        wait_for_copy(&path, &alone, head, deadline);
        let before = length();
        head += 1;
        append(&store, head, head);
        if length() == before {
            break;
        }
    }
    assert_eq!(store.events(Seq(0), None, 100).unwrap().len() as u64, head);
}

/// Waits until the database file alone, without its log, holds everything, although the store stays open.
fn wait_for_copy(path: &Path, alone: &Path, expected: u64, deadline: Instant) {
    loop {
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(beside(alone, suffix));
        }
        std::fs::copy(path, alone).unwrap();
        let connection = Connection::open(alone).unwrap();
        // A copy that is taken while the log is being copied is torn: an error here only means not yet.
        let head = connection.query_row("SELECT max(seq) FROM events", [], |row| row.get::<_, Option<i64>>(0));
        if matches!(head, Ok(Some(head)) if u64::try_from(head) == Ok(expected)) {
            return;
        }
        assert!(clock::instant() < deadline, "never copied: {head:?}");
        std::thread::yield_now();
    }
}
