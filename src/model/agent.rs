//! Agents: programs that work in a worktree, and what they say while they do.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::login::{Login, Probe};

/// How divisi talks to an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// The prompt is a command line, run in the worktree; its output is the transcript, its exit code the outcome.
    Shell,
    /// Agent Client Protocol, version 1, on standard input and output.
    Acp,
    /// Claude Code's two-way JSON lines.
    ClaudeStreamJson,
    /// Codex's `app-server`, its own JSON-RPC.
    CodexAppServer,
    /// One process per turn that prints JSON lines, in one of several dialects.
    JsonLines,
    /// Its own interface, on a terminal.
    Pty,
}

impl Protocol {
    /// The protocol's name, as it is serialized.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Shell => "shell",
            Self::Acp => "acp",
            Self::ClaudeStreamJson => "claude_stream_json",
            Self::CodexAppServer => "codex_app_server",
            Self::JsonLines => "json_lines",
            Self::Pty => "pty",
        }
    }
}

/// The status of a tool call, as ACP names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolStatus {
    /// Announced, perhaps waiting for a permission.
    #[default]
    Pending,
    /// Running.
    InProgress,
    /// Finished.
    Completed,
    /// Failed, refused or cancelled.
    Failed,
}

/// A place a tool call is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    /// A path as the agent gave it.
    pub path: String,
    /// A line, one-based.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

/// A change a tool call shows: whole-file texts as the agent claims them. Git decides what really changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimedDiff {
    /// The path as the agent gave it.
    pub path: String,
    /// The text before; absent for a new file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_text: Option<String>,
    /// The text after.
    pub new_text: String,
}

/// One use of a tool by the agent, in its newest state (updates are merged by the driver).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ToolCall {
    /// The agent's id of the call, unique within the session.
    pub id: String,
    /// What it is called (`Write hello.txt`).
    pub title: String,
    /// ACP's kind (`read`, `edit`, `execute`, ...); `other` when unknown.
    pub kind: String,
    /// The tool's programmatic name when the agent gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How far it is.
    pub status: ToolStatus,
    /// Text content, joined.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Changes it shows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diffs: Vec<ClaimedDiff>,
    /// Places it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locations: Vec<Location>,
    /// Arguments as sent.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub input: Value,
    /// Result as sent.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub output: Value,
}

/// One line of an agent's plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanEntry {
    /// What it intends to do.
    pub content: String,
    /// `pending`, `in_progress` or `completed`.
    pub status: String,
    /// `high`, `medium` or `low`.
    #[serde(default)]
    pub priority: String,
}

/// A mode or option value the agent offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// The id that is sent back.
    pub id: String,
    /// The label.
    pub name: String,
    /// More words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A session option the agent offers (model, mode, thought level, ...), or its modes as ACP's older `modes` field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigOption {
    /// The id that is sent back; `mode` for ACP's `modes` field.
    pub id: String,
    /// The label.
    pub name: String,
    /// ACP's category (`mode`, `model`, `thought_level`, ...).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// The current value's id.
    pub current: String,
    /// What can be chosen.
    #[serde(default)]
    pub choices: Vec<Choice>,
    /// True when it came from `modes` and is set with `session/set_mode`.
    #[serde(default)]
    pub is_mode: bool,
}

/// A slash command the agent offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentCommand {
    /// Without the slash.
    pub name: String,
    /// One line.
    pub description: String,
}

/// What the agent said of itself when it was ready.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "facts that have nothing to do with each other")]
pub struct AgentReady {
    /// The agent's own id of the conversation, for resuming.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Whether the conversation can be loaded again by another process.
    #[serde(default)]
    pub can_load: bool,
    /// Whether it can be resumed without a replay of its history.
    #[serde(default)]
    pub can_resume: bool,
    /// True when this process continues an earlier conversation.
    #[serde(default)]
    pub resumed: bool,
    /// Whether a prompt can be put into a running turn.
    #[serde(default)]
    pub can_steer: bool,
    /// Whether it looks at images; otherwise it is told where they are.
    #[serde(default)]
    pub takes_images: bool,
}

/// An agent as `divisi agents` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentView {
    /// The catalog's name of it.
    pub name: String,
    /// One line.
    pub description: String,
    /// How divisi talks to it.
    pub protocol: Protocol,
    /// It does what it is told literally: nothing for a prompt in words, so it is not offered for one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub literal: bool,
    /// The command that is run.
    pub command: Vec<String>,
    /// The program's resolved path; absent when it is not installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Whether it can be started here.
    pub installed: bool,
    /// Where the definition came from: `built-in` or a file's path.
    pub source: String,
    /// What to do when it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub install_hint: Option<String>,
    /// What its program says of itself; absent when it was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<Probe>,
    /// Whether it is logged in, as far as that can be known for nothing.
    #[serde(default)]
    pub login: Login,
    /// The profile of its sessions when none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// A definition of the same name that is not used, and why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignored: Option<String>,
}
