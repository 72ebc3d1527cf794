//! Where agents differ in what they mean by the same message.

use crate::model::usage::UsageScope;

/// The ways of one agent, chosen by the name it gives of itself, so that they are a function of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quirks {
    /// What the usage in the answer to a prompt covers.
    pub prompt_usage: UsageScope,
    /// Whether a failure of the model shows only as `_meta.codex` in `session_info_update`, while the turn ends as if all were well.
    pub hides_model_errors: bool,
    /// The beginning of a message that is in truth a failure of the model, when the turn ends with it as if all were well.
    pub error_prefix: Option<&'static str>,
    /// Whether the command of a cancelled turn may go on.
    pub leaves_commands: bool,
}

impl Default for Quirks {
    fn default() -> Self {
        Self { prompt_usage: UsageScope::Turn, hides_model_errors: false, error_prefix: None, leaves_commands: false }
    }
}

impl Quirks {
    /// For an agent that calls itself so in `initialize`.
    pub fn of(agent: &str) -> Self {
        match agent {
            "@agentclientprotocol/codex-acp" => {
                Self { hides_model_errors: true, leaves_commands: true, ..Self::default() }
            }
            "OpenCode" => Self { prompt_usage: UsageScope::Step, ..Self::default() },
            "Copilot" => Self { error_prefix: Some("Error: "), ..Self::default() },
            _ => Self::default(),
        }
    }
}
