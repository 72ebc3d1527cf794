//! Many events: opening does not read them. A million are in the bench (`cargo bench --bench bench -- store`).

use std::time::{Duration, Instant};

use divisi::host::port::Store as _;
use divisi::model::id::Seq;
use divisi::store::SqliteStore;

use super::{append, batch, event};

/// Events in this test.
const EVENTS: u64 = 60_000;

#[test]
fn opening_takes_no_longer_with_many_events() {
    let home = tempfile::tempdir().unwrap();
    let open = |path: &std::path::Path, head: u64| -> Duration {
        // The fastest of several: other programs run beside the test.
        (0..9)
            .map(|_| {
                let begin = Instant::now();
                let store = SqliteStore::open(path).unwrap();
                assert_eq!(store.head(), Seq(head));
                let took = begin.elapsed();
                drop(store);
                took
            })
            .min()
            .unwrap()
    };
    let (few, many) = (home.path().join("few.db"), home.path().join("many.db"));
    append(&SqliteStore::open(&few).unwrap(), batch(1, 1));
    let store = SqliteStore::open(&many).unwrap();
    for first in (1..=EVENTS).step_by(2000) {
        append(&store, batch(first, first + 1999));
    }
    assert_eq!(store.events(Seq(EVENTS - 1), None, 5).unwrap(), [event(EVENTS)]);
    drop(store);
    let (few, many) = (open(&few, 1), open(&many, EVENTS));
    assert!(many < few * 3 + Duration::from_millis(5), "one event: {few:?}, {EVENTS} events: {many:?}");
}
