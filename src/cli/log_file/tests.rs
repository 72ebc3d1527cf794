use std::fs;
use std::io::Write as _;

use super::{Rotated, timestamp};

#[test]
fn large_files_are_moved_aside_and_the_oldest_goes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("daemon.log");
    let mut log = Rotated::open(&path, 10, 3).unwrap();
    for text in ["one-----\n", "two-----\n", "three---\n", "four----\n"] {
        log.write_all(text.as_bytes()).unwrap();
    }
    let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap_or_default();
    assert_eq!(read("daemon.log"), "four----\n");
    assert_eq!(read("daemon.log.1"), "three---\n");
    assert_eq!(read("daemon.log.2"), "two-----\n");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);
    let mut log = Rotated::open(&path, 10, 3).unwrap();
    log.write_all(b"x\n").unwrap();
    assert_eq!(read("daemon.log"), "x\n", "the size of what was there counts");
}

#[test]
fn times_are_dates() {
    assert_eq!(timestamp(0), "1970-01-01T00:00:00.000Z");
    assert_eq!(timestamp(951_782_400_123), "2000-02-29T00:00:00.123Z");
    assert_eq!(timestamp(1_795_219_199_999), "2026-11-20T23:59:59.999Z");
}
