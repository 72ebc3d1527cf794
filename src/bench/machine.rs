//! This machine as benchmarks use it: what programs it has, git, and what commands of cases run on (`command`).

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::command::Commands;
use super::environments::Environments;
use crate::base::clock;
use crate::base::text::visible_line;
use crate::host::port::Jobs;
use crate::model::attempt::BenchRequest;
use crate::process::run::{Finished, Program, RunError, run_until};

/// A git command that takes longer hangs.
const GIT_DEADLINE: Duration = Duration::from_secs(600);
/// Output of a git command that is kept, bytes.
const GIT_LIMIT: usize = 256 * 1024 * 1024;
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
    path: OsString,
    given: Vec<(OsString, OsString)>,
    stop: &'a AtomicBool,
    /// What runs the commands of cases.
    pub(super) commands: Commands<'a>,
    /// What many cases share.
    pub(super) environments: Environments,
}

/// Why a command has no end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unrun {
    /// The person ended everything.
    Stopped,
    /// It could not be run, or failed where it must not: why. Another time it may work.
    Failed(String),
    /// It cannot be run, however often it is tried: why.
    Never(String),
}

impl<'a> Machine<'a> {
    /// Finds the programs; `jobs` runs the commands of cases.
    ///
    /// # Errors
    /// When git is missing.
    pub(super) fn new(
        environment: &[(OsString, OsString)],
        request: &BenchRequest,
        jobs: &'a dyn Jobs,
        stop: &'a AtomicBool,
    ) -> Result<Self, String> {
        let of = |name: &str| environment.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        let path = of("PATH").unwrap_or_default();
        let find = |name: &str| {
            which::which_in(name, Some(&path), "/").map_err(|_| format!("{name} is needed and is not on the PATH"))
        };
        let variables = variables(environment, &request.environment);
        let given = variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
        let text = path.to_str().ok_or("the PATH is not valid UTF-8")?.to_owned();
        let commands = Commands::new(jobs, text, variables, request, stop)?;
        let environments = Environments::new(&request.cache, request.retries.tries);
        Ok(Self { git: find("git")?, path, given, stop, commands, environments })
    }

    /// Whether the person ended everything.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// See [`tools`].
    pub(super) fn tools(&self) -> Vec<(String, String)> {
        versions(&self.path, &self.given, self.stop)
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

    fn run(&self, program: &Program<'_>) -> Result<Finished, RunError> {
        run_until(program, self.stop)
    }
}

/// Milliseconds since a moment.
pub(super) fn since(begin: Instant) -> u64 {
    u64::try_from((clock::instant() - begin).as_millis()).unwrap_or(u64::MAX)
}

/// What the tools that cases often need say of themselves, those that are there: name and first line.
pub(super) fn tools(
    environment: &[(OsString, OsString)],
    given: &[(String, String)],
    stop: &AtomicBool,
) -> Vec<(String, String)> {
    let path = environment.iter().find(|(key, _)| key == "PATH").map(|(_, value)| value.clone()).unwrap_or_default();
    let given: Vec<(OsString, OsString)> =
        variables(environment, given).into_iter().map(|(name, value)| (name.into(), value.into())).collect();
    versions(&path, &given, stop)
}

/// The variables of setups and tests beside the usual ones: where toolchains are, and what the user gives.
fn variables(environment: &[(OsString, OsString)], given: &[(String, String)]) -> Vec<(String, String)> {
    let of = |name: &str| environment.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let mut variables = Vec::new();
    // Toolchains live in the user's home, which commands do not get.
    for (name, below) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
        let beneath = || Some(PathBuf::from(of("HOME")?).join(below)).filter(|path| path.is_dir());
        let value = of(name).or_else(|| beneath().map(OsString::from));
        let value = value.and_then(|value| value.into_string().ok());
        variables.extend(value.map(|value| (name.to_owned(), value)));
    }
    variables.extend(given.iter().cloned());
    variables
}

fn versions(path: &OsString, given: &[(OsString, OsString)], stop: &AtomicBool) -> Vec<(String, String)> {
    let ask = |name: &str, arguments: &[&str]| {
        let program = which::which_in(name, Some(path), "/").ok()?;
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        let mut environment = given.to_vec();
        environment.push(("PATH".into(), path.clone()));
        let asked = Program {
            program: &program,
            arguments: &arguments,
            directory: Path::new("/"),
            environment: &environment,
            input: &[],
            deadline: TOOL_DEADLINE,
            limit: 64 * 1024,
        };
        let finished = run_until(&asked, stop).ok()?;
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
        ("uv", version),
        ("node", version),
        ("npm", version),
        ("go", ["version"].as_slice()),
        ("g++", version),
        ("cmake", version),
    ]
    .into_iter()
    .filter_map(|(name, arguments)| ask(name, arguments))
    .collect()
}
