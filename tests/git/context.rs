//! What a new worktree gets beside its commit.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use divisi::host::port::Git as _;

use super::fixture::{Fixture, put, read};

#[test]
fn context_files_stay_in_the_context() {
    let fixture = Fixture::new();
    let worktree = fixture.create("aaaa", "one");
    let path = Path::new(&worktree.path);
    let write = |name: &str| fixture.driver.write_context(&worktree, &[(name.to_owned(), "x".to_owned())]);
    write("inbox/one.md").unwrap();
    assert_eq!(read(path, "AGENT_CONTEXT/inbox/one.md"), "x");
    for bad in ["../x", "/x", "", "a/../../x", "a\nb", "a//", "/", "../", ".git/config", ".git/"] {
        assert!(write(bad).is_err(), "{bad:?}");
    }
    write("letters/").unwrap();
    assert_eq!(fs::read_dir(path.join("AGENT_CONTEXT/letters")).unwrap().count(), 0);
    assert_eq!(fixture.git_in(path, &["status", "--porcelain"]), "");
    let outside = fixture.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::remove_dir_all(path.join("AGENT_CONTEXT")).unwrap();
    symlink(&outside, path.join("AGENT_CONTEXT")).unwrap();
    write("task.md").unwrap_err();
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
}

#[test]
fn worktreeinclude_copies_untracked_files_and_nothing_else() {
    let fixture = Fixture::new();
    fixture.commit(".gitignore", ".env\nnode_modules/\n");
    fixture.commit("linked", "");
    fs::remove_file(fixture.repo.join("linked")).unwrap();
    symlink("..", fixture.repo.join("linked")).unwrap();
    fixture.git(&["add", "-A"]);
    fixture.git(&["commit", "-qm", "a link that leaves"]);
    fixture
        .write(".worktreeinclude", "# comment\n.env\nnode_modules/\n!node_modules/skip\na.txt\nlocal.cfg\nlinked/\n");
    fixture.write(".env", "SECRET=1\n");
    fixture.write("local.cfg", "unignored\n");
    fixture.write("node_modules/m/run.sh", "#!/bin/sh\n");
    fs::set_permissions(fixture.repo.join("node_modules/m/run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    symlink("m/run.sh", fixture.repo.join("node_modules/link")).unwrap();
    fixture.write("other.log", "not named\n");
    fixture.create("bbbb", "zero");
    let worktree = fixture.intend("aaaa", "one", None);
    let made = fixture.driver.create_worktree(&worktree).unwrap();
    let path = Path::new(&worktree.path);
    assert_eq!(read(path, ".env"), "SECRET=1\n");
    assert_eq!(read(path, "local.cfg"), "unignored\n");
    assert_eq!(fs::metadata(path.join("node_modules/m/run.sh")).unwrap().permissions().mode() & 0o111, 0o111);
    assert_eq!(fs::read_link(path.join("node_modules/link")).unwrap().to_str(), Some("m/run.sh"));
    assert!(!path.join("other.log").exists());
    assert!(!path.join(".worktrees").exists());
    assert!(made.notes.iter().any(|note| note.starts_with("4 files")), "{:?}", made.notes);
    // What was copied is no work of the session: not committed, not in the diff, not in the way of a removal.
    put(path, "work", "w\n");
    let checkpoint = fixture.driver.checkpoint(&worktree, &worktree.base.commit, "divisi: turn", None).unwrap();
    assert_eq!(checkpoint.stat.files, 1);
    assert_eq!(fixture.driver.unlanded(&worktree).unwrap().dirty, 0);
}
