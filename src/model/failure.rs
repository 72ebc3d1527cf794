//! Failures told apart, and silence.

use serde::{Deserialize, Serialize};

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The agent's program is missing or cannot be started.
    NotInstalled,
    /// The installed version does not understand what divisi says.
    WrongVersion,
    /// No key, a wrong key, an expired login.
    NotLoggedIn,
    /// Too many requests; later it will work.
    RateLimit,
    /// The plan or the credit is used up.
    Quota,
    /// The provider has too much to do.
    Overloaded,
    /// The conversation no longer fits into the model.
    ContextFull,
    /// The model or a policy declined.
    Refused,
    /// Nothing answered.
    Unreachable,
    /// There is no such model, or not for this account.
    UnknownModel,
    /// The provider rejected the request.
    BadRequest,
    /// The provider failed.
    Model,
    /// The agent's process ended by its own fault in the middle of the turn.
    Crashed,
    /// Somebody or something other than divisi ended it.
    Killed,
    /// The machine restarted, or what keeps it was ended.
    Lost,
    /// It was ended after a silence, on a person's word.
    Silent,
    /// Anything else, and kinds of a newer divisi.
    #[serde(other)]
    Other,
}

impl FailureKind {
    /// A few words for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::NotInstalled => "not installed",
            Self::WrongVersion => "wrong version",
            Self::NotLoggedIn => "not logged in",
            Self::RateLimit => "rate limit",
            Self::Quota => "out of quota",
            Self::Overloaded => "the model is overloaded",
            Self::ContextFull => "the context is full",
            Self::Refused => "refused",
            Self::Unreachable => "the model cannot be reached",
            Self::UnknownModel => "unknown model",
            Self::BadRequest => "the model rejected the request",
            Self::Model => "the model failed",
            Self::Crashed => "the agent crashed",
            Self::Killed => "the agent was killed",
            Self::Lost => "the agent was lost",
            Self::Silent => "the agent was silent",
            Self::Other => "the agent failed",
        }
    }
}

/// Why a turn failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What kind.
    pub kind: FailureKind,
    /// What to do next, one line; empty when nobody knows.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub next: String,
    /// When it may be tried again, milliseconds since the epoch, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<i64>,
}

/// A silence of an agent that should be working.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// When it was heard last, milliseconds since the epoch.
    pub since: i64,
    /// Until when a person said to wait on, milliseconds since the epoch; absent: nobody has said yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
}
