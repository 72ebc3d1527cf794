//! The command line: a face. It decodes arguments, submits, renders; it decides nothing.

mod args;
mod attach;
mod command;
mod context;
pub mod daemon;
mod exit;
mod follow;
mod key;
mod log_file;
mod prompt;
pub mod render;
mod terminal;
mod variables;

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::ExitStatus;

use clap::Parser as _;

use crate::base::paths::Paths;
use crate::cli::args::Cli;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::config::Config;
use crate::host::handle::HostHandle;
use crate::model::Refusal;

pub use command::bench::{Attempt, Bench, Tell};

/// What the command line needs from layers it may not name; the composition root fills it in.
pub struct Programs {
    /// Starts the engine; called inside a tokio runtime.
    pub boot: fn(&Paths, &Config) -> Result<Running, Refusal>,
    /// Starts `divisi daemon run --detached`; returns the reading end of its standard output.
    pub start_daemon: fn(&Paths) -> std::io::Result<OwnedFd>,
    /// Runs a command line of the user's (an editor) with a path as its last argument, in a directory, on this terminal.
    pub run_editor: fn(&str, &Path, &Path) -> std::io::Result<ExitStatus>,
    /// Opens a pull request for a commit: repository's common directory, commit, head branch, base branch, title, body. Returns what
    /// was said.
    pub open_pull_request: fn(&PullRequest) -> Result<String, Refusal>,
    /// The repository of `divisi try`.
    pub scratch: Scratch,
    /// Benchmarks.
    pub bench: Bench,
    /// Where a program is, by its name.
    pub find: fn(&str) -> Option<PathBuf>,
    /// Subcommands that are other programs in the same binary (`nvim`, `shim`, ...): called with the arguments after the name.
    pub others: &'static [Other],
}

/// What is done with git for an example repository.
pub struct Scratch {
    /// Makes one in a directory.
    pub init: fn(&Path) -> Result<(), Refusal>,
    /// Commits everything in it, with a subject.
    pub commit: fn(&Path, &str) -> Result<(), Refusal>,
    /// Its newest commits as a drawing, one per line.
    pub history: fn(&Path) -> Result<String, Refusal>,
}

/// A subcommand that is another program: its name, and what runs with the arguments after it and gives the exit code.
pub type Other = (&'static str, fn(&[OsString]) -> i32);

/// A running engine.
pub struct Running {
    /// Its door.
    pub host: HostHandle,
    /// Stops it: everything decided is committed, agents go on under their shims.
    pub stop: Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// What a pull request is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    /// The repository's common git directory.
    pub common_dir: String,
    /// The commit to publish.
    pub commit: String,
    /// The branch to publish it as.
    pub head: String,
    /// The branch it is meant for.
    pub base: String,
    /// Its title.
    pub title: String,
    /// Its text.
    pub body: String,
}

/// Runs one invocation and returns the exit code of the contract.
pub fn run(arguments: Vec<OsString>, programs: &'static Programs) -> i32 {
    render::catch_bugs(move || invoke(arguments, programs)).unwrap_or(Exit::Bug.code())
}

fn invoke(arguments: Vec<OsString>, programs: &'static Programs) -> i32 {
    let other = arguments.get(1).and_then(|name| programs.others.iter().find(|(other, _)| name == other));
    if let Some((_, run)) = other {
        return run(&arguments[2..]);
    }
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return render::usage(&error),
    };
    let outcome = Context::new(programs).and_then(|context| command::run(cli.command, &context));
    match outcome {
        Ok(exit) => exit.code(),
        Err(refusal) => {
            render::refusal(&refusal);
            exit::of(&refusal).code()
        }
    }
}
