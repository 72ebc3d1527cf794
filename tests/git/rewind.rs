//! Going back to a checkpoint: interrupted anywhere and repeated, it ends the same, and nothing that was there is lost.

use std::path::Path;

use divisi::host::port::Git as _;
use divisi::model::id::Oid;
use divisi::model::timeline::Rewind;
use divisi::model::worktree::Worktree;

use super::fixture::{Fixture, put, read};

const MESSAGES: [&str; 2] = ["before", "back"];

/// A session at its second checkpoint with something uncommitted, and what going back to the first is.
fn scene() -> (Fixture, Worktree, Oid, Rewind) {
    let fixture = Fixture::new();
    let worktree = fixture.worked("aaaa", "one", "a.txt", "first\n");
    let path = Path::new(&worktree.path);
    let first = Oid(fixture.git_in(path, &["rev-parse", "HEAD"]));
    put(path, "a.txt", "second\n");
    put(path, "new/b.txt", "new\n");
    let second = fixture.driver.checkpoint(&worktree, &first, "divisi: second", None).unwrap().head;
    put(path, "uncommitted.txt", "precious\n");
    let rewind = Rewind {
        to: "t1".to_owned(),
        commit: first,
        before: "c1".to_owned(),
        after: "c2".to_owned(),
        at: 1_700_000_000_000,
    };
    (fixture, worktree, second, rewind)
}

/// The files of the first checkpoint, everything else in the state before.
fn check(fixture: &Fixture, worktree: &Worktree) {
    let path = Path::new(&worktree.path);
    assert_eq!(read(path, "a.txt"), "first\n");
    assert!(!path.join("new").exists() && !path.join("uncommitted.txt").exists());
    assert_eq!(fixture.git_in(path, &["status", "--porcelain"]), "");
    let kept = |name: &str| format!("refs/divisi/checkpoints/aaaa/{name}");
    assert_eq!(fixture.git(&["show", &format!("{}:uncommitted.txt", kept("c1"))]), "precious");
    assert_eq!(fixture.git(&["show", &format!("{}:new/b.txt", kept("c1"))]), "new");
    assert_eq!(fixture.git(&["rev-parse", &kept("c2")]), fixture.git_in(path, &["rev-parse", "HEAD"]));
    assert_eq!(fixture.git_in(path, &["symbolic-ref", "HEAD"]), worktree.branch);
}

#[test]
fn a_repeat_finds_it_done() {
    let (fixture, worktree, from, rewind) = scene();
    let made = fixture.driver.rewind(&worktree, &from, &rewind, MESSAGES).unwrap();
    check(&fixture, &worktree);
    assert_eq!((made.before_step.files, made.step.files), (1, 3));
    let again = fixture.driver.rewind(&worktree, &from, &rewind, MESSAGES).unwrap();
    assert_eq!((again.before, again.head, again.stat), (made.before, made.head, made.stat));
    check(&fixture, &worktree);
}

#[test]
fn killed_after_the_state_before_was_kept() {
    let (fixture, worktree, from, rewind) = scene();
    let before = fixture.driver.checkpoint(&worktree, &from, MESSAGES[0], None).unwrap().head;
    fixture.driver.keep_checkpoint(&worktree, "c1", &before).unwrap();
    assert_eq!(fixture.driver.rewind(&worktree, &from, &rewind, MESSAGES).unwrap().before, before);
    check(&fixture, &worktree);
}

#[test]
fn killed_with_some_files_brought_back_and_the_index_not_written() {
    let (fixture, worktree, from, rewind) = scene();
    let path = Path::new(&worktree.path);
    let before = fixture.driver.checkpoint(&worktree, &from, MESSAGES[0], None).unwrap().head;
    fixture.driver.keep_checkpoint(&worktree, "c1", &before).unwrap();
    put(path, "a.txt", "first\n");
    std::fs::remove_dir_all(path.join("new")).unwrap();
    let made = fixture.driver.rewind(&worktree, &from, &rewind, MESSAGES).unwrap();
    assert_eq!(made.before, before, "the state before is what it was before the first attempt");
    check(&fixture, &worktree);
}

#[test]
fn killed_with_the_files_back_and_the_branch_not_moved() {
    let (fixture, worktree, from, rewind) = scene();
    let path = Path::new(&worktree.path);
    let before = fixture.driver.checkpoint(&worktree, &from, MESSAGES[0], None).unwrap().head;
    fixture.driver.keep_checkpoint(&worktree, "c1", &before).unwrap();
    fixture.git_in(path, &["read-tree", "-m", "-u", before.as_str(), rewind.commit.as_str()]);
    fixture.driver.rewind(&worktree, &from, &rewind, MESSAGES).unwrap();
    check(&fixture, &worktree);
}

#[test]
fn a_checkpoint_that_is_gone_changes_nothing() {
    let (fixture, worktree, from, rewind) = scene();
    let path = Path::new(&worktree.path);
    let head = fixture.git_in(path, &["rev-parse", "HEAD"]);
    let gone = Rewind { commit: Oid("1".repeat(40)), ..rewind };
    let refusal = fixture.driver.rewind(&worktree, &from, &gone, MESSAGES).unwrap_err();
    assert!(refusal.message.contains("is not in the repository any more"), "{refusal}");
    assert_eq!(fixture.git_in(path, &["rev-parse", "HEAD"]), head);
    assert_eq!(read(path, "uncommitted.txt"), "precious\n");
    assert_eq!(fixture.git(&["for-each-ref", "refs/divisi"]), "");
}

#[test]
fn names_of_checkpoints_go_with_the_worktree() {
    let (fixture, worktree, from, _) = scene();
    fixture.driver.keep_checkpoint(&worktree, "t2", &from).unwrap();
    assert!(fixture.driver.keep_checkpoint(&worktree, "../x", &from).is_err());
    fixture.driver.preserve(&worktree).unwrap();
    fixture.driver.remove_worktree(&worktree).unwrap();
    assert_eq!(fixture.git(&["for-each-ref", "refs/divisi/checkpoints"]), "");
}
