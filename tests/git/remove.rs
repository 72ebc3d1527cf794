//! Removal keeps everything first, deletes only its own, and can be taken back.

use std::fs;
use std::path::Path;

use divisi::host::port::Git as _;
use divisi::model::settings::Settings;

use super::fixture::{Fixture, put, read};

#[test]
fn what_is_removed_comes_back_as_it_was() {
    let fixture = Fixture::new();
    fixture.commit(".gitignore", "*.log\nbig/\n");
    let worktree = fixture.worked("aaaa", "one", "committed.txt", "c\n");
    let path = Path::new(&worktree.path);
    put(path, "a.txt", "unstaged\n");
    put(path, "staged.txt", "staged\n");
    fixture.git_in(path, &["add", "staged.txt"]);
    put(path, "staged.txt", "staged, then changed\n");
    put(path, "untracked/u.txt", "u\n");
    put(path, "note.log", "ignored\n");
    put(path, "big/blob", &"x".repeat(11 * 1024 * 1024));
    fs::remove_file(path.join("b.txt")).unwrap();
    put(path, "AGENT_CONTEXT/task.md", "task");
    fixture.git_in(path, &["init", "-q", "nested"]);
    put(path, "nested/n.txt", "n\n");
    fixture.git_in(&path.join("nested"), &["add", "-A"]);
    fixture.git_in(&path.join("nested"), &["commit", "-qm", "inside"]);
    let inside = fixture.git_in(&path.join("nested"), &["rev-parse", "HEAD"]);
    let head = fixture.driver.check_worktree(&worktree).unwrap().unwrap();
    let status = fixture.git_in(path, &["status", "--porcelain"]);

    let kept = fixture.driver.preserve(&worktree).unwrap().unwrap();
    assert_eq!(kept, "refs/divisi/preserved/aaaa");
    let first = fixture.git(&["rev-parse", &kept]);
    assert_eq!(fixture.driver.preserve(&worktree).unwrap().unwrap(), kept);
    assert_eq!(fixture.git(&["rev-parse", &kept]), first, "the same state is the same commit");
    assert_eq!(fixture.git_in(path, &["status", "--porcelain"]), status, "capturing changes nothing");
    let captured = fixture.git(&["ls-tree", "-r", "--name-only", &kept]);
    assert!(!captured.contains("AGENT_CONTEXT"), "{captured}");

    fixture.driver.remove_worktree(&worktree).unwrap();
    fixture.driver.remove_worktree(&worktree).unwrap();
    assert!(!path.exists());
    assert!(!fixture.git(&["worktree", "list"]).contains("one"));
    assert_eq!(fixture.git(&["for-each-ref", "refs/heads/divisi/"]), "");
    assert_eq!(fixture.driver.preserve(&worktree).unwrap().unwrap(), kept, "still known when nothing else is left");
    fixture.git(&["gc", "-q", "--prune=now"]);

    assert_eq!(fixture.driver.restore_worktree(&worktree).unwrap(), head);
    assert_eq!(fixture.git_in(path, &["status", "--porcelain"]), status);
    assert_eq!(read(path, "a.txt"), "unstaged\n");
    assert_eq!(read(path, "staged.txt"), "staged, then changed\n");
    assert_eq!(fixture.git_in(path, &["show", ":staged.txt"]), "staged");
    assert_eq!(read(path, "untracked/u.txt"), "u\n");
    assert_eq!(read(path, "note.log"), "ignored\n");
    assert!(!path.join("big").exists(), "over the limit");
    assert!(!path.join("b.txt").exists());
    assert_eq!(fixture.git_in(&path.join("nested"), &["rev-parse", "HEAD"]), inside);
    assert_eq!(fixture.git_in(&path.join("nested"), &["status", "--porcelain"]), "");
    assert!(fixture.driver.check_worktree(&worktree).unwrap().is_some());
    fixture.driver.restore_worktree(&worktree).unwrap_err();
}

#[test]
fn nothing_of_its_own_is_nothing_to_keep() {
    let fixture = Fixture::new();
    let worktree = fixture.create("aaaa", "one");
    assert_eq!(fixture.driver.preserve(&worktree).unwrap(), None);
    fixture.driver.remove_worktree(&worktree).unwrap();
    assert_eq!(fixture.driver.restore_worktree(&worktree).unwrap(), worktree.base.commit);
}

#[test]
fn a_removal_keeps_even_without_being_told() {
    let fixture = Fixture::new();
    let worktree = fixture.worked("aaaa", "one", "x", "x\n");
    put(Path::new(&worktree.path), "y", "y\n");
    fixture.driver.remove_worktree(&worktree).unwrap();
    assert_eq!(fixture.git(&["show", "refs/divisi/preserved/aaaa:y"]), "y");
    assert_eq!(fixture.git(&["show", "refs/divisi/preserved/aaaa^1:x"]), "x");
}

#[test]
fn a_detached_head_and_a_conflict_are_kept() {
    let fixture = Fixture::new();
    let worktree = fixture.worked("aaaa", "one", "a.txt", "theirs\n");
    fixture.commit("a.txt", "ours\n");
    let path = Path::new(&worktree.path);
    fixture.run_in(path, &["merge", "main"]);
    let conflicted = read(path, "a.txt");
    fixture.driver.remove_worktree(&worktree).unwrap();
    fixture.driver.restore_worktree(&worktree).unwrap();
    assert_eq!(read(path, "a.txt"), conflicted);

    let other = fixture.worked("bbbb", "two", "x", "x\n");
    let path = Path::new(&other.path);
    fixture.git_in(path, &["checkout", "-q", "--detach", other.base.commit.as_str()]);
    put(path, "z", "z\n");
    fixture.git_in(path, &["add", "z"]);
    fixture.git_in(path, &["commit", "-qm", "off the branch"]);
    let head = fixture.git_in(path, &["rev-parse", "HEAD"]);
    let branch = fixture.git(&["rev-parse", &other.branch]);
    fixture.driver.remove_worktree(&other).unwrap();
    fixture.driver.restore_worktree(&other).unwrap();
    assert_eq!(fixture.git_in(path, &["rev-parse", "HEAD"]), head);
    assert_eq!(fixture.git(&["rev-parse", &other.branch]), branch);
}

#[test]
fn what_is_not_proven_to_be_ours_stays() {
    let fixture = Fixture::new();
    let worktree = fixture.create("aaaa", "one");
    let moved = fixture.path().join("moved");
    fixture.git(&["worktree", "move", "-f", "-f", &worktree.path, moved.to_str().unwrap()]);
    put(Path::new(&worktree.path), "somebody", "else");
    let refusal = fixture.driver.remove_worktree(&worktree).unwrap_err();
    assert!(refusal.message.contains("another path"), "{refusal}");
    assert!(moved.join("a.txt").exists() && Path::new(&worktree.path).join("somebody").exists());

    let foreign = fixture.intend("bbbb", "two", None);
    put(Path::new(&foreign.path), "mine", "mine");
    let refusal = fixture.driver.remove_worktree(&foreign).unwrap_err();
    assert!(refusal.message.contains("proven"), "{refusal}");
    assert_eq!(read(Path::new(&foreign.path), "mine"), "mine");

    let linked = fixture.create("cccc", "three");
    fs::rename(&linked.path, fixture.path().join("aside")).unwrap();
    std::os::unix::fs::symlink(fixture.path().join("aside"), &linked.path).unwrap();
    fixture.driver.remove_worktree(&linked).unwrap_err();
    assert!(fixture.path().join("aside/a.txt").exists());

    let used = fixture.create("dddd", "four");
    fixture.git_in(Path::new(&used.path), &["checkout", "-q", "--detach"]);
    fixture.git(&["switch", "-q", "divisi/four/work"]);
    let refusal = fixture.driver.remove_worktree(&used).unwrap_err();
    assert!(refusal.message.contains("checked out"), "{refusal}");
}

#[test]
fn read_only_directories_are_deleted_and_the_trash_empties() {
    let fixture = Fixture::new();
    let worktree = fixture.create("aaaa", "one");
    let sealed = Path::new(&worktree.path).join("cache/mod");
    put(&sealed, "x", "x");
    fs::set_permissions(&sealed, std::os::unix::fs::PermissionsExt::from_mode(0o555)).unwrap();
    fixture.driver.remove_worktree(&worktree).unwrap();
    fixture.empty_trash();
}

#[test]
fn unlanded_work_is_counted() {
    let fixture = Fixture::new();
    let worktree = fixture.worked("aaaa", "one", "x", "x\n");
    put(Path::new(&worktree.path), "y", "y\n");
    let unlanded = fixture.driver.unlanded(&worktree).unwrap();
    assert_eq!((unlanded.commits, unlanded.dirty), (1, 1));
    // The same change arrives on the base by another way.
    fixture.commit("x", "x\n");
    fixture.commit("b.txt", "moved on\n");
    let unlanded = fixture.driver.unlanded(&worktree).unwrap();
    assert_eq!((unlanded.commits, unlanded.dirty), (0, 1));
}

#[test]
fn a_root_elsewhere_is_used() {
    let root = tempfile::tempdir().unwrap();
    let settings = Settings { worktrees_root: Some(root.path().canonicalize().unwrap()), ..Settings::default() };
    let fixture = Fixture::with(&["init", "-q", "-b", "main"], &settings);
    let worktree = fixture.create("aaaa", "one");
    assert!(
        worktree.path.starts_with(root.path().canonicalize().unwrap().join("repo-").to_str().unwrap()),
        "{}",
        worktree.path
    );
    fixture.driver.remove_worktree(&worktree).unwrap();
    assert!(!Path::new(&worktree.path).exists());
}

#[test]
fn a_file_of_the_same_size_and_second_as_the_checkout_is_kept() {
    use std::os::unix::fs::MetadataExt as _;
    let fixture = Fixture::new();
    // In most seconds the checkout and the change fit into one; tried until they do.
    for attempt in 0..20 {
        let (session, name) = (format!("aaaa{attempt}"), format!("try-{attempt}"));
        let worktree = fixture.create(&session, &name);
        let file = Path::new(&worktree.path).join("b.txt");
        let checked_out = fs::metadata(&file).unwrap().ctime();
        fs::write(&file, "B\n").unwrap();
        let changed = fs::metadata(&file).unwrap().ctime();
        // An index that is copied in a later second would look younger than both.
        let probe = fixture.path().join("probe");
        crate::support::wait_until(std::time::Duration::from_secs(10), "the next second has begun", || {
            fs::write(&probe, "").unwrap();
            fs::metadata(&probe).unwrap().ctime() > changed
        });
        let kept = fixture.driver.preserve(&worktree).unwrap().expect("there is something to keep");
        assert_eq!(fixture.git(&["show", &format!("{kept}:b.txt")]), "B");
        if checked_out == changed {
            return;
        }
    }
    panic!("no checkout and change happened within one second");
}

#[test]
fn an_interrupted_restore_is_cleaned_and_done_again() {
    let fixture = Fixture::new();
    let worktree = fixture.worked("aaaa", "one", "x", "x\n");
    put(Path::new(&worktree.path), "y", "y\n");
    fixture.driver.remove_worktree(&worktree).unwrap();
    let head = fixture.driver.restore_worktree(&worktree).unwrap();
    let admin = fixture.repo.join(".git/worktrees/divisi-aaaa");
    fs::remove_file(admin.join("divisi")).unwrap();
    fs::rename(admin.join("index"), admin.join("index.lock")).unwrap();
    assert_eq!(fixture.driver.check_worktree(&worktree).unwrap(), None);
    fixture.driver.clean_worktree(&worktree).unwrap();
    fixture.empty_trash();
    assert_eq!(fixture.residue(), Vec::<String>::new());
    assert_eq!(fixture.driver.restore_worktree(&worktree).unwrap(), head);
    assert_eq!(read(Path::new(&worktree.path), "y"), "y\n");
    // A restored worktree that is whole holds work and is not cleaned.
    fixture.driver.clean_worktree(&worktree).unwrap_err();
}

#[test]
fn of_a_clean_worktree_the_branch_is_kept_as_it_is() {
    let fixture = Fixture::new();
    let worktree = fixture.worked("aaaa", "one", "x", "x\n");
    let path = Path::new(&worktree.path);
    // Words like ours in a commit of somebody else's mean nothing.
    let forged = format!("divisi preserved aaaa\n\nworktree {0}\nindex {0}\nhead {0}\n", worktree.base.commit);
    put(path, "y", "y\n");
    fixture.git_in(path, &["add", "y"]);
    fixture.git_in(path, &["commit", "-qm", &forged]);
    let head = fixture.git_in(path, &["rev-parse", "HEAD"]);
    let kept = fixture.driver.remove_worktree(&worktree).unwrap().expect("there is something to keep");
    assert_eq!(fixture.git(&["rev-parse", &kept]), head);
    assert_eq!(fixture.driver.remove_worktree(&worktree).unwrap(), Some(kept.clone()), "again, and nothing changes");
    assert_eq!(fixture.git(&["for-each-ref", "--format=%(refname)", "refs/heads/divisi", "refs/divisi"]), kept);
    fixture.git(&["gc", "-q", "--prune=now"]);
    assert_eq!(fixture.driver.restore_worktree(&worktree).unwrap().as_str(), head);
    assert_eq!(fixture.git_in(path, &["symbolic-ref", "HEAD"]), worktree.branch);
    assert_eq!(fixture.git_in(path, &["status", "--porcelain"]), "");
    assert_eq!((read(path, "x"), read(path, "y")), ("x\n".to_owned(), "y\n".to_owned()));
}

/// How many processes the life of a session takes: this only ever goes down.
#[test]
fn a_session_takes_few_gits() {
    let fixture = Fixture::new();
    fixture.create("aaaa", "warm");
    let before = fixture.driver.processes();
    let worktree = fixture.create("bbbb", "one");
    let created = fixture.driver.processes();
    put(Path::new(&worktree.path), "made.txt", "made\n");
    let made = fixture.driver.checkpoint(&worktree, &worktree.base.commit, "divisi: turn", Some("t1")).unwrap();
    let recorded = fixture.driver.processes();
    let kept = fixture.driver.remove_worktree(&worktree).unwrap().expect("there is something to keep");
    let removed = fixture.driver.processes();
    assert_eq!(fixture.git(&["rev-parse", &kept]), made.head.as_str());
    assert!(made.stat.files == 1 && made.turn_stat == made.stat, "{made:?}");
    let steps = (created - before, recorded - created, removed - recorded);
    assert!(steps.0 <= 6 && steps.1 <= 7 && steps.2 <= 2, "{steps:?}");
}
