//! Ending what a program started since a moment, while the program itself goes on.
//!
//! Some agents let go of the command of a turn that was cancelled. It is known by its birth: whoever of the tree was born after the
//! prompt was written and before the sweep was asked for, their children, and who shares a session or a group that one of them began.
//! What the agent started before the prompt, or starts for the next one, is left alone.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::process::identity::{self, ProcessStat};
use crate::process::tree;

/// Time between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_millis(300);
/// Between two looks at who is left.
const ROUND: Duration = Duration::from_millis(20);
/// Who is there for so long after the first SIGKILL cannot be ended by anybody.
const GIVE_UP: Duration = Duration::from_secs(2);

/// A sweep that was asked for and is not over.
#[derive(Debug)]
pub(super) struct Sweep {
    /// The request that waits for its end: connection and id.
    pub(super) asked: (u64, u64),
    /// Clock ticks since boot between which its processes were born: after the first, not after the second.
    born: (u64, u64),
    /// Every process that belongs to it, seen so far.
    seen: BTreeSet<i32>,
    kill_at: Instant,
    next: Instant,
    began: bool,
}

impl Sweep {
    /// Of everybody who was born after `since` (clock ticks since boot) and until now.
    pub(super) fn new(asked: (u64, u64), since: u64, now: Instant) -> Self {
        let born = (since, identity::ticks());
        Self { asked, born, seen: BTreeSet::new(), kill_at: now + GRACE, next: now, began: false }
    }

    /// When to look again.
    pub(super) fn deadline(&self) -> Instant {
        self.next
    }

    /// Goes as far as it can. Some once it is over: how many could not be ended.
    pub(super) fn advance(&mut self, own: i32, now: Instant) -> Option<usize> {
        if now < self.next {
            return None;
        }
        self.next = now + ROUND;
        let left = self.select(&tree::descendants(own));
        for process in &left {
            if now >= self.kill_at {
                tree::signal(process, Signal::KILL);
            } else if !self.began {
                tree::signal(process, Signal::TERM);
                tree::signal(process, Signal::CONT);
            }
        }
        self.began = true;
        (left.is_empty() || now >= self.kill_at + GIVE_UP).then_some(left.len())
    }

    /// Those of a tree that belong to it.
    fn select(&mut self, tree: &[ProcessStat]) -> Vec<ProcessStat> {
        let (after, until) = self.born;
        loop {
            let before = self.seen.len();
            for process in tree {
                let kin = [process.parent, process.session, process.group].iter().any(|pid| self.seen.contains(pid));
                if process.start_time > after && (process.start_time <= until || kin) {
                    self.seen.insert(process.pid);
                }
            }
            if self.seen.len() == before {
                break;
            }
        }
        tree.iter().filter(|process| self.seen.contains(&process.pid) && process.start_time > after).copied().collect()
    }
}

#[cfg(test)]
mod tests;
