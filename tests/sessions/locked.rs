//! A repository that somebody else has locked: waited for, then said who; nobody's lock is taken away, and afterwards all goes on
//! (promise P16).

use std::fs::File;
use std::path::{Path, PathBuf};

use super::scene::Scene;

fn impatient() -> Scene {
    let mut scene = Scene::new();
    scene.env.set("DIVISI_TEST_LOCK_WAIT_MS", "400");
    scene
}

/// Takes one of git's locks; this process is its holder.
fn hold(path: &Path) -> File {
    File::options().write(true).create_new(true).open(path).unwrap()
}

fn release(path: &Path, lock: File) {
    assert!(path.exists(), "a living lock is never deleted");
    drop(lock);
    std::fs::remove_file(path).unwrap();
}

/// Whether words name a lock and its holder.
#[track_caller]
fn names_holder(words: &str, lock: &Path) {
    let name = lock.file_name().unwrap().to_str().unwrap();
    assert!(words.contains(name), "{name} is not in: {words}");
    assert!(words.contains(&format!("process {}", std::process::id())), "{words}");
}

fn index_lock(scene: &Scene, name: &str) -> PathBuf {
    let path =
        scene.env.git(scene.worktree(name), &["rev-parse", "--path-format=absolute", "--git-path", "index.lock"]);
    PathBuf::from(path)
}

#[test]
fn the_locks_of_the_repository_do_not_stop_new_sessions() {
    let scene = impatient();
    let git_dir = scene.repo.join(".git");
    let locks = ["index.lock", "packed-refs.lock", "config.lock", "HEAD.lock"].map(|name| git_dir.join(name));
    let held: Vec<_> = locks.iter().map(|path| hold(path)).collect();
    scene.shell("made", "echo made > made.txt").ok();
    assert_eq!(scene.state("made"), "review");
    for (path, lock) in locks.iter().zip(held) {
        release(path, lock);
    }
}

#[test]
fn a_checkpoint_waits_then_says_who_and_the_next_turn_takes_the_work_along() {
    let scene = impatient();
    let gate = scene.env.path("gate");
    let command = format!("echo work > work.txt; until [ -e '{}' ]; do sleep 0.02; done", gate.display());
    scene.divisi(&["new", "--name", "work", "--agent", "shell", &command]).ok();
    scene.wait_for("work", &["running"]);
    let path = index_lock(&scene, "work");
    let lock = hold(&path);
    std::fs::write(&gate, "").unwrap();
    let session = scene.wait_for("work", &["failed"]);
    names_holder(session["reason"].as_str().unwrap(), &path);
    // Landing while it is held: refused with the same words, and nothing moved.
    let before = scene.env.git(&scene.repo, &["rev-parse", "main"]);
    let refused = scene.divisi(&["land", "work"]);
    names_holder(&refused.exits(1).stderr, &path);
    assert_eq!(scene.env.git(&scene.repo, &["rev-parse", "main"]), before);
    assert_eq!(scene.read("work", "work.txt"), "work\n");
    release(&path, lock);
    scene.divisi(&["send", "work", "--wait", "echo more >> work.txt"]).ok();
    assert_eq!(scene.state("work"), "review");
    scene.divisi(&["land", "work"]).ok();
    assert_eq!(scene.env.git(&scene.repo, &["show", "main:work.txt"]), "work\nmore");
}

#[test]
fn a_landing_waits_then_says_who_and_lands_afterwards() {
    let scene = impatient();
    scene.shell("work", "echo work > work.txt").ok();
    let git_dir = scene.repo.join(".git");
    let before = scene.env.git(&scene.repo, &["rev-parse", "main"]);
    for path in [git_dir.join("index.lock"), git_dir.join("refs/heads/main.lock")] {
        let lock = hold(&path);
        let refused = scene.divisi(&["land", "work"]);
        names_holder(&format!("{}{}", refused.exits(1).stdout, refused.stderr), &path);
        assert_eq!(scene.env.git(&scene.repo, &["rev-parse", "main"]), before);
        assert!(!scene.repo.join("work.txt").exists());
        release(&path, lock);
    }
    // These two are nobody's business here.
    let locks = ["packed-refs.lock", "config.lock"].map(|name| git_dir.join(name));
    let held: Vec<_> = locks.iter().map(|path| hold(path)).collect();
    scene.divisi(&["land", "work"]).ok();
    for (path, lock) in locks.iter().zip(held) {
        release(path, lock);
    }
    assert_eq!(scene.env.git(&scene.repo, &["show", "main:work.txt"]), "work");
    assert_eq!(scene.env.git(&scene.repo, &["status", "--porcelain"]), "");
}

#[test]
fn a_removal_waits_then_says_who_and_removes_afterwards() {
    let scene = impatient();
    scene.shell("work", "echo work > work.txt").ok();
    scene.env.git(&scene.repo, &["pack-refs", "--all"]);
    let path = scene.repo.join(".git/packed-refs.lock");
    let lock = hold(&path);
    let refused = scene.divisi(&["remove", "work", "--discard"]);
    names_holder(&format!("{}{}", refused.stdout, refused.stderr), &path);
    assert_ne!(refused.code(), 0);
    release(&path, lock);
    scene.discard(&["work"]);
    assert_eq!(scene.env.git(&scene.repo, &["worktree", "list"]).lines().count(), 1);
    assert_eq!(scene.env.git(&scene.repo, &["branch", "--list", "divisi/*"]), "");
    scene.divisi(&["restore", "work"]).ok();
    assert_eq!(scene.read("work", "work.txt"), "work\n");
}

#[test]
fn a_lock_that_goes_in_time_is_not_even_mentioned() {
    let mut scene = Scene::new();
    scene.env.set("DIVISI_TEST_LOCK_WAIT_MS", "30000");
    scene.shell("work", "echo work > work.txt").ok();
    let path = scene.repo.join(".git/index.lock");
    let lock = hold(&path);
    let processes = || scene.env.json(&scene.repo, &["daemon", "status"])["git_processes"].as_u64().unwrap();
    let (before, mut seen, mut same) = (processes(), 0, 0);
    let landing = scene.env.spawn_divisi(&scene.repo, &["land", "work"]);
    // It has begun and does not get on any more.
    crate::support::wait_until(super::scene::DEADLINE, "the landing waits", || {
        let now = processes();
        same = if std::mem::replace(&mut seen, now) == now && now > before { same + 1 } else { 0 };
        same == 5
    });
    release(&path, lock);
    landing.wait(super::scene::DEADLINE).ok();
    assert_eq!(scene.env.git(&scene.repo, &["show", "main:work.txt"]), "work");
}
