//! Every kind of repository works or is refused in one clear sentence.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use divisi::host::port::Git as _;
use divisi::model::diff::DiffRange;
use divisi::model::landing::{LandingState, Strategy};
use divisi::model::settings::Settings;
use divisi::model::worktree::Worktree;

use super::fixture::{Fixture, put, read};

/// The whole life of a session.
fn life(fixture: &Fixture, worktree: &Worktree) {
    let driver = &fixture.driver;
    driver.create_worktree(worktree).unwrap();
    let path = Path::new(&worktree.path);
    assert_eq!(fixture.git_in(path, &["status", "--porcelain"]), "");
    let made_file = format!("made by {}.txt", worktree.session);
    put(path, &made_file, "made\n");
    assert_eq!(driver.diff(worktree, &DiffRange::Session, None, false).unwrap().stat.files, 1);
    let made = driver.checkpoint(worktree, &worktree.base.commit, "divisi: turn", None).unwrap();
    assert_eq!(made.stat.files, 1);
    put(path, "left.txt", "left\n");
    assert_eq!(driver.unlanded(worktree).unwrap().dirty, 1);
    if worktree.base.branch.is_some() {
        let landing = fixture.landing(worktree, Strategy::Squash);
        let state = driver.land(worktree, &landing).unwrap();
        let LandingState::Completed { commit, .. } = state else { panic!("{state:?}") };
        assert_eq!(
            fixture.git_in(Path::new(&worktree.common_dir), &["show", &format!("{commit}:{made_file}")]),
            "made"
        );
    }
    driver.remove_worktree(worktree).unwrap();
    assert_eq!(driver.restore_worktree(worktree).unwrap(), made.head);
    assert_eq!(read(path, "left.txt"), "left\n");
    assert_eq!(fixture.git_in(path, &["status", "--porcelain"]), "?? left.txt");
    driver.remove_worktree(worktree).unwrap();
    driver.clean_worktree(worktree).unwrap();
    assert!(driver.scan(&worktree.repository, &[]).unwrap().iter().all(|finding| finding.kind == "leftover"));
}

fn refused(fixture: &Fixture, path: &Path, label: Option<&str>) -> String {
    let refusal = fixture.driver.resolve_base(path.to_str().unwrap(), label).unwrap_err();
    assert!(!refusal.hints.is_empty(), "{refusal}");
    refusal.message
}

#[test]
fn an_ordinary_one() {
    let fixture = Fixture::new();
    life(&fixture, &fixture.intend("aaaa", "one", None));
}

#[test]
fn a_bare_one() {
    let fixture = Fixture::new();
    let bare = fixture.path().join("bare.git");
    fixture.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
    let facts = fixture.driver.inspect(bare.to_str().unwrap()).unwrap();
    assert_eq!(facts.repository, facts.common_dir);
    assert!(facts.worktrees_root.ends_with("bare.git.worktrees"), "{}", facts.worktrees_root);
    life(&fixture, &fixture.intend_at(&bare, "aaaa", "one", None));
    // And from a worktree of it.
    let linked = fixture.path().join("linked");
    fixture.git_in(&bare, &["worktree", "add", "-q", "-b", "side", linked.to_str().unwrap()]);
    let worktree = fixture.intend_at(&linked, "bbbb", "two", None);
    assert_eq!(worktree.base.branch.as_deref(), Some("refs/heads/side"));
    assert_eq!(worktree.repository, facts.repository);
    life(&fixture, &worktree);
}

#[test]
fn a_linked_worktree_as_the_starting_point() {
    let fixture = Fixture::new();
    let linked = fixture.path().join("linked");
    fixture.git(&["worktree", "add", "-q", "-b", "side", linked.to_str().unwrap()]);
    put(&linked, "sub/x", "x");
    let worktree = fixture.intend_at(&linked.join("sub"), "aaaa", "one", None);
    assert_eq!(worktree.repository, fixture.repo.to_str().unwrap());
    assert_eq!(worktree.base.label, "side");
    assert!(worktree.path.starts_with(fixture.repo.join(".worktrees").to_str().unwrap()));
    life(&fixture, &worktree);
}

#[test]
fn one_with_submodules_and_one_that_is_a_submodule() {
    let fixture = Fixture::new();
    let library = fixture.path().join("library");
    fs::create_dir(&library).unwrap();
    fixture.git_in(&library, &["init", "-q", "-b", "main"]);
    put(&library, "l.txt", "l\n");
    fixture.git_in(&library, &["add", "-A"]);
    fixture.git_in(&library, &["commit", "-qm", "library"]);
    fixture.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", library.to_str().unwrap(), "sub"]);
    fixture.git(&["commit", "-qm", "a submodule"]);
    let worktree = fixture.intend("aaaa", "one", None);
    let made = fixture.driver.create_worktree(&worktree).unwrap();
    assert!(made.notes.iter().any(|note| note.contains("submodules")), "{:?}", made.notes);
    fixture.driver.clean_worktree(&worktree).unwrap();
    life(&fixture, &worktree);
    let inside = fixture.intend_at(&fixture.repo.join("sub"), "bbbb", "two", None);
    assert_eq!(inside.repository, fixture.repo.join("sub").to_str().unwrap());
    life(&fixture, &inside);
}

#[test]
fn a_sparse_checkout_and_a_sparse_index() {
    for index in ["--no-sparse-index", "--sparse-index"] {
        let fixture = Fixture::new();
        fixture.commit("big/one/x.txt", "x\n");
        fixture.git(&["sparse-checkout", "set", "--cone", index, "dir"]);
        let worktree = fixture.intend("aaaa", "one", None);
        fixture.driver.create_worktree(&worktree).unwrap();
        let path = Path::new(&worktree.path);
        assert!(path.join("dir/c.txt").exists() && path.join("a.txt").exists());
        assert!(!path.join("big").exists(), "{index}");
        fixture.driver.clean_worktree(&worktree).unwrap();
        life(&fixture, &worktree);
        assert_eq!(fixture.git(&["show", "main:big/one/x.txt"]), "x");
    }
}

#[test]
fn a_partial_clone() {
    let fixture = Fixture::new();
    fixture.git(&["config", "uploadpack.allowFilter", "true"]);
    fixture.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
    let clone = fixture.path().join("clone");
    let url = format!("file://{}", fixture.repo.display());
    fixture.git(&["clone", "-q", "--filter=blob:none", "--no-checkout", &url, clone.to_str().unwrap()]);
    let worktree = fixture.intend_at(&clone, "aaaa", "one", None);
    let made = fixture.driver.create_worktree(&worktree).unwrap();
    assert_eq!(made.head, worktree.base.commit);
    assert_eq!(read(Path::new(&worktree.path), "dir/c.txt"), "c\n");
    put(Path::new(&worktree.path), "x", "x\n");
    assert!(
        fixture.driver.checkpoint(&worktree, &worktree.base.commit, "divisi: turn", None).unwrap().commit.is_some()
    );
    fixture.driver.remove_worktree(&worktree).unwrap();
    // Without the remote the missing objects cannot be had: said, and nothing is left.
    fs::rename(&fixture.repo, fixture.path().join("away")).unwrap();
    let other = fixture.path().join("other");
    fixture.git_in(
        &fixture.path(),
        &[
            "clone",
            "-q",
            "--filter=blob:none",
            "--no-checkout",
            &format!("file://{}/away", fixture.path().display()),
            other.to_str().unwrap(),
        ],
    );
    let worktree = fixture.intend_at(&other, "bbbb", "two", None);
    fs::rename(fixture.path().join("away"), fixture.path().join("gone")).unwrap();
    let refusal = fixture.driver.create_worktree(&worktree).unwrap_err();
    assert!(refusal.hints.iter().any(|hint| hint.contains("git fetch")), "{refusal:?}");
    assert!(!Path::new(&worktree.path).exists());
    assert_eq!(fixture.git_in(&other, &["for-each-ref", "refs/heads/divisi"]), "");
}

#[test]
fn one_with_lfs() {
    let fixture = Fixture::new();
    fixture.write(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n");
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n";
    fixture.write("big.bin", pointer);
    fixture.git(&["add", "-A"]);
    fixture.git(&["commit", "-qm", "lfs"]);
    for key in ["filter.lfs.clean", "filter.lfs.smudge", "filter.lfs.process"] {
        fixture.git(&["config", key, "git-lfs-that-is-not-installed"]);
    }
    fixture.git(&["config", "filter.lfs.required", "true"]);
    let worktree = fixture.intend("aaaa", "one", None);
    let made = fixture.driver.create_worktree(&worktree).unwrap();
    assert!(made.notes.iter().any(|note| note.contains("LFS")), "{:?}", made.notes);
    assert_eq!(read(Path::new(&worktree.path), "big.bin"), pointer);
    fixture.driver.clean_worktree(&worktree).unwrap();
    // The fixture's own git would miss the filter, so it is taken away before the rest.
    fixture.git(&["config", "--remove-section", "filter.lfs"]);
    life(&fixture, &worktree);
}

/// Asked to keep large files, the driver runs `git-lfs` by that name and nothing that the repository says instead.
#[test]
fn lfs_by_name() {
    let fixture = Fixture::with(&["init", "-q", "-b", "main"], &Settings { lfs: true, ..Settings::default() });
    fixture.write(".gitattributes", "*.bin filter=lfs\n");
    fixture.write("big.bin", "pointer\n");
    fixture.git(&["add", "-A"]);
    fixture.git(&["commit", "-qm", "lfs"]);
    let worktree = fixture.intend("aaaa", "one", None);
    match fixture.driver.create_worktree(&worktree) {
        Ok(_) => {}
        Err(refusal) => {
            assert!(refusal.message.contains("git-lfs"), "{refusal}");
            assert_eq!(fixture.residue(), Vec::<String>::new());
        }
    }
}

#[test]
fn a_reftable() {
    let probe = tempfile::tempdir().unwrap();
    let fixture = Fixture::new();
    if !fixture.run_in(probe.path(), &["init", "-q", "--ref-format=reftable"]).status.success() {
        eprintln!("skipped: this git cannot make repositories with a reftable");
        return;
    }
    let fixture = Fixture::with(&["init", "-q", "-b", "main", "--ref-format=reftable"], &Settings::default());
    let worktree = fixture.intend("aaaa", "one", None);
    life(&fixture, &worktree);
    // Interrupted while git registered it.
    fixture.driver.clean_worktree(&worktree).unwrap();
    fixture.driver.create_worktree(&worktree).unwrap();
    fs::remove_file(fixture.repo.join(".git/worktrees/divisi-aaaa/divisi")).unwrap();
    fixture.driver.clean_worktree(&worktree).unwrap();
    assert!(!Path::new(&worktree.path).exists());
    assert_eq!(fixture.git(&["for-each-ref", "refs/heads/divisi"]), "");
}

#[test]
fn sha256_objects() {
    let fixture = Fixture::with(&["init", "-q", "-b", "main", "--object-format=sha256"], &Settings::default());
    let worktree = fixture.intend("aaaa", "one", None);
    assert_eq!(worktree.base.commit.as_str().len(), 64);
    life(&fixture, &worktree);
}

#[test]
fn no_commits_yet_an_unborn_branch_and_a_detached_head() {
    let fixture = Fixture::empty(&["init", "-q", "-b", "main"], &Settings::default());
    fixture.driver.inspect(fixture.repo.to_str().unwrap()).unwrap();
    assert!(refused(&fixture, &fixture.repo, None).contains("no commits yet"));
    fixture.commit("a", "a\n");
    fixture.git(&["checkout", "-q", "--orphan", "empty"]);
    assert!(refused(&fixture, &fixture.repo, None).contains("empty, has no commits yet"));
    life(&fixture, &fixture.intend("aaaa", "one", Some("main")));
    fixture.git(&["checkout", "-q", "-f", "--detach", "main"]);
    let worktree = fixture.intend("bbbb", "two", None);
    assert_eq!(worktree.base.branch, None);
    life(&fixture, &worktree);
    let worktree = fixture.worked("cccc", "three", "x", "x\n");
    let refusal = fixture.driver.preflight(&worktree, None, &[]).unwrap_err();
    assert!(refusal.hints[0].contains("--onto"), "{refusal:?}");
    assert!(fixture.driver.preflight(&worktree, Some("main"), &[]).unwrap().ready);
}

#[test]
fn spaces_and_bytes_in_paths() {
    let fixture = Fixture::new();
    let spaced = fixture.path().join("with space's \u{fc}");
    fixture.git(&["clone", "-q", ".", spaced.to_str().unwrap()]);
    let raw = std::ffi::OsStr::from_bytes(b"n\xffme");
    fs::write(spaced.join(raw), "x\n").unwrap();
    fixture.git_in(&spaced, &["add", "-A"]);
    fixture.git_in(&spaced, &["commit", "-qm", "raw"]);
    let worktree = fixture.intend_at(&spaced, "aaaa", "one", None);
    life(&fixture, &worktree);
    let odd = fixture.path().join(std::ffi::OsStr::from_bytes(b"re\xffpo"));
    fs::rename(&spaced, &odd).unwrap();
    std::os::unix::fs::symlink(&odd, fixture.path().join("link")).unwrap();
    assert!(refused(&fixture, &fixture.path().join("link"), None).contains("UTF-8"));
}

#[test]
fn what_is_no_repository() {
    let fixture = Fixture::new();
    let plain = fixture.path().join("plain");
    fs::create_dir(&plain).unwrap();
    assert!(refused(&fixture, &plain, None).contains("not inside a git repository"));
    let refusal = fixture.driver.inspect("relative").unwrap_err();
    assert!(refusal.message.contains("absolute"), "{refusal}");
    let refusal = fixture.driver.inspect(fixture.path().join("nowhere").to_str().unwrap()).unwrap_err();
    assert!(refusal.message.contains("does not exist"), "{refusal}");
    let elsewhere = fixture.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fixture.git(&["config", "core.worktree", elsewhere.to_str().unwrap()]);
    let refusal = fixture.driver.inspect(fixture.repo.to_str().unwrap()).map(|facts| facts.repository).unwrap_err();
    assert!(refusal.message.contains("core.worktree"), "{refusal}");
}

#[test]
fn bases_by_every_kind_of_name() {
    let fixture = Fixture::new();
    let first = fixture.git(&["rev-parse", "HEAD"]);
    fixture.git(&["tag", "-m", "annotated", "v1"]);
    fixture.git(&["branch", "feature/x"]);
    fixture.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    fixture.git(&["update-ref", "refs/remotes/origin/pr/7", "HEAD"]);
    fixture.git(&["update-ref", "refs/pull/8/head", "HEAD"]);
    fixture.commit("later", "l\n");
    let repo = fixture.repo.to_str().unwrap();
    let resolve = |label: &str| fixture.driver.resolve_base(repo, Some(label)).unwrap().base;
    for (label, branch) in [
        ("v1", None),
        ("feature/x", Some("refs/heads/feature/x")),
        ("refs/heads/feature/x", Some("refs/heads/feature/x")),
        ("origin/main", None),
        ("pr:7", None),
        ("pr:8", None),
        (&first[..], None),
        (&first[..9], None),
        ("main~1", None),
    ] {
        let base = resolve(label);
        assert_eq!(base.commit.0, first, "{label}");
        assert_eq!(base.branch.as_deref(), branch, "{label}");
    }
    let main = fixture.driver.resolve_base(repo, None).unwrap();
    assert_eq!((main.base.label.as_str(), main.base.branch.as_deref()), ("main", Some("refs/heads/main")));
    fixture.git(&["remote", "add", "origin", "somewhere"]);
    let refusal = fixture.driver.resolve_base(repo, Some("pr:9")).unwrap_err();
    assert_eq!(refusal.hints, ["git fetch origin pull/9/head:refs/remotes/origin/pr/9"]);
    for label in
        ["", "-x", "--help", "a\nb", "nowhere", "HEAD:a.txt", "main..v1", "pr:x", "pr:", "v1^{tree}", "\u{1b}[m"]
    {
        let refusal = fixture.driver.resolve_base(repo, Some(label)).unwrap_err();
        assert!(!refusal.message.chars().any(char::is_control), "{label:?}");
    }
    fixture.git(&["branch", "divisi"]);
    assert!(refused(&fixture, &fixture.repo, None).contains("'divisi'"));
}

#[test]
fn a_configuration_of_the_repository_is_read_and_not_followed() {
    let fixture = Fixture::new();
    let repo = fixture.repo.to_str().unwrap();
    let none = fixture.driver.repository_config(repo).unwrap();
    assert_eq!((none.path, none.text.as_str()), (None, ""));
    fixture.write(".divisi.toml", "setup = []\n");
    let config = fixture.driver.repository_config(repo).unwrap();
    assert_eq!(config.text, "setup = []\n");
    assert_eq!(config.digest, "a8f66ff7ff31438d15874f7432d4a42172be6825a6f870851404d9e86580be95");
    assert!(!config.trusted);
    assert_eq!(fixture.driver.resolve_base(repo, None).unwrap().config, Some(config));
    fs::remove_file(fixture.repo.join(".divisi.toml")).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", fixture.repo.join(".divisi.toml")).unwrap();
    fixture.driver.repository_config(repo).unwrap_err();
}

#[test]
fn a_base_is_found_with_few_processes() {
    let fixture = Fixture::new();
    let repo = fixture.repo.to_str().unwrap();
    fixture.driver.resolve_base(repo, None).unwrap();
    let before = fixture.driver.processes();
    fixture.driver.resolve_base(repo, None).unwrap();
    // One more than usual when the configuration was written so recently that its names are read again.
    assert!(fixture.driver.processes() - before <= 5, "{}", fixture.driver.processes() - before);
}
