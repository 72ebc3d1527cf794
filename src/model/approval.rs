//! Permission requests of agents, and their answers.

use serde::{Deserialize, Serialize};

use super::agent::ToolCall;
use super::id::{ApprovalId, JobId, SessionId, TurnId};

/// What a session does with permission requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalPolicy {
    /// Shown, waits for a person.
    #[default]
    Ask,
    /// Kept in the queue without notifying; the agent waits.
    Hold,
    /// Allowed at once. Only when the person said so.
    Auto,
}

/// How far an "always" reaches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlwaysScope {
    /// What it matches.
    pub matcher: RuleMatcher,
    /// Where it holds.
    pub reach: RuleReach,
}

/// What a remembered rule matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "value")]
pub enum RuleMatcher {
    /// This exact command line or title.
    Exact(String),
    /// Every command line that begins with this.
    Prefix(String),
    /// Every call of this tool (its name, else its kind).
    Tool(String),
}

/// Where a remembered rule holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleReach {
    /// Only in the session that asked.
    Session,
    /// In every session of the repository.
    Repository,
}

/// A person's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "answer")]
pub enum Answer {
    /// Allow this one.
    Once,
    /// Do not allow it; the message, if any, is told to the agent.
    Reject {
        /// What the agent is told.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// Allow it and everything the scope matches.
    Always {
        /// How far it reaches; absent: this exact command, in this session.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scope: Option<AlwaysScope>,
    },
}

/// One option the agent offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalOption {
    /// The agent's id of it.
    pub id: String,
    /// The agent's label.
    pub name: String,
    /// ACP's kind: `allow_once`, `allow_always`, `reject_once`, `reject_always`; anything else is kept as sent.
    pub kind: String,
}

/// Where an approval stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum ApprovalState {
    /// Waits for an answer.
    Open,
    /// Answered; first answer wins.
    Answered {
        /// The answer.
        #[serde(flatten)]
        answer: Answer,
        /// The agent's option that was chosen; absent: none fits, the request is cancelled.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        option: Option<String>,
        /// Who: a face's client name, `policy`, or `rule`.
        by: String,
    },
    /// Nobody can answer it any more.
    Expired {
        /// Why (the agent withdrew it, the turn ended, the agent died).
        reason: String,
    },
}

/// A permission request, durable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Its id.
    pub id: ApprovalId,
    /// The session that asks.
    pub session: SessionId,
    /// The turn in which it asks.
    pub turn: TurnId,
    /// The process that asks.
    pub job: JobId,
    /// The protocol's key of the request within that process, for the answer.
    pub key: String,
    /// `permission` or `question`.
    pub kind: ApprovalKind,
    /// What it wants to do.
    pub tool: ToolCall,
    /// The command line, when it is one (from the tool call's input); rules match on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command_line: Option<String>,
    /// What the agent offers.
    pub options: Vec<ApprovalOption>,
    /// Where it stands.
    #[serde(flatten)]
    pub state: ApprovalState,
    /// When it was asked, milliseconds since the epoch.
    pub asked_at: i64,
}

/// What is asked of the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalKind {
    /// May the agent do this?
    Permission,
    /// The agent offers choices that are neither allowing nor rejecting.
    Question,
}

/// A remembered "always".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// What it matches and where it holds.
    pub scope: AlwaysScope,
    /// The session that made it.
    pub session: SessionId,
    /// The repository's common directory it holds in.
    pub common_dir: String,
}
