//! Exit codes: the contract, in one place.

use crate::model::session::{SessionView, Settled};
use crate::model::{Refusal, RefusalKind};

/// How an invocation ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// Done.
    Done,
    /// Refused, or a mistake of the user.
    Refused,
    /// The agent or an evaluation failed.
    Failed,
    /// It waits for a person, and nobody is there to answer.
    Waiting,
    /// Ctrl-C.
    Interrupted,
    /// A fault of divisi.
    Bug,
}

impl Exit {
    /// The code of the contract. (2, usage, is clap's.)
    pub(crate) fn code(self) -> i32 {
        match self {
            Self::Done => 0,
            Self::Refused => 1,
            Self::Failed => 4,
            Self::Waiting => 5,
            Self::Interrupted => 130,
            Self::Bug => 70,
        }
    }
}

/// The code of a refusal.
pub(crate) fn of(refusal: &Refusal) -> Exit {
    match refusal.kind {
        RefusalKind::User | RefusalKind::Conflict | RefusalKind::Environment => Exit::Refused,
        RefusalKind::Internal => Exit::Bug,
    }
}

/// What `--wait` says of a session; absent while it works.
pub(crate) fn settled(view: &SessionView) -> Option<Exit> {
    if view.removed {
        return Some(Exit::Refused);
    }
    view.state.settled().map(|settled| match settled {
        Settled::Done => Exit::Done,
        Settled::Failed => Exit::Failed,
        Settled::Waiting => Exit::Waiting,
    })
}
