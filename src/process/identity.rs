//! Processes that cannot be mistaken for others: a pid together with its start time and the boot.
//!
//! Source: `proc_pid_stat(5)`. The second field, the program's name, is in parentheses and may itself hold parentheses, blanks and
//! newlines: everything is counted from the last closing one.

use std::fs;
use std::io;

use rustix::process::Pid;

use crate::model::job::ProcessIdentity;

/// What `/proc/PID/stat` says of one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessStat {
    /// Its id.
    pub pid: i32,
    /// One letter: `R`, `S`, `D`, `Z` (dead, not yet reaped), `T`, ...
    pub state: u8,
    /// Its parent.
    pub parent: i32,
    /// Its process group.
    pub group: i32,
    /// Its session.
    pub session: i32,
    /// Clock ticks between boot and its start.
    pub start_time: u64,
}

impl ProcessStat {
    /// Reads it for a process; `None` when there is no such process (any more).
    pub fn read(pid: i32) -> Option<Self> {
        parse(&fs::read(format!("/proc/{pid}/stat")).ok()?)
    }

    /// True for a process that has ended and waits to be reaped.
    pub fn is_dead(&self) -> bool {
        matches!(self.state, b'Z' | b'X' | b'x')
    }
}

fn parse(stat: &[u8]) -> Option<ProcessStat> {
    let open = stat.iter().position(|&byte| byte == b'(')?;
    let close = stat.iter().rposition(|&byte| byte == b')')?;
    let pid = std::str::from_utf8(stat.get(..open)?).ok()?.trim().parse().ok()?;
    let rest = std::str::from_utf8(stat.get(close + 1..)?).ok()?;
    // The first field after the name is number 3 of the manual's table.
    let mut fields = rest.split_ascii_whitespace();
    let state = *fields.next()?.as_bytes().first()?;
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    let session = fields.next()?.parse().ok()?;
    let start_time = fields.nth(22 - 7)?.parse().ok()?;
    Some(ProcessStat { pid, state, parent, group, session, start_time })
}

/// Clock ticks between boot and now: what [`ProcessStat::start_time`] of a process born now is.
pub fn ticks() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let per_second = rustix::param::clock_ticks_per_second();
    let whole = u64::try_from(now.tv_sec).unwrap_or_default() * per_second;
    whole + u64::try_from(now.tv_nsec).unwrap_or_default() * per_second / 1_000_000_000
}

/// The running boot's id.
///
/// # Errors
/// When `/proc` is not mounted.
pub fn boot_id() -> io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}

/// The identity of a running process; `None` when it does not exist.
pub fn identify(pid: i32) -> Option<ProcessIdentity> {
    let start_time = ProcessStat::read(pid)?.start_time;
    Some(ProcessIdentity { pid, start_time, boot_id: boot_id().ok()? })
}

/// Whether exactly this process still runs (a dead one that waits to be reaped does not).
pub fn is_running(process: &ProcessIdentity) -> bool {
    let same = |stat: &ProcessStat| stat.start_time == process.start_time && !stat.is_dead();
    ProcessStat::read(process.pid).as_ref().is_some_and(same)
        && boot_id().is_ok_and(|running| running == process.boot_id)
}

/// The calling process.
///
/// # Errors
/// When `/proc` is not mounted.
pub fn own() -> io::Result<ProcessIdentity> {
    let pid = Pid::as_raw(Some(rustix::process::getpid()));
    identify(pid).ok_or_else(|| io::Error::other("cannot read /proc/self/stat"))
}

#[cfg(test)]
mod tests;
