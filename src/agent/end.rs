//! How a process ended, in words.

use crate::model::job::JobEnd;
use crate::model::turn::TurnOutcome;

use super::failure::{Diagnosis, Ending, FailureKind};

/// What to do after a crash.
const LOOK: &str = "see its last words in `divisi log`, then send the prompt again";
/// What to do when the agent was ended from outside.
const AGAIN: &str = "send the prompt again";

/// The name of a signal, where it has a common one.
fn signal_name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        31 => "SIGSYS",
        _ => return None,
    })
}

/// `exit 3`, `killed by signal 9 (SIGKILL)`, ...
pub(super) fn describe(end: &JobEnd) -> String {
    match end {
        JobEnd::Exited { code, .. } => format!("exit {code}"),
        JobEnd::Signaled { signal, .. } => match signal_name(*signal) {
            Some(name) => format!("killed by signal {signal} ({name})"),
            None => format!("killed by signal {signal}"),
        },
        JobEnd::NotStarted { reason } => format!("could not be started: {reason}"),
        JobEnd::Lost => "the process was lost: its keeper was killed, or the machine restarted".to_owned(),
    }
}

/// True when it ended because it was asked to.
pub(super) fn was_stopped(end: &JobEnd) -> bool {
    matches!(end, JobEnd::Exited { stopped: true, .. } | JobEnd::Signaled { stopped: true, .. })
}

/// What to say about processes that outlived it.
pub(super) fn leak_notice(end: &JobEnd) -> Option<String> {
    match end {
        JobEnd::Exited { leaked, .. } | JobEnd::Signaled { leaked, .. } if *leaked > 0 => Some(if *leaked == 1 {
            "one process of its tree outlived it and was ended".to_owned()
        } else {
            format!("{leaked} processes of its tree outlived it and were ended")
        }),
        _ => None,
    }
}

/// How a turn ends whose agent's process ends in the middle of it. `how` says how the process did, `fault` what had been told before.
pub(super) fn in_turn(end: &JobEnd, how: &str, fault: Option<&Diagnosis>) -> Ending {
    match (end, fault) {
        _ if was_stopped(end) => TurnOutcome::Interrupted { reason: "stopped".to_owned() }.into(),
        (JobEnd::Lost, _) => Diagnosis::of(FailureKind::Lost, how, AGAIN).interrupts(),
        (JobEnd::Signaled { signal, .. }, _) if is_fault(*signal) => crashed(how),
        (JobEnd::Signaled { .. }, _) => {
            let reason = format!("the agent was killed in the middle of the turn ({how})");
            Diagnosis::of(FailureKind::Killed, reason, AGAIN).interrupts()
        }
        (JobEnd::NotStarted { .. }, _) => {
            Diagnosis::of(FailureKind::NotInstalled, how, "see its command with `divisi agents`").into()
        }
        (_, Some(fault)) => fault.clone().into(),
        _ => crashed(how),
    }
}

fn crashed(how: &str) -> Ending {
    Diagnosis::of(FailureKind::Crashed, format!("the agent crashed: it ended in the middle of the turn ({how})"), LOOK)
        .into()
}

/// Whether a signal is one that a program brings about itself.
fn is_fault(signal: i32) -> bool {
    matches!(signal_name(signal), Some("SIGILL" | "SIGABRT" | "SIGFPE" | "SIGSEGV" | "SIGSYS"))
}

/// How a turn ends whose prompt came after the process's end.
pub(super) fn too_late(how: &str) -> Ending {
    Diagnosis::of(FailureKind::Crashed, format!("the agent had ended before it got the prompt ({how})"), AGAIN).into()
}

/// Why a process ended before it was ready, by its last words.
pub(super) fn before_ready(end: &JobEnd, words: &str) -> FailureKind {
    match (end, FailureKind::of(None, words)) {
        (JobEnd::NotStarted { .. }, _) => FailureKind::NotInstalled,
        (JobEnd::Lost, _) => FailureKind::Lost,
        (JobEnd::Signaled { signal, .. }, _) if !is_fault(*signal) => FailureKind::Killed,
        (_, FailureKind::Other) => FailureKind::Crashed,
        (_, kind) => kind,
    }
}
