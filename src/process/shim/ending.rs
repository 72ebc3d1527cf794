//! How a job ends: the ladder, and what is left of the tree when the program is gone.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::process::identity::ProcessStat;
use crate::process::tree;

/// Time between SIGTERM and SIGKILL when nobody named one: the lease is over, or the shim itself was asked to end.
pub(super) const GRACE: Duration = Duration::from_secs(5);
/// The same when the daemon died and the program is to die with it.
pub(super) const GRACE_OF_KILL: Duration = Duration::from_secs(2);
/// What a tree has to end by itself after its main process did, before it counts as leaked.
const SETTLE: Duration = Duration::from_millis(100);
/// Time between SIGTERM and SIGKILL for what was leaked.
const GRACE_OF_LEAKED: Duration = Duration::from_millis(300);
/// Between two rounds of SIGKILL.
const ROUND: Duration = Duration::from_millis(4);
/// The same once it takes long: somebody hangs in the kernel.
const SLOW_ROUND: Duration = Duration::from_millis(100);
const SLOW_AFTER: u32 = 250;
/// Who is not gone so long after the main process cannot be ended by anybody.
const GIVE_UP: Duration = Duration::from_secs(10);
/// A pipe that somebody outside the tree keeps open is left after so much silence.
const SILENCE: Duration = Duration::from_millis(200);
/// And after so much time, silent or not.
const DRAIN: Duration = Duration::from_secs(5);

/// Where a job is on its way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Running,
    /// Asked to end.
    Stopping {
        until: Instant,
    },
    /// The main process is gone, others are there.
    Settling {
        until: Instant,
    },
    /// The others were asked to end.
    Leaving {
        until: Instant,
    },
    /// Everybody is being killed.
    Killing {
        round: u32,
        next: Instant,
        give_up: Option<Instant>,
    },
    /// Nobody is left; what lies in the pipes is read.
    Draining {
        silent: Instant,
        until: Instant,
    },
    Over,
}

/// What the loop knows of the world.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sight {
    pub(super) now: Instant,
    /// The main process was reaped.
    pub(super) main_gone: bool,
    /// The shim has no child left, so nobody of the tree is.
    pub(super) alone: bool,
    /// Both output pipes are at their end.
    pub(super) pipes_closed: bool,
}

/// The state of the end.
#[derive(Debug)]
pub(super) struct Ending {
    own: ProcessStat,
    phase: Phase,
    stopped: bool,
    leaked: BTreeSet<(i32, u64)>,
}

impl Ending {
    pub(super) fn new(own: ProcessStat) -> Self {
        Self { own, phase: Phase::Running, stopped: false, leaked: BTreeSet::new() }
    }

    /// Whether the program was asked to stop while it ran.
    pub(super) fn was_stopped(&self) -> bool {
        self.stopped
    }

    /// How many outlived the main process and were ended.
    pub(super) fn leaked(&self) -> u32 {
        u32::try_from(self.leaked.len()).unwrap_or(u32::MAX)
    }

    /// Nothing is left to do.
    pub(super) fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// Whether the main process may still run on undisturbed.
    pub(super) fn is_running(&self) -> bool {
        self.phase == Phase::Running
    }

    /// Asks the tree to end, and kills it after `grace`. Asked again, the shorter time counts.
    pub(super) fn stop(&mut self, grace: Duration, main_gone: bool, now: Instant) {
        if main_gone {
            return;
        }
        self.stopped = true;
        let asked = now.checked_add(grace);
        match &mut self.phase {
            Phase::Running => {
                tree::terminate_descendants(self.own.pid);
                self.phase = Phase::Stopping { until: asked.unwrap_or(now + GRACE) };
            }
            Phase::Stopping { until } => *until = asked.map_or(*until, |asked| asked.min(*until)),
            _ => {}
        }
    }

    /// Output came: whoever holds the pipe is not silent.
    pub(super) fn heard(&mut self, now: Instant) {
        if let Phase::Draining { silent, .. } = &mut self.phase {
            *silent = now + SILENCE;
        }
    }

    /// The pipes cannot be read now: what lies in them must not be left behind.
    pub(super) fn hold(&mut self, now: Instant) {
        if let Phase::Draining { silent, until } = &mut self.phase {
            *silent = now + SILENCE;
            *until = now + DRAIN;
        }
    }

    /// When to look again, if nothing happens before.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Running | Phase::Over => None,
            Phase::Stopping { until } | Phase::Settling { until } | Phase::Leaving { until } => Some(until),
            Phase::Killing { next, .. } => Some(next),
            Phase::Draining { silent, until } => Some(silent.min(until)),
        }
    }

    /// Goes as far as it can now.
    pub(super) fn advance(&mut self, sight: Sight) {
        loop {
            let before = self.phase;
            self.phase = self.next(sight);
            if self.phase == before {
                return;
            }
        }
    }

    fn next(&mut self, sight: Sight) -> Phase {
        let Sight { now, main_gone, alone, pipes_closed } = sight;
        let draining = Phase::Draining { silent: now + SILENCE, until: now + DRAIN };
        let killing = Phase::Killing { round: 0, next: now, give_up: None };
        match self.phase {
            Phase::Draining { silent, until } if pipes_closed || now >= silent.min(until) => Phase::Over,
            Phase::Draining { .. } | Phase::Over => self.phase,
            _ if main_gone && alone => draining,
            Phase::Running if main_gone => Phase::Settling { until: now + SETTLE },
            Phase::Stopping { until } if now >= until => killing,
            Phase::Settling { until } if now >= until => {
                let left = tree::terminate_descendants(self.own.pid);
                self.count(&left);
                Phase::Leaving { until: now + GRACE_OF_LEAKED }
            }
            Phase::Leaving { until } if now >= until => killing,
            Phase::Killing { give_up: Some(give_up), .. } if now >= give_up => draining,
            Phase::Killing { round, next, give_up } if now >= next => {
                let left = tree::kill_descendants(&self.own, round);
                if main_gone {
                    self.count(&left);
                }
                let give_up = give_up.or_else(|| main_gone.then(|| now + GIVE_UP));
                let wait = if round < SLOW_AFTER { ROUND } else { SLOW_ROUND };
                Phase::Killing { round: round.saturating_add(1), next: now + wait, give_up }
            }
            phase => phase,
        }
    }

    fn count(&mut self, left: &[ProcessStat]) {
        self.leaked.extend(left.iter().map(|process| (process.pid, process.start_time)));
    }
}
