//! What is known of an agent's program besides where it is: its version, whether it is logged in, whether that version is known to be bad.

use serde::{Deserialize, Serialize};

/// Whether an agent can reach its model's account, as far as that can be known without asking anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginState {
    /// A credential is where the agent looks for one. Whether it is still good shows when it is used.
    Yes,
    /// None is where it looks.
    No,
    /// It cannot be told without asking the agent or its server.
    #[default]
    Unknown,
    /// It needs none.
    NotNeeded,
}

impl LoginState {
    /// One word for tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unknown => "unknown",
            Self::NotNeeded => "-",
        }
    }
}

/// The login state with what it was concluded from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Login {
    /// The state.
    pub state: LoginState,
    /// What it was concluded from, one phrase: the name of a variable or file, never its content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// What to do when it is not logged in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// A fault that a version of an agent's program is known to have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownProblem {
    /// The versions that have it, as the list writes it: `<2.1.329`.
    pub versions: String,
    /// What is wrong, one sentence.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

/// What is known of an agent's program once it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Probe {
    /// The version it tells; absent when it was not asked or did not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Why there is no version, although it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// Faults this version is known to have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<KnownProblem>,
}
