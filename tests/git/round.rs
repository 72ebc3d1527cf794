//! Baselines of review rounds.

use std::fs;
use std::path::Path;

use divisi::host::port::Git as _;
use divisi::model::diff::DiffRange;

use super::fixture::{Fixture, put, read};

const ROUND: DiffRange = DiffRange::Round { number: Some(1) };

#[test]
fn a_baseline_holds_everything_and_moves_nothing() {
    let fixture = Fixture::new();
    let worktree = fixture.worked("aaaa", "one", "a.txt", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n10\n");
    let path = Path::new(&worktree.path);
    put(path, "untracked.txt", "u\n");
    put(path, "b.txt", "dirty\n");
    let index = fixture.repo.join(".git/worktrees/divisi-aaaa/index");
    let before = (
        fs::read(&index).unwrap(),
        fixture.git_in(path, &["rev-parse", "HEAD"]),
        fixture.git_in(path, &["status", "--short"]),
    );
    let baseline = fixture.driver.snapshot_round(&worktree, 1).unwrap();
    assert_eq!(
        before,
        (
            fs::read(&index).unwrap(),
            fixture.git_in(path, &["rev-parse", "HEAD"]),
            fixture.git_in(path, &["status", "--short"])
        )
    );
    assert_eq!(fixture.git_in(path, &["show", &format!("{baseline}:untracked.txt")]).trim(), "u");
    let nothing = fixture.driver.diff(&worktree, &ROUND, None, false).unwrap();
    assert!(nothing.files.is_empty(), "{nothing:?}");
    // Made again after a crash it is the same, whatever the files are by then.
    put(path, "b.txt", "more\n");
    assert_eq!(fixture.driver.snapshot_round(&worktree, 1).unwrap(), baseline);
    put(path, "later.txt", "l\n");
    let answer = fixture.driver.diff(&worktree, &ROUND, None, false).unwrap();
    let paths: Vec<_> = answer.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["b.txt", "later.txt"]);
    assert_eq!(fixture.driver.round_file(&worktree, 1, "b.txt").unwrap().as_deref(), Some("dirty\n"));
    assert_eq!(fixture.driver.round_file(&worktree, 1, "later.txt").unwrap(), None);
    let hunk = &answer.files[0].hunks[0].id;
    let (_, patch) = fixture.driver.find_round_hunk(&worktree, 1, hunk).unwrap();
    fixture.driver.apply(&worktree, &patch, true).unwrap();
    assert_eq!(read(path, "b.txt"), "dirty\n");
    fixture.driver.find_round_hunk(&worktree, 2, hunk).unwrap_err();
    fixture.driver.diff(&worktree, &DiffRange::Round { number: Some(2) }, None, false).unwrap_err();
}

#[test]
fn what_was_applied_is_known() {
    let fixture = Fixture::new();
    let worktree = fixture.worked("aaaa", "one", "a.txt", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n10\n");
    let diff = fixture.driver.diff(&worktree, &DiffRange::Session, None, false).unwrap();
    let (_, patch) = fixture.driver.find_hunk(&worktree, &diff.files[0].hunks[0].id).unwrap();
    assert!(!fixture.driver.is_applied(&worktree, &patch, true).unwrap());
    fixture.driver.apply(&worktree, &patch, true).unwrap();
    assert!(fixture.driver.is_applied(&worktree, &patch, true).unwrap());
    assert!(!fixture.driver.is_applied(&worktree, &patch, false).unwrap());
    put(Path::new(&worktree.path), "a.txt", "else\n");
    assert!(!fixture.driver.is_applied(&worktree, &patch, true).unwrap(), "neither way");
}

#[test]
fn a_commented_file_is_read_from_the_worktree_and_from_nowhere_else() {
    let fixture = Fixture::new();
    let worktree = fixture.create("aaaa", "one");
    let path = Path::new(&worktree.path);
    put(path, "dir/x.txt", "x\n");
    fs::write(path.join("bin"), [0, 1]).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", path.join("link")).unwrap();
    std::os::unix::fs::symlink("/etc", path.join("out")).unwrap();
    assert_eq!(fixture.driver.working_file(&worktree, "dir/x.txt").unwrap().as_deref(), Some("x\n"));
    assert_eq!(fixture.driver.working_file(&worktree, "none").unwrap(), None);
    for refused in ["bin", "link", "out/hostname", "dir", "../repo/a.txt", "/etc/hostname", ""] {
        fixture.driver.working_file(&worktree, refused).unwrap_err();
    }
}

#[test]
fn a_removed_session_leaves_no_baseline() {
    let fixture = Fixture::new();
    let worktree = fixture.worked("aaaa", "one", "a.txt", "other\n");
    fixture.driver.snapshot_round(&worktree, 1).unwrap();
    fixture.driver.snapshot_round(&worktree, 2).unwrap();
    fixture.driver.remove_worktree(&worktree).unwrap();
    let refs = fixture.git_in(&fixture.repo, &["for-each-ref", "--format=%(refname)", "refs/divisi/aaaa"]);
    assert_eq!(refs.trim(), "");
}
