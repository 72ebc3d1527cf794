//! Checkpoints: what a turn left is committed as the user, and nothing else moves.

use std::path::Path;

use divisi::host::port::Git as _;

use super::fixture::{Fixture, put, read};

#[test]
fn a_checkpoint_commits_everything_but_the_context() {
    let fixture = Fixture::new();
    let worktree = fixture.create("aaaa", "one");
    let path = Path::new(&worktree.path);
    fixture.driver.write_context(&worktree, &[("task.md".to_owned(), "do it".to_owned())]).unwrap();
    put(path, "a.txt", "changed\n");
    put(path, "new dir/new.txt", "new\n");
    std::fs::remove_file(path.join("b.txt")).unwrap();
    std::fs::remove_dir_all(path.join("dir")).unwrap();
    std::os::unix::fs::symlink("a.txt", path.join("dir")).unwrap();
    // Even an agent that stages the context does not get it committed.
    fixture.git_in(path, &["add", "-f", "AGENT_CONTEXT/task.md"]);
    let base = worktree.base.commit.clone();
    let made = fixture.driver.checkpoint(&worktree, &base, "divisi: first turn\n\nDivisi-Session: aaaa", None).unwrap();
    let commit = made.commit.clone().unwrap();
    assert_eq!(made.head, commit);
    assert_eq!(fixture.git_in(path, &["status", "--porcelain"]), "");
    let names = fixture.git_in(path, &["ls-tree", "-r", "--name-only", "HEAD"]);
    assert_eq!(names, "a.txt\ndir\nnew dir/new.txt");
    assert_eq!(
        fixture.git_in(path, &["log", "-1", "--format=%an <%ae>%n%B"]).lines().next(),
        Some("Ada <ada@example.org>")
    );
    assert!(fixture.git_in(path, &["log", "-1", "--format=%(trailers)"]).contains("Divisi-Session: aaaa"));
    assert_eq!(made.turn_stat, made.stat);
    assert_eq!(made.stat.files, 5, "a.txt, b.txt, dir/c.txt, dir, new.txt");
    assert_eq!(read(path, "AGENT_CONTEXT/task.md"), "do it");
    // Nothing further to commit.
    let again = fixture.driver.checkpoint(&worktree, &commit, "divisi: nothing", None).unwrap();
    assert_eq!(again.commit, None);
    assert_eq!(again.head, commit);
    assert_eq!(again.turn_stat.files, 0);
    assert_eq!(again.stat, made.stat);
}

#[test]
fn what_is_counted_on_the_way_is_what_a_diff_counts() {
    let fixture = Fixture::new();
    let turns: &[&[(&str, &[u8])]] = &[
        &[
            ("one", b"a\nb\nc"),
            ("two", b""),
            ("deep/three", b"x\r\ny\r\n"),
            ("four", b"\0\x01\0"),
            ("fifty", &[b'\n'; 50]),
        ],
        &[("a.txt", b"another\nthing\n"), ("one more", b"1\n")],
        &[("\u{1b}]0;x\u{7} 9 files changed", b"hostile\n")],
    ];
    for (number, files) in turns.iter().enumerate() {
        let worktree = fixture.create(&format!("s{number}"), &format!("name{number}"));
        let path = Path::new(&worktree.path);
        for (name, content) in *files {
            let file = path.join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, content).unwrap();
        }
        let before = fixture.driver.processes();
        let message = " 7 files changed, 7 insertions(+)\n\n 7 files changed, 7 insertions(+)\n";
        let made = fixture.driver.checkpoint(&worktree, &worktree.base.commit, message, Some("t1")).unwrap();
        let processes = fixture.driver.processes() - before;
        let listed = fixture.git_in(path, &["diff", "--numstat", "HEAD~1", "HEAD"]);
        let count = |column: usize| -> u32 {
            listed.lines().map(|line| line.split('\t').nth(column).unwrap().parse::<u32>().unwrap_or(0)).sum()
        };
        let stat = made.turn_stat;
        let files = u32::try_from(listed.lines().count()).unwrap();
        assert_eq!((stat.files, stat.added, stat.removed), (files, count(0), count(1)), "turn {number}");
        assert_eq!(made.stat, made.turn_stat);
        // Without a diff where only files came: the first turn of many.
        let only_new = !listed.contains("a.txt");
        // A configuration that was written in this very moment is read once more.
        if number > 0 {
            assert_eq!(processes, if only_new { 3 } else { 4 }, "turn {number}");
        }
        assert_eq!(fixture.git_in(path, &["log", "-1", "--format=%B"]).trim_end(), message.trim_end());
    }
}

/// Where nobody wants logs, what moved the branch is asked for.
#[test]
fn a_repository_without_logs_has_checkpoints_too() {
    let fixture = Fixture::new();
    fixture.git(&["config", "core.logAllRefUpdates", "false"]);
    let worktree = fixture.create("aaaa", "one");
    let path = Path::new(&worktree.path);
    for turn in ["one", "two"] {
        let from = fixture.git_in(path, &["rev-parse", "HEAD"]);
        put(path, "a.txt", turn);
        let made =
            fixture.driver.checkpoint(&worktree, &divisi::model::id::Oid(from.clone()), "divisi: turn", None).unwrap();
        assert_eq!(fixture.git_in(path, &["rev-parse", "HEAD~1"]), from);
        assert_eq!(Some(made.head), made.commit);
        assert_eq!(made.turn_stat.files, 1);
    }
    assert!(!fixture.path().join("repo/.git/logs/refs/heads/divisi").exists(), "and still none are kept");
    // Written anew with what it had.
    put(path, "a.txt", "one");
    put(path, "a.txt", "two");
    let head = divisi::model::id::Oid(fixture.git_in(path, &["rev-parse", "HEAD"]));
    assert_eq!(fixture.driver.checkpoint(&worktree, &head, "divisi: nothing", None).unwrap().commit, None);
}

#[test]
fn a_repository_inside_is_not_swallowed_and_does_not_disturb() {
    let fixture = Fixture::new();
    let worktree = fixture.create("aaaa", "one");
    let path = Path::new(&worktree.path);
    fixture.git_in(path, &["init", "-q", "nested"]);
    put(path, "nested/x", "x");
    put(path, "y", "y");
    let made = fixture.driver.checkpoint(&worktree, &worktree.base.commit, "divisi: turn", None).unwrap();
    assert_eq!(made.stat.files, 1);
    assert_eq!(fixture.driver.unlanded(&worktree).unwrap().dirty, 1);
}

#[test]
fn without_a_configured_user_the_commit_is_divisis() {
    let fixture = Fixture::new();
    std::fs::write(fixture.path().join("home/gitconfig"), "").unwrap();
    let worktree = fixture.create("aaaa", "one");
    put(Path::new(&worktree.path), "y", "y");
    fixture.driver.checkpoint(&worktree, &worktree.base.commit, "divisi: turn", None).unwrap();
    assert_eq!(fixture.git_in(Path::new(&worktree.path), &["log", "-1", "--format=%an"]), "divisi");
}

#[test]
fn the_branch_follows_an_agent_that_detached_or_switched() {
    let fixture = Fixture::new();
    let worktree = fixture.create("aaaa", "one");
    let path = Path::new(&worktree.path);
    fixture.git_in(path, &["switch", "-q", "-c", "agents-own"]);
    put(path, "y", "y");
    fixture.git_in(path, &["add", "y"]);
    fixture.git_in(path, &["commit", "-qm", "mine"]);
    put(path, "z", "z");
    let made = fixture.driver.checkpoint(&worktree, &worktree.base.commit, "divisi: turn", None).unwrap();
    assert_eq!(made.stat.files, 2);
    assert_eq!(fixture.git_in(path, &["symbolic-ref", "HEAD"]), worktree.branch);
    assert_eq!(fixture.git_in(path, &["status", "--porcelain"]), "");
    // What did not grow from the branch is not taken over.
    fixture.git_in(path, &["checkout", "-q", "--detach", worktree.base.commit.as_str()]);
    put(path, "w", "w");
    let refusal = fixture.driver.checkpoint(&worktree, &made.head, "divisi: turn", None).unwrap_err();
    assert!(refusal.message.contains("did not grow"), "{refusal}");
    assert_eq!(read(path, "w"), "w");
}

#[test]
fn a_merge_in_progress_is_said() {
    let fixture = Fixture::new();
    let worktree = fixture.worked("aaaa", "one", "a.txt", "theirs\n");
    fixture.commit("a.txt", "ours\n");
    let path = Path::new(&worktree.path);
    fixture.run_in(path, &["merge", "main"]);
    let refusal = fixture.driver.checkpoint(&worktree, &worktree.base.commit, "divisi: turn", None).unwrap_err();
    assert!(refusal.message.contains("a merge is in progress"), "{refusal}");
}

#[test]
fn a_worktree_that_is_gone_is_said() {
    let fixture = Fixture::new();
    let worktree = fixture.create("aaaa", "one");
    std::fs::remove_dir_all(&worktree.path).unwrap();
    assert_eq!(fixture.driver.check_worktree(&worktree).unwrap(), None);
    let refusal = fixture.driver.checkpoint(&worktree, &worktree.base.commit, "divisi: turn", None).unwrap_err();
    assert!(refusal.message.contains("gone"), "{refusal}");
}
