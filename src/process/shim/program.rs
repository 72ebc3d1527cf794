//! Starting the program.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::OFlags;
use rustix::process::Pid;

use super::StartError;
use super::terminal::{self, Terminal};
use crate::model::RefusalKind;
use crate::model::terminal::TerminalSize;
use crate::process::spec::SpecFile;
use crate::process::tree;

/// The running program: its main process and our ends of its pipes, none of which blocks.
#[derive(Debug)]
pub(super) struct Program {
    pid: Pid,
    /// Standard input, until it is closed.
    pub(super) stdin: Option<File>,
    /// Standard output, until its end; all output of a terminal.
    pub(super) stdout: Option<File>,
    /// Standard error, until its end.
    pub(super) stderr: Option<File>,
    /// The terminal it runs on, if it does.
    pub(super) terminal: Option<Terminal>,
}

impl Program {
    /// Its main process.
    pub(super) fn pid(&self) -> Pid {
        self.pid
    }

    /// Starts it in a process group of its own.
    pub(super) fn start(spec: &SpecFile) -> Result<Self, StartError> {
        let name = spec
            .command
            .first()
            .ok_or_else(|| StartError { kind: RefusalKind::Internal, reason: "no program was named".into() })?;
        let directory = Path::new(&spec.directory);
        check_directory(directory)?;
        let program = find(name, spec.environment.get("PATH").map_or("", String::as_str), directory)?;
        let mut command = Command::new(&program);
        command.arg0(name).args(&spec.command[1..]).current_dir(directory);
        command.env_clear().envs(&spec.environment);
        if let Some(size) = spec.terminal {
            return Self::start_on_terminal(&command, name, (&program, directory), (size, spec.dye));
        }
        command.process_group(0);
        command.stdin(if spec.stdin { Stdio::piped() } else { Stdio::null() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child =
            tree::with_dye(spec.dye, || command.spawn()).map_err(|error| explain(&program, directory, &error))?;
        let program = Self {
            pid: pid_of(child.id())?,
            stdin: child.stdin.take().map(|pipe| File::from(OwnedFd::from(pipe))),
            stdout: child.stdout.take().map(|pipe| File::from(OwnedFd::from(pipe))),
            stderr: child.stderr.take().map(|pipe| File::from(OwnedFd::from(pipe))),
            terminal: None,
        };
        program.never_block();
        Ok(program)
    }

    /// Starts it in a session of its own, whose terminal we keep.
    fn start_on_terminal(
        command: &Command,
        name: &str,
        (program, directory): (&Path, &Path),
        (size, dye): (TerminalSize, u64),
    ) -> Result<Self, StartError> {
        let failed = || StartError::environment("cannot open a terminal");
        let (terminal, other) = Terminal::open(size).map_err(failed())?;
        let (stdin, stdout) = terminal.end().and_then(|stdin| Ok((stdin, terminal.end()?))).map_err(failed())?;
        let pid = terminal::spawn(command, name, other, dye).map_err(|error| explain(program, directory, &error))?;
        let program = Self {
            pid: pid_of(pid)?,
            stdin: Some(stdin),
            stdout: Some(stdout),
            stderr: None,
            terminal: Some(terminal),
        };
        program.never_block();
        Ok(program)
    }

    fn never_block(&self) {
        let pipes = [
            self.stdin.as_ref().map(AsFd::as_fd),
            self.stdout.as_ref().map(AsFd::as_fd),
            self.stderr.as_ref().map(AsFd::as_fd),
        ];
        for pipe in pipes.into_iter().flatten() {
            // Cannot fail on a pipe that was just made; if it did, the loop would only be slower.
            let _ = rustix::fs::fcntl_setfl(pipe, OFlags::NONBLOCK);
        }
    }
}

fn pid_of(number: u32) -> Result<Pid, StartError> {
    let pid = i32::try_from(number).ok().and_then(Pid::from_raw);
    pid.ok_or_else(|| StartError { kind: RefusalKind::Internal, reason: "a process without an id".into() })
}

fn check_directory(directory: &Path) -> Result<(), StartError> {
    let shown = directory.display();
    if !directory.is_absolute() {
        return Err(StartError::user(format!("the directory {shown} is not absolute")));
    }
    match directory.metadata() {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(StartError::user(format!("{shown} is not a directory"))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(StartError::user(format!("the directory {shown} does not exist")))
        }
        Err(error) => Err(StartError::environment(&format!("cannot use the directory {shown}"))(error)),
    }
}

/// The program's absolute path, found as a shell would.
fn find(name: &str, path: &str, directory: &Path) -> Result<PathBuf, StartError> {
    if name.contains('/') {
        let program = directory.join(name);
        return match program.metadata() {
            Ok(found) if found.is_dir() => Err(StartError::user(format!("{name} is a directory, not a program"))),
            Ok(found) if found.permissions().mode() & 0o111 == 0 => {
                Err(StartError::user(format!("{name} is not executable")))
            }
            Ok(_) => Ok(program),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(StartError::user(format!("the program {name} does not exist")))
            }
            Err(error) => Err(StartError::environment(&format!("cannot use the program {name}"))(error)),
        };
    }
    let is_program = |candidate: &PathBuf| {
        candidate.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    // An empty or relative entry would mean the worktree, and a planted program.
    let entries = std::env::split_paths(path).filter(|entry| entry.is_absolute());
    let mut candidates = entries.map(|entry| entry.join(name));
    candidates
        .find(is_program)
        .ok_or_else(|| StartError::user(format!("the program {name:?} was not found in PATH ({path})")))
}

fn explain(program: &Path, directory: &Path, error: &io::Error) -> StartError {
    const NOT_A_PROGRAM: i32 = rustix::io::Errno::NOEXEC.raw_os_error();
    let shown = program.display();
    match error.raw_os_error() {
        Some(NOT_A_PROGRAM) => StartError::user(format!("{shown} is not a program (a script needs a `#!` line)")),
        _ if error.kind() == io::ErrorKind::NotFound => {
            StartError::user(format!("{shown} cannot be started: what its `#!` line or loader names does not exist"))
        }
        _ if error.kind() == io::ErrorKind::InvalidInput => {
            StartError::user(format!("{shown} cannot be started: an argument or variable holds a NUL byte"))
        }
        _ => {
            let what = format!("cannot start {shown} in {}", directory.display());
            StartError::environment(&what)(io::Error::new(error.kind(), error.to_string()))
        }
    }
}
