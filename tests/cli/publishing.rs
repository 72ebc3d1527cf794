//! `divisi land --patch` and `--pr`.

use crate::support::TestEnv;

#[test]
fn a_patch_goes_to_a_file_or_to_standard_output() {
    let env = TestEnv::new();
    let repo = env.repo("repo");
    env.divisi_in(
        &repo,
        &["new", "--agent", "shell", "--name", "change", "--wait", "echo x > x.txt; echo y >> README.md"],
    )
    .ok();
    let file = env.path("change.patch");
    env.divisi_in(&repo, &["land", "change", "--patch", file.to_str().unwrap()]).ok();
    let printed = env.divisi_in(&repo, &["land", "change", "--patch", "-"]).ok().stdout.clone();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), printed);
    env.git(&repo, &["apply", "--check", file.to_str().unwrap()]);
    assert_eq!(env.git(&repo, &["rev-list", "--count", "main"]), "1", "nothing was landed");
    env.divisi_in(&repo, &["remove", "change", "--discard"]).ok();
}

#[test]
fn a_pull_request_is_pushed_and_opened_with_gh() {
    let mut env = TestEnv::new();
    let repo = env.repo("repo");
    env.git("", &["init", "--quiet", "--bare", "origin.git"]);
    env.git(&repo, &["remote", "add", "origin", env.path("origin.git").to_str().unwrap()]);
    env.divisi_in(&repo, &["new", "--agent", "shell", "--name", "change", "--wait", "echo x > x.txt"]).ok();
    let before = env.divisi_in(&repo, &["land", "change", "--pr", "-m", "Add x\n\nBecause."]);
    if before.code() == 1 {
        assert!(before.stderr.contains("gh is needed"), "{before}");
    }
    env.script("bin/gh", "echo \"asked: $*\"; cat\n");
    let path = format!("{}:{}", env.path("bin").display(), std::env::var("PATH").unwrap());
    env.set("PATH", path);
    let ran = env.divisi_in(&repo, &["land", "change", "--pr", "-m", "Add x\n\nBecause."]);
    assert!(ran.ok().stdout.contains("--head divisi/change/work --base main --title Add x"), "{ran}");
    assert!(ran.stdout.ends_with("Because.\n"), "{ran}");
    let pushed = env.git("origin.git", &["rev-parse", "refs/heads/divisi/change/work"]);
    assert_eq!(pushed, env.json(&repo, &["preflight", "change"])["head"].as_str().unwrap());
    env.divisi_in(&repo, &["remove", "change", "--discard"]).ok();
}
