use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use super::{Index, is_untouched};
use crate::git::command::{Git, Place};
use crate::git::loose::tests::repository;
use crate::model::id::Oid;

struct Scene {
    _root: tempfile::TempDir,
    git: Git,
    place: Place,
    files: PathBuf,
}

impl Scene {
    /// A worktree with files in directories, a link and a program, committed a while ago.
    fn new() -> Self {
        let (root, git, main, _) = repository();
        let common_dir = main.common_dir().unwrap().to_owned();
        let files = root.path().canonicalize().unwrap().join("w");
        git.call(&main).args(["worktree", "add", "--quiet"]).arg(&files).writes().ok().unwrap();
        let place = Place::Worktree { git_dir: common_dir.join("worktrees/w"), common_dir, files: files.clone() };
        let scene = Self { _root: root, git, place, files };
        fs::create_dir_all(scene.files.join("src/deep")).unwrap();
        for (name, content) in [("a", "a\n"), ("src/b", "b\n"), ("src/deep/c", ""), (".gitignore", "*.tmp\n")] {
            fs::write(scene.files.join(name), content).unwrap();
        }
        symlink("a", scene.files.join("link")).unwrap();
        fs::write(scene.files.join("run"), "#!/bin/sh\n").unwrap();
        fs::set_permissions(scene.files.join("run"), fs::Permissions::from_mode(0o755)).unwrap();
        scene.commit();
        scene
    }

    fn run(&self, arguments: &[&str]) {
        let call = self.git.call(&self.place).args(arguments).writes();
        super::super::snapshot::as_somebody(&self.git, &self.place, call).unwrap().ok().unwrap();
    }

    fn commit(&self) {
        self.run(&["add", "--all"]);
        // The index has to be younger than the files, or nobody can tell whether they changed since.
        let age = |path: &Path| path.metadata().unwrap().modified().unwrap();
        let index = self.index();
        while age(&self.files.join("run")) >= age(&index) {
            self.run(&["update-index", "--force-write-index"]);
        }
        self.run(&["commit", "--quiet", "--allow-empty", "--message=x"]);
    }

    fn index(&self) -> PathBuf {
        self.place.common_dir().unwrap().join("worktrees/w/index")
    }

    fn says(&self) -> bool {
        let head = self.git.call(&self.place).args(["rev-parse", "HEAD^{tree}"]).oid().unwrap();
        is_untouched(&self.place, &head)
    }

    fn is_clean(&self) -> bool {
        let status = ["status", "--porcelain", "--ignored", "--untracked-files=all"];
        self.git.call(&self.place).args(status).ok().unwrap().is_empty()
    }
}

#[test]
fn what_was_committed_is_untouched_and_what_changed_is_not() {
    let scene = Scene::new();
    assert!(scene.is_clean() && scene.says());
    let path = |name: &str| scene.files.join(name);
    let changes: &[(&str, &dyn Fn())] = &[
        ("another content of the same length", &|| fs::write(path("a"), "b\n").unwrap()),
        ("another length", &|| fs::write(path("src/b"), "longer\n").unwrap()),
        ("a file more", &|| fs::write(path("src/new"), "").unwrap()),
        ("an ignored file", &|| fs::write(path("src/x.tmp"), "").unwrap()),
        ("a file less", &|| fs::remove_file(path("src/deep/c")).unwrap()),
        ("a file that cannot be run any more", &|| {
            fs::set_permissions(path("run"), fs::Permissions::from_mode(0o644)).unwrap();
        }),
        ("a link elsewhere", &|| {
            fs::remove_file(path("link")).unwrap();
            symlink("b", path("link")).unwrap();
        }),
        ("a file in the place of a link", &|| {
            fs::remove_file(path("link")).unwrap();
            fs::write(path("link"), "a").unwrap();
        }),
        ("a repository inside", &|| fs::create_dir_all(path("src/deep/.git")).unwrap()),
        ("a directory more", &|| fs::create_dir(path("empty")).unwrap()),
        ("something staged", &|| {
            fs::write(path("a"), "staged\n").unwrap();
            scene.run(&["add", "a"]);
        }),
        ("a tree of the index that is another", &|| {
            fs::write(path("a"), "written\n").unwrap();
            scene.run(&["add", "a"]);
            scene.run(&["write-tree"]);
        }),
        ("a file that git was told to overlook", &|| {
            scene.run(&["update-index", "--assume-unchanged", "a"]);
            fs::write(path("a"), "overlooked\n").unwrap();
        }),
        ("a file that was left out", &|| {
            scene.run(&["update-index", "--skip-worktree", "a"]);
            fs::remove_file(path("a")).unwrap();
        }),
        ("a file that is to be added", &|| {
            fs::write(path("later"), "").unwrap();
            scene.run(&["add", "--intent-to-add", "later"]);
        }),
        ("an index that is cut", &|| {
            let index = scene.index();
            let content = fs::read(&index).unwrap();
            fs::write(&index, &content[..content.len() / 2]).unwrap();
        }),
    ];
    for (what, change) in changes {
        change();
        assert!(!scene.says(), "{what}");
        fs::remove_file(scene.index()).unwrap();
        scene.run(&["reset", "--quiet", "--hard"]);
        scene.run(&["clean", "-ffdxq"]);
        // A repository inside is left by git's own cleaning.
        let _ = fs::remove_dir_all(path("src/deep/.git"));
        fs::write(path("run"), "#!/bin/sh\n").unwrap();
        fs::set_permissions(path("run"), fs::Permissions::from_mode(0o755)).unwrap();
        scene.commit();
        assert!(scene.says(), "after {what} it is as it was again");
    }
    fs::create_dir_all(path("AGENT_CONTEXT/inbox")).unwrap();
    assert!(scene.says(), "that directory is ours");
}

/// Whatever happened, it is never said of a worktree that git sees something in.
#[test]
fn it_never_says_more_than_git() {
    let scene = Scene::new();
    let (mut said, mut seed) = (0, 11_u64);
    for step in 0..200 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let name = ["a", "src/b", "src/deep/c", "src/new", "x.tmp", "other/d"][(seed >> 33) as usize % 6];
        let file = scene.files.join(name);
        match (seed >> 50) % 8 {
            0 | 1 => {
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(&file, format!("{}\n", seed % 3)).unwrap();
            }
            // It may not be there.
            2 => drop(fs::remove_file(&file)),
            3 => scene.run(&["add", "--all"]),
            4 => scene.run(&["read-tree", "HEAD"]),
            5 => scene.run(&["status"]),
            _ => {
                drop(fs::remove_file(scene.files.join("x.tmp")));
                scene.commit();
            }
        }
        if scene.says() {
            said += 1;
            assert!(scene.is_clean(), "step {step}");
        }
    }
    assert!(said > 3, "it was said {said} times: of no use");
}

#[test]
fn every_version_of_the_index_is_read() {
    let scene = Scene::new();
    for version in ["2", "4"] {
        scene.run(&["update-index", "--index-version", version, "--force-write-index"]);
        let content = fs::read(scene.index()).unwrap();
        let index = Index::read(&content, 20).unwrap();
        let listed = scene.git.call(&scene.place).args(["ls-files", "-z"]).ok().unwrap();
        let paths: Vec<&[u8]> = crate::git::text::nul_list(&listed).collect();
        assert_eq!(index.entries.iter().map(|entry| entry.path.as_slice()).collect::<Vec<_>>(), paths);
        assert!(scene.says(), "version {version}");
        // No cut and no changed byte makes it panic.
        for at in 0..content.len() {
            let _ = Index::read(&content[..at], 20);
            let mut changed = content.clone();
            changed[at] ^= 0xff;
            let _ = Index::read(&changed, 20);
        }
    }
    assert!(!is_untouched(&Place::Common(scene.files.clone()), &Oid("a".repeat(40))));
}
