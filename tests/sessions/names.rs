//! Prompts of every kind give valid, distinct branches (promise P5).

use std::collections::BTreeSet;

use super::scene::{DEADLINE, Scene};

#[test]
fn hostile_titles_become_valid_distinct_branches() {
    let scene = Scene::new();
    let long = format!("true # {}", "x".repeat(100_000));
    let titles = [
        "true # ünïcödé 修正 ログイン",
        "true # ÜNÏCÖDÉ 修正 ログイン",
        ": 修正ログイン機能",
        ": 🦀🦀🦀",
        ": \u{1b}]0;title\u{7}\u{1b}[31mred",
        ": ../../../etc/passwd",
        ": ..",
        ": foo.lock",
        ": foo.lock/",
        ": Foo.LOCK",
        ": @{-1}",
        ": a~b^c:d?e*f[g\\h",
        ": refs/heads/main",
        ": HEAD",
        ": head",
        ": CON",
        ": a",
        ": a/b",
        ": A/B",
        ": fix the login",
        ": Fix The Login",
        ": FIX THE LOGIN",
        "-x; true",
        "--help; true",
        ": \u{202e}gnirts desrever",
        ": a\u{301} combining",
        ": \u{e1} combining",
        ": \u{ff21}\u{ff22}",
        ": tab\tnew\nline",
        &long,
    ];
    let mut running: Vec<_> = titles
        .iter()
        .map(|title| scene.env.spawn_divisi(&scene.repo, &["new", "--agent", "shell", "--json", "--", title]))
        .collect();
    for (session, title) in running.drain(..).zip(titles) {
        let ran = session.wait(DEADLINE * 2);
        assert_eq!(ran.code(), 0, "{title:.60?}: {ran}");
    }
    let list = scene.env.json(&scene.repo, &["list"]);
    let sessions = list.as_array().unwrap();
    assert_eq!(sessions.len(), titles.len());
    let (mut branches, mut paths) = (BTreeSet::new(), BTreeSet::new());
    for session in sessions {
        let name = session["name"].as_str().unwrap();
        scene.wait_for(name, &["completed", "failed", "review"]);
        let branch = session["worktree"]["branch"].as_str().unwrap();
        scene.env.git(&scene.repo, &["check-ref-format", branch]);
        scene.env.git(&scene.repo, &["rev-parse", "--verify", "--quiet", branch]);
        assert!(branches.insert(branch.to_lowercase()), "{branch} is there twice");
        let path = session["worktree"]["path"].as_str().unwrap();
        assert!(paths.insert(path.to_lowercase()), "{path} is there twice");
        assert!(std::path::Path::new(path).starts_with(scene.repo.join(".worktrees")), "{path}");
    }
    // Names that a person gives are refused rather than bent.
    for name in ["-x", "..", "a/b", "a.lock", "A", "ü", "a\u{1b}[31m", "head", "con", "", "a--b"] {
        let ran = scene.divisi(&["new", &format!("--name={name}"), "--agent", "shell", "true"]);
        assert!(matches!(ran.code(), 1 | 2), "{name:?}: {ran}");
        assert!(!ran.stderr.contains('\u{1b}'), "{ran}");
    }
    assert_eq!(scene.env.json(&scene.repo, &["list"]).as_array().unwrap().len(), titles.len());
}
