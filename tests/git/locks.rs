//! A repository that somebody else has locked: waited for, then said; a living lock is never taken away.

use std::fs;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use divisi::host::port::Git as _;
use divisi::model::landing::{LandingState, Strategy};
use divisi::model::settings::Settings;

use super::fixture::{Fixture, put};

fn lock(path: &Path) -> fs::File {
    fs::OpenOptions::new().write(true).create_new(true).mode(0o644).open(path).unwrap()
}

#[test]
fn a_held_index_is_waited_for_and_its_holder_named() {
    let fixture = Fixture::new();
    let worktree = fixture.create("aaaa", "one");
    put(Path::new(&worktree.path), "x", "x\n");
    let path = fixture.repo.join(".git/worktrees/divisi-aaaa/index.lock");
    let open = lock(&path);
    let refusal = fixture.driver.checkpoint(&worktree, &worktree.base.commit, "divisi: turn", None).unwrap_err();
    assert!(refusal.message.contains("index.lock"), "{refusal}");
    assert!(refusal.message.contains(&format!("process {}", std::process::id())), "{refusal}");
    assert!(path.exists(), "a living lock is never deleted");
    drop(open);
    let refusal = fixture.driver.checkpoint(&worktree, &worktree.base.commit, "divisi: turn", None).unwrap_err();
    assert!(refusal.message.contains("no process") && refusal.hints[0].contains("rm "), "{refusal:?}");
    assert!(path.exists());
    // It goes while it is waited for.
    let patient = fixture.another(&Settings::default(), Duration::from_secs(30));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| patient.checkpoint(&worktree, &worktree.base.commit, "divisi: turn", None));
        let seen = patient.processes();
        while patient.processes() == seen {
            std::thread::yield_now();
        }
        fs::remove_file(&path).unwrap();
        assert!(waiting.join().unwrap().unwrap().commit.is_some());
    });
}

#[test]
fn held_refs_are_said_and_nothing_is_left_behind() {
    let fixture = Fixture::new();
    let worktree = fixture.worked("aaaa", "one", "x", "x\n");
    fixture.git(&["pack-refs", "--all"]);
    let held: [PathBuf; 2] =
        [fixture.repo.join(".git/packed-refs.lock"), fixture.repo.join(".git/refs/heads/main.lock")];
    for path in held {
        let open = lock(&path);
        let landing = fixture.landing(&worktree, Strategy::Squash);
        let removal = path.ends_with("packed-refs.lock");
        if removal {
            let refusal = fixture.driver.remove_worktree(&worktree).unwrap_err();
            assert!(refusal.message.contains("packed-refs.lock"), "{refusal}");
            fs::remove_file(&path).unwrap();
            fixture.driver.remove_worktree(&worktree).unwrap();
            fixture.driver.restore_worktree(&worktree).unwrap();
            continue;
        }
        let state = fixture.driver.land(&worktree, &landing).unwrap();
        let LandingState::Failed { reason } = state else { panic!("{state:?}") };
        assert!(reason.contains("main.lock"), "{reason}");
        assert!(path.exists());
        assert_eq!(fixture.git(&["rev-parse", "main"]), landing.onto_commit.0);
        drop(open);
        fs::remove_file(&path).unwrap();
        let state = fixture.driver.land(&worktree, &landing).unwrap();
        assert!(matches!(state, LandingState::Completed { .. }), "{state:?}");
    }
}

#[test]
fn a_held_config_is_not_in_the_way_of_creation() {
    let fixture = Fixture::new();
    let open = lock(&fixture.repo.join(".git/config.lock"));
    fixture.create("aaaa", "one");
    drop(open);
}

#[test]
fn a_locked_user_index_does_not_stop_a_landing_halfway() {
    let fixture = Fixture::new();
    let worktree = fixture.worked("aaaa", "one", "x", "x\n");
    let landing = fixture.landing(&worktree, Strategy::Squash);
    let path = fixture.repo.join(".git/index.lock");
    let open = lock(&path);
    let state = fixture.driver.land(&worktree, &landing).unwrap();
    let LandingState::Failed { reason } = state else { panic!("{state:?}") };
    assert!(reason.contains("index.lock"), "{reason}");
    assert_eq!(fixture.git(&["rev-parse", "main"]), landing.onto_commit.0, "target and checkout go together");
    drop(open);
    fs::remove_file(&path).unwrap();
    let state = fixture.driver.land(&worktree, &landing).unwrap();
    assert!(matches!(state, LandingState::Completed { .. }), "{state:?}");
    assert_eq!(fixture.git(&["status", "--porcelain"]), "");
}
