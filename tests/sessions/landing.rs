//! Landing: exactly what was looked at, all or nothing, the person's checkout followed only when clean.

use super::scene::Scene;

#[test]
fn a_session_lands_as_one_commit_and_the_clean_checkout_follows() {
    let scene = Scene::new();
    scene.shell("one", "echo a > a.txt").ok();
    scene.divisi(&["send", "one", "--wait", "echo b > b.txt"]).ok();
    let preflight = scene.env.json(&scene.repo, &["preflight", "one"]);
    assert_eq!(preflight["ready"], true, "{preflight}");
    assert_eq!(preflight["ahead"], 2);
    let before = scene.env.git(&scene.repo, &["rev-parse", "main"]);
    scene.divisi(&["land", "one", "--squash", "-m", "Add a and b"]).ok();
    assert_eq!(scene.env.git(&scene.repo, &["rev-parse", "main^"]), before);
    assert_eq!(scene.env.git(&scene.repo, &["log", "-1", "--format=%s", "main"]), "Add a and b");
    assert_eq!(std::fs::read_to_string(scene.repo.join("a.txt")).unwrap(), "a\n");
    assert_eq!(scene.env.git(&scene.repo, &["status", "--porcelain"]), "");
    assert_eq!(scene.state("one"), "completed");
    // What landed may go without a word.
    scene.divisi(&["remove", "one"]).ok();
    scene.divisi(&["land", "one"]).exits(1);
}

#[test]
fn every_strategy_brings_the_same_tree() {
    for (strategy, commits) in [("--squash", "1"), ("--rebase", "2"), ("--merge", "3")] {
        let scene = Scene::new();
        scene.shell("work", "echo a > a.txt").ok();
        scene.divisi(&["send", "work", "--wait", "echo b > b.txt"]).ok();
        // The base moves on meanwhile.
        scene.env.write("repo/other.txt", "other\n");
        scene.env.git(&scene.repo, &["add", "other.txt"]);
        scene.env.git(&scene.repo, &["commit", "--quiet", "--message", "Another"]);
        let before = scene.env.git(&scene.repo, &["rev-parse", "main"]);
        scene.divisi(&["land", "work", strategy]).ok();
        let files = scene.env.git(&scene.repo, &["ls-tree", "--name-only", "main"]);
        assert_eq!(files, "README.md\na.txt\nb.txt\nlines.txt\nother.txt", "{strategy}");
        assert_eq!(
            scene.env.git(&scene.repo, &["rev-list", "--count", &format!("{before}..main")]),
            commits,
            "{strategy}"
        );
        assert_eq!(scene.env.git(&scene.repo, &["status", "--porcelain"]), "", "{strategy}");
    }
}

#[test]
fn a_dirty_checkout_of_the_base_is_left_alone_and_said_so() {
    let scene = Scene::new();
    scene.shell("work", "echo a > a.txt").ok();
    scene.env.write("repo/lines.txt", "mine\n");
    let landed = scene.divisi(&["land", "work"]);
    landed.ok();
    assert!(landed.stdout.contains("left as it is") || landed.stdout.contains("left as it was"), "{landed}");
    assert_eq!(std::fs::read_to_string(scene.repo.join("lines.txt")).unwrap(), "mine\n");
    assert!(!scene.repo.join("a.txt").exists());
    assert_eq!(scene.env.git(&scene.repo, &["show", "main:a.txt"]), "a");
}

#[test]
fn conflicts_stay_in_the_session_until_resolved_or_given_up() {
    let scene = Scene::new();
    scene.shell("work", "sed -i 's/line 5/theirs/' lines.txt").ok();
    scene.shell("other", "sed -i 's/line 5/others/' lines.txt").ok();
    // Two live sessions that would conflict know of each other before anyone lands.
    let preflight = scene.env.json(&scene.repo, &["preflight", "work"]);
    assert_eq!(preflight["overlaps"][0]["with"], "other", "{preflight}");
    assert_eq!(preflight["overlaps"][0]["paths"][0], "lines.txt");
    scene.divisi(&["land", "other"]).ok();
    let before = scene.env.git(&scene.repo, &["rev-parse", "main"]);
    let preflight = scene.divisi(&["preflight", "work", "--json"]).exits(1).json();
    assert_eq!(preflight["conflicts"][0]["paths"][0], "lines.txt", "{preflight}");
    let head = scene.env.git(scene.worktree("work"), &["rev-parse", "HEAD"]);
    // Given up: everything is as before.
    scene.divisi(&["land", "work"]).exits(1);
    assert!(scene.read("work", "lines.txt").contains("<<<<<<<"));
    scene.divisi(&["land", "work"]).exits(1);
    scene.divisi(&["land", "work", "--abort"]).ok();
    assert_eq!(scene.env.git(scene.worktree("work"), &["rev-parse", "HEAD"]), head);
    assert_eq!(scene.env.git(scene.worktree("work"), &["status", "--porcelain"]), "");
    assert_eq!(scene.env.git(&scene.repo, &["rev-parse", "main"]), before);
    // Resolved: it lands.
    scene.divisi(&["land", "work"]).exits(1);
    scene.divisi(&["land", "work", "--continue"]).exits(1);
    let path = scene.worktree("work").join("lines.txt");
    std::fs::write(&path, "both\n").unwrap();
    scene.env.git(scene.worktree("work"), &["add", "lines.txt"]);
    scene.divisi(&["land", "work", "--continue"]).ok();
    assert_eq!(scene.env.git(&scene.repo, &["show", "main:lines.txt"]), "both");
    assert_eq!(scene.state("work"), "completed");
}

#[test]
fn a_landing_brings_exactly_the_hunks_that_were_kept() {
    let scene = Scene::new();
    scene.shell("work", "sed -i -e 's/line 1$/first/' -e 's/line 12/last/' lines.txt").ok();
    let diff = scene.env.json(&scene.repo, &["diff", "work"]);
    let hunks = diff["files"][0]["hunks"].as_array().unwrap().clone();
    assert_eq!(hunks.len(), 2, "{diff}");
    let id = |number: usize| hunks[number]["id"].as_str().unwrap().to_owned();
    scene.divisi(&["accept", "work", &id(0)]).ok();
    scene.divisi(&["reject", "work", &id(1)]).ok();
    assert!(scene.read("work", "lines.txt").ends_with("line 12\n"));
    let after = scene.env.json(&scene.repo, &["diff", "work"]);
    assert_eq!(after["files"][0]["hunks"][0]["decision"], "accepted");
    assert_eq!(after["files"][0]["hunks"].as_array().unwrap().len(), 1);
    // A rejection can be taken back.
    scene.divisi(&["undo", "work", &id(1)]).ok();
    assert!(scene.read("work", "lines.txt").ends_with("last\n"));
    scene.divisi(&["reject", "work", &id(1)]).ok();
    scene.divisi(&["land", "work"]).ok();
    let landed = scene.env.git(&scene.repo, &["show", "main:lines.txt"]);
    assert!(landed.starts_with("first\n") && landed.ends_with("line 12"), "{landed}");
}

#[test]
fn a_patch_of_the_session_applies_elsewhere() {
    let scene = Scene::new();
    scene.shell("work", "echo new > new.txt; sed -i 's/line 3/third/' lines.txt").ok();
    let patch = scene.env.path("work.patch");
    scene.divisi(&["land", "work", "--patch", patch.to_str().unwrap()]).ok();
    scene.env.git(&scene.repo, &["apply", "--check", patch.to_str().unwrap()]);
    assert_eq!(scene.state("work"), "review", "a patch is not a landing");
}

#[test]
fn what_moved_since_it_was_looked_at_is_not_landed_onto_the_wrong_place() {
    let scene = Scene::new();
    scene.shell("work", "echo a > a.txt").ok();
    scene.env.git(&scene.repo, &["branch", "release"]);
    scene.divisi(&["land", "work", "--onto", "release"]).ok();
    assert_eq!(scene.env.git(&scene.repo, &["show", "release:a.txt"]), "a");
    assert!(!scene.repo.join("a.txt").exists(), "main is not release");
    scene.divisi(&["land", "work", "--onto", "no-such-branch"]).exits(1);
}

#[test]
fn killed_while_it_lands_the_base_is_old_or_new_and_lands_once() {
    const POINTS: u32 = 10;
    let scene = Scene::new();
    scene.shell("warm", "echo warm > warm.txt").ok();
    let began = std::time::Instant::now();
    scene.divisi(&["land", "warm"]).ok();
    let whole = began.elapsed();
    for point in 0..POINTS {
        let (name, file) = (format!("k{point}"), format!("k{point}.txt"));
        scene.shell(&name, &format!("echo {point} > {file}")).ok();
        let before = scene.env.git(&scene.repo, &["rev-parse", "main"]);
        let daemon = scene.daemon_pid();
        let landing = scene
            .env
            .spawn_divisi(&scene.repo, &["land", &name, ["--squash", "--rebase", "--merge"][point as usize % 3]]);
        let moment = std::time::Instant::now() + whole * point / POINTS;
        while std::time::Instant::now() < moment {
            std::hint::spin_loop();
        }
        super::scene::kill(daemon);
        // Never between: what is on main is the base it was, or has the session's file whole.
        let now = scene.env.git(&scene.repo, &["rev-parse", "main"]);
        if now != before {
            assert_eq!(scene.env.git(&scene.repo, &["show", &format!("{now}:{file}")]), point.to_string());
        }
        // The command line repeats the command under the same id; the next daemon goes on with what was begun.
        landing.wait(super::scene::DEADLINE).ok();
        assert_eq!(scene.env.git(&scene.repo, &["show", &format!("main:{file}")]), point.to_string());
        let landed = scene.env.git(&scene.repo, &["log", "--format=%H", &format!("{before}..main"), "--", &file]);
        assert_eq!(landed.lines().count(), 1, "it landed once");
        assert_eq!(scene.env.git(&scene.repo, &["status", "--porcelain"]), "", "the checkout followed");
        assert_eq!(scene.state(&name), "completed");
    }
    scene.env.git(&scene.repo, &["fsck", "--no-dangling"]);
}
