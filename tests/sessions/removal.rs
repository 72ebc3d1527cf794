//! Removal never loses work; restore brings it back.

use super::scene::Scene;

#[test]
fn unlanded_work_is_not_removed_by_accident_and_comes_back_when_it_was_on_purpose() {
    let scene = Scene::new();
    scene.shell("work", "echo committed > committed.txt").ok();
    let worktree = scene.worktree("work");
    std::fs::write(worktree.join("staged.txt"), "staged\n").unwrap();
    scene.env.git(&worktree, &["add", "staged.txt"]);
    std::fs::write(worktree.join("untracked.txt"), "untracked\n").unwrap();
    std::fs::write(worktree.join("lines.txt"), "unstaged\n").unwrap();
    let refused = scene.divisi(&["remove", "work"]);
    refused.exits(1);
    assert!(refused.stderr.contains("--discard"), "{refused}");
    assert!(worktree.exists());
    let id = scene.show("work")["id"].as_str().unwrap().to_owned();
    scene.divisi(&["remove", "work", "--discard"]).ok();
    assert!(!worktree.exists());
    assert_eq!(scene.env.git(&scene.repo, &["branch", "--list", "divisi/*"]), "");
    assert_eq!(scene.env.git(&scene.repo, &["worktree", "list"]).lines().count(), 1);
    scene.env.git(&scene.repo, &["rev-parse", "--verify", &format!("refs/divisi/preserved/{id}")]);
    assert!(scene.env.json(&scene.repo, &["list"]).as_array().unwrap().is_empty());
    scene.divisi(&["restore", "work"]).ok();
    for (file, text) in [
        ("committed.txt", "committed\n"),
        ("staged.txt", "staged\n"),
        ("untracked.txt", "untracked\n"),
        ("lines.txt", "unstaged\n"),
    ] {
        assert_eq!(scene.read("work", file), text);
    }
    assert_eq!(scene.env.git(&worktree, &["log", "-1", "--format=%s"]), "divisi: echo committed > committed.txt");
    scene.divisi(&["send", "work", "--wait", "echo on > on.txt"]).ok();
}

#[test]
fn a_running_session_is_removed_with_everything_that_runs_in_it() {
    let scene = Scene::new();
    let pid = scene.env.path("pid");
    let command = format!("(trap '' TERM; echo $$ > '{}'; while :; do sleep 1; done) & wait", pid.display());
    scene.divisi(&["new", "--name", "busy", "--agent", "shell", &command]).ok();
    crate::support::wait_until(super::scene::DEADLINE, "the command runs", || pid.exists());
    scene.divisi(&["remove", "busy"]).exits(1);
    scene.discard(&["busy"]);
    assert!(scene.env.json(&scene.repo, &["list"]).as_array().unwrap().is_empty());
    // The environment's destructor looks for survivors.
}

#[test]
fn doctor_finds_what_lost_its_owner_and_repairs_it_without_losing_work() {
    let scene = Scene::new();
    // A worktree with work in it and a branch that no session knows: the database was lost.
    scene.shell("orphan", "echo committed > committed.txt").ok();
    let orphan = scene.worktree("orphan");
    std::fs::write(orphan.join("precious.txt"), "precious\n").unwrap();
    scene.divisi(&["daemon", "stop"]).ok();
    std::fs::rename(scene.env.path("home/state/divisi"), scene.env.path("home/lost")).unwrap();
    scene.shell("kept", "echo kept > kept.txt").ok();
    scene.env.git(&scene.repo, &["branch", "divisi/stray/work", "main"]);
    let findings = scene.env.json(&scene.repo, &["doctor"]);
    let kinds: Vec<_> = findings.as_array().unwrap().iter().filter_map(|finding| finding["kind"].as_str()).collect();
    assert!(kinds.contains(&"orphan_worktree") && kinds.contains(&"orphan_branch"), "{findings}");
    scene.divisi(&["doctor", "--fix"]).ok();
    assert!(!orphan.exists());
    assert_eq!(scene.env.git(&scene.repo, &["branch", "--list", "divisi/stray/work", "divisi/orphan/work"]), "");
    // The work is under a ref.
    let refs = scene.env.git(&scene.repo, &["for-each-ref", "--format=%(refname)", "refs/divisi/preserved"]);
    let found = refs.lines().any(|name| {
        let mut log = scene.env.command("git");
        log.current_dir(&scene.repo).args(["log", "--all-match", "-m", "--name-only", "--format=", name]);
        String::from_utf8_lossy(&log.output().unwrap().stdout).contains("precious.txt")
    });
    assert!(found, "{refs}");
    assert_eq!(scene.read("kept", "kept.txt"), "kept\n");
}
