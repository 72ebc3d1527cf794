//! A full disk and failing writes: nothing acknowledged is lost, it is said why nothing is recorded, and it goes on when it can.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Instant;

use divisi::host::port::Store as _;
use divisi::model::id::Seq;
use divisi::store::SqliteStore;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{PATIENCE, again, batch, check_all, child_directory};

/// Appends batches until nothing can be recorded; returns the last event queued and what was acknowledged.
fn fill(store: &SqliteStore, next: &mut u64, acknowledged: &Arc<AtomicU64>) -> String {
    let begin = Instant::now();
    loop {
        if let Some(why) = store.blocked() {
            return why;
        }
        assert!(begin.elapsed() < PATIENCE, "never blocked, at event {next}");
        // At most a few batches ahead, so that the queue does not grow while the disk fills.
        if *next > acknowledged.load(Ordering::Acquire) + 400 {
            std::thread::yield_now();
            continue;
        }
        let (last, seen) = (*next + 19, Arc::clone(acknowledged));
        store.append(batch(*next, last), Box::new(move || seen.store(last, Ordering::Release)));
        *next = last + 1;
    }
}

/// What was acknowledged can be read, also while nothing can be written.
fn check_readable(store: &SqliteStore, acknowledged: &AtomicU64) {
    let acknowledged = acknowledged.load(Ordering::Acquire);
    let events = store.events(Seq(0), None, 1_000_000).unwrap();
    assert!(events.len() as u64 >= acknowledged, "{acknowledged} were acknowledged, {} are there", events.len());
}

/// Waits until everything that was queued is durable.
fn drain(store: &SqliteStore, next: u64) {
    let (sent, received) = mpsc::channel();
    store.append(batch(next, next), Box::new(move || sent.send(()).unwrap()));
    received.recv_timeout(PATIENCE).expect("goes on once it can");
    assert_eq!(store.blocked(), None);
    assert_eq!(store.head(), Seq(next));
    assert_eq!(check_all(store), next);
}

#[test]
fn failing_writes_are_retried_until_they_succeed() {
    let home = tempfile::tempdir().unwrap();
    // The signal that comes with a write beyond the limit is ignored, so that the write fails instead.
    let output =
        again(&["sh", "-c", "trap '' XFSZ; exec \"$0\" \"$@\""], "store::full::with_limited_files", home.path())
            .output()
            .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(home.path().join("done").exists(), "{}", String::from_utf8_lossy(&output.stdout));
    // The parent, without any limit, reads what the child wrote.
    check_all(&SqliteStore::open(&home.path().join("state.db")).unwrap());
}

#[test]
#[ignore = "the program that failing_writes_are_retried_until_they_succeed starts"]
fn with_limited_files() {
    let Some(home) = child_directory() else { return };
    let store = SqliteStore::open(&home.join("state.db")).unwrap();
    let before = getrlimit(Resource::Fsize);
    setrlimit(Resource::Fsize, Rlimit { current: Some(700_000), maximum: before.maximum }).unwrap();
    let (mut next, acknowledged) = (1, Arc::default());
    for limit in [1_500_000, 3_000_000] {
        let why = fill(&store, &mut next, &acknowledged);
        assert!(why.contains("state.db"), "{why}");
        // What was acknowledged before can be read meanwhile.
        check_readable(&store, &acknowledged);
        setrlimit(Resource::Fsize, Rlimit { current: Some(limit), maximum: before.maximum }).unwrap();
    }
    setrlimit(Resource::Fsize, before).unwrap();
    drain(&store, next);
    std::fs::write(home.join("done"), "").unwrap();
}

#[test]
fn a_full_disk_is_said_and_nothing_acknowledged_is_lost() {
    let home = tempfile::tempdir().unwrap();
    let mounting = "mount -t tmpfs -o size=40m none \"$DIVISI_TEST_STORE_CHILD\"";
    // A file system of its own size needs a namespace of its own; where the kernel does not allow that, the other test has to do.
    let possible = Command::new("unshare")
        .args(["-rm", "sh", "-c", mounting])
        .env("DIVISI_TEST_STORE_CHILD", home.path())
        .status()
        .is_ok_and(|status| status.success());
    if !possible {
        let _ = writeln!(std::io::stderr(), "skipped: no mount in a user namespace here");
        return;
    }
    let mounted = format!("{mounting} && exec \"$0\" \"$@\"");
    let output =
        again(&["unshare", "-rm", "sh", "-c", &mounted], "store::full::on_a_small_disk", home.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("all was recorded"), "{said}");
}

#[test]
#[ignore = "the program that a_full_disk_is_said_and_nothing_acknowledged_is_lost starts"]
fn on_a_small_disk() {
    let Some(home) = child_directory() else { return };
    let path = home.join("state.db");
    let (mut next, acknowledged) = (1, Arc::default());
    let store = SqliteStore::open(&path).unwrap();
    let reserve = home.join("reserve");
    assert!(reserve.exists(), "there is room for it at first");
    let ballast = home.join("ballast");
    leave_free(&home, &ballast, 1_000_000);
    let why = fill(&store, &mut next, &acknowledged);
    assert!(why.contains("the disk is full"), "{why}");
    assert!(!reserve.exists(), "the reserve was used first");
    assert!(acknowledged.load(Ordering::Acquire) > 10_000, "the reserve's megabytes were recorded into");
    check_readable(&store, &acknowledged);
    std::fs::remove_file(&ballast).unwrap();
    drain(&store, next);
    drop(store);
    // A store that is opened on a full disk says so and works when there is room.
    leave_free(&home, &ballast, 0);
    if let Ok(store) = SqliteStore::open(&path) {
        fill(&store, &mut { next + 1 }, &Arc::new(AtomicU64::new(next)));
    }
    std::fs::remove_file(&ballast).unwrap();
    let store = SqliteStore::open(&path).unwrap();
    assert!(check_all(&store) >= next);
    std::io::stdout().write_all(b"all was recorded\n").unwrap();
}

/// Fills the disk with zeros except for some bytes.
fn leave_free(home: &Path, ballast: &Path, free: u64) {
    let space = rustix::fs::statvfs(home).unwrap();
    let size = (space.f_bavail * space.f_frsize).saturating_sub(free);
    std::fs::write(ballast, vec![0_u8; usize::try_from(size).unwrap()]).unwrap();
}
