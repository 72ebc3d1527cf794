//! Landing: exactly what was checked, by compare-and-swap, the user's checkout only when nothing of the user is in it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use divisi::host::port::Git as _;
use divisi::model::id::Oid;
use divisi::model::landing::{LandingState, Strategy};
use divisi::model::settings::Settings;

use super::fixture::{Fixture, put, read};

fn completed(state: LandingState) -> (Oid, String) {
    match state {
        LandingState::Completed { commit, checkout } => (commit, checkout),
        other => panic!("{other:?}"),
    }
}

fn failed(state: LandingState) -> String {
    match state {
        LandingState::Failed { reason } => reason,
        other => panic!("{other:?}"),
    }
}

fn conflicted(state: LandingState) -> Vec<String> {
    match state {
        LandingState::Conflicted { paths } => paths,
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_strategy_lands_and_the_clean_checkout_follows() {
    for strategy in [Strategy::Squash, Strategy::Rebase, Strategy::Merge] {
        let fixture = Fixture::new();
        let worktree = fixture.worked("aaaa", "one", "x", "x\n");
        let path = Path::new(&worktree.path);
        put(path, "y", "y\n");
        let head = fixture.driver.check_worktree(&worktree).unwrap().unwrap();
        fixture.driver.checkpoint(&worktree, &head, "divisi: second", None).unwrap();
        fixture.commit("theirs", "t\n");
        let landing = fixture.landing(&worktree, strategy);
        let old = landing.onto_commit.clone();
        let (commit, checkout) = completed(fixture.driver.land(&worktree, &landing).unwrap());
        assert_eq!(fixture.git(&["rev-parse", "main"]), commit.0);
        assert!(checkout.contains("was updated"), "{checkout}");
        assert_eq!(fixture.git(&["status", "--porcelain"]), "");
        assert_eq!(read(&fixture.repo, "y"), "y\n");
        assert_eq!(read(&fixture.repo, "theirs"), "t\n");
        let count = fixture.git(&["rev-list", "--count", "--first-parent", &format!("{old}..main")]);
        assert_eq!(count, if strategy == Strategy::Rebase { "2" } else { "1" });
        let parents = fixture.git(&["show", "-s", "--format=%P", "main"]);
        assert_eq!(parents.split(' ').count(), if strategy == Strategy::Merge { 2 } else { 1 });
        if strategy == Strategy::Rebase {
            assert_eq!(fixture.git(&["show", "-s", "--format=%s", "main"]), "divisi: second");
        } else {
            assert_eq!(fixture.git(&["show", "-s", "--format=%B", "main"]).trim(), landing.message);
            assert_eq!(fixture.git(&["show", "-s", "--format=%an %at %ct", "main"]), "Ada 1700000123 1700000123");
        }
        // Again: it is recognised.
        let (again, _) = completed(fixture.driver.land(&worktree, &landing).unwrap());
        assert_eq!(again, commit);
        assert_eq!(fixture.git(&["rev-parse", "main"]), commit.0);
        assert_eq!(fixture.driver.unlanded(&worktree).unwrap().commits, 0);
        let preflight = fixture.driver.preflight(&worktree, None, &[]).unwrap();
        assert!(!preflight.ready && preflight.blockers[0].contains("nothing to land"), "{preflight:?}");
    }
}

#[test]
fn a_straight_rebase_lands_the_very_commits() {
    let fixture = Fixture::new();
    let worktree = fixture.worked("aaaa", "one", "x", "x\n");
    let landing = fixture.landing(&worktree, Strategy::Rebase);
    assert_eq!(completed(fixture.driver.land(&worktree, &landing).unwrap()).0, landing.head);
}

#[test]
fn a_base_that_moved_is_not_landed_on() {
    let fixture = Fixture::new();
    let worktree = fixture.worked("aaaa", "one", "x", "x\n");
    let landing = fixture.landing(&worktree, Strategy::Squash);
    let moved = fixture.commit("theirs", "t\n");
    let reason = failed(fixture.driver.land(&worktree, &landing).unwrap());
    assert!(reason.contains("moved"), "{reason}");
    assert_eq!(fixture.git(&["rev-parse", "main"]), moved.0);
    assert_eq!(fixture.git(&["status", "--porcelain"]), "");
}

#[test]
fn a_checkout_with_anything_of_the_user_is_left_alone() {
    type Disturb = fn(&Fixture);
    let disturbances: [(&str, Disturb); 4] = [
        ("uncommitted", |fixture| fixture.write("b.txt", "user\n")),
        ("staged", |fixture| {
            fixture.write("b.txt", "user\n");
            fixture.git(&["add", "b.txt"]);
        }),
        ("x", |fixture| fixture.write("x", "user's own\n")),
        ("in progress", |fixture| put(&fixture.repo, ".git/MERGE_HEAD", &fixture.git(&["rev-parse", "HEAD"]))),
    ];
    for (why, disturb) in disturbances {
        let fixture = Fixture::new();
        let worktree = fixture.worked("aaaa", "one", "x", "x\n");
        disturb(&fixture);
        let before = fixture.git(&["status", "--porcelain"]);
        let preflight = fixture.driver.preflight(&worktree, None, &[]).unwrap();
        assert!(preflight.ready);
        assert!(!preflight.checkout.as_ref().unwrap().clean, "{why}");
        let landing = fixture.landing(&worktree, Strategy::Squash);
        let (commit, checkout) = completed(fixture.driver.land(&worktree, &landing).unwrap());
        assert_eq!(fixture.git(&["rev-parse", "main"]), commit.0);
        assert!(checkout.contains("left as it is") && checkout.contains(why), "{why}: {checkout}");
        if why == "x" {
            assert_eq!(read(&fixture.repo, "x"), "user's own\n");
        } else {
            assert!(!fixture.repo.join("x").exists());
        }
        // Nothing but HEAD moved: against the old commit it looks as before.
        fixture.git(&["update-ref", "refs/heads/main", landing.onto_commit.as_str()]);
        assert_eq!(fixture.git(&["status", "--porcelain"]), before, "{why}");
    }
}

#[test]
fn a_target_checked_out_elsewhere_is_updated_there() {
    let fixture = Fixture::new();
    let worktree = fixture.worked("aaaa", "one", "x", "x\n");
    let elsewhere = fixture.path().join("else where");
    fixture.git(&["switch", "-q", "-c", "side"]);
    fixture.git(&["worktree", "add", "-q", elsewhere.to_str().unwrap(), "main"]);
    let landing = fixture.landing(&worktree, Strategy::Squash);
    let (_, checkout) = completed(fixture.driver.land(&worktree, &landing).unwrap());
    assert!(checkout.contains("else where"), "{checkout}");
    assert_eq!(read(&elsewhere, "x"), "x\n");
    assert_eq!(fixture.git_in(&elsewhere, &["status", "--porcelain"]), "");
    assert!(!fixture.repo.join("x").exists());
}

#[test]
fn a_landing_killed_after_the_swap_is_finished() {
    let fixture = Fixture::new();
    let worktree = fixture.worked("aaaa", "one", "x", "x\n");
    let landing = fixture.landing(&worktree, Strategy::Squash);
    let (commit, _) = completed(fixture.driver.land(&worktree, &landing).unwrap());
    // As it was between the swap and the update of the checkout.
    fixture.git(&["read-tree", "-m", "-u", commit.as_str(), landing.onto_commit.as_str()]);
    assert!(!fixture.repo.join("x").exists());
    let (again, checkout) = completed(fixture.driver.land(&worktree, &landing).unwrap());
    assert_eq!(again, commit);
    assert!(checkout.contains("was updated"), "{checkout}");
    assert_eq!(read(&fixture.repo, "x"), "x\n");
    assert_eq!(fixture.git(&["status", "--porcelain"]), "");
    // As it was between writing the commit down and the swap.
    fixture.git(&["read-tree", "-m", "-u", commit.as_str(), landing.onto_commit.as_str()]);
    fixture.git(&["update-ref", "refs/heads/main", landing.onto_commit.as_str()]);
    assert_eq!(completed(fixture.driver.land(&worktree, &landing).unwrap()).0, commit);
    assert_eq!(fixture.git(&["status", "--porcelain"]), "");
    // And the user went on from there.
    fixture.commit("later", "l\n");
    assert_eq!(completed(fixture.driver.land(&worktree, &landing).unwrap()).0, commit);
}

#[test]
fn a_checkout_that_cannot_be_written_takes_the_target_back() {
    let fixture = Fixture::new();
    let worktree = fixture.create("aaaa", "one");
    let path = Path::new(&worktree.path);
    put(path, "a.txt", "changed\n");
    put(path, "dir/new.txt", "new\n");
    put(path, "z.txt", "lost\n");
    fs::remove_file(path.join("b.txt")).unwrap();
    fixture.driver.checkpoint(&worktree, &worktree.base.commit, "divisi: turn", None).unwrap();
    let landing = fixture.landing(&worktree, Strategy::Squash);
    // One object of the landing is lost: the update of the checkout fails when half of the files are written.
    let blob = fixture.git(&["rev-parse", &format!("{}:z.txt", worktree.branch)]);
    fs::remove_file(fixture.repo.join(format!(".git/objects/{}/{}", &blob[..2], &blob[2..]))).unwrap();
    let reason = failed(fixture.driver.land(&worktree, &landing).unwrap());
    assert!(reason.contains("put back"), "{reason}");
    assert_eq!(fixture.git(&["rev-parse", "main"]), landing.onto_commit.0);
    assert_eq!(fixture.git(&["status", "--porcelain"]), "");
    assert!(!fixture.repo.join("dir/new.txt").exists() && fixture.repo.join("b.txt").exists());
}

#[test]
fn a_resolution_that_was_committed_but_not_landed_is_gone_on_with() {
    let fixture = Fixture::new();
    let worktree = fixture.worked("aaaa", "one", "a.txt", "session\n");
    fixture.commit("a.txt", "base\n");
    let landing = fixture.landing(&worktree, Strategy::Squash);
    conflicted(fixture.driver.land(&worktree, &landing).unwrap());
    // As the driver leaves it when killed between the resolution's commit and the swap.
    let path = Path::new(&worktree.path);
    put(path, "a.txt", "both\n");
    fixture.git_in(path, &["commit", "-qam", "resolved"]);
    let (commit, _) = completed(fixture.driver.land(&worktree, &landing).unwrap());
    assert_eq!(fixture.git(&["rev-parse", "main"]), commit.0);
    assert_eq!(read(&fixture.repo, "a.txt"), "both\n");
}

#[test]
fn conflicts_with_base_and_sessions_are_predicted() {
    let fixture = Fixture::new();
    let one = fixture.worked("aaaa", "one", "a.txt", "one\n");
    let two = fixture.worked("bbbb", "two", "a.txt", "two\n");
    let three = fixture.worked("cccc", "three", "other", "three\n");
    let others = [("two".to_owned(), two), ("three".to_owned(), three), ("one".to_owned(), one.clone())];
    let preflight = fixture.driver.preflight(&one, None, &others).unwrap();
    assert!(preflight.ready && preflight.conflicts.is_empty());
    assert_eq!(preflight.overlaps.len(), 1);
    assert_eq!(
        (preflight.overlaps[0].with.as_str(), &preflight.overlaps[0].paths[..]),
        ("two", &["a.txt".to_owned()][..])
    );
    assert_eq!((preflight.ahead, preflight.behind), (1, 0));
    assert_eq!(preflight.stat.files, 1);
    fixture.commit("a.txt", "base\n");
    put(Path::new(&one.path), "dirt", "d");
    let preflight = fixture.driver.preflight(&one, None, &others).unwrap();
    assert!(!preflight.ready && preflight.dirty);
    assert_eq!(preflight.conflicts[0].paths, ["a.txt"]);
    assert!(preflight.blockers[0].contains("a.txt"), "{:?}", preflight.blockers);
    assert_eq!(preflight.behind, 1);
    fixture.driver.preflight(&one, Some("nowhere"), &[]).unwrap_err();
    fixture.driver.preflight(&one, Some("-x"), &[]).unwrap_err();
}

#[test]
fn a_conflict_is_left_in_the_worktree_resolved_and_landed() {
    for strategy in [Strategy::Squash, Strategy::Rebase, Strategy::Merge] {
        let fixture = Fixture::new();
        let worktree = fixture.worked("aaaa", "one", "a.txt", "session\n");
        let path = Path::new(&worktree.path);
        put(path, "second", "s\n");
        let head = fixture.driver.check_worktree(&worktree).unwrap().unwrap();
        fixture.driver.checkpoint(&worktree, &head, "divisi: second", None).unwrap();
        let base = fixture.commit("a.txt", "base\n");
        let landing = fixture.landing(&worktree, strategy);
        assert_eq!(conflicted(fixture.driver.land(&worktree, &landing).unwrap()), ["a.txt"], "{strategy:?}");
        assert_eq!(conflicted(fixture.driver.land(&worktree, &landing).unwrap()), ["a.txt"], "again");
        assert_eq!(fixture.git(&["rev-parse", "main"]), base.0, "the target does not move");
        let refusal = fixture.driver.continue_landing(&worktree, &landing).unwrap_err();
        assert!(refusal.message.contains("a.txt"), "{refusal}");
        put(path, "a.txt", "both\n");
        let (commit, _) = completed(fixture.driver.continue_landing(&worktree, &landing).unwrap());
        assert_eq!(fixture.git(&["rev-parse", "main"]), commit.0);
        assert_eq!(read(&fixture.repo, "a.txt"), "both\n");
        assert_eq!(read(&fixture.repo, "second"), "s\n");
        assert_eq!(fixture.git(&["status", "--porcelain"]), "");
        assert_eq!(fixture.git_in(path, &["status", "--porcelain"]), "");
        assert_eq!(fixture.git_in(path, &["symbolic-ref", "HEAD"]), worktree.branch);
        assert_eq!(completed(fixture.driver.continue_landing(&worktree, &landing).unwrap()).0, commit);
        let refusal = fixture.driver.abort_landing(&worktree, &landing).unwrap_err();
        assert!(refusal.message.contains("already"), "{refusal}");
    }
}

#[test]
fn a_conflict_given_up_leaves_the_worktree_as_before() {
    for strategy in [Strategy::Squash, Strategy::Rebase] {
        let fixture = Fixture::new();
        let worktree = fixture.worked("aaaa", "one", "a.txt", "session\n");
        let path = Path::new(&worktree.path);
        fixture.commit("a.txt", "base\n");
        let landing = fixture.landing(&worktree, strategy);
        conflicted(fixture.driver.land(&worktree, &landing).unwrap());
        fixture.driver.abort_landing(&worktree, &landing).unwrap();
        assert_eq!(fixture.git_in(path, &["rev-parse", "HEAD"]), landing.head.0);
        assert_eq!(fixture.git_in(path, &["symbolic-ref", "HEAD"]), worktree.branch);
        assert_eq!(fixture.git_in(path, &["status", "--porcelain"]), "");
        assert_eq!(read(path, "a.txt"), "session\n");
        fixture.driver.abort_landing(&worktree, &landing).unwrap();
        // Resolved and committed, then given up.
        conflicted(fixture.driver.land(&worktree, &landing).unwrap());
        put(path, "a.txt", "both\n");
        fixture.commit("b.txt", "moved again\n");
        let reason = failed(fixture.driver.continue_landing(&worktree, &landing).unwrap());
        assert!(reason.contains("moved"), "{reason}");
        fixture.driver.abort_landing(&worktree, &landing).unwrap();
        assert_eq!(fixture.git_in(path, &["rev-parse", "HEAD"]), landing.head.0);
        assert_eq!(read(path, "a.txt"), "session\n");
        assert_eq!(fixture.git_in(path, &["status", "--porcelain"]), "");
    }
}

#[test]
fn a_conflict_about_deletion_wants_a_decision() {
    let fixture = Fixture::new();
    let worktree = fixture.worked("aaaa", "one", "a.txt", "session\n");
    fixture.git(&["rm", "-q", "a.txt"]);
    fixture.git(&["commit", "-qm", "gone"]);
    let landing = fixture.landing(&worktree, Strategy::Squash);
    conflicted(fixture.driver.land(&worktree, &landing).unwrap());
    fixture.driver.continue_landing(&worktree, &landing).unwrap_err();
    fixture.git_in(Path::new(&worktree.path), &["add", "a.txt"]);
    completed(fixture.driver.continue_landing(&worktree, &landing).unwrap());
    assert_eq!(read(&fixture.repo, "a.txt"), "session\n");
}

#[test]
fn the_users_hooks_run_only_when_wanted_and_can_refuse() {
    let fixture = Fixture::new();
    let hook = fixture.repo.join(".git/hooks/pre-commit");
    put(
        &fixture.repo,
        ".git/hooks/pre-commit",
        "#!/bin/sh\ngrep -q bad x && { echo 'no bad things' >&2; exit 1; }\necho hooked > hooked\ngit add hooked\n",
    );
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    let worktree = fixture.worked("aaaa", "one", "x", "bad\n");
    let settings = Settings { run_hooks: true, ..Settings::default() };
    let driver = fixture.another(&settings, std::time::Duration::from_secs(1));
    let landing = fixture.landing(&worktree, Strategy::Squash);
    let reason = failed(driver.land(&worktree, &landing).unwrap());
    assert!(reason.contains("no bad things"), "{reason}");
    assert_eq!(fixture.git(&["rev-parse", "main"]), landing.onto_commit.0);
    let worktree = fixture.worked("bbbb", "two", "x", "good\n");
    for strategy in [Strategy::Merge, Strategy::Rebase] {
        let landing = fixture.landing(&worktree, strategy);
        let state = driver.land(&worktree, &landing).unwrap();
        if strategy == Strategy::Rebase {
            failed(state);
            continue;
        }
        completed(state);
        assert_eq!(read(&fixture.repo, "hooked"), "hooked\n");
        assert_eq!(fixture.git(&["show", "-s", "--format=%P", "main"]).split(' ').count(), 2);
        assert_eq!(fixture.git(&["show", "-s", "--format=%B", "main"]).trim(), landing.message);
        assert!(!fixture.git(&["worktree", "list"]).contains("landing"));
        fixture.git(&["reset", "-q", "--hard", landing.onto_commit.as_str()]);
    }
}
