//! What a suite says of the place its evaluators work in.

use serde::{Deserialize, Serialize};

/// A command that is run once in the clean checkout, before the evaluators: each of them begins with what it made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preparation {
    /// The command, for `/bin/sh -c`.
    pub command: String,
    /// After how many seconds it is ended.
    #[serde(default = "super::ten_minutes")]
    pub timeout_sec: u64,
    /// Whether it may use the network; absent: as the limits say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<bool>,
}

/// What a change means that is one of what tells judges how to judge: which tests there are, which rules hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protected {
    /// A person sees it before the landing, and nothing lands by itself.
    #[default]
    Ask,
    /// It is said, and no more.
    Note,
    /// The evaluation does not pass.
    Fail,
    /// It is judged with these files as the base has them.
    Restore,
}

impl Protected {
    /// All, with their names.
    pub const ALL: &'static [(&'static str, Self)] =
        &[("ask", Self::Ask), ("note", Self::Note), ("fail", Self::Fail), ("restore", Self::Restore)];
    /// The id and the kind of the result that names such a change; no evaluator of a suite has that id.
    pub const RESULT: &'static str = "protected";

    /// What holds where nothing was said.
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}
