//! A repository in which everything that git can be made to run is planted: nothing runs, for any call of the driver.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use divisi::host::port::Git as _;
use divisi::model::diff::DiffRange;
use divisi::model::landing::{LandingState, Strategy};
use divisi::model::worktree::Worktree;

use super::fixture::{Fixture, put};

const HOOKS: &[&str] = &[
    "applypatch-msg",
    "pre-applypatch",
    "post-applypatch",
    "pre-commit",
    "pre-merge-commit",
    "prepare-commit-msg",
    "commit-msg",
    "post-commit",
    "pre-rebase",
    "post-checkout",
    "post-merge",
    "pre-push",
    "reference-transaction",
    "post-rewrite",
    "post-index-change",
    "fsmonitor-watchman",
    "pre-auto-gc",
    "update",
    "pre-receive",
    "post-update",
];

/// Plants a program that leaves a trace; its command line.
fn canary(fixture: &Fixture) -> String {
    let program = fixture.path().join("canary.sh");
    let trace = fixture.path().join("ran");
    fs::write(&program, format!("#!/bin/sh\necho \"$0 $*\" >> '{}'\ncat\nexit 0\n", trace.display())).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    program.to_str().unwrap().to_owned()
}

fn plant(fixture: &Fixture, config: &Path, program: &str) {
    for hook in HOOKS {
        let path = fixture.repo.join(".git/hooks").join(hook);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::copy(program, &path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let hooks = fixture.repo.join(".git/hooks");
    let hooks = hooks.to_str().unwrap();
    let file = config.to_str().unwrap();
    for (key, value) in [
        ("core.hooksPath", hooks),
        ("core.fsmonitor", program),
        ("core.pager", program),
        ("core.editor", program),
        ("core.askPass", program),
        ("core.sshCommand", program),
        ("core.gitProxy", program),
        ("core.alternateRefsCommand", program),
        ("sequence.editor", program),
        ("credential.helper", program),
        ("commit.gpgSign", "true"),
        ("tag.gpgSign", "true"),
        ("log.showSignature", "true"),
        ("gpg.program", program),
        ("gpg.ssh.program", program),
        ("diff.external", program),
        ("diff.evil.command", program),
        ("diff.evil.textconv", program),
        ("merge.evil.driver", program),
        ("merge.a=b.driver", program),
        ("filter.evil.clean", program),
        ("filter.evil.smudge", program),
        ("filter.evil.required", "true"),
        ("filter.a=b.clean", program),
        ("filter.a=b.smudge", program),
        ("filter.proc.process", program),
        ("filter.lfs.clean", program),
        ("filter.lfs.smudge", program),
        ("filter.lfs.process", program),
        ("uploadpack.packObjectsHook", program),
        ("remote.origin.uploadpack", program),
        ("alias.status", &format!("!{program}")),
        ("submodule.recurse", "true"),
        ("rebase.autoStash", "true"),
        ("maintenance.auto", "true"),
        ("gc.auto", "1"),
    ] {
        fixture.git(&["config", "--file", file, key, value]);
    }
}

const ATTRIBUTES: &str = "*.txt filter=evil diff=evil merge=evil\n*.ab filter=a=b merge=a=b\n*.proc filter=proc\n*.lfs filter=lfs diff=lfs merge=lfs -text\n";

/// Calls everything the driver has, at least once.
fn everything(fixture: &Fixture, session: &str, worktree: &Worktree) {
    let driver = &fixture.driver;
    let repository = fixture.repo.to_str().unwrap();
    driver.inspect(repository).unwrap();
    driver.resolve_base(repository, Some("main")).unwrap();
    driver.repository_config(repository).unwrap();
    let path = Path::new(&worktree.path);
    driver.check_worktree(worktree).unwrap();
    driver.write_context(worktree, &[("task.md".to_owned(), "x".to_owned())]).unwrap();
    for name in ["a.txt", "new.txt", "x.ab", "x.proc", "x.lfs"] {
        put(path, name, &format!("{session}\n"));
    }
    driver.diff(worktree, &DiffRange::Session, None, false).unwrap();
    driver.diff(worktree, &DiffRange::Uncommitted, None, true).unwrap();
    driver.patch(worktree, &DiffRange::Session, None).unwrap();
    let diff = driver.diff(worktree, &DiffRange::Session, None, false).unwrap();
    let hunk = diff.files.iter().flat_map(|file| &file.hunks).next().unwrap().id.clone();
    let (_, patch) = driver.find_hunk(worktree, &hunk).unwrap();
    driver.apply(worktree, &patch, true).unwrap();
    driver.apply(worktree, &patch, false).unwrap();
    driver.base_file(worktree, "b.txt").unwrap();
    let made = driver.checkpoint(worktree, &worktree.base.commit, "divisi: turn", None).unwrap();
    assert!(made.commit.is_some());
    driver.unlanded(worktree).unwrap();
    driver.preflight(worktree, None, &[]).unwrap();
    let target = fixture.git_plain_rev("main");
    let landing = fixture.landing(worktree, Strategy::Squash);
    driver.land(worktree, &landing).unwrap();
    // A conflict, continued and given up.
    let tree = fixture.git_plain(&[
        "commit-tree",
        "-p",
        &target,
        "-m",
        "rival",
        &format!("{}^{{tree}}", rival(fixture, worktree)),
    ]);
    fixture.git_plain(&["update-ref", "refs/heads/main", &tree]);
    for strategy in [Strategy::Merge, Strategy::Rebase] {
        let landing = fixture.landing(worktree, strategy);
        let state = driver.land(worktree, &landing).unwrap();
        assert!(matches!(state, LandingState::Conflicted { .. }), "{strategy:?} {state:?}");
        driver.continue_landing(worktree, &landing).unwrap_err();
        driver.abort_landing(worktree, &landing).unwrap();
    }
    put(path, "left.txt", "uncommitted\n");
    driver.preserve(worktree).unwrap().unwrap();
    driver.scan(repository, std::slice::from_ref(worktree)).unwrap();
    driver.remove_worktree(worktree).unwrap();
    driver.restore_worktree(worktree).unwrap();
    driver.remove_worktree(worktree).unwrap();
    driver.clean_worktree(worktree).unwrap();
    driver.fix(repository, &[]).unwrap();
}

/// A commit that changes `a.txt` otherwise than the session.
fn rival(fixture: &Fixture, worktree: &Worktree) -> String {
    let index = fixture.path().join("rival-index");
    let run = |arguments: &[&str], index: &Path| {
        let mut whole = vec!["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false"];
        whole.extend_from_slice(arguments);
        let file = format!("GIT_INDEX_FILE={}", index.display());
        let output = std::process::Command::new("env")
            .arg(file)
            .arg("GIT_CONFIG_NOSYSTEM=1")
            .arg(format!("HOME={}", fixture.path().join("home").display()))
            .arg("git")
            .args(&whole)
            .current_dir(&fixture.repo)
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?} {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    run(&["read-tree", worktree.base.commit.as_str()], &index);
    fs::write(fixture.path().join("rival"), "rival\n").unwrap();
    let file = fixture.path().join("rival");
    let blob = run(&["hash-object", "-w", "--no-filters", file.to_str().unwrap()], &index);
    run(&["update-index", "--cacheinfo", &format!("100644,{blob},a.txt")], &index);
    let tree = run(&["write-tree"], &index);
    run(
        &[
            "-c",
            "user.name=R",
            "-c",
            "user.email=r@r",
            "-c",
            "commit.gpgSign=false",
            "commit-tree",
            "-m",
            "rival",
            &tree,
        ],
        &index,
    )
}

impl Fixture {
    /// Git without what is planted.
    fn git_plain(&self, arguments: &[&str]) -> String {
        let mut whole =
            vec!["-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "commit.gpgSign=false"];
        whole.extend_from_slice(arguments);
        self.git(&whole)
    }

    fn git_plain_rev(&self, name: &str) -> String {
        self.git_plain(&["rev-parse", name])
    }
}

fn assert_nothing_ran(fixture: &Fixture) {
    let trace = fixture.path().join("ran");
    assert!(!trace.exists(), "planted code ran: {}", fs::read_to_string(trace).unwrap());
}

#[test]
fn planted_in_the_repository() {
    let fixture = Fixture::new();
    fixture.write(".gitattributes", ATTRIBUTES);
    fixture.write("x.ab", "x\n");
    fixture.write("x.proc", "x\n");
    fixture.write("x.lfs", "x\n");
    fixture.git(&["add", "-A"]);
    fixture.git(&["commit", "-qm", "attributes"]);
    let program = canary(&fixture);
    plant(&fixture, &fixture.repo.join(".git/config"), &program);
    put(&fixture.repo, ".git/info/attributes", ATTRIBUTES);
    let worktree = fixture.intend("aaaa", "one", None);
    fixture.driver.create_worktree(&worktree).unwrap();
    assert_nothing_ran(&fixture);
    everything(&fixture, "one", &worktree);
    assert_nothing_ran(&fixture);
    // The canary does sing for plain git.
    fixture.run_in(&fixture.repo, &["status"]);
    assert!(fixture.path().join("ran").exists());
}

#[test]
fn planted_by_an_agent_after_the_creation() {
    let fixture = Fixture::new();
    fixture.git(&["config", "extensions.worktreeConfig", "true"]);
    let worktree = fixture.create("aaaa", "one");
    fixture.driver.diff(&worktree, &DiffRange::Session, None, false).unwrap();
    let program = canary(&fixture);
    let admin = fixture.repo.join(".git/worktrees/divisi-aaaa");
    plant(&fixture, &admin.join("config.worktree"), &program);
    put(Path::new(&worktree.path), ".gitattributes", ATTRIBUTES);
    everything(&fixture, "one", &worktree);
    assert_nothing_ran(&fixture);
}

#[test]
fn planted_behind_an_include_and_in_a_submodule() {
    let fixture = Fixture::new();
    let program = canary(&fixture);
    let included = fixture.path().join("included");
    fs::write(&included, "").unwrap();
    fixture.git(&["config", "include.path", included.to_str().unwrap()]);
    let library = fixture.path().join("library");
    fs::create_dir(&library).unwrap();
    fixture.git_in(&library, &["init", "-q"]);
    put(&library, "l.txt", "l\n");
    fixture.git_in(&library, &["add", "-A"]);
    fixture.git_in(&library, &["commit", "-qm", "library"]);
    fixture.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", library.to_str().unwrap(), "sub"]);
    fixture.git(&["commit", "-qm", "a submodule"]);
    let worktree = fixture.create("aaaa", "one");
    fixture.git_in(
        Path::new(&worktree.path),
        &["-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init"],
    );
    let modules = fixture.repo.join(".git/worktrees/divisi-aaaa/modules/sub/config");
    assert!(modules.exists());
    fixture.driver.diff(&worktree, &DiffRange::Session, None, false).unwrap();
    plant(&fixture, &included, &program);
    plant(&fixture, &modules, &program);
    plant(&fixture, &fixture.repo.join(".git/modules/sub/config"), &program);
    put(Path::new(&worktree.path), ".gitattributes", ATTRIBUTES);
    put(&Path::new(&worktree.path).join("sub"), ".gitattributes", ATTRIBUTES);
    let refusal = fixture.driver.preserve(&worktree).unwrap_err();
    assert!(refusal.message.contains("submodule"), "{refusal}");
    assert_nothing_ran(&fixture);
    fs::remove_file(Path::new(&worktree.path).join("sub/.gitattributes")).unwrap();
    everything(&fixture, "one", &worktree);
    assert_nothing_ran(&fixture);
}

#[test]
fn a_worktree_that_points_elsewhere_redirects_nothing() {
    let fixture = Fixture::new();
    let victim = fixture.path().join("victim");
    fs::create_dir(&victim).unwrap();
    fixture.git_in(&victim, &["init", "-q", "-b", "main"]);
    put(&victim, "v.txt", "v\n");
    fixture.git_in(&victim, &["add", "-A"]);
    fixture.git_in(&victim, &["commit", "-qm", "victim"]);
    let before = fixture.git_in(&victim, &["rev-parse", "main"]);
    let worktree = fixture.create("aaaa", "one");
    let path = Path::new(&worktree.path);
    put(path, ".git", &format!("gitdir: {}\n", victim.join(".git").display()));
    put(&fixture.repo.join(".git/worktrees/divisi-aaaa"), "commondir", &format!("{}\n", victim.join(".git").display()));
    fixture.git(&["config", "extensions.worktreeConfig", "true"]);
    put(
        &fixture.repo.join(".git/worktrees/divisi-aaaa"),
        "config.worktree",
        &format!("[core]\n\tworktree = {}\n", victim.display()),
    );
    put(path, "work", "w\n");
    let made = fixture.driver.checkpoint(&worktree, &worktree.base.commit, "divisi: turn", None).unwrap();
    assert_eq!(made.stat.files, 1);
    fixture.driver.remove_worktree(&worktree).unwrap();
    assert_eq!(fixture.git_in(&victim, &["rev-parse", "main"]), before);
    assert_eq!(fixture.git_in(&victim, &["for-each-ref", "--format=%(refname)"]), "refs/heads/main");
    assert_eq!(fixture.git_in(&victim, &["status", "--porcelain"]), "");
    assert_eq!(fixture.git(&["show", "refs/divisi/preserved/aaaa:work"]), "w");
}
