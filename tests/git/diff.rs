//! Diffs, hunks, and taking hunks back.

use std::fs;
use std::path::Path;

use divisi::host::port::Git as _;
use divisi::model::diff::{DiffRange, FileStatus};
use divisi::model::id::HunkId;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::fixture::{Fixture, put, read};

#[test]
fn a_session_diff_has_committed_staged_unstaged_and_untracked_changes() {
    let fixture = Fixture::new();
    let worktree = fixture.worked("aaaa", "one", "a.txt", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n10\n");
    let path = Path::new(&worktree.path);
    put(path, "staged.txt", "s\n");
    fixture.git_in(path, &["add", "staged.txt"]);
    put(path, "b.txt", "b\nmore\n");
    put(path, "un tracked\u{e9}.txt", "u\n");
    fs::write(path.join(std::ffi::OsStr::new("bin")), [0, 1, 2, 255]).unwrap();
    fs::rename(path.join("dir/c.txt"), path.join("dir/moved.txt")).unwrap();
    let before = fs::read(fixture.repo.join(".git/worktrees/divisi-aaaa/index")).unwrap();
    let diff = fixture.driver.diff(&worktree, &DiffRange::Session, None, false).unwrap();
    assert_eq!(
        before,
        fs::read(fixture.repo.join(".git/worktrees/divisi-aaaa/index")).unwrap(),
        "the index is not touched"
    );
    let file =
        |name: &str| diff.files.iter().find(|file| file.path == name).unwrap_or_else(|| panic!("{name}: {diff:#?}"));
    assert_eq!(file("a.txt").status, FileStatus::Modified);
    assert_eq!(file("a.txt").hunks.len(), 1);
    assert_eq!((file("a.txt").added, file("a.txt").removed), (1, 1));
    assert_eq!(file("staged.txt").status, FileStatus::Added);
    assert_eq!(file("un tracked\u{e9}.txt").hunks[0].lines, ["+u"]);
    assert!(file("bin").binary && file("bin").hunks.is_empty());
    assert_eq!(file("dir/moved.txt").status, FileStatus::Renamed);
    assert_eq!(file("dir/moved.txt").old_path.as_deref(), Some("dir/c.txt"));
    assert_eq!(diff.stat.files, 6);
    let uncommitted = fixture.driver.diff(&worktree, &DiffRange::Uncommitted, None, true).unwrap();
    assert_eq!(uncommitted.stat.files, 5);
    assert!(uncommitted.files.iter().all(|file| file.hunks.is_empty()));
    let head = fixture.driver.check_worktree(&worktree).unwrap().unwrap();
    let turn = (&worktree.base.commit, &head);
    let of_turn = fixture.driver.diff(&worktree, &DiffRange::Turn { number: 1 }, Some(turn), false).unwrap();
    assert_eq!(of_turn.stat.files, 1);
    assert_eq!(of_turn.files[0].hunks[0].id, file("a.txt").hunks[0].id);
    assert_eq!(fixture.driver.base_file(&worktree, "b.txt").unwrap().as_deref(), Some("b\n"));
    assert_eq!(fixture.driver.base_file(&worktree, "staged.txt").unwrap(), None);
    fixture.driver.base_file(&worktree, "dir").unwrap_err();
}

#[test]
fn the_patch_rebuilds_the_work_elsewhere() {
    let fixture = Fixture::new();
    let worktree = fixture.worked("aaaa", "one", "new/x.txt", "x\n");
    let path = Path::new(&worktree.path);
    fs::write(path.join("bin"), [0, 1, 2, 255]).unwrap();
    fs::remove_file(path.join("b.txt")).unwrap();
    let patch = fixture.driver.patch(&worktree, &DiffRange::Session, None).unwrap();
    let other = fixture.create("bbbb", "two");
    fixture.driver.apply(&other, &patch, false).unwrap();
    assert_eq!(fs::read(Path::new(&other.path).join("bin")).unwrap(), [0, 1, 2, 255]);
    assert_eq!(read(Path::new(&other.path), "new/x.txt"), "x\n");
    assert!(!Path::new(&other.path).join("b.txt").exists());
    // Not a second time, and then nothing is changed.
    put(Path::new(&other.path), "new/x.txt", "other\n");
    fixture.driver.apply(&other, &patch, true).unwrap_err();
    assert_eq!(fs::read(Path::new(&other.path).join("bin")).unwrap(), [0, 1, 2, 255]);
}

#[test]
fn odd_names_types_and_contents() {
    use std::os::unix::ffi::OsStrExt as _;
    let fixture = Fixture::new();
    let worktree = fixture.create("aaaa", "one");
    let path = Path::new(&worktree.path);
    let raw = std::ffi::OsStr::from_bytes(b"r\xffw \"q\"\t.txt");
    fs::write(path.join(raw), "x\n").unwrap();
    fs::write(path.join("latin"), b"gr\xfc\xdfe\n").unwrap();
    fs::write(path.join("no newline"), "diff --git a/x b/x").unwrap();
    fs::write(path.join("empty"), "").unwrap();
    fs::remove_file(path.join("b.txt")).unwrap();
    std::os::unix::fs::symlink("a.txt", path.join("b.txt")).unwrap();
    fs::set_permissions(path.join("a.txt"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    fs::write(path.join("long"), "0123456789abcdef\n".repeat(200_000)).unwrap();
    let diff = fixture.driver.diff(&worktree, &DiffRange::Session, None, false).unwrap();
    let file = |name: &str| diff.files.iter().find(|file| file.path == name).unwrap_or_else(|| panic!("{name}"));
    assert_eq!(file("\"r\\377w \\\"q\\\"\\t.txt\"").hunks.len(), 1);
    assert_eq!(file("latin").hunks.len(), 1);
    assert_eq!(file("no newline").hunks[0].lines.len(), 2);
    assert!(file("empty").hunks.is_empty());
    assert_eq!(file("b.txt").status, FileStatus::TypeChanged);
    assert_eq!(file("b.txt").hunks.len(), 2);
    assert_eq!(file("a.txt").status, FileStatus::TypeChanged);
    assert!(file("long").binary && file("long").hunks.is_empty() && file("long").added == 200_000);
    let refusal = fixture.driver.find_hunk(&worktree, &file("latin").hunks[0].id).unwrap_err();
    assert!(refusal.message.contains("UTF-8"), "{refusal}");
    let id = &file("\"r\\377w \\\"q\\\"\\t.txt\"").hunks[0].id;
    let (_, patch) = fixture.driver.find_hunk(&worktree, id).unwrap();
    fixture.driver.apply(&worktree, &patch, true).unwrap();
    assert!(!path.join(raw).exists());
    let (_, patch) = fixture.driver.find_hunk(&worktree, &file("no newline").hunks[0].id).unwrap();
    fixture.driver.apply(&worktree, &patch, true).unwrap();
    assert!(!path.join("no newline").exists());
    fixture.driver.apply(&worktree, &patch, false).unwrap();
    assert_eq!(read(path, "no newline"), "diff --git a/x b/x");
    fixture.driver.find_hunk(&worktree, &HunkId("0000".to_owned())).unwrap_err();
    fixture.driver.find_hunk(&worktree, &HunkId(String::new())).unwrap_err();
}

#[test]
fn ids_stay_while_lines_above_move() {
    let fixture = Fixture::new();
    let lines: Vec<String> = (0..60).map(|n| format!("line {n}")).collect();
    fixture.commit("long.txt", &(lines.join("\n") + "\n"));
    let worktree = fixture.create("aaaa", "one");
    let path = Path::new(&worktree.path);
    let mut changed = lines.clone();
    changed[50] = "changed".to_owned();
    put(path, "long.txt", &(changed.join("\n") + "\n"));
    let ids = || -> Vec<HunkId> {
        let diff = fixture.driver.diff(&worktree, &DiffRange::Session, None, false).unwrap();
        diff.files[0].hunks.iter().map(|hunk| hunk.id.clone()).collect()
    };
    let first = ids();
    changed.insert(3, "a new line".to_owned());
    put(path, "long.txt", &(changed.join("\n") + "\n"));
    let second = ids();
    assert_eq!(second.len(), 2);
    assert_eq!(first[0], second[1]);
    let (full, patch) = fixture.driver.find_hunk(&worktree, &HunkId(first[0].as_str()[..8].to_owned())).unwrap();
    assert_eq!(full, first[0]);
    fixture.driver.apply(&worktree, &patch, true).unwrap();
    assert_eq!(ids(), [second[0].clone()]);
    // Undo of the rejection.
    fixture.driver.apply(&worktree, &patch, false).unwrap();
    assert_eq!(ids(), second);
}

#[test]
fn rejecting_every_hunk_gives_the_base() {
    let fixture = Fixture::new();
    let lines: Vec<String> = (0..40).map(|n| format!("l{}", n % 7)).collect();
    fixture.commit("p.txt", &(lines.join("\n") + "\n"));
    let worktree = fixture.create("aaaa", "one");
    let path = Path::new(&worktree.path);
    let base = read(path, "p.txt");
    let edit = (0_usize..40, 0_u8..3, "[a-c \t-]{0,4}");
    let edits = (prop::collection::vec(edit, 0..10), any::<bool>(), any::<bool>(), any::<bool>());
    let mut runner = TestRunner::new(Config { cases: 12, failure_persistence: None, ..Config::default() });
    runner
        .run(&edits, |(edits, newline, remove, add)| {
            let mut content = lines.clone();
            for (at, what, text) in edits {
                let at = at.min(content.len().saturating_sub(1));
                match what {
                    0 => content.insert(at, text),
                    1 if content.len() > 1 => drop(content.remove(at)),
                    _ => content[at] = text,
                }
            }
            put(path, "p.txt", &(content.join("\n") + if newline { "\n" } else { "" }));
            if remove {
                fs::remove_file(path.join("b.txt")).unwrap();
            }
            if add {
                put(path, "added by it.txt", "x\ny");
            }
            for _ in 0..100 {
                let diff = fixture.driver.diff(&worktree, &DiffRange::Session, None, false).unwrap();
                let Some(hunk) = diff.files.iter().flat_map(|file| &file.hunks).next_back() else { break };
                let (_, patch) = fixture.driver.find_hunk(&worktree, &hunk.id).unwrap();
                fixture.driver.apply(&worktree, &patch, true).unwrap();
            }
            prop_assert_eq!(read(path, "p.txt"), base.clone());
            prop_assert_eq!(fixture.git_in(path, &["status", "--porcelain"]), "");
            Ok(())
        })
        .unwrap();
}

#[test]
fn the_base_moving_on_does_not_show_in_the_diff() {
    let fixture = Fixture::new();
    let worktree = fixture.worked("aaaa", "one", "mine", "m\n");
    fixture.commit("theirs", "t\n");
    let diff = fixture.driver.diff(&worktree, &DiffRange::Session, None, true).unwrap();
    assert_eq!(diff.files.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(), ["mine"]);
    // Also after the session took the base's changes over.
    fixture.git_in(Path::new(&worktree.path), &["merge", "-q", "--no-edit", "main"]);
    let diff = fixture.driver.diff(&worktree, &DiffRange::Session, None, true).unwrap();
    assert_eq!(diff.files.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(), ["mine"]);
}
