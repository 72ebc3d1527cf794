//! An environment of a test's own: nothing of the user's reaches the programs in it, nothing of theirs
//! stays behind.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use super::leftovers::{files, survivors};
use super::run::{OUTER_TIMEOUT, Ran, Running, run};
use super::wait::holds_within;

/// Who commits in tests, and what keeps git from doing anything of its own accord.
const GIT_CONFIG: &str = "\
[user]
\tname = Test Person
\temail = person@divisi.test
[init]
\tdefaultBranch = main
[commit]
\tgpgSign = false
[gc]
\tauto = 0
[maintenance]
\tauto = false
[advice]
\tdetachedHead = false
";

/// The moment of every commit that [`TestEnv::git`] makes, so that object ids are the same in every run.
const GIT_DATE: &str = "2026-01-02T03:04:05+00:00";

/// How long processes that were told to end may take for it before they count as left behind.
const GRACE: Duration = Duration::from_secs(5);

/// A temporary directory with a home, the XDG directories, a git configuration and a divisi socket.
///
/// Dropping it stops the environment's daemon, then fails the test if a process, a git lock file, a worktree
/// without its directory or a socket is left (see [`TestEnv::tolerate`]), and ends those processes in any case.
#[derive(Debug)]
pub(crate) struct TestEnv {
    directory: TempDir,
    root: PathBuf,
    divisi: PathBuf,
    variables: Vec<(OsString, OsString)>,
    tolerated: Vec<String>,
    grace: Duration,
}

impl TestEnv {
    /// A fresh one.
    pub(crate) fn new() -> Self {
        // A short name: the path of a socket must fit in 108 bytes.
        let directory = tempfile::Builder::new().prefix("dv-").tempdir().expect("a temporary directory");
        let root = directory.path().canonicalize().expect("the directory was just made");
        let mut env = Self {
            directory,
            divisi: PathBuf::from(env!("CARGO_BIN_EXE_divisi")),
            variables: Vec::new(),
            tolerated: Vec::new(),
            grace: GRACE,
            root,
        };
        for (name, folder) in [
            ("HOME", "home"),
            ("XDG_CONFIG_HOME", "home/config"),
            ("XDG_STATE_HOME", "home/state"),
            ("XDG_DATA_HOME", "home/data"),
            ("XDG_CACHE_HOME", "home/cache"),
            ("XDG_RUNTIME_DIR", "run"),
            ("TMPDIR", "tmp"),
        ] {
            let path = env.path(folder);
            fs::create_dir_all(&path).expect("make a folder of the environment");
            env.set(name, path);
        }
        fs::set_permissions(env.path("run"), fs::Permissions::from_mode(0o700)).expect("our own folder");
        env.set("DIVISI_SOCKET", env.path("run/divisi.sock"));
        // Where git looks anyway: the configuration holds even for a program that drops GIT_* variables.
        let config = env.write("home/.gitconfig", GIT_CONFIG);
        env.set("GIT_CONFIG_GLOBAL", config);
        env.set("GIT_CONFIG_NOSYSTEM", "1");
        env.set("GIT_TERMINAL_PROMPT", "0");
        env.set("GIT_CEILING_DIRECTORIES", env.root.clone());
        env.set("LC_ALL", "C");
        env.set("PATH", std::env::var_os("PATH").expect("PATH is set"));
        env
    }

    /// The directory everything of this environment is in; it has no symbolic link in its path.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A path in the environment's directory.
    pub(crate) fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.join(path)
    }

    /// Sets a variable for every program started from now on.
    pub(crate) fn set(&mut self, name: impl Into<OsString>, value: impl Into<OsString>) {
        let name = name.into();
        self.variables.retain(|(known, _)| *known != name);
        self.variables.push((name, value.into()));
    }

    /// Uses another program as `divisi`.
    pub(crate) fn set_divisi(&mut self, program: impl Into<PathBuf>) {
        self.divisi = program.into();
    }

    /// Accepts a leftover file whose path contains `fragment`, for a test that kills its owner.
    pub(crate) fn tolerate(&mut self, fragment: &str) {
        self.tolerated.push(fragment.to_owned());
    }

    /// How long processes may take to end when the environment is dropped.
    pub(crate) fn set_grace(&mut self, grace: Duration) {
        self.grace = grace;
    }

    /// A command with this environment's variables and no others, in its directory. For what has no method here.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.variables.iter().map(|(name, value)| (name, value))).current_dir(&self.root);
        command
    }

    /// Writes a file, and the folders it is in; answers its path.
    #[track_caller]
    pub(crate) fn write(&self, path: impl AsRef<Path>, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("inside the environment")).expect("make the file's folder");
        fs::write(&path, text).unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
        path
    }

    /// Writes a shell script that can be run; answers its path.
    #[track_caller]
    pub(crate) fn script(&self, path: impl AsRef<Path>, body: &str) -> PathBuf {
        let path = self.write(path, format!("#!/bin/sh\n{body}"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("our own file");
        path
    }

    /// Runs git in `dir` and answers its standard output without the last line break; panics when git fails.
    #[track_caller]
    pub(crate) fn git(&self, dir: impl AsRef<Path>, arguments: &[&str]) -> String {
        let mut command = self.command("git");
        command.current_dir(self.path(dir)).args(arguments);
        command.env("GIT_AUTHOR_DATE", GIT_DATE).env("GIT_COMMITTER_DATE", GIT_DATE);
        let ran = run(command);
        ran.ok();
        ran.stdout.strip_suffix('\n').unwrap_or(&ran.stdout).to_owned()
    }

    /// Creates a repository with one commit on `main`, a `README.md`; answers its path.
    #[track_caller]
    pub(crate) fn repo(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(&path).expect("make the repository's folder");
        self.git(&path, &["init", "--quiet"]);
        self.write(path.join("README.md"), "# A repository\n");
        self.git(&path, &["add", "--all"]);
        self.git(&path, &["commit", "--quiet", "--message", "Initial commit"]);
        path
    }

    /// A `divisi` command in `dir`.
    pub(crate) fn divisi_command(&self, dir: impl AsRef<Path>, arguments: &[&str]) -> Command {
        let mut command = self.command(&self.divisi);
        command.current_dir(self.path(dir)).args(arguments);
        command
    }

    /// Runs `divisi` in `dir` to its end.
    #[track_caller]
    pub(crate) fn divisi_in(&self, dir: impl AsRef<Path>, arguments: &[&str]) -> Ran {
        run(self.divisi_command(dir, arguments))
    }

    /// Runs `divisi` in the environment's directory to its end.
    #[track_caller]
    pub(crate) fn divisi(&self, arguments: &[&str]) -> Ran {
        self.divisi_in("", arguments)
    }

    /// Starts `divisi` in `dir`.
    #[track_caller]
    pub(crate) fn spawn_divisi(&self, dir: impl AsRef<Path>, arguments: &[&str]) -> Running {
        Running::start(self.divisi_command(dir, arguments))
    }

    /// What `divisi ARGUMENTS --json` answers in `dir`; panics unless it exits 0.
    #[track_caller]
    pub(crate) fn json(&self, dir: impl AsRef<Path>, arguments: &[&str]) -> serde_json::Value {
        self.divisi_in(dir, &[arguments, &["--json"]].concat()).ok().json()
    }

    /// Ends the daemon: asks it to, then signals it. That one was still running is no failure of the test.
    fn stop_daemon(&self) {
        if self.path("run/divisi.sock").exists() {
            let mut command = self.divisi_command("", &["daemon", "stop"]);
            command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null());
            command.stderr(std::process::Stdio::null());
            if let Ok(mut child) = command.spawn() {
                holds_within(OUTER_TIMEOUT / 4, || !matches!(child.try_wait(), Ok(None)));
                drop(child.kill());
                drop(child.wait());
            }
        }
        for daemon in survivors(&self.root).iter().filter(|process| process.is_daemon()) {
            daemon.signal(Signal::TERM);
        }
    }

    /// What is there that should not be, after waiting for it to go.
    fn leftovers(&self) -> Vec<String> {
        let tolerated = |path: &Path| {
            let path = path.to_string_lossy();
            self.tolerated.iter().any(|fragment| path.contains(fragment.as_str()))
        };
        let left = || -> Vec<String> {
            let processes = survivors(&self.root).into_iter().map(|process| process.to_string());
            let files = files(&self.root).into_iter().filter(|path| !tolerated(path));
            processes.chain(files.map(|path| format!("file {}", path.display()))).collect()
        };
        let mut found = Vec::new();
        holds_within(self.grace, || {
            found = left();
            found.is_empty()
        });
        found
    }
}

impl Drop for TestEnv {
    fn drop(&mut self) {
        self.stop_daemon();
        let found = self.leftovers();
        // Again and again, for a dying parent may have just made another child.
        holds_within(GRACE, || {
            let alive = survivors(&self.root);
            for process in &alive {
                process.signal(Signal::KILL);
            }
            alive.is_empty()
        });
        if !found.is_empty() {
            let text = format!("left behind in {}:\n  {}", self.directory.path().display(), found.join("\n  "));
            // A second panic would abort the process and with it the message of the first.
            if std::thread::panicking() { eprintln!("{text}") } else { panic!("{text}") }
        }
    }
}
