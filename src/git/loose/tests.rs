use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::write::create;
use super::{Head, Seen, beginning, head, read};
use crate::git::command::{Git, Place};
use crate::model::id::Oid;
use crate::model::settings::Settings;

/// A repository with two commits on `main`, and git for it.
pub(in crate::git) fn repository() -> (tempfile::TempDir, Git, Place, [Oid; 2]) {
    let root = tempfile::tempdir().unwrap();
    let environment = [
        ("PATH", std::env::var_os("PATH").unwrap()),
        ("HOME", root.path().as_os_str().to_owned()),
        ("GIT_CONFIG_NOSYSTEM", "1".into()),
    ]
    .map(|(key, value)| (key.into(), value));
    let git =
        Git::new(&Settings::default(), &root.path().join("state"), &environment, super::super::command::LOCK_WAIT)
            .unwrap();
    let files = root.path().join("r");
    fs::create_dir(&files).unwrap();
    let outside = Place::Anywhere(files.clone());
    git.ask(&outside).args(["init", "-q", "-b", "main"]).writes().ok().unwrap();
    let common = files.canonicalize().unwrap().join(".git");
    let place = Place::Worktree { git_dir: common.clone(), common_dir: common, files };
    let tree = git.call(&place).args(["mktree"]).writes().oid().unwrap();
    let commits = ["one", "two"].map(|message| {
        let call = git.call(&place).args(["commit-tree", tree.as_str(), "-m", message]).writes();
        super::super::snapshot::as_somebody(&git, &place, call).unwrap().oid().unwrap()
    });
    git.call(&place).args(["update-ref", "refs/heads/main", commits[0].as_str()]).writes().ok().unwrap();
    (root, git, place, commits)
}

pub(in crate::git) fn by_git(git: &Git, place: &Place, name: &str) -> Option<Oid> {
    git.call(place).args(["rev-parse", "--verify", "-q", "--end-of-options", name]).maybe_oid().unwrap()
}

const NAMES: [&str; 6] = [
    "HEAD",
    "refs/heads/main",
    "refs/heads/a/b",
    "refs/heads/a",
    "refs/divisi/checkpoints/x/start",
    "refs/divisi/landing/x.l1",
];

/// Whatever git did to refs, their files say what git says; and they do say something, or the reading would be of no use.
#[test]
fn the_files_say_what_git_says() {
    let (_root, git, place, [one, two]) = repository();
    let mut known = 0;
    let mut seed = 7_u64;
    for step in 0..120 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let name = NAMES[1 + (seed >> 33) as usize % 5];
        let to = if seed >> 20 & 1 == 0 { &one } else { &two };
        let call = match (seed >> 50) % 8 {
            0 => git.call(&place).args(["pack-refs", "--all"]),
            1 => git.call(&place).args(["pack-refs", "--all", "--no-prune"]),
            2 | 3 => git.call(&place).args(["update-ref", "-d", name]),
            4 => git.call(&place).args(["symbolic-ref", "HEAD", "refs/heads/a/b"]),
            5 => git.call(&place).args(["symbolic-ref", "HEAD", "refs/heads/main"]),
            _ => git.call(&place).args(["update-ref", name, to.as_str()]),
        };
        // Names that are in each other's way are refused, which is fine here.
        call.writes().run().unwrap();
        for name in NAMES {
            if let Seen::Known(found) = read(&place, name) {
                known += 1;
                assert_eq!(found, by_git(&git, &place, name), "{name} after step {step}");
            }
        }
        for prefix in ["refs/divisi/checkpoints/x/", "refs/divisi/landing/x.", "refs/heads/a"] {
            let Seen::Known(mut found) = beginning(place.common_dir().unwrap(), prefix) else { panic!("{prefix}") };
            found.sort();
            let listed = git.call(&place).args(["for-each-ref", "--format=%(refname) %(objectname)"]).text().unwrap();
            let listed: Vec<(String, Oid)> = listed
                .lines()
                .filter_map(|line| line.split_once(' '))
                .filter(|(name, _)| name.starts_with(prefix))
                .map(|(name, oid)| (name.to_owned(), Oid(oid.to_owned())))
                .collect();
            assert_eq!(found, listed, "{prefix} after step {step}");
        }
    }
    assert_eq!(known, 120 * NAMES.len(), "every one of these names is an ordinary one");
}

#[test]
fn what_is_odd_is_for_git() {
    let (root, git, place, [one, _]) = repository();
    let common = place.common_dir().unwrap();
    let heads = common.join("refs/heads");
    fs::write(heads.join("damaged"), "not an object id\n").unwrap();
    fs::write(heads.join("symbolic"), "ref: refs/heads/main\n").unwrap();
    symlink(common.join("refs/heads/main"), heads.join("link")).unwrap();
    fs::write(root.path().join("secret"), format!("{one}\n")).unwrap();
    symlink(root.path().join("secret"), heads.join("outside")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        heads.join("fifo"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    for name in ["damaged", "symbolic", "link", "outside", "fifo"] {
        assert_eq!(read(&place, &format!("refs/heads/{name}")), Seen::Unsure, "{name}");
    }
    assert_eq!(beginning(common, "refs/heads/"), Seen::Unsure);
    for name in
        ["main", "ORIG_HEAD", "refs/heads/../HEAD", "refs/heads/main^{tree}", "refs/heads/main@{1}", "refs/stash"]
    {
        assert_eq!(read(&place, name), Seen::Unsure, "{name}");
    }
    assert_eq!(read(&place, "refs/heads/nothing"), Seen::Known(None));
    assert_eq!(read(&place, "refs/heads/main/below"), Seen::Known(None));
    assert_eq!(head(&place), Seen::Known(Head::Ref("refs/heads/main".to_owned())));
    git.call(&place).args(["update-ref", "--no-deref", "HEAD", one.as_str()]).writes().ok().unwrap();
    assert_eq!(head(&place), Seen::Known(Head::Detached(one)));
    let mut large = fs::read_to_string(common.join("packed-refs")).unwrap_or_default();
    large.push_str(&"# a comment\n".repeat(50_000));
    fs::write(common.join("packed-refs"), large).unwrap();
    assert_eq!(read(&place, "refs/heads/nothing"), Seen::Unsure, "a large file is git's to search");
    assert_eq!(read(&Place::Anywhere(Path::new("/").to_owned()), "HEAD"), Seen::Unsure);
}

#[test]
fn another_storage_is_for_git() {
    let (_root, _git, place, _) = repository();
    fs::create_dir(place.common_dir().unwrap().join("reftable")).unwrap();
    assert_eq!(read(&place, "refs/heads/main"), Seen::Unsure);
    assert_eq!(read(&place, "HEAD"), Seen::Unsure);
    assert_eq!(beginning(place.common_dir().unwrap(), "refs/divisi/landing/x."), Seen::Unsure);
}

#[test]
fn a_ref_of_ours_is_made_once_and_git_sees_it() {
    let (_root, git, place, [one, two]) = repository();
    let common = place.common_dir().unwrap();
    let name = "refs/divisi/preserved/aaaa";
    assert!(create(common, name, &one));
    assert_eq!(by_git(&git, &place, name), Some(one.clone()));
    assert!(!create(common, name, &two), "it exists");
    git.call(&place).args(["pack-refs", "--all"]).writes().ok().unwrap();
    assert!(!create(common, name, &two), "it exists, packed");
    assert_eq!(by_git(&git, &place, name), Some(one.clone()));
    assert!(!create(common, "refs/divisi/preserved", &one), "refs are below it");
    assert!(!create(common, "refs/heads/x/work", &one), "not a branch of ours");
    fs::create_dir_all(common.join("refs/divisi/preserved")).unwrap();
    fs::write(common.join("refs/divisi/preserved/bbbb.lock"), "").unwrap();
    assert!(!create(common, "refs/divisi/preserved/bbbb", &one), "somebody is at work there");
    assert_eq!(fs::read_dir(common.join("divisi")).unwrap().count(), 0, "nothing is left aside");
    let elsewhere = tempfile::tempdir().unwrap();
    symlink(elsewhere.path(), common.join("refs/divisi/linked")).unwrap();
    assert!(!create(common, "refs/divisi/linked/cccc", &one), "nothing is written through a link");
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}
