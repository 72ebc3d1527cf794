//! Ending the tree of a shim that is gone.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

use rustix::process::{Pid, Signal};

use super::{DYE_VARIABLE, dye_text, kill_groups, pause, pids, signal};
use crate::base::clock;
use crate::process::identity::ProcessStat;

/// How often in a row nobody must be found before nobody is left. A list of processes is old when it is read: a program that forks and
/// ends all the time can be missed by any one of them, but not by so many.
const EMPTY_LISTS: u32 = 40;
/// Between two lists.
const PAUSE: Duration = Duration::from_millis(1);
/// How often everybody is looked at again, and not only those who are new: pids may come round.
const EVERYBODY: u32 = 16;

/// Ends what is left of a job whose shim is gone. Returns how many there were, and whether all are gone within `limit`. Blocks.
pub fn finish_off(dye: u64, limit: Duration) -> (usize, bool) {
    let deadline = clock::instant() + limit;
    let session = ProcessStat::read(own_pid()).map(|own| own.session);
    let mut hunt = Hunt::new(dye);
    let mut ended = BTreeSet::new();
    let mut empty = 0;
    while empty < EMPTY_LISTS {
        empty += 1;
        hunt.look(|process| {
            empty = 0;
            ended.insert((process.pid, process.start_time));
            signal(process, Signal::KILL);
            // The group too, at once and with whoever is being born in it. The shim began a session, and groups do not reach over
            // sessions: so a group of theirs is theirs alone. Somebody in our own session was not started by a shim.
            if session.is_some_and(|own| own != process.session) {
                kill_groups(std::iter::once(process));
            }
        });
        if empty == 0 && clock::instant() >= deadline {
            return (ended.len(), false);
        }
        pause(PAUSE);
    }
    (ended.len(), true)
}

/// Looks for dyed processes again and again, quickly: whoever is known to be somebody else is not looked at again.
#[derive(Debug)]
pub(super) struct Hunt {
    dye: u64,
    text: String,
    /// Who is not of the tree, with their start times.
    others: BTreeMap<i32, u64>,
    lists: u32,
}

impl Hunt {
    pub(super) fn new(dye: u64) -> Self {
        let own = own_pid();
        let others = ProcessStat::read(own).map(|process| (own, process.start_time)).into_iter().collect();
        Self { dye, text: dye_text(dye), others, lists: 0 }
    }

    /// Calls `found` for each dyed process, as soon as it is seen.
    pub(super) fn look(&mut self, mut found: impl FnMut(&ProcessStat)) {
        let everybody = self.lists.is_multiple_of(EVERYBODY);
        self.lists += 1;
        // The newest first: they are the ones who may be gone soon.
        for pid in pids().into_iter().rev() {
            if !everybody && self.others.contains_key(&pid) {
                continue;
            }
            let Some(process) = ProcessStat::read(pid) else { continue };
            if process.is_dead() || self.others.get(&pid) == Some(&process.start_time) {
                continue;
            }
            match self.is_dyed(pid) {
                Some(true) => found(&process),
                Some(false) => drop(self.others.insert(pid, process.start_time)),
                // Neither: it is just ending, or being born.
                None => {}
            }
        }
    }

    fn is_dyed(&self, pid: i32) -> Option<bool> {
        Some(limit(pid)? == self.dye.to_string() || has_variable(pid, self.text.as_bytes()))
    }
}

fn own_pid() -> i32 {
    Pid::as_raw(Some(rustix::process::getpid()))
}

/// The soft limit that carries the dye, as the kernel writes it.
fn limit(pid: i32) -> Option<String> {
    // `Max realtime timeout     <soft>     <hard>     us`
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max realtime timeout"))?;
    line.split_ascii_whitespace().next().map(str::to_owned)
}

fn has_variable(pid: i32, text: &[u8]) -> bool {
    let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) else { return false };
    let value = |entry| <[u8]>::strip_prefix(entry, DYE_VARIABLE.as_bytes())?.strip_prefix(b"=");
    environment.split(|&byte| byte == 0).any(|entry| value(entry) == Some(text))
}
