//! Runs a short program to its end: explicit directory and environment, own process group, deadline, bounded output.
//!
//! For programs whose whole output is wanted (git, `gh`). Agents go through the shim instead.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::base::clock;

pub mod orphans;

/// Standard error beyond this is read and thrown away, bytes.
const STDERR_LIMIT: usize = 256 * 1024;
/// After the program has ended, a grandchild may hold its output open; this long is waited for the rest.
const LINGER: Duration = Duration::from_millis(200);

/// How often it is looked whether a program is to stop.
const STOP_CHECK: Duration = Duration::from_millis(50);

/// What to run.
#[derive(Debug, Clone)]
pub struct Program<'a> {
    /// The program's path.
    pub program: &'a Path,
    /// Its arguments, without its own name.
    pub arguments: &'a [OsString],
    /// Where it runs.
    pub directory: &'a Path,
    /// All of its environment; nothing is inherited.
    pub environment: &'a [(OsString, OsString)],
    /// What it reads on standard input, then end of file.
    pub input: &'a [u8],
    /// After this long it and its whole process group are killed.
    pub deadline: Duration,
    /// Standard output beyond this many bytes ends the program and is cut ([`Finished::truncated`]).
    pub limit: usize,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// Its exit code; absent when a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error, at most 256 KiB.
    pub stderr: Vec<u8>,
    /// True when standard output was longer than the limit: the program was ended, the beginning is here.
    pub truncated: bool,
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It never ran.
    #[error("{} could not be started: {source}", program.display())]
    NotStarted {
        /// Which.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It ran too long and was killed with its process group.
    #[error("{} did not end within {} seconds and was killed", program.display(), after.as_secs_f32())]
    TimedOut {
        /// Which.
        program: PathBuf,
        /// The deadline.
        after: Duration,
    },
    /// It was told to stop, and killed with its process group.
    #[error("{} was stopped", program.display())]
    Stopped {
        /// Which.
        program: PathBuf,
    },
    /// Talking to it failed.
    #[error("{} could not be talked to: {source}", program.display())]
    Broken {
        /// Which.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Runs a program and waits for it. Blocks the calling thread.
///
/// # Errors
/// When it cannot be started, does not end in time, or its pipes fail.
pub fn run(what: &Program<'_>) -> Result<Finished, RunError> {
    start_and_wait(what, None)
}

/// [`run`], which is also over once `stop` is true, and after which nothing of the program's process group is left, however it ended.
///
/// # Errors
/// As [`run`]; [`RunError::Stopped`].
pub fn run_until(what: &Program<'_>, stop: &AtomicBool) -> Result<Finished, RunError> {
    start_and_wait(what, Some(stop))
}

fn start_and_wait(what: &Program<'_>, stop: Option<&AtomicBool>) -> Result<Finished, RunError> {
    let deadline = clock::instant() + what.deadline;
    let mut child = Command::new(what.program)
        .args(what.arguments)
        .current_dir(what.directory)
        .env_clear()
        .envs(what.environment.iter().map(|(key, value)| (key, value)))
        .stdin(if what.input.is_empty() { Stdio::null() } else { Stdio::piped() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|source| RunError::NotStarted { program: what.program.to_owned(), source })?;
    let outcome = converse(&mut child, what, deadline, stop);
    if outcome.is_err() || stop.is_some() {
        end_group(&mut child);
    }
    outcome
}

/// Kills the whole group and reaps the program.
fn end_group(child: &mut Child) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // The group may be gone already; that is what was wanted.
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.wait();
}

/// The three pipes and the process, until all are done.
fn converse(
    child: &mut Child,
    what: &Program<'_>,
    deadline: Instant,
    stop: Option<&AtomicBool>,
) -> Result<Finished, RunError> {
    let broken = |source: io::Error| RunError::Broken { program: what.program.to_owned(), source };
    let mut stdin = child.stdin.take();
    let mut stdout = child.stdout.take();
    let mut stderr = child.stderr.take();
    if let Some(pipe) = &stdin {
        unblock(pipe).map_err(broken)?;
    }
    if let Some(pipe) = &stdout {
        unblock(pipe).map_err(broken)?;
    }
    if let Some(pipe) = &stderr {
        unblock(pipe).map_err(broken)?;
    }
    let exit = watch(child);
    let mut finished = Finished { code: None, signal: None, stdout: Vec::new(), stderr: Vec::new(), truncated: false };
    let mut errors = Vec::new();
    let mut written = 0;
    let mut status: Option<ExitStatus> = None;
    let mut end = deadline;
    while status.is_none() || stdout.is_some() || stderr.is_some() {
        let now = clock::instant();
        if now >= end {
            if status.is_some() {
                // A grandchild holds the output open; what the program itself wrote is here.
                end_group(child);
                break;
            }
            return Err(RunError::TimedOut { program: what.program.to_owned(), after: what.deadline });
        }
        if stop.is_some_and(|stop| stop.load(Ordering::Relaxed)) {
            return Err(RunError::Stopped { program: what.program.to_owned() });
        }
        wait_for_any(
            stdin.as_ref(),
            stdout.as_ref(),
            stderr.as_ref(),
            exit.as_ref().filter(|_| status.is_none()),
            if stop.is_some() { (end - now).min(STOP_CHECK) } else { end - now },
        )
        .map_err(broken)?;
        if let Some(pipe) = &mut stdin {
            match pipe.write(&what.input[written..]) {
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // It does not read what it was given; its exit code tells whether that matters.
                Err(_) => written = what.input.len(),
            }
            if written == what.input.len() {
                stdin = None;
            }
        }
        if let Some(pipe) = &mut stdout {
            let room = what.limit.saturating_sub(finished.stdout.len());
            match take(pipe, &mut finished.stdout, room).map_err(broken)? {
                Taken::Some => {}
                Taken::End => stdout = None,
                Taken::Full => {
                    finished.truncated = true;
                    end_group(child);
                    stdout = None;
                    stderr = None;
                }
            }
        }
        if let Some(pipe) = &mut stderr
            && matches!(take(pipe, &mut errors, usize::MAX).map_err(broken)?, Taken::End)
        {
            stderr = None;
        }
        errors.truncate(STDERR_LIMIT);
        if status.is_none() {
            status = child.try_wait().map_err(broken)?;
            if status.is_some() {
                end = deadline.min(clock::instant() + LINGER);
            }
        }
    }
    finished.code = status.and_then(|status| status.code());
    finished.signal = status.and_then(|status| status.signal());
    finished.stderr = errors;
    Ok(finished)
}

/// What one reading brought.
enum Taken {
    Some,
    End,
    Full,
}

/// Reads what is there, at most `room` bytes further.
fn take(pipe: &mut impl io::Read, into: &mut Vec<u8>, room: usize) -> io::Result<Taken> {
    let mut piece = [0; 16 * 1024];
    let mut room = room;
    // A bounded number of pieces, so that the other pipes get their turn.
    for _ in 0..64 {
        match pipe.read(&mut piece) {
            Ok(0) => return Ok(Taken::End),
            Ok(count) if count > room => {
                into.extend_from_slice(&piece[..room]);
                return Ok(Taken::Full);
            }
            Ok(count) => {
                into.extend_from_slice(&piece[..count]);
                room -= count;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Taken::Some),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Taken::Some)
}

/// Sleeps until a pipe or the process has something to say, or the time is over.
fn wait_for_any(
    stdin: Option<&std::process::ChildStdin>,
    stdout: Option<&std::process::ChildStdout>,
    stderr: Option<&std::process::ChildStderr>,
    exit: Option<&OwnedFd>,
    at_most: Duration,
) -> io::Result<()> {
    let mut fds = Vec::with_capacity(4);
    fds.extend(stdin.map(|pipe| PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::OUT)));
    fds.extend(stdout.map(|pipe| PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::IN)));
    fds.extend(stderr.map(|pipe| PollFd::from_borrowed_fd(pipe.as_fd(), PollFlags::IN)));
    fds.extend(exit.map(|exit| PollFd::from_borrowed_fd(exit.as_fd(), PollFlags::IN)));
    // Without a descriptor of the process its end is looked for now and then.
    let at_most = if exit.is_some() { at_most } else { at_most.min(Duration::from_millis(5)) };
    let timeout = Timespec::try_from(at_most).map_err(io::Error::other)?;
    match poll(&mut fds, Some(&timeout)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Makes a pipe answer at once.
fn unblock(pipe: &impl std::os::fd::AsFd) -> io::Result<()> {
    Ok(rustix::io::ioctl_fionbio(pipe, true)?)
}

/// A descriptor that becomes readable when the process ends.
#[cfg(target_os = "linux")]
fn watch(child: &Child) -> Option<OwnedFd> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw)?;
    rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).ok()
}

/// Elsewhere the end is polled for.
#[cfg(not(target_os = "linux"))]
fn watch(_child: &Child) -> Option<OwnedFd> {
    None
}

#[cfg(test)]
mod tests;
