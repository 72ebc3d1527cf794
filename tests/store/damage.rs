//! Random damage in the database and its log: an event is right or an error, never wrong, never silently missing.

use std::fs;
use std::path::Path;

use divisi::host::port::Store as _;
use divisi::model::id::Seq;
use divisi::store::SqliteStore;

use super::{Dice, append, batch, beside, event, scale};

/// Events in the damaged database; the first part is in the file, the rest in the log.
const EVENTS: u64 = 1200;

/// Places damaged at scale 1; ten times as many are promise P11's.
const PLACES: u64 = 100;

#[derive(Default, Debug)]
struct Seen {
    refused: u64,
    damaged: u64,
    unharmed: u64,
}

#[test]
fn damage_is_never_handed_out() {
    let home = tempfile::tempdir().unwrap();
    let (original, copy) = (home.path().join("original.db"), home.path().join("copy.db"));
    {
        let store = SqliteStore::open(&original).unwrap();
        append(&store, batch(1, EVENTS / 2));
    }
    // Copied while it is open, so that half of the events are still in the log.
    let store = SqliteStore::open(&original).unwrap();
    append(&store, batch(EVENTS / 2 + 1, EVENTS));
    let files: Vec<_> =
        ["", "-wal", ".head"].map(|suffix| (suffix, fs::read(beside(&original, suffix)).unwrap())).into();
    drop(store);
    assert!(files[1].1.len() > 50_000, "the log holds the second half");

    let mut seen = Seen::default();
    for place in 0..PLACES * scale() {
        let mut dice = Dice::new(place + 1);
        for suffix in ["", "-wal", "-shm", ".head", ".lock"] {
            let _ = fs::remove_file(beside(&copy, suffix));
        }
        let hit = if dice.roll(3) == 0 { "-wal" } else { "" };
        for (suffix, bytes) in &files {
            let mut bytes = bytes.clone();
            if *suffix == hit {
                let at = usize::try_from(dice.roll(bytes.len() as u64 - 64)).unwrap();
                spoil(&mut bytes[at..at + 64], &mut dice);
            }
            fs::write(beside(&copy, suffix), bytes).unwrap();
        }
        check(&copy, place, &mut seen);
    }
    assert!(seen.refused > 0 && seen.damaged > 0 && seen.unharmed > 0, "all three ends were seen: {seen:?}");
}

/// Half of the time noise, half of the time a single flipped bit, which leaves text that still reads well.
fn spoil(bytes: &mut [u8], dice: &mut Dice) {
    if dice.roll(2) == 0 {
        bytes.fill_with(|| u8::try_from(dice.roll(256)).unwrap());
    } else {
        bytes[usize::try_from(dice.roll(64)).unwrap()] ^= 1;
    }
}

fn check(path: &Path, place: u64, seen: &mut Seen) {
    let store = match SqliteStore::open(path) {
        Ok(store) => store,
        Err(refusal) => {
            assert!(refusal.message.contains(&path.display().to_string()), "place {place}: {refusal}");
            assert!(!refusal.hints.is_empty(), "place {place}: {refusal}");
            seen.refused += 1;
            return;
        }
    };
    assert_eq!(store.head(), Seq(EVENTS), "place {place}");
    let mut after = Seq(0);
    let mut errors = 0;
    while after < store.head() {
        match store.events(after, None, 100) {
            Ok(page) => {
                assert!(!page.is_empty(), "place {place}: event {} is silently missing", after.0 + 1);
                for found in page {
                    assert_eq!(found, event(after.0 + 1), "place {place}");
                    after = found.seq;
                }
            }
            Err(refusal) => {
                assert!(refusal.message.contains(&path.display().to_string()), "place {place}: {refusal}");
                errors += 1;
                after = Seq(after.0 + 1);
            }
        }
    }
    // What the index says of a session may be an error, too, but nothing wrong.
    let mut after = Seq(0);
    while let Ok(page) = store.events(after, Some(&super::SESSION.into()), 100) {
        let Some(last) = page.last() else { break };
        assert!(page.iter().all(|found| *found == event(found.seq.0)), "place {place}");
        after = last.seq;
    }
    if errors == 0 {
        seen.unharmed += 1;
    } else {
        assert!(errors < EVENTS, "place {place}: something can still be read");
        assert!(!store.verify().unwrap().is_empty(), "place {place}: verify finds what reading finds");
        seen.damaged += 1;
    }
}
