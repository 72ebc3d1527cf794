use std::fs;
use std::time::Duration;

use super::{Writers, holders, lock_in_the_way, wait_for};
use crate::base::clock;

#[test]
fn the_lock_is_found_in_what_git_says() {
    let said = b"fatal: Unable to create '/a b/.git/index.lock': File exists.\n\nAnother git process seems";
    assert_eq!(lock_in_the_way(said).unwrap().to_str(), Some("/a b/.git/index.lock"));
    let said = b"fatal: cannot lock ref 'refs/heads/x': Unable to create '/r/refs/heads/x.lock': File exists.";
    assert_eq!(lock_in_the_way(said).unwrap().to_str(), Some("/r/refs/heads/x.lock"));
    assert_eq!(lock_in_the_way(b"fatal: bad object"), None);
}

#[test]
fn two_writers_of_one_repository_exclude_each_other_and_the_holder_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let writers = Writers::default();
    let other_process = Writers::default();
    let held = writers.enter(directory.path(), Duration::from_secs(1)).unwrap();
    let refusal = writers.enter(directory.path(), Duration::from_millis(30)).unwrap_err();
    assert!(refusal.message.contains("this daemon"), "{refusal}");
    let refusal = other_process.enter(directory.path(), Duration::from_millis(30)).unwrap_err();
    assert!(refusal.message.contains(&format!("process {}", std::process::id())), "{refusal}");
    drop(held);
    writers.enter(directory.path(), Duration::from_secs(1)).unwrap();
    other_process.enter(directory.path(), Duration::from_secs(1)).unwrap();
}

#[test]
fn the_holder_of_a_lock_is_found_and_a_lock_that_goes_ends_the_wait() {
    let directory = tempfile::tempdir().unwrap();
    let lock = directory.path().join("index.lock");
    let open = fs::File::create(&lock).unwrap();
    assert_eq!(holders(&lock).first().map(|holder| holder.0), Some(std::process::id()));
    assert!(!wait_for(&lock, clock::instant()));
    drop(open);
    assert!(holders(&lock).is_empty());
    fs::remove_file(&lock).unwrap();
    assert!(wait_for(&lock, clock::instant()));
}
