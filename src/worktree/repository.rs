//! A repository's own settings, `.divisi.toml`: they apply only once the user trusted exactly that content.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::base::schema::check::problems;
use crate::base::text::visible_line;
use crate::model::Refusal;
use crate::model::mcp::McpServer;
use crate::model::schema::repository as schema;

/// What `.divisi.toml` may say.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RepositorySettings {
    /// What makes a new worktree ready for work.
    #[serde(default)]
    pub setup: SetupSettings,
    /// What has to pass before anything lands.
    #[serde(default)]
    pub evaluation: EvaluationSettings,
    /// MCP servers for agents, by name.
    #[serde(default)]
    pub mcp: BTreeMap<String, McpServer>,
    /// Agents, by name, as in a definition file of the user's; read by the catalog.
    #[serde(default)]
    pub agents: BTreeMap<String, serde_json::Value>,
}

/// The section `setup`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetupSettings {
    /// Command lines, run one after the other in the new worktree before the agent starts.
    #[serde(default)]
    pub commands: Vec<String>,
    /// Seconds all of them may take together.
    #[serde(default = "default_timeout")]
    pub timeout_sec: u64,
}

/// The section `evaluation`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvaluationSettings {
    /// A suite, written here and not in a file of its own: what is trusted is all of its commands.
    #[serde(default)]
    pub gates: Option<String>,
}

impl Default for SetupSettings {
    fn default() -> Self {
        Self { commands: Vec::new(), timeout_sec: default_timeout() }
    }
}

fn default_timeout() -> u64 {
    schema::SETUP_TIMEOUT
}

/// Reads the settings.
///
/// # Errors
/// When the text is not TOML, has an unknown key or a wrong type; the message carries line and column.
pub fn parse(text: &str) -> Result<RepositorySettings, Refusal> {
    let refuse = |message: &str| Refusal::user(format!("cannot read .divisi.toml: {message}")).hint(HINT);
    // A mistake in the agents is the catalog's to tell, to whoever wants one of them.
    let agents = |key: &str| key.strip_prefix("agents").is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    if let Some(problem) = problems(text, &schema::shape()).iter().find(|problem| !agents(&problem.key)) {
        return Err(refuse(&problem.told(text)));
    }
    toml_edit::de::from_str(text).map_err(|error| refuse(&visible_line(&error.to_string(), 300)))
}

const HINT: &str = "known keys: [setup] commands = [\"...\"], timeout_sec = 600; [evaluation] gates; [agents.NAME]; [mcp.NAME] command, args, env, url, headers";

#[cfg(test)]
mod tests;
