//! Making worktrees: alone, many at once beside other git commands, and cleaning up after a kill at any point.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use divisi::host::port::Git as _;
use divisi::model::settings::Settings;

use super::fixture::{Fixture, put, read};

#[test]
fn a_worktree_is_made_locked_hidden_and_clean() {
    let fixture = Fixture::new();
    let worktree = fixture.intend("aaaa", "one", None);
    let made = fixture.driver.create_worktree(&worktree).unwrap();
    let path = Path::new(&worktree.path);
    assert_eq!(made.head, worktree.base.commit);
    assert_eq!(read(path, "dir/c.txt"), "c\n");
    assert_eq!(fixture.git_in(path, &["status", "--porcelain"]), "");
    assert_eq!(fixture.git_in(path, &["symbolic-ref", "HEAD"]), worktree.branch);
    assert_eq!(fixture.git(&["status", "--porcelain"]), "", "hidden from the user's checkout");
    let listed = fixture.git(&["worktree", "list", "--porcelain"]);
    assert!(listed.contains("locked divisi session aaaa"), "{listed}");
    assert_eq!(fixture.driver.check_worktree(&worktree).unwrap(), Some(made.head));
    fixture.git(&["worktree", "prune"]);
    fixture.git(&["fsck"]);
    assert!(fixture.driver.check_worktree(&worktree).unwrap().is_some());
    // Once more: the exclude file is not written again.
    fixture.create("bbbb", "two");
    let exclude = read(&fixture.repo, ".git/info/exclude");
    assert_eq!(exclude.matches("/.worktrees/").count(), 1, "{exclude}");
    assert_eq!(exclude.matches("AGENT_CONTEXT/").count(), 1, "{exclude}");
}

#[test]
fn what_is_taken_is_refused_and_left_alone() {
    let fixture = Fixture::new();
    let first = fixture.create("aaaa", "one");
    let same_path = fixture.intend("bbbb", "one", None);
    let refusal = fixture.driver.create_worktree(&same_path).unwrap_err();
    assert!(refusal.message.contains("exists already"), "{refusal}");
    let mut same_branch = fixture.intend("cccc", "two", None);
    same_branch.branch.clone_from(&first.branch);
    let refusal = fixture.driver.create_worktree(&same_branch).unwrap_err();
    assert!(refusal.message.contains("exists already"), "{refusal}");
    assert!(!Path::new(&same_branch.path).exists());
    assert!(fixture.driver.check_worktree(&first).unwrap().is_some());
    let mut below = fixture.intend("dddd", "three", None);
    below.branch = format!("{}/deeper", first.branch);
    fixture.driver.create_worktree(&below).unwrap_err();
    assert_eq!(fixture.residue().iter().filter(|path| path.contains("three")).count(), 0);
    let resolved = fixture.driver.resolve_base(fixture.repo.to_str().unwrap(), None).unwrap();
    assert_eq!(resolved.taken, ["one"]);
}

#[test]
fn a_link_in_place_of_the_root_leads_nowhere() {
    let fixture = Fixture::new();
    let outside = fixture.path().join("outside");
    fs::create_dir(&outside).unwrap();
    symlink(&outside, fixture.repo.join(".worktrees")).unwrap();
    let worktree = fixture.intend("aaaa", "one", None);
    let refusal = fixture.driver.create_worktree(&worktree).unwrap_err();
    assert!(refusal.message.contains("link"), "{refusal}");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
}

#[test]
fn a_failed_checkout_leaves_nothing() {
    let fixture = Fixture::new();
    let worktree = fixture.intend("aaaa", "one", None);
    // An object of the base is gone: the checkout fails after the registration.
    let blob = fixture.git(&["rev-parse", "HEAD:dir/c.txt"]);
    fs::remove_file(fixture.repo.join(format!(".git/objects/{}/{}", &blob[..2], &blob[2..]))).unwrap();
    fixture.driver.create_worktree(&worktree).unwrap_err();
    assert_eq!(fixture.residue(), Vec::<String>::new());
}

#[test]
fn thirty_two_at_once_beside_fetch_gc_pack_refs_and_config() {
    let fixture = Fixture::new();
    let other = fixture.path().join("other");
    fixture.git(&["clone", "-q", fixture.repo.to_str().unwrap(), other.to_str().unwrap()]);
    fixture.git(&["remote", "add", "origin", other.to_str().unwrap()]);
    let worktrees: Vec<_> = (0..32).map(|n| fixture.intend(&format!("s{n}"), &format!("name{n}"), None)).collect();
    let stop = AtomicBool::new(false);
    let patient = fixture.another(&Settings::default(), std::time::Duration::from_secs(30));
    std::thread::scope(|scope| {
        for command in [
            &["fetch", "-q", "origin"][..],
            &["pack-refs", "--all"],
            &["gc", "-q"],
            &["config", "test.key", "value"],
            &["worktree", "list"],
        ] {
            let (fixture, stop) = (&fixture, &stop);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    // A bystander may lose git's own races with itself, but never against a half-made worktree of ours.
                    let output = fixture.run_in(&fixture.repo, command);
                    let said = String::from_utf8_lossy(&output.stderr).into_owned();
                    if said.contains("commondir") {
                        stop.store(true, Ordering::Relaxed);
                        panic!("{command:?}: {said}");
                    }
                }
            });
        }
        let creators: Vec<_> = worktrees
            .iter()
            .map(|worktree| {
                let patient = &patient;
                scope.spawn(move || patient.create_worktree(worktree))
            })
            .collect();
        let failed: Vec<_> = creators.into_iter().filter_map(|creator| creator.join().unwrap().err()).collect();
        stop.store(true, Ordering::Relaxed);
        assert!(failed.is_empty(), "{failed:?}");
    });
    for worktree in &worktrees {
        assert_eq!(fixture.driver.check_worktree(worktree).unwrap().as_ref(), Some(&worktree.base.commit));
        assert_eq!(fixture.git_in(Path::new(&worktree.path), &["status", "--porcelain"]), "");
    }
    let locks = fixture.driver.scan(fixture.repo.to_str().unwrap(), &worktrees).unwrap();
    assert!(locks.is_empty(), "{locks:?}");
    let left: Vec<_> = walk(&fixture.repo.join(".git"))
        .into_iter()
        .filter(|path| Path::new(path).extension().is_some_and(|end| end == "lock"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

fn walk(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().unwrap().is_dir() {
            found.extend(walk(&entry.path()));
        } else {
            found.push(entry.path().to_string_lossy().into_owned());
        }
    }
    found
}

/// Every state a kill can leave, made by undoing a finished creation step by step from its end.
#[test]
fn residue_of_every_step_is_cleaned_and_the_creation_works_again() {
    for step in 0..9 {
        let fixture = Fixture::new();
        let worktree = fixture.intend("aaaa", "one", None);
        let common = fixture.repo.join(".git");
        let admin = common.join("worktrees/divisi-aaaa");
        let path = Path::new(&worktree.path);
        if (4..7).contains(&step) {
            fixture.driver.create_worktree(&worktree).unwrap();
            fs::remove_file(admin.join("divisi")).unwrap();
        }
        match step {
            // Only the directory.
            0 => fs::create_dir_all(path).unwrap(),
            // And the branch's lock, with the directory for the branch.
            1 => {
                fs::create_dir_all(path).unwrap();
                put(&common, "refs/heads/divisi/one/work.lock", "");
            }
            // And the branch.
            2 => {
                fs::create_dir_all(path).unwrap();
                fixture.git(&["update-ref", &worktree.branch, "HEAD"]);
            }
            // And the registration, half built aside, with the file that points to it.
            3 => {
                fs::create_dir_all(path).unwrap();
                fixture.git(&["update-ref", &worktree.branch, "HEAD"]);
                put(&common, "divisi/new-aaaa/commondir", "../..\n");
                put(path, ".git", &format!("gitdir: {}\n", admin.display()));
            }
            // The file that points to it made but not written, or half of it.
            7 | 8 => {
                fs::create_dir_all(path).unwrap();
                fixture.git(&["update-ref", &worktree.branch, "HEAD"]);
                put(&common, "divisi/new-aaaa/commondir", "../..\n");
                put(path, ".git", if step == 7 { "" } else { "gitdir: /" });
            }
            // Registered, the checkout interrupted.
            4 => {
                fs::remove_file(path.join("a.txt")).unwrap();
                fs::rename(admin.join("index"), admin.join("index.lock")).unwrap();
            }
            // Registered, no file yet.
            5 => {
                fs::remove_dir_all(path).unwrap();
                fs::remove_file(admin.join("index")).unwrap();
            }
            // Everything but the mark.
            _ => {}
        }
        assert_eq!(fixture.driver.check_worktree(&worktree).unwrap(), None, "step {step}");
        fixture.driver.clean_worktree(&worktree).unwrap();
        assert_eq!(fixture.residue(), Vec::<String>::new(), "step {step}");
        fixture.driver.clean_worktree(&worktree).unwrap();
        fixture.driver.create_worktree(&worktree).unwrap();
        assert!(fixture.driver.check_worktree(&worktree).unwrap().is_some(), "step {step}");
    }
}

#[test]
fn a_finished_but_unused_worktree_is_cleaned_and_one_with_work_is_not() {
    let fixture = Fixture::new();
    let worktree = fixture.create("aaaa", "one");
    fixture.driver.clean_worktree(&worktree).unwrap();
    assert_eq!(fixture.residue(), Vec::<String>::new());

    let dirty = fixture.create("bbbb", "two");
    put(Path::new(&dirty.path), "new.txt", "work");
    let refusal = fixture.driver.clean_worktree(&dirty).unwrap_err();
    assert!(refusal.message.contains("uncommitted"), "{refusal}");
    assert_eq!(read(Path::new(&dirty.path), "new.txt"), "work");

    let worked = fixture.worked("cccc", "three", "new.txt", "work\n");
    let refusal = fixture.driver.clean_worktree(&worked).unwrap_err();
    assert!(refusal.message.contains("commits"), "{refusal}");
    assert!(fixture.driver.check_worktree(&worked).unwrap().is_some());
}

#[test]
fn a_directory_of_somebody_else_is_not_cleaned() {
    let fixture = Fixture::new();
    let worktree = fixture.intend("aaaa", "one", None);
    put(Path::new(&worktree.path), "precious", "x");
    let refusal = fixture.driver.clean_worktree(&worktree).unwrap_err();
    assert!(refusal.message.contains("left as it is"), "{refusal}");
    assert_eq!(read(Path::new(&worktree.path), "precious"), "x");
}

#[test]
fn a_base_that_is_gone_is_said_and_nothing_is_left() {
    let fixture = Fixture::new();
    let mut worktree = fixture.intend("aaaa", "one", None);
    for missing in ["1234567890123456789012345678901234567890".to_owned(), fixture.git(&["rev-parse", "HEAD^{tree}"])] {
        worktree.base.commit = divisi::model::id::Oid(missing);
        let refusal = fixture.driver.create_worktree(&worktree).unwrap_err();
        assert!(refusal.message.contains("not in the repository"), "{refusal}");
        assert_eq!(fixture.residue(), Vec::<String>::new());
    }
}

#[test]
fn a_creation_needs_two_processes() {
    let fixture = Fixture::new();
    fixture.create("aaaa", "one");
    let worktree = fixture.intend("bbbb", "two", None);
    let before = fixture.driver.processes();
    fixture.driver.create_worktree(&worktree).unwrap();
    assert!(fixture.driver.processes() - before <= 2);
}
