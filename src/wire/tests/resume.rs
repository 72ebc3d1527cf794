use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::net::{UnixListener, UnixStream};

use super::fake::{Daemon, FakeStore, Home, envelope, said, within};
use crate::host::port::{Batch, Store as _};
use crate::model::id::Seq;
use crate::wire::client::{Caller, Follow, Follower, Revive};
use crate::wire::serve::Limits;

fn follow(home: &Home, after: Option<u64>) -> Follow {
    Follow {
        socket: home.paths.socket.clone(),
        caller: Caller::new("test"),
        after: after.map(Seq),
        session: None,
        views: false,
        patience: Duration::from_secs(15),
        revive: None,
    }
}

async fn collect(follower: &mut Follower, seen: &mut Vec<u64>, until: u64) {
    while seen.last().is_none_or(|last| *last < until) {
        let batch = within(follower.next()).await.unwrap();
        seen.extend(batch.events.iter().map(|event| event.seq.0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_sees_every_event_once_across_restarts_of_the_daemon() {
    let home = Home::new();
    let mut daemon = Daemon::start(&home.paths, Limits::default());
    let mut follower = Follower::open(follow(&home, Some(0))).await.unwrap();
    let mut seen = Vec::new();
    for round in 1..=12 {
        // More than the bus keeps in memory every third time: the rest comes from the store.
        daemon.host.publish(if round % 3 == 0 { 5000 } else { 40 }, said);
        let head = daemon.host.store.head().0;
        if round % 2 == 0 {
            collect(&mut follower, &mut seen, head).await;
        }
        // The connection is lost with events unread, and more are committed before the next daemon serves.
        let store = daemon.end().await;
        daemon = Daemon::with(&home.paths, Limits::default(), 1, store);
        daemon.host.publish(7, said);
    }
    let head = daemon.host.store.head().0;
    collect(&mut follower, &mut seen, head).await;
    assert_eq!(seen, (1..=head).collect::<Vec<_>>());
    daemon.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_sees_every_event_once_when_its_connection_is_cut_anywhere() {
    let home = Home::new();
    let daemon = Daemon::start(&home.paths, Limits::default());
    daemon.host.publish(3000, said);
    // A proxy that lets through ever more bytes before it cuts the connection, in the middle of lines.
    let proxy = home.paths.runtime_dir.join("proxy.sock");
    let listener = UnixListener::bind(&proxy).unwrap();
    let target = home.paths.socket.clone();
    tokio::spawn(async move {
        let mut allowance = 100;
        while let Ok((client, _)) = listener.accept().await {
            let daemon = UnixStream::connect(&target).await.unwrap();
            let (mut from_client, mut to_client) = client.into_split();
            let (from_daemon, mut to_daemon) = daemon.into_split();
            let upward = tokio::spawn(async move {
                let _ = tokio::io::copy(&mut from_client, &mut to_daemon).await;
            });
            let _ = tokio::io::copy(&mut from_daemon.take(allowance), &mut to_client).await;
            upward.abort();
            allowance = allowance * 3 / 2 + 37;
        }
    });
    let mut follow = follow(&home, Some(0));
    follow.socket = proxy;
    // The first connections are cut before they are any good: opening is tried until one is.
    let mut follower = loop {
        if let Ok(follower) = Follower::open(follow.clone()).await {
            break follower;
        }
    };
    let mut seen = Vec::new();
    collect(&mut follower, &mut seen, 3000).await;
    daemon.host.publish(10, said);
    collect(&mut follower, &mut seen, 3010).await;
    assert_eq!(seen, (1..=3010).collect::<Vec<_>>());
    daemon.end().await;
}

#[tokio::test]
async fn a_database_that_was_replaced_is_noticed() {
    let home = Home::new();
    let daemon = Daemon::start(&home.paths, Limits::default());
    daemon.host.publish(5, said);
    let mut follower = Follower::open(follow(&home, Some(4))).await.unwrap();
    assert_eq!(within(follower.next()).await.unwrap().events[0].seq, Seq(5));
    daemon.end().await;
    let daemon = Daemon::start(&home.paths, Limits::default());
    let refusal = within(follower.next()).await.unwrap_err();
    assert!(refusal.message.contains("not the database"), "{refusal}");
    daemon.end().await;
}

#[tokio::test]
async fn a_daemon_that_does_not_come_back_is_given_up() {
    let home = Home::new();
    let daemon = Daemon::start(&home.paths, Limits::default());
    let mut hurried = follow(&home, None);
    hurried.patience = Duration::from_millis(50);
    let mut follower = Follower::open(hurried).await.unwrap();
    daemon.end().await;
    assert!(within(follower.next()).await.unwrap_err().message.contains("not back"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_daemon_is_revived_when_that_is_wanted() {
    let home = Home::new();
    let daemon = Daemon::start(&home.paths, Limits::default());
    daemon.host.publish(3, said);
    let next: Arc<Mutex<Option<Daemon>>> = Arc::default();
    let stored: Arc<Mutex<Option<Arc<FakeStore>>>> = Arc::default();
    let (slot, store, paths) = (Arc::clone(&next), Arc::clone(&stored), home.paths.clone());
    let revive = Revive(Arc::new(move || {
        let store = store.lock().unwrap().clone().unwrap();
        *slot.lock().unwrap() = Some(Daemon::with(&paths, Limits::default(), 1, store));
        Box::pin(async { Ok(()) })
    }));
    let mut follower = Follower::open(Follow { revive: Some(revive), ..follow(&home, Some(0)) }).await.unwrap();
    let mut seen = Vec::new();
    collect(&mut follower, &mut seen, 3).await;
    // Nothing is listening from here on until the follower asks for it.
    let store = daemon.die().await;
    store.append(Batch { events: vec![envelope(4, said(4))], rows: Vec::new() }, Box::new(|| {}));
    *stored.lock().unwrap() = Some(store);
    collect(&mut follower, &mut seen, 4).await;
    assert_eq!(seen, [1, 2, 3, 4]);
    let daemon = next.lock().unwrap().take().expect("it was started");
    daemon.end().await;
}

#[tokio::test]
async fn a_daemon_that_was_told_to_stop_is_not_revived() {
    let home = Home::new();
    let daemon = Daemon::start(&home.paths, Limits::default());
    let revive = Revive(Arc::new(|| panic!("somebody wanted it to stop")));
    let patience = Duration::from_millis(50);
    let mut follower = Follower::open(Follow { revive: Some(revive), patience, ..follow(&home, None) }).await.unwrap();
    daemon.end().await;
    assert!(within(follower.next()).await.unwrap_err().message.contains("not back"));
}
