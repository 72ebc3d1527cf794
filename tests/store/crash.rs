//! `kill -9` of the writing process at random moments: what was acknowledged is there.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use divisi::host::port::Store as _;
use divisi::model::id::Seq;
use divisi::store::SqliteStore;

use super::{Dice, again, append, batch, check_all, child_directory, scale};

/// Kills per run at scale 1; ten times as many are promise P1's.
const KILLS: u64 = 40;

#[test]
fn nothing_acknowledged_is_lost_when_the_writer_is_killed() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("state.db");
    let mut dice = Dice::new(7);
    let mut acknowledged = 0;
    for kill in 0..KILLS * scale() {
        let mut child =
            again(&[], "store::crash::writer_until_killed", home.path()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Sometimes before the first acknowledgement, sometimes after many.
        let enough = dice.roll(120).saturating_sub(10);
        let mut seen = 0;
        while seen < enough {
            let line = lines.next().expect("the child writes until it is killed").unwrap();
            seen += u64::from(acknowledgement(&line, &mut acknowledged));
        }
        if enough == 0 {
            // Within opening: after a number of bytes of the test harness's own output, which differs from time to time.
            for _ in 0..dice.roll(3) {
                let _ = lines.next();
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What was said before it died counts too.
        for line in lines.map_while(Result::ok) {
            acknowledgement(&line, &mut acknowledged);
        }
        let store = SqliteStore::open(&path).unwrap_or_else(|refusal| panic!("after kill {kill}: {refusal:?}"));
        assert!(
            store.head() >= Seq(acknowledged),
            "kill {kill}: {acknowledged} was acknowledged, {} is there",
            store.head()
        );
        if kill % 8 == 7 {
            acknowledged = check_all(&store);
            assert_eq!(store.verify().unwrap(), Vec::<String>::new());
        }
    }
    let store = SqliteStore::open(&path).unwrap();
    let head = check_all(&store);
    assert!(head >= acknowledged && head > KILLS);
    append(&store, batch(head + 1, head + 1));
}

/// Reads an `ack N` line, which may follow the harness's own words on the same line.
fn acknowledgement(line: &str, acknowledged: &mut u64) -> bool {
    let Some(seq) = line.rsplit_once("ack ").and_then(|(_, seq)| seq.parse::<u64>().ok()) else { return false };
    *acknowledged = (*acknowledged).max(seq);
    true
}

#[test]
#[ignore = "the program that nothing_acknowledged_is_lost_when_the_writer_is_killed kills"]
fn writer_until_killed() {
    let Some(home) = child_directory() else { return };
    let store = SqliteStore::open(&home.join("state.db")).unwrap();
    let mut dice = Dice::new(u64::from(std::process::id()));
    let (sent, received) = std::sync::mpsc::sync_channel(64);
    let mut next = store.head().0 + 1;
    loop {
        let last = next + dice.roll(5);
        let sent = sent.clone();
        store.append(
            batch(next, last),
            Box::new(move || {
                // The whole line at once, so that a kill cannot cut a number short. Without a parent there is nothing to do.
                if std::io::stdout().lock().write_all(format!("ack {last}\n").as_bytes()).is_err() {
                    std::process::abort();
                }
                let _ = sent.send(());
            }),
        );
        next = last + 1;
        // Several batches are on their way at any time, not all.
        if dice.roll(8) == 0 {
            while received.try_recv().is_ok() {}
        }
        if dice.roll(20) == 0 {
            received.recv().unwrap();
        }
    }
}
