//! The one hardened way to run git: explicit environment, overrides against planted programs, deadline, bounded output, counted,
//! queued, and patient with locks that somebody else holds.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::model::Refusal;
use crate::model::settings::Settings;

use crate::process::run::orphans;

use super::ages::Ages;
use super::call::Call;
use super::config_overrides::{self, Cache, Overrides};
use super::lock::{Writer, Writers};
use super::queue::Queue;
use super::snapshot::Trees;
use super::text;

/// The oldest git that can predict merges without a checkout.
const OLDEST: (u32, u32) = (2, 38);
/// An ordinary call that takes longer hangs.
pub(super) const DEADLINE: Duration = Duration::from_secs(120);
/// A checkout of a very large repository on a slow disk.
pub(super) const LONG_DEADLINE: Duration = Duration::from_secs(30 * 60);
/// Output that is kept, bytes.
pub(super) const LIMIT: usize = 64 * 1024 * 1024;
/// Git processes at once.
const AT_ONCE: usize = 4;
/// How long a lock of somebody else is waited for.
pub(super) const LOCK_WAIT: Duration = Duration::from_secs(10);

/// Variables that reach git; everything else is left out, so nothing of the daemon leaks in and no `GIT_*` redirects a call.
const PASSED: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "TZ",
    "XDG_CONFIG_HOME",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CEILING_DIRECTORIES",
    "SSH_AUTH_SOCK",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTPS_PROXY",
    "NO_PROXY",
];

/// Where a call works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// Git looks for the repository itself: only to recognise one.
    Anywhere(PathBuf),
    /// The repository, without a worktree.
    Common(PathBuf),
    /// A worktree, with every directory said, so that nothing in it can redirect git.
    Worktree {
        /// Its administrative directory.
        git_dir: PathBuf,
        /// The common directory.
        common_dir: PathBuf,
        /// Its files.
        files: PathBuf,
    },
}

/// Tells in the environment of every git whose it is, by the state directory, which has one daemon at a time.
const OWNER_VARIABLE: &str = "DIVISI_GIT_OF";

/// How long the gits of a killed daemon are waited for.
const ORPHANS: Duration = Duration::from_secs(5);

/// Git, as this daemon runs it.
#[derive(Debug)]
pub(super) struct Git {
    pub(super) program: PathBuf,
    version: (u32, u32),
    pub(super) environment: Vec<(OsString, OsString)>,
    pub(super) fixed: Vec<(Vec<u8>, Vec<u8>)>,
    cache: Cache,
    pub(super) trees: Trees,
    pub(super) ages: Ages,
    pub(super) queue: Queue,
    writers: Writers,
    pub(super) processes: AtomicU64,
    /// How long locks of others are waited for.
    pub(super) lock_wait: Duration,
    /// The user's settings.
    pub(super) settings: Settings,
}

impl Git {
    /// Finds git and checks its age.
    pub(super) fn new(
        settings: &Settings,
        state_dir: &Path,
        environment: &[(OsString, OsString)],
        lock_wait: Duration,
    ) -> Result<Self, Refusal> {
        let install = "install git 2.38 or newer";
        let path = environment.iter().find(|(key, _)| key == "PATH").map(|(_, value)| value.clone());
        let program = which::which_in("git", path, "/")
            .map_err(|_| Refusal::environment("git is not on the PATH of the daemon").hint(install))?;
        let hooks = state_dir.join("no-hooks");
        std::fs::create_dir_all(&hooks).map_err(|error| {
            Refusal::environment(format!("cannot make the directory {}: {error}", text::path(&hooks)))
        })?;
        let mut passed: Vec<(OsString, OsString)> =
            environment.iter().filter(|(key, _)| PASSED.iter().any(|name| key == name)).cloned().collect();
        for (key, value) in [
            ("LC_ALL", "C"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_PAGER", "cat"),
            ("GIT_EDITOR", "true"),
            ("GIT_SEQUENCE_EDITOR", "true"),
            ("GIT_ASKPASS", "true"),
            ("SSH_ASKPASS", "true"),
            ("GIT_SSH_COMMAND", "ssh -o BatchMode=yes"),
            ("GIT_ALLOW_PROTOCOL", "file:http:https:ssh"),
            ("GIT_PROTOCOL_FROM_USER", "0"),
        ] {
            passed.push((key.into(), value.into()));
        }
        passed.push((OWNER_VARIABLE.into(), state_dir.into()));
        if !settings.lfs {
            passed.push(("GIT_LFS_SKIP_SMUDGE".into(), "1".into()));
        }
        let mut git = Self {
            program,
            version: (0, 0),
            environment: passed,
            fixed: config_overrides::fixed(&hooks, settings.lfs),
            cache: Cache::default(),
            trees: Trees::default(),
            ages: Ages::default(),
            queue: Queue::new(AT_ONCE),
            writers: Writers::default(),
            processes: AtomicU64::new(0),
            lock_wait,
            settings: settings.clone(),
        };
        let root = Place::Anywhere(PathBuf::from("/"));
        let said = git.ask(&root).arg("version").text()?;
        git.version = version_of(&said).ok_or_else(|| {
            Refusal::environment(format!("cannot tell git's version from what it says: {said}")).hint(install)
        })?;
        if git.version < OLDEST {
            return Err(Refusal::environment(format!(
                "{} is {}.{}, but divisi needs {}.{} or newer",
                text::path(&git.program),
                git.version.0,
                git.version.1,
                OLDEST.0,
                OLDEST.1
            ))
            .hint(install));
        }
        Ok(git)
    }

    /// Waits until the gits that a killed daemon had started are done. Blocks; for a daemon that has not started any itself.
    pub(super) fn await_orphans(state_dir: &Path) {
        let left = orphans::await_end("git", OWNER_VARIABLE, state_dir.as_os_str(), ORPHANS);
        if left > 0 {
            tracing::warn!(left, "programs of a former daemon are still at work");
        }
    }

    /// Whether git is at least this new.
    pub(super) fn at_least(&self, major: u32, minor: u32) -> bool {
        self.version >= (major, minor)
    }

    /// Processes started so far.
    pub(super) fn processes(&self) -> u64 {
        self.processes.load(Ordering::Relaxed)
    }

    /// A call, hardened against what the repository's configuration names.
    pub(super) fn call<'a>(&'a self, place: &'a Place) -> Call<'a> {
        Call::bare(self, place).overridden()
    }

    /// A call as the user's own shell would make it: hooks, filters and signing act. Only for `git.run_hooks` at landing.
    pub(super) fn as_the_user<'a>(&'a self, place: &'a Place) -> Call<'a> {
        Call::bare(self, place).plain()
    }

    /// A call without the overrides that have to be asked for: for questions that touch neither files nor objects.
    pub(super) fn ask<'a>(&'a self, place: &'a Place) -> Call<'a> {
        Call::bare(self, place)
    }

    /// Waits for the right to write to a repository.
    pub(super) fn writer(&self, common_dir: &Path) -> Result<Writer<'_>, Refusal> {
        self.writers.enter(common_dir, self.lock_wait.max(Duration::from_secs(60)))
    }

    /// What the repository's configuration names, overridden.
    pub(super) fn overrides(&self, place: &Place) -> Result<Arc<Overrides>, Refusal> {
        let list = || {
            let call = self.ask(place).args(["config", "--list", "-z", "--show-scope", "--show-origin", "--includes"]);
            Ok(config_overrides::listing(&call.ok()?, place.directory(), self.settings.lfs))
        };
        match place {
            Place::Anywhere(_) => Ok(Arc::new(list()?.overrides)),
            Place::Common(common_dir) => self.cache.of(common_dir, common_dir, list),
            Place::Worktree { git_dir, common_dir, .. } => self.cache.of(git_dir, common_dir, list),
        }
    }
}

impl Place {
    /// The common directory, where it is known.
    pub(super) fn common_dir(&self) -> Option<&Path> {
        match self {
            Self::Anywhere(_) => None,
            Self::Common(path) | Self::Worktree { common_dir: path, .. } => Some(path),
        }
    }

    /// Where the process runs.
    pub(super) fn directory(&self) -> &Path {
        match self {
            Self::Anywhere(path) | Self::Common(path) | Self::Worktree { files: path, .. } => path,
        }
    }
}

/// The version in `git version 2.47.3 (...)`.
fn version_of(said: &str) -> Option<(u32, u32)> {
    let mut numbers = said.strip_prefix("git version ")?.split(['.', ' ']);
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests;
