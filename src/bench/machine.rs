//! Commands of a benchmark: git, setups and tests, with an environment that is the same for everybody.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::base::clock;
use crate::base::text::visible_line;
use crate::process::run::{Finished, Program, RunError, run_until};

/// A git command that takes longer hangs.
const GIT_DEADLINE: Duration = Duration::from_mins(10);
/// Output of a git command that is kept, bytes.
const GIT_LIMIT: usize = 256 * 1024 * 1024;
/// Output of a setup or of tests that is kept; a command that says more is ended.
const LOG_LIMIT: usize = 64 * 1024 * 1024;

/// A tool that does not say its version by then does not say it.
const TOOL_DEADLINE: Duration = Duration::from_secs(10);

/// Author and committer of every commit that is made, and its date: what is made of the same files has the same id.
const IDENTITY: [(&str, &str); 6] = [
    ("GIT_AUTHOR_NAME", "divisi bench"),
    ("GIT_AUTHOR_EMAIL", "bench@divisi.invalid"),
    ("GIT_COMMITTER_NAME", "divisi bench"),
    ("GIT_COMMITTER_EMAIL", "bench@divisi.invalid"),
    ("GIT_AUTHOR_DATE", "2000-01-01T00:00:00Z"),
    ("GIT_COMMITTER_DATE", "2000-01-01T00:00:00Z"),
];

/// This machine, as benchmarks use it.
pub(super) struct Machine<'a> {
    git: PathBuf,
    shell: PathBuf,
    path: OsString,
    given: Vec<(OsString, OsString)>,
    stop: &'a AtomicBool,
}

/// How a command ended, with what it said on both of its outputs, in the order it said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ran {
    /// By itself.
    Ended {
        /// Its exit code; absent when a signal ended it or it said too much.
        code: Option<i32>,
        /// What it said.
        said: Vec<u8>,
    },
    /// Too late.
    TimedOut,
}

/// Why a command has no end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unrun {
    /// The person ended everything.
    Stopped,
    /// It could not be run, or failed where it must not: why.
    Failed(String),
}

impl<'a> Machine<'a> {
    /// Finds the programs. `given` are the variables that the user wants setups and tests to have.
    ///
    /// # Errors
    /// When git or `sh` is missing.
    pub(super) fn new(
        environment: &[(OsString, OsString)],
        given: &[(String, String)],
        stop: &'a AtomicBool,
    ) -> Result<Self, String> {
        let of = |name: &str| environment.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        let path = of("PATH").unwrap_or_default();
        let find = |name: &str| {
            which::which_in(name, Some(&path), "/").map_err(|_| format!("{name} is needed and is not on the PATH"))
        };
        let mut variables: Vec<(OsString, OsString)> = Vec::new();
        // Toolchains live in the user's home, which commands do not get.
        for (name, below) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
            let beneath = || Some(PathBuf::from(of("HOME")?).join(below)).filter(|path| path.is_dir());
            let value = of(name).or_else(|| beneath().map(OsString::from));
            variables.extend(value.map(|value| (name.into(), value)));
        }
        variables.extend(given.iter().map(|(name, value)| (name.into(), value.into())));
        Ok(Self { git: find("git")?, shell: find("sh")?, path, given: variables, stop })
    }

    /// Whether the person ended everything.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// What the tools that cases often need say of themselves, those that are there.
    pub(super) fn tools(&self) -> Vec<(String, String)> {
        let ask = |name: &str, arguments: &[&str]| {
            let program = which::which_in(name, Some(&self.path), "/").ok()?;
            let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
            let mut environment = self.given.clone();
            environment.push(("PATH".into(), self.path.clone()));
            let asked = self.run(&Program {
                program: &program,
                arguments: &arguments,
                directory: Path::new("/"),
                environment: &environment,
                input: &[],
                deadline: TOOL_DEADLINE,
                limit: 64 * 1024,
            });
            let finished = asked.ok()?;
            let said = if finished.stdout.is_empty() { finished.stderr } else { finished.stdout };
            let said = String::from_utf8_lossy(&said).into_owned();
            Some((name.to_owned(), visible_line(said.lines().next()?, 120)))
        };
        let version = ["--version"].as_slice();
        [
            ("uname", ["-srm"].as_slice()),
            ("git", version),
            ("rustc", version),
            ("python3", version),
            ("node", version),
            ("go", ["version"].as_slice()),
            ("g++", version),
            ("cmake", version),
        ]
        .into_iter()
        .filter_map(|(name, arguments)| ask(name, arguments))
        .collect()
    }

    /// Git, where nothing of the user's configuration holds. Its standard output.
    pub(super) fn git(&self, directory: &Path, arguments: &[&str]) -> Result<Vec<u8>, Unrun> {
        let finished = self.try_git(directory, arguments)?;
        if finished.code == Some(0) && !finished.truncated {
            return Ok(finished.stdout);
        }
        let why = String::from_utf8_lossy(&finished.stderr);
        let why = why.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("no reason given").to_owned();
        // Paths come first where git is told where to work.
        let verb = arguments.iter().find(|word| !word.starts_with('-') && !word.contains('=')).unwrap_or(&"");
        Err(Unrun::Failed(format!("git {verb}: {}", visible_line(&why, 300))))
    }

    /// [`Self::git`], whatever its exit code.
    pub(super) fn try_git(&self, directory: &Path, arguments: &[&str]) -> Result<Finished, Unrun> {
        let arguments: Vec<OsString> =
            ["-c", "core.hooksPath=/dev/null", "-c", "core.autocrlf=false", "-c", "gc.auto=0"]
                .iter()
                .chain(arguments)
                .map(OsString::from)
                .collect();
        let mut environment: Vec<(OsString, OsString)> =
            IDENTITY.iter().map(|(name, value)| (name.into(), value.into())).collect();
        environment.push(("PATH".into(), self.path.clone()));
        for (name, value) in [
            ("LC_ALL", "C"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_ATTR_NOSYSTEM", "1"),
        ] {
            environment.push((name.into(), value.into()));
        }
        self.run(&Program {
            program: &self.git,
            arguments: &arguments,
            directory,
            environment: &environment,
            input: &[],
            deadline: GIT_DEADLINE,
            limit: GIT_LIMIT,
        })
        .map_err(|error| match error {
            RunError::Stopped { .. } => Unrun::Stopped,
            other => Unrun::Failed(other.to_string()),
        })
    }

    /// A command of `sh` in a checkout, with directories of its own beside it: its home, its temporary files, what cargo builds. A
    /// build directory shared between checkouts makes tests of one pass with what was built for another.
    pub(super) fn command(
        &self,
        command: &str,
        variables: &[(String, String)],
        files: &Path,
        own: &Path,
        limit: Duration,
    ) -> Result<Ran, Unrun> {
        let (home, temporary) = (own.join("home"), own.join("tmp"));
        for directory in [&home, &temporary] {
            std::fs::create_dir_all(directory)
                .map_err(|error| Unrun::Failed(format!("failed to make {}: {error}", directory.display())))?;
        }
        let mut environment: Vec<(OsString, OsString)> = vec![
            ("PATH".into(), with_venv(own, &self.path)),
            ("CASE_ROOT".into(), own.into()),
            ("HOME".into(), home.into()),
            ("TMPDIR".into(), temporary.into()),
            ("CARGO_TARGET_DIR".into(), own.join("target").into()),
            ("GOCACHE".into(), own.join("go-build").into()),
            ("LANG".into(), "C.UTF-8".into()),
            ("LC_ALL".into(), "C.UTF-8".into()),
            ("GIT_CONFIG_NOSYSTEM".into(), "1".into()),
            ("GIT_CONFIG_GLOBAL".into(), "/dev/null".into()),
            ("CI".into(), "1".into()),
        ];
        environment.extend(variables.iter().map(|(name, value)| (name.into(), value.into())));
        environment.extend(self.given.iter().cloned());
        let ran = self.run(&Program {
            program: &self.shell,
            arguments: &["-c".into(), format!("exec 2>&1\n{command}\n").into()],
            directory: files,
            environment: &environment,
            input: &[],
            deadline: limit,
            limit: LOG_LIMIT,
        });
        match ran {
            Ok(finished) => {
                let code = finished.code.filter(|_| !finished.truncated);
                Ok(Ran::Ended { code, said: finished.stdout })
            }
            Err(RunError::TimedOut { .. }) => Ok(Ran::TimedOut),
            Err(RunError::Stopped { .. }) => Err(Unrun::Stopped),
            Err(error) => Err(Unrun::Failed(error.to_string())),
        }
    }

    /// A command by its words, in a checkout, with a path as its last: whether it succeeded, and what it said.
    pub(super) fn words(
        &self,
        words: &[&str],
        last: Option<&Path>,
        files: &Path,
        own: &Path,
    ) -> Result<(bool, String), Unrun> {
        let mut command: Vec<String> = words.iter().map(|word| quoted(word)).collect();
        command.extend(last.map(|path| quoted(&path.display().to_string())));
        match self.command(&command.join(" "), &[], files, own, GIT_DEADLINE)? {
            Ran::Ended { code, said } => Ok((code == Some(0), String::from_utf8_lossy(&said).into_owned())),
            Ran::TimedOut => Err(Unrun::Failed(format!("{} did not end", words.join(" ")))),
        }
    }

    fn run(&self, program: &Program<'_>) -> Result<Finished, RunError> {
        run_until(program, self.stop)
    }
}

/// A word of `sh`.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// The programs of a virtual environment that a setup made come first.
fn with_venv(own: &Path, path: &OsString) -> OsString {
    let mut all = own.join("venv/bin").into_os_string();
    all.push(":");
    all.push(path);
    all
}

/// Milliseconds since a moment.
pub(super) fn since(begin: Instant) -> u64 {
    u64::try_from((clock::instant() - begin).as_millis()).unwrap_or(u64::MAX)
}
