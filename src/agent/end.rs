//! How a process ended, in words.

use crate::model::job::JobEnd;

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
