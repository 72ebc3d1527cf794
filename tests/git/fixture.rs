//! A repository of its own for each test, with a home of its own; nothing of the machine's configuration is seen.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use divisi::git::GitDriver;
use divisi::host::port::Git as _;
use divisi::model::id::{LandingId, Oid, SessionId};
use divisi::model::landing::{Landing, LandingState, Strategy};
use divisi::model::settings::Settings;
use divisi::model::worktree::{Worktree, WorktreeState};

static LANDINGS: AtomicU32 = AtomicU32::new(1);

/// Directories of one test; all gone at its end.
pub(super) struct Fixture {
    pub(super) root: tempfile::TempDir,
    pub(super) repo: PathBuf,
    pub(super) driver: GitDriver,
}

impl Fixture {
    /// A repository with one commit on `main`: `a.txt` with ten lines, `b.txt`, `dir/c.txt`.
    pub(super) fn new() -> Self {
        Self::with(&["init", "-q", "-b", "main"], &Settings::default())
    }

    pub(super) fn with(init: &[&str], settings: &Settings) -> Self {
        let fixture = Self::empty(init, settings);
        fixture.write("a.txt", "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n");
        fixture.write("b.txt", "b\n");
        fixture.write("dir/c.txt", "c\n");
        fixture.git(&["add", "-A"]);
        fixture.git(&["commit", "-qm", "first"]);
        fixture
    }

    /// A repository without commits.
    pub(super) fn empty(init: &[&str], settings: &Settings) -> Self {
        let root = tempfile::tempdir().unwrap();
        let real = root.path().canonicalize().unwrap();
        let repo = real.join("repo");
        fs::create_dir_all(&repo).unwrap();
        fs::create_dir_all(real.join("home")).unwrap();
        fs::write(real.join("home/gitconfig"), "[user]\n\tname = Ada\n\temail = ada@example.org\n").unwrap();
        let driver = driver_at(&real, settings, Duration::from_millis(500));
        let fixture = Self { root, repo, driver };
        fixture.git(init);
        fixture
    }

    /// Another driver on the same repository.
    pub(super) fn another(&self, settings: &Settings, lock_wait: Duration) -> GitDriver {
        driver_at(&self.path(), settings, lock_wait)
    }

    pub(super) fn path(&self) -> PathBuf {
        self.root.path().canonicalize().unwrap()
    }

    pub(super) fn run_in(&self, directory: &Path, arguments: &[&str]) -> Output {
        Command::new("git")
            .args(arguments)
            .current_dir(directory)
            .env_clear()
            .envs(environment(&self.path()))
            .env("GIT_AUTHOR_DATE", "@1700000000 +0000")
            .env("GIT_COMMITTER_DATE", "@1700000000 +0000")
            .output()
            .unwrap()
    }

    /// Runs plain git; its output.
    pub(super) fn git_in(&self, directory: &Path, arguments: &[&str]) -> String {
        let output = self.run_in(directory, arguments);
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    pub(super) fn git(&self, arguments: &[&str]) -> String {
        self.git_in(&self.repo, arguments)
    }

    pub(super) fn write(&self, name: &str, content: &str) {
        put(&self.repo, name, content);
    }

    pub(super) fn commit(&self, name: &str, content: &str) -> Oid {
        self.write(name, content);
        self.git(&["add", "-A"]);
        self.git(&["commit", "-qm", &format!("change {name}")]);
        Oid(self.git(&["rev-parse", "HEAD"]))
    }

    /// What the host would ask for: a worktree of a session that grows from a base.
    pub(super) fn intend(&self, session: &str, name: &str, base: Option<&str>) -> Worktree {
        self.intend_at(&self.repo, session, name, base)
    }

    pub(super) fn intend_at(&self, path: &Path, session: &str, name: &str, base: Option<&str>) -> Worktree {
        let resolved = self.driver.resolve_base(path.to_str().unwrap(), base).unwrap();
        Worktree {
            start: None,
            session: SessionId(session.to_owned()),
            repository: resolved.facts.repository.clone(),
            common_dir: resolved.facts.common_dir.clone(),
            path: format!("{}/{name}", resolved.facts.worktrees_root),
            branch: format!("refs/heads/divisi/{name}/work"),
            base: resolved.base,
            state: WorktreeState::Ready,
            port: 4000,
            preserved: None,
        }
    }

    pub(super) fn create(&self, session: &str, name: &str) -> Worktree {
        let worktree = self.intend(session, name, None);
        self.driver.create_worktree(&worktree).unwrap();
        worktree
    }

    /// A session with one committed change.
    pub(super) fn worked(&self, session: &str, name: &str, file: &str, content: &str) -> Worktree {
        let worktree = self.create(session, name);
        put(Path::new(&worktree.path), file, content);
        let head = worktree.base.commit.clone();
        self.driver.checkpoint(&worktree, &head, "divisi: work", None).unwrap();
        worktree
    }

    pub(super) fn landing(&self, worktree: &Worktree, strategy: Strategy) -> Landing {
        let preflight = self.driver.preflight(worktree, None, &[]).unwrap();
        Landing {
            gates: None,
            tree: None,
            gates_skipped: false,
            id: LandingId(format!("{}.l{}", worktree.session, LANDINGS.fetch_add(1, Ordering::Relaxed))),
            session: worktree.session.clone(),
            strategy,
            head: preflight.head,
            onto: preflight.onto,
            onto_commit: preflight.onto_commit,
            message: "Land the work\n\nAll of it.".to_owned(),
            started_at: 1_700_000_123_456,
            state: LandingState::Started,
        }
    }

    /// Everything there is in the repository's git directory that a creation could leave, and the worktrees' directory.
    pub(super) fn residue(&self) -> Vec<String> {
        let mut found = Vec::new();
        let common = self.repo.join(".git");
        for directory in ["worktrees", "divisi", "refs/heads/divisi", "logs/refs/heads/divisi"] {
            list(&common.join(directory), &mut found);
        }
        list(&self.repo.join(".worktrees"), &mut found);
        found.retain(|path| !path.ends_with("divisi/lock"));
        found.extend(
            self.git(&["for-each-ref", "--format=%(refname)", "refs/heads/divisi/"]).lines().map(str::to_owned),
        );
        found
    }
}

impl Fixture {
    /// Waits until what was removed is deleted.
    pub(super) fn empty_trash(&self) {
        let trash = |entry: fs::DirEntry| entry.file_name().to_string_lossy().starts_with(".divisi-trash-");
        let end = Instant::now() + Duration::from_secs(30);
        while fs::read_dir(self.repo.join(".worktrees")).into_iter().flatten().flatten().any(trash) {
            assert!(Instant::now() < end, "the trash is not emptied");
            std::thread::yield_now();
        }
    }
}

/// A driver as the daemon would have it, in the home of a test.
pub(super) fn driver_at(root: &Path, settings: &Settings, lock_wait: Duration) -> GitDriver {
    GitDriver::with_environment(settings, &root.join("state"), &environment(root), lock_wait).unwrap()
}

fn list(directory: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        found.push(entry.path().to_string_lossy().into_owned());
    }
}

fn environment(root: &Path) -> Vec<(OsString, OsString)> {
    let path = std::env::var_os("PATH").unwrap();
    let mut variables = vec![("PATH".into(), path)];
    for (key, value) in [
        ("HOME", root.join("home")),
        ("XDG_CONFIG_HOME", root.join("home/.config")),
        ("GIT_CONFIG_GLOBAL", root.join("home/gitconfig")),
        ("GIT_CEILING_DIRECTORIES", root.to_owned()),
    ] {
        variables.push((key.into(), value.into()));
    }
    variables.push(("GIT_CONFIG_NOSYSTEM".into(), "1".into()));
    variables
}

/// Writes a file, with its directories.
pub(super) fn put(directory: &Path, name: &str, content: &str) {
    let path = directory.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// Reads a file.
pub(super) fn read(directory: &Path, name: &str) -> String {
    fs::read_to_string(directory.join(name)).unwrap()
}
