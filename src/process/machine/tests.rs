use std::path::Path;

use super::{available, free, load, read};

#[test]
fn the_kernels_files_are_read() {
    assert_eq!(available("MemTotal:  1000 kB\nMemFree:  1 kB\nMemAvailable:   255 kB\n"), Some(25));
    assert_eq!(available("MemFree: 1 kB\n"), None);
    assert_eq!(load("11.50 9.00 8.00 1/100 5\n", 2), Some(575));
    assert_eq!(load("garbage", 2), None);
}

#[test]
fn what_is_free_is_asked_of_the_nearest_directory() {
    let here = tempfile::tempdir().unwrap();
    let known = free(here.path()).expect("the disk of the temporary directory is known");
    let below = free(&here.path().join("not/there/yet")).expect("as is that of what will be there");
    assert!(known.abs_diff(below) < 1_000, "{known} and {below}");
    let nowhere: [&Path; 0] = [];
    assert_eq!(read(nowhere.into_iter()).disk_mb, u64::MAX);
    // Nothing can be written there, and nothing is free.
    assert_eq!(free(Path::new("/proc")), None);
}
