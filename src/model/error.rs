//! Refusals: the only way the domain says no.

use serde::{Deserialize, Serialize};

/// Why something was refused, which decides the wording, the exit code and the notification level in every face.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalKind {
    /// The request cannot be carried out as asked: bad name, unknown session, missing program, configuration.
    User,
    /// The state of the world is in the way: someone answered first, the base moved, work would be lost.
    Conflict,
    /// The environment failed: disk full, git failed, a program could not be started.
    Environment,
    /// A fault of divisi itself.
    Internal,
}

/// A refusal: what was tried and why it failed, with the next commands to try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// Who has to act.
    pub kind: RefusalKind,
    /// One sentence fragment without a trailing dot: what was tried, why it failed.
    pub message: String,
    /// What to do next, one line each, commands included verbatim.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<String>,
}

impl Refusal {
    /// A refusal of kind [`RefusalKind::User`].
    pub fn user(message: impl Into<String>) -> Self {
        Self { kind: RefusalKind::User, message: message.into(), hints: Vec::new() }
    }

    /// A refusal of kind [`RefusalKind::Conflict`].
    pub fn conflict(message: impl Into<String>) -> Self {
        Self { kind: RefusalKind::Conflict, message: message.into(), hints: Vec::new() }
    }

    /// A refusal of kind [`RefusalKind::Environment`].
    pub fn environment(message: impl Into<String>) -> Self {
        Self { kind: RefusalKind::Environment, message: message.into(), hints: Vec::new() }
    }

    /// A refusal of kind [`RefusalKind::Internal`].
    pub fn internal(message: impl Into<String>) -> Self {
        Self { kind: RefusalKind::Internal, message: message.into(), hints: Vec::new() }
    }

    /// Adds a next step.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}
