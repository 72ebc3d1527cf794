//! Commit, then publish: subscribers see every event once and in order, a stalled one is refilled from the store.

use std::sync::Arc;
use std::time::Instant;

use divisi::host::bus::{Bus, Subscription};
use divisi::host::port::Store;
use divisi::model::id::Seq;
use divisi::store::{Released, SqliteStore};

use super::{PATIENCE, SESSION, batch, event};

/// More than the bus keeps in memory.
const EVENTS: u64 = 12_000;

/// Appends events and publishes them from the writer's callback, as the dispatcher does.
fn feed(store: &Arc<SqliteStore>, bus: &Arc<Bus>, first: u64, last: u64) {
    let mut next = first;
    while next <= last {
        let end = (next + 2).min(last);
        let batch = batch(next, end);
        let events: Vec<_> = batch.events.iter().cloned().map(Arc::new).collect();
        let (bus, seen) = (Arc::clone(bus), Arc::clone(store));
        store.append(
            batch,
            Box::new(move || {
                assert!(seen.head() >= Seq(end), "published before it was committed");
                bus.publish(&events);
            }),
        );
        next = end + 1;
    }
}

/// Reads up to an event, checking that each comes once and in order.
async fn read_to(subscription: &mut Subscription, from: u64, last: u64) {
    let mut expected = from;
    while expected <= last {
        let page = tokio::time::timeout(PATIENCE, subscription.next()).await.expect("events keep coming").unwrap();
        for found in page {
            assert_eq!(*found, event(expected));
            expected += 1;
        }
    }
    assert_eq!(subscription.cursor(), Seq(last));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_subscriber_is_refilled_and_delays_nobody() {
    let home = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(&home.path().join("state.db")).unwrap());
    let bus = Bus::new(Arc::clone(&store) as Arc<dyn Store>);
    let mut quick = bus.subscribe(None, None);
    let mut stalled = bus.subscribe(None, None);
    let mut of_session = bus.subscribe(Some(Seq(0)), Some(SESSION.into()));

    feed(&store, &bus, 1, 10);
    read_to(&mut stalled, 1, 10).await;
    let reader = tokio::spawn(async move {
        read_to(&mut quick, 1, EVENTS).await;
        quick
    });
    feed(&store, &bus, 11, EVENTS);
    // The quick one gets everything although the other does not read.
    let mut quick = reader.await.unwrap();
    assert_eq!(bus.head(), Seq(EVENTS));
    // Memory does not reach back to the stalled one's cursor: it is refilled from the store, then goes on live.
    read_to(&mut stalled, 11, EVENTS).await;
    feed(&store, &bus, EVENTS + 1, EVENTS + 5);
    read_to(&mut stalled, EVENTS + 1, EVENTS + 5).await;
    read_to(&mut quick, EVENTS + 1, EVENTS + 5).await;

    let expected: Vec<u64> = (1..=EVENTS + 5).filter(|seq| !seq.is_multiple_of(4)).collect();
    let mut seen = Vec::new();
    while seen.len() < expected.len() {
        let page = tokio::time::timeout(PATIENCE, of_session.next()).await.expect("events keep coming").unwrap();
        seen.extend(page.iter().map(|event| event.seq.0));
    }
    assert_eq!(seen, expected);
}

/// Waits until a store has let go: its callbacks hold it until the last batch is committed.
fn wait_until_free(released: &Released) {
    let begin = Instant::now();
    while !released.is_free() {
        assert!(begin.elapsed() < PATIENCE, "never let go");
        std::thread::yield_now();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_comes_back_after_a_restart_goes_on_where_it_was() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("state.db");
    let (cursor, released) = {
        let store = Arc::new(SqliteStore::open(&path).unwrap());
        let bus = Bus::new(Arc::clone(&store) as Arc<dyn Store>);
        let mut subscription = bus.subscribe(None, None);
        feed(&store, &bus, 1, 2500);
        // Some of them, wherever a page ends.
        let page = tokio::time::timeout(PATIENCE, subscription.next()).await.expect("events come").unwrap();
        assert_eq!(subscription.cursor(), page.last().unwrap().seq);
        (subscription.cursor(), store.released())
    };
    wait_until_free(&released);
    let store = Arc::new(SqliteStore::open(&path).unwrap());
    let bus = Bus::new(Arc::clone(&store) as Arc<dyn Store>);
    let mut subscription = bus.subscribe(Some(cursor), None);
    read_to(&mut subscription, cursor.0 + 1, 2500).await;
    feed(&store, &bus, 2501, 2503);
    read_to(&mut subscription, 2501, 2503).await;
}
