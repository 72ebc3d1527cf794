//! All processes of a job, and how to end them.
//!
//! While the shim lives it is the subreaper of its tree: whoever loses their parent becomes its child, so the tree is exactly its
//! descendants, and it is empty exactly when the shim has no child left.
//!
//! When the shim is gone (killed) its tree has been handed to somebody else, and parents say nothing any more. Then the tree is known by
//! the *dye*, a number that no other job has and that every process of it carries from birth in two places: in the environment variable
//! [`DYE_VARIABLE`], which a process may clear for its children, and as the soft limit of [`Resource::Rttime`]. Limits are inherited
//! through fork and exec, are not part of the environment, and can be read in `/proc/PID/limits`; this one concerns only processes with a
//! real-time scheduling class, and the number is so large (over 100,000 years) that it concerns not even those. The job's id
//! ([`JOB_VARIABLE`]) is there for people: another daemon of the same user, with a state of its own, may know a job of the same name.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Resource, Rlimit, Signal, pidfd_open, pidfd_send_signal};

use super::identity::{self, ProcessStat};
use crate::model::job::ProcessIdentity;

mod hunt;
pub mod memory;

pub use hunt::finish_off;

/// The variable that names a job in the environment of its processes.
pub const JOB_VARIABLE: &str = "DIVISI_JOB";
/// The variable that holds the dye (see [`dye_text`]).
pub const DYE_VARIABLE: &str = "DIVISI_JOB_DYE";

/// Dyes are in `DYE_BASE..2 * DYE_BASE`.
const DYE_BASE: u64 = 1 << 62;

/// A number for a new job, from random bits.
pub fn dye(random: u64) -> u64 {
    DYE_BASE | (random & (DYE_BASE - 1))
}

/// A dye as it stands in the environment.
pub fn dye_text(dye: u64) -> String {
    format!("{dye:016x}")
}

/// Runs `start` with this process dyed, so that the processes it starts are born with the dye. Only for a process with one thread. A
/// limit that cannot be set is no error: the environment's mark remains.
pub fn with_dye<T>(dye: u64, start: impl FnOnce() -> T) -> T {
    let before = rustix::process::getrlimit(Resource::Rttime);
    let dyed = Rlimit { current: Some(dye), maximum: before.maximum };
    let set = rustix::process::setrlimit(Resource::Rttime, dyed).is_ok();
    let result = start();
    if set {
        let _ = rustix::process::setrlimit(Resource::Rttime, before);
    }
    result
}

/// Every process there is.
pub fn processes() -> Vec<ProcessStat> {
    pids().into_iter().filter_map(ProcessStat::read).collect()
}

/// The id of every process, in ascending order.
fn pids() -> Vec<i32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// The living descendants of a process.
pub fn descendants(root: i32) -> Vec<ProcessStat> {
    let mut children: BTreeMap<i32, Vec<ProcessStat>> = BTreeMap::new();
    for process in processes() {
        children.entry(process.parent).or_default().push(process);
    }
    let mut found = Vec::new();
    let mut parents = vec![root];
    while let Some(parent) = parents.pop() {
        for process in children.remove(&parent).unwrap_or_default() {
            parents.push(process.pid);
            if !process.is_dead() {
                found.push(process);
            }
        }
    }
    found
}

/// The living descendants as far as the kernel's own lists of children show them: much quicker than a walk of all processes, but it may
/// miss some. Empty where the kernel keeps no such lists.
fn children_of_children(root: i32) -> Vec<ProcessStat> {
    let mut found = Vec::new();
    let mut parents = vec![root];
    let mut seen = BTreeSet::from([root]);
    while let Some(parent) = parents.pop() {
        let Ok(tasks) = fs::read_dir(format!("/proc/{parent}/task")) else { continue };
        for task in tasks.flatten() {
            let Ok(children) = fs::read_to_string(task.path().join("children")) else { continue };
            for child in children.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()) {
                if !seen.insert(child) {
                    continue;
                }
                parents.push(child);
                found.extend(ProcessStat::read(child).filter(|process| !process.is_dead()));
            }
        }
    }
    found
}

/// About all living descendants of a process, found quickly: for bounds that are looked at often.
pub fn quick(root: i32) -> Vec<ProcessStat> {
    children_of_children(root)
}

/// How many tasks (processes and threads) this user has now.
pub fn own_tasks() -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    let user = rustix::process::getuid().as_raw();
    let tasks = |pid: i32| {
        let directory = format!("/proc/{pid}/task");
        let own = fs::metadata(&directory).is_ok_and(|meta| meta.uid() == user);
        if own { fs::read_dir(&directory).map_or(1, |tasks| tasks.count() as u64) } else { 0 }
    };
    pids().into_iter().map(tasks).sum()
}

/// Ends descendants of a shim that multiply faster than it could end them one by one: their groups are signalled at once, again and
/// again. Returns when nobody is left, or after `limit`. Blocks.
pub fn end_at_once(shim: i32, limit: Duration) {
    let deadline = crate::base::clock::instant() + limit;
    while let Some(own) = ProcessStat::read(shim) {
        // First the groups as the kernel lists them, so that no walk of all processes gives them time.
        let quick = children_of_children(shim);
        kill_groups(quick.iter().filter(|process| process.group != own.group));
        if kill_descendants(&own, 2).is_empty() || crate::base::clock::instant() >= deadline {
            return;
        }
    }
}

/// Signals exactly this process: never another one that got its pid since. A process that is gone is no error.
pub fn signal(process: &ProcessStat, signal: Signal) {
    let Some(pid) = Pid::from_raw(process.pid) else { return };
    let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else { return };
    // The handle stands for whoever has the pid now. If that is still the one that was meant, it stays so.
    if ProcessStat::read(process.pid).is_some_and(|now| now.start_time == process.start_time) {
        let _ = pidfd_send_signal(handle, signal);
    }
}

/// [`signal`] for a process known by its identity.
pub fn signal_identity(process: &ProcessIdentity, which: Signal) {
    if identity::is_running(process)
        && let Some(now) = ProcessStat::read(process.pid)
    {
        signal(&ProcessStat { start_time: process.start_time, ..now }, which);
    }
}

/// Asks every descendant to end; stopped ones are woken so that they can.
pub fn terminate_descendants(root: i32) -> Vec<ProcessStat> {
    let tree = descendants(root);
    for process in &tree {
        signal(process, Signal::TERM);
    }
    for process in &tree {
        signal(process, Signal::CONT);
    }
    tree
}

/// One round of ending a shim's descendants; `round` counts up from 0. The caller goes on until it has no child left.
///
/// A program that forks again and again can slip through a list of processes. So from the third round on the groups get the signal
/// too: a group is signalled by the kernel at once, and a fork in it sees it. No group of a descendant can hold anybody else: the shim
/// began a session, and left its own group to itself.
pub fn kill_descendants(own: &ProcessStat, round: u32) -> Vec<ProcessStat> {
    let quick = if round.is_multiple_of(4) { Vec::new() } else { children_of_children(own.pid) };
    let tree = if quick.is_empty() { descendants(own.pid) } else { quick };
    for process in &tree {
        signal(process, Signal::KILL);
    }
    if round >= 2 {
        kill_groups(tree.iter().filter(|process| process.group != own.group));
    }
    tree
}

fn kill_groups<'a>(processes: impl Iterator<Item = &'a ProcessStat>) {
    let groups: BTreeSet<i32> = processes.map(|process| process.group).filter(|&group| group > 1).collect();
    for group in groups.into_iter().filter_map(Pid::from_raw) {
        let _ = rustix::process::kill_process_group(group, Signal::KILL);
    }
}

/// Waits for a little while. Not for the daemon's async code.
pub(super) fn pause(time: Duration) {
    let wait = rustix::event::Timespec::try_from(time).ok();
    let mut nothing: [rustix::event::PollFd<'_>; 0] = [];
    while rustix::event::poll(&mut nothing, wait.as_ref()) == Err(Errno::INTR) {}
}

#[cfg(test)]
mod tests;
