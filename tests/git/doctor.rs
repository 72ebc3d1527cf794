//! What the doctor finds and repairs, and what it leaves alone.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use divisi::host::port::Git as _;

use super::fixture::{Fixture, put};

fn kinds(fixture: &Fixture, known: &[divisi::model::worktree::Worktree]) -> Vec<String> {
    let mut kinds: Vec<String> = fixture
        .driver
        .scan(fixture.repo.to_str().unwrap(), known)
        .unwrap()
        .into_iter()
        .map(|finding| format!("{}{}", finding.kind, if finding.fix.is_some() { "" } else { " (by hand)" }))
        .collect();
    kinds.sort();
    kinds
}

fn age(path: &Path) {
    let old = SystemTime::now() - Duration::from_secs(3600);
    fs::File::options().write(true).open(path).unwrap().set_modified(old).unwrap();
}

#[test]
fn a_healthy_repository_has_no_findings() {
    let fixture = Fixture::new();
    let known = [fixture.create("aaaa", "one"), fixture.worked("bbbb", "two", "x", "x\n")];
    fixture.git(&["worktree", "add", "-q", "-b", "users", fixture.repo.join(".worktrees/users").to_str().unwrap()]);
    assert_eq!(kinds(&fixture, &known), Vec::<String>::new());
    assert_eq!(fixture.driver.fix(fixture.repo.to_str().unwrap(), &known).unwrap(), Vec::<String>::new());
}

#[test]
fn orphans_are_kept_then_removed() {
    let fixture = Fixture::new();
    let known = fixture.worked("aaaa", "one", "k", "k\n");
    let orphan = fixture.worked("bbbb", "two", "x", "committed\n");
    put(Path::new(&orphan.path), "y", "uncommitted\n");
    fixture.git(&["branch", "divisi/three/work", &orphan.branch]);
    fixture.git(&["branch", "divisi/four/work", "main"]);
    put(&fixture.repo, ".worktrees/strange/file", "somebody's\n");
    let found = kinds(&fixture, std::slice::from_ref(&known));
    assert_eq!(found, ["orphan_branch", "orphan_branch", "orphan_directory (by hand)", "orphan_worktree"]);
    let done = fixture.driver.fix(fixture.repo.to_str().unwrap(), std::slice::from_ref(&known)).unwrap();
    assert_eq!(done.len(), 3, "{done:?}");
    assert!(!Path::new(&orphan.path).exists());
    assert_eq!(fixture.git(&["show", "refs/divisi/preserved/bbbb:y"]), "uncommitted");
    assert_eq!(fixture.git(&["show", "refs/divisi/preserved/bbbb:x"]), "committed");
    assert_eq!(fixture.git(&["for-each-ref", "--format=%(refname)", "refs/heads/divisi"]), known.branch);
    assert!(fixture.driver.check_worktree(&known).unwrap().is_some());
    assert!(fixture.repo.join(".worktrees/strange/file").exists());
    let left: Vec<_> = kinds(&fixture, &[known]).into_iter().filter(|kind| kind != "leftover").collect();
    assert_eq!(left, ["orphan_directory (by hand)"]);
}

#[test]
fn a_branch_that_nothing_else_has_is_kept() {
    let fixture = Fixture::new();
    let orphan = fixture.worked("bbbb", "two", "x", "only here\n");
    let tip = fixture.git(&["rev-parse", &orphan.branch]);
    fixture.git(&["worktree", "remove", "-f", "-f", &orphan.path]);
    fixture.driver.fix(fixture.repo.to_str().unwrap(), &[]).unwrap();
    assert_eq!(fixture.git(&["for-each-ref", "refs/heads/divisi"]), "");
    assert_eq!(fixture.git(&["for-each-ref", "--format=%(objectname)", "refs/divisi/preserved"]), tip);
}

#[test]
fn an_orphan_in_which_somebody_works_is_left() {
    let fixture = Fixture::new();
    let orphan = fixture.create("bbbb", "two");
    let mut living =
        Command::new("cat").current_dir(&orphan.path).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    assert_eq!(kinds(&fixture, &[]), ["orphan_worktree (by hand)"]);
    fixture.driver.fix(fixture.repo.to_str().unwrap(), &[]).unwrap();
    assert!(Path::new(&orphan.path).join("a.txt").exists());
    drop(living.stdin.take());
    living.wait().unwrap();
    fixture.driver.fix(fixture.repo.to_str().unwrap(), &[]).unwrap();
    assert!(!Path::new(&orphan.path).exists());
}

#[test]
fn stale_locks_go_and_living_ones_stay() {
    let fixture = Fixture::new();
    let known = fixture.create("aaaa", "one");
    let common = fixture.repo.join(".git");
    let stale =
        [common.join("index.lock"), common.join("worktrees/divisi-aaaa/index.lock"), common.join("refs/heads/x.lock")];
    for path in &stale {
        fs::write(path, "").unwrap();
        age(path);
    }
    let young = common.join("packed-refs.lock");
    fs::write(&young, "").unwrap();
    let held = common.join("config.lock");
    let open = fs::File::create(&held).unwrap();
    age(&held);
    assert_eq!(kinds(&fixture, std::slice::from_ref(&known)), ["stale_lock", "stale_lock", "stale_lock"]);
    fixture.driver.fix(fixture.repo.to_str().unwrap(), std::slice::from_ref(&known)).unwrap();
    assert!(stale.iter().all(|path| !path.exists()));
    assert!(young.exists() && held.exists());
    drop(open);
}

#[test]
fn missing_worktrees_are_said_and_trash_is_emptied() {
    let fixture = Fixture::new();
    let gone = fixture.create("aaaa", "one");
    fs::remove_dir_all(&gone.path).unwrap();
    let unknown = fixture.create("bbbb", "two");
    fixture.git(&["worktree", "remove", "-f", "-f", &unknown.path]);
    put(&fixture.repo, ".worktrees/.divisi-trash-cccc-1/file", "x");
    let index = fixture.repo.join(".git/worktrees/divisi-aaaa/divisi-index-1-1");
    fs::write(&index, "").unwrap();
    fs::File::options()
        .write(true)
        .open(&index)
        .unwrap()
        .set_modified(SystemTime::now() - Duration::from_secs(7200))
        .unwrap();
    let known = [gone.clone(), unknown];
    assert_eq!(
        kinds(&fixture, &known),
        ["leftover", "leftover", "missing_worktree (by hand)", "missing_worktree (by hand)"]
    );
    fixture.driver.fix(fixture.repo.to_str().unwrap(), &known).unwrap();
    assert!(!fixture.repo.join(".worktrees/.divisi-trash-cccc-1").exists() && !index.exists());
    assert_eq!(fixture.git(&["rev-parse", &gone.branch]), gone.base.commit.0, "the branch stays");
}

#[test]
fn an_interrupted_creation_of_nobody_is_removed() {
    let fixture = Fixture::new();
    let worktree = fixture.create("aaaa", "one");
    let admin = fixture.repo.join(".git/worktrees/divisi-aaaa");
    fs::remove_file(admin.join("divisi")).unwrap();
    fs::rename(admin.join("index"), admin.join("index.lock")).unwrap();
    assert_eq!(kinds(&fixture, &[]), ["orphan_worktree"]);
    fixture.driver.fix(fixture.repo.to_str().unwrap(), &[]).unwrap();
    assert!(!Path::new(&worktree.path).exists());
    assert_eq!(fixture.git(&["for-each-ref", "refs/heads/divisi"]), "");
    assert_eq!(fixture.git(&["worktree", "list"]).lines().count(), 1);
}
