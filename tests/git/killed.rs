//! `kill -9` at any point of a creation: afterwards nothing is left, and the same creation works.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use divisi::git::GitDriver;
use divisi::host::port::Git as _;
use divisi::model::settings::Settings;
use divisi::model::worktree::Worktree;

use super::fixture::{Fixture, driver_at};

/// How many points; `DIVISI_KILLS` gives more.
const POINTS: u32 = 24;

/// Not a test: the process that is killed. Creates and cleans in turn until it is.
#[test]
#[ignore = "the child of the test below"]
fn child() {
    let Ok(root) = std::env::var("DIVISI_TEST_ROOT") else { return };
    let worktree: Worktree = serde_json::from_str(&std::env::var("DIVISI_TEST_WORKTREE").unwrap()).unwrap();
    let driver = driver_at(Path::new(&root), &Settings::default(), Duration::from_secs(5));
    println!("\nready");
    driver.create_worktree(&worktree).unwrap();
    println!("\ndone");
    std::thread::park();
}

#[test]
fn a_creation_killed_at_any_point_leaves_nothing() {
    let points = std::env::var("DIVISI_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(POINTS);
    let fixture = Fixture::new();
    for n in 0..300 {
        fixture.write(&format!("many/{}/file{n}", n % 20), &"content\n".repeat(200));
    }
    fixture.git(&["add", "-A"]);
    fixture.git(&["commit", "-qm", "many"]);
    let mut interrupted = 0;
    let mut whole = Duration::ZERO;
    for point in 0..=points {
        let worktree = fixture.intend(&format!("k{point}"), &format!("name{point}"), None);
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "git::killed::child", "--ignored", "--nocapture", "--test-threads=1"])
            .env("DIVISI_TEST_ROOT", fixture.path())
            .env("DIVISI_TEST_WORKTREE", serde_json::to_string(&worktree).unwrap())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        assert!(lines.any(|line| line == "ready"));
        let started = Instant::now();
        if point == 0 {
            // The first one runs to its end and gives the measure for the others.
            assert!(lines.any(|line| line == "done"));
            whole = started.elapsed();
        }
        let at = whole * point / points;
        while started.elapsed() < at && point != 0 {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // As the next daemon does: the git of the moment outlives its daemon.
        GitDriver::await_orphans(&fixture.path().join("state"));
        if fixture.driver.check_worktree(&worktree).unwrap().is_none() {
            interrupted += 1;
        }
        fixture.driver.clean_worktree(&worktree).unwrap();
        assert_eq!(fixture.residue(), Vec::<String>::new(), "point {point}");
        fixture.driver.create_worktree(&worktree).unwrap();
        assert_eq!(fixture.git_in(Path::new(&worktree.path), &["status", "--porcelain"]), "");
        fixture.driver.remove_worktree(&worktree).unwrap();
        fixture.empty_trash();
        assert_eq!(fixture.residue(), Vec::<String>::new(), "point {point}");
    }
    assert!(interrupted > points / 3, "only {interrupted} of {points} kills came in time");
}
