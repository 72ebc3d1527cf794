//! Repositories of every kind: each works, or is refused in one clear sentence.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::scene::Scene;
use crate::support::{TestEnv, skip::skip};

/// Starts a session in `dir` and lands what it made.
#[track_caller]
fn works(env: &TestEnv, dir: &Path, name: &str, branch: &str) {
    env.divisi_in(dir, &["new", "--name", name, "--agent", "shell", "--wait", "echo made > made.txt"]).ok();
    env.divisi_in(dir, &["diff", name, "--stat"]).ok();
    env.divisi_in(dir, &["land", name, "--onto", branch]).ok();
    assert_eq!(env.git(dir, &["show", &format!("{branch}:made.txt")]), "made");
    env.divisi_in(dir, &["remove", name]).ok();
}

#[track_caller]
fn refused(env: &TestEnv, dir: &Path, words: &str) {
    let ran = env.divisi_in(dir, &["new", "--agent", "shell", "true"]);
    ran.exits(1);
    assert!(ran.stderr.contains(words), "{ran}");
}

#[test]
fn a_bare_repository() {
    let scene = Scene::new();
    scene.env.git("", &["clone", "--quiet", "--bare", "repo", "bare.git"]);
    works(&scene.env, &scene.env.path("bare.git"), "in-bare", "main");
}

#[test]
fn a_linked_worktree_as_the_starting_point() {
    let scene = Scene::new();
    scene.env.git(&scene.repo, &["worktree", "add", "--quiet", "-b", "feature", "../linked"]);
    let linked = scene.env.path("linked");
    works(&scene.env, &linked, "from-linked", "feature");
    assert!(linked.join("made.txt").exists(), "the clean checkout of the base follows");
}

#[test]
fn submodules_are_not_populated_and_that_is_said() {
    let scene = Scene::new();
    scene.env.repo("library");
    let library = scene.env.path("library");
    scene.env.git(
        &scene.repo,
        &["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", library.to_str().unwrap(), "library"],
    );
    scene.env.git(&scene.repo, &["commit", "--quiet", "--message", "Add a submodule"]);
    scene.shell("sub", "ls -A library | wc -l").ok();
    assert_eq!(scene.spoken("sub").trim(), "0");
    let events = scene.events("sub");
    let notes =
        events.iter().find(|event| event["payload"]["state"] == "ready").unwrap()["payload"]["notes"].to_string();
    assert!(notes.contains("submodule"), "{notes}");
    works(&scene.env, &scene.repo, "sub-two", "main");
}

#[test]
fn a_sparse_checkout_with_a_sparse_index() {
    let scene = Scene::new();
    scene.env.write("repo/big/file.txt", "big\n");
    scene.env.write("repo/small/file.txt", "small\n");
    scene.env.git(&scene.repo, &["add", "--all"]);
    scene.env.git(&scene.repo, &["commit", "--quiet", "--message", "Two folders"]);
    scene.env.git(&scene.repo, &["sparse-checkout", "set", "--cone", "--sparse-index", "small"]);
    works(&scene.env, &scene.repo, "sparse", "main");
}

#[test]
fn a_partial_clone() {
    let scene = Scene::new();
    scene.env.git(&scene.repo, &["config", "uploadpack.allowFilter", "true"]);
    let url = format!("file://{}", scene.repo.display());
    scene.env.git("", &["clone", "--quiet", "--filter=blob:none", &url, "partial"]);
    works(&scene.env, &scene.env.path("partial"), "in-partial", "main");
}

#[test]
fn large_files_stay_pointers_and_that_is_said() {
    let scene = Scene::new();
    scene.env.write("repo/.gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n");
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";
    scene.env.write("repo/large.bin", pointer);
    scene.env.git(&scene.repo, &["add", "--all"]);
    scene.env.git(&scene.repo, &["commit", "--quiet", "--message", "A large file"]);
    scene.env.git(&scene.repo, &["config", "filter.lfs.smudge", "git-lfs smudge -- %f"]);
    scene.env.git(&scene.repo, &["config", "filter.lfs.required", "true"]);
    scene.shell("lfs", "cat large.bin").ok();
    assert_eq!(scene.spoken("lfs"), pointer);
    let events = scene.events("lfs");
    let notes =
        events.iter().find(|event| event["payload"]["state"] == "ready").unwrap()["payload"]["notes"].to_string();
    assert!(notes.contains("LFS"), "{notes}");
}

#[test]
fn a_repository_with_reftable_or_sha256() {
    let scene = Scene::new();
    for (name, option) in [("reftable", "--ref-format=reftable"), ("sha256", "--object-format=sha256")] {
        let mut init = scene.env.command("git");
        init.args(["init", "--quiet", option, name]);
        if !init.status().unwrap().success() {
            skip("a_repository_with_reftable_or_sha256", &format!("this git has no {option}"));
            continue;
        }
        let dir = scene.env.path(name);
        scene.env.write(dir.join("a.txt"), "a\n");
        scene.env.git(&dir, &["add", "--all"]);
        scene.env.git(&dir, &["commit", "--quiet", "--message", "First"]);
        works(&scene.env, &dir, &format!("in-{name}"), "main");
    }
}

#[test]
fn without_commits_there_is_nothing_to_grow_from() {
    let scene = Scene::new();
    std::fs::create_dir(scene.env.path("empty")).unwrap();
    scene.env.git("empty", &["init", "--quiet"]);
    refused(&scene.env, &scene.env.path("empty"), "no commits");
    // An unborn branch beside others: a base has to be named.
    scene.env.git(&scene.repo, &["symbolic-ref", "HEAD", "refs/heads/unborn"]);
    refused(&scene.env, &scene.repo, "unborn");
    scene
        .divisi(&["new", "--name", "named", "--agent", "shell", "--base", "main", "--wait", "echo made > made.txt"])
        .ok();
    std::fs::create_dir(scene.env.path("nothing")).unwrap();
    refused(&scene.env, &scene.env.path("nothing"), "not inside a git repository");
}

#[test]
fn a_detached_head_and_bases_of_every_kind() {
    let scene = Scene::new();
    scene.env.git(&scene.repo, &["tag", "v1"]);
    let commit = scene.env.git(&scene.repo, &["rev-parse", "HEAD"]);
    scene.env.git(&scene.repo, &["update-ref", "refs/pull/7/head", "HEAD~1"]);
    scene.env.git(&scene.repo, &["checkout", "--quiet", "--detach"]);
    for (number, base) in
        [None, Some("main"), Some("v1"), Some(&commit[..12]), Some("HEAD~1"), Some("pr:7")].into_iter().enumerate()
    {
        let name = format!("base{number}");
        let mut arguments = vec!["new", "--name", &name, "--agent", "shell", "--wait"];
        arguments.extend(base.map(|base| ["--base", base]).into_iter().flatten());
        arguments.push("echo made > made.txt");
        scene.divisi(&arguments).ok();
        scene.divisi(&["land", &name, "--onto", "main"]).ok();
        scene.env.git(&scene.repo, &["update-ref", "refs/heads/main", &commit]);
    }
    scene.divisi(&["new", "--base", "pr:8", "--agent", "shell", "true"]).exits(1);
    scene.divisi(&["new", "--base", "--upload-pack=evil", "--agent", "shell", "true"]).exits(2);
}

#[test]
fn spaces_and_bytes_that_are_not_text_in_paths() {
    let scene = Scene::new();
    std::fs::rename(&scene.repo, scene.env.path("a repository with 'quotes'")).unwrap();
    let spaced = scene.env.path("a repository with 'quotes'");
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9 \xff.txt");
    std::fs::write(spaced.join(name), "odd name\n").unwrap();
    scene.env.git(&spaced, &["add", "--all"]);
    scene.env.git(&spaced, &["commit", "--quiet", "--message", "An odd name"]);
    scene
        .env
        .divisi_in(
            &spaced,
            &[
                "new",
                "--name",
                "odd",
                "--agent",
                "shell",
                "--wait",
                "for f in caf*; do echo changed > \"$f\"; done; echo made > made.txt",
            ],
        )
        .ok();
    let diff = scene.env.json(&spaced, &["diff", "odd"]);
    assert_eq!(diff["stat"]["files"], 2, "{diff}");
    let hunk = diff["files"][0]["hunks"][0]["id"].as_str().unwrap();
    scene.env.divisi_in(&spaced, &["reject", "odd", hunk]).ok();
    works(&scene.env, &spaced, "spaced", "main");
    // A directory whose own name is not text is refused, since it could not be shown or stored truly.
    let dir = scene.env.root().join(std::ffi::OsStr::from_bytes(b"bad\xff"));
    std::fs::create_dir(&dir).unwrap();
    scene.env.git(&dir, &["init", "--quiet"]);
    refused(&scene.env, &dir, "UTF-8");
}

#[test]
fn untracked_files_that_a_worktree_needs_come_along() {
    let scene = Scene::new();
    scene.env.write("repo/.gitignore", ".env\nnode_modules/\nsecret.key\n");
    scene.env.write("repo/.worktreeinclude", ".env\nnode_modules/\n");
    scene.env.git(&scene.repo, &["add", "--all"]);
    scene.env.git(&scene.repo, &["commit", "--quiet", "--message", "Includes"]);
    scene.env.write("repo/.env", "A=1\n");
    scene.env.write("repo/node_modules/pkg/index.js", "1\n");
    scene.env.write("repo/secret.key", "no\n");
    scene
        .shell(
            "inc",
            "cat .env node_modules/pkg/index.js; ls secret.key 2>/dev/null; cat AGENT_CONTEXT/task.md > /dev/null",
        )
        .ok();
    assert_eq!(scene.spoken("inc"), "A=1\n1\n");
    assert_eq!(scene.show("inc")["stat"]["files"], 0, "neither they nor the context are committed");
}
