//! How an instance ended, told apart further than the harness does.

use serde::Serialize;

use super::infra::{self, Classification, Tier};

/// How an instance ended. Only [`Outcome::Resolved`] is one; the others say why not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Every expected test passes.
    Resolved,
    /// Some tests that failed pass now, and nothing broke.
    Partial,
    /// The tests that should pass do not.
    Unresolved,
    /// There is no patch, or nothing in it.
    EmptyPatch,
    /// The patch could not be applied.
    ApplyFailed,
    /// The tests took too long.
    TimedOut,
    /// The log cannot be graded and says nothing of why.
    NotGradable,
    /// The environment failed: no verdict on the patch.
    Infrastructure {
        /// In the harness' word, or what happened.
        reason: String,
    },
    /// The environment or the patch, which the log does not tell.
    Ambiguous {
        /// In the harness' word.
        reason: String,
    },
    /// Somebody stopped it.
    Cancelled,
    /// Its budget was used up.
    Budget,
}

impl Outcome {
    /// Of a log that cannot be graded.
    pub(super) fn of_ungradable(log: &str, classified: Option<Classification>) -> Self {
        if infra::timed_out(log) || log.contains(">>>>> Tests Timed Out") {
            return Self::TimedOut;
        }
        if log.contains(">>>>> Patch Apply Failed") {
            return Self::ApplyFailed;
        }
        match classified {
            Some(Classification { reason, tier: Tier::Environment }) => {
                Self::Infrastructure { reason: reason.to_owned() }
            }
            Some(Classification { reason, tier: Tier::Ambiguous }) => Self::Ambiguous { reason: reason.to_owned() },
            None => Self::NotGradable,
        }
    }

    /// Its word.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Resolved => "resolved",
            Self::Partial => "partial",
            Self::Unresolved => "unresolved",
            Self::EmptyPatch => "empty_patch",
            Self::ApplyFailed => "apply_failed",
            Self::TimedOut => "timed_out",
            Self::NotGradable => "not_gradable",
            Self::Infrastructure { .. } => "infrastructure",
            Self::Ambiguous { .. } => "ambiguous",
            Self::Cancelled => "cancelled",
            Self::Budget => "budget",
        }
    }

    /// Why, where that is known.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Infrastructure { reason } | Self::Ambiguous { reason } => Some(reason),
            _ => None,
        }
    }

    /// Whether another attempt may end otherwise without anything having changed.
    pub fn may_be_retried(&self) -> bool {
        matches!(self, Self::Infrastructure { .. })
    }
}
