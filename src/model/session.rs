//! Sessions: one task given to one agent in one worktree, from creation to landing or removal.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::agent::{AgentCommand, AgentReady, ConfigOption, PlanEntry};
use super::approval::ApprovalPolicy;
use super::diff::{DiffStat, HunkDecision};
use super::evaluation::{EvaluationSummary, Evaluations};
use super::id::{HunkId, JobId, Oid, RunId, SessionId};
use super::job::OnDaemonDeath;
use super::judge::Judging;
use super::landing::Landing;
use super::mcp::McpServer;
use super::review::{Review, ReviewCounts};
use super::timeline::{Mark, Rewind};
use super::turn::{QueuedPrompt, Turn};
use super::usage::{ModelUsage, Usage};
use super::worktree::Worktree;

/// What a session is doing: everywhere the same strings, computed in one place (`session::state`) and never re-derived by a face.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// Its worktree is being made or its setup runs.
    Initializing,
    /// A prompt waits to be delivered and nothing runs yet.
    Queued,
    /// A turn runs.
    Running,
    /// A turn waits for a person: an approval or a question.
    AwaitingInput,
    /// Evaluators look at it.
    Evaluating,
    /// The agent stopped and left changes to look at.
    Review,
    /// The last turn, the setup or the creation failed.
    Failed,
    /// The last turn was stopped, or its process was lost.
    Interrupted,
    /// Nothing is left to do: landed, or the agent stopped without changes.
    Completed,
}

impl SessionState {
    /// Nothing of the session runs, starts or waits.
    pub fn at_rest(self) -> bool {
        matches!(self.settled(), Some(Settled::Done | Settled::Failed))
    }

    /// What the session changed can be decided on and landed.
    pub fn awaits_review(self) -> bool {
        matches!(self, Self::Review | Self::Failed | Self::Interrupted)
    }

    /// What the state means to a person who looks for something to do.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::AwaitingInput => "waits for you",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::Review => "to review",
            Self::Running => "running",
            Self::Initializing => "starting",
            Self::Queued => "queued",
            Self::Evaluating => "evaluating",
            Self::Completed => "done",
        }
    }

    /// How the session has come to rest; absent while it works or is about to.
    pub fn settled(self) -> Option<Settled> {
        match self {
            Self::Initializing | Self::Queued | Self::Running | Self::Evaluating => None,
            Self::AwaitingInput => Some(Settled::Waiting),
            Self::Review | Self::Completed => Some(Settled::Done),
            Self::Failed | Self::Interrupted => Some(Settled::Failed),
        }
    }

    /// The contract's string.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Initializing => "initializing",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::AwaitingInput => "awaiting_input",
            Self::Evaluating => "evaluating",
            Self::Review => "review",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::Completed => "completed",
        }
    }
}

/// What a state is to someone who waits for the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// The agent has done what it could; there is something to look at, or nothing left to do.
    Done,
    /// It failed or was interrupted.
    Failed,
    /// Only a person can make it go on.
    Waiting,
}

/// Everything that is known of a session: the fold of its events, stored whole as its projection row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Its name, unique in the repository for ever.
    pub name: String,
    /// The first prompt.
    pub prompt: String,
    /// The agent's catalog name.
    pub agent: String,
    /// The model asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The mode asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Variables given to the agent on top of the allow-listed environment.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// MCP servers handed to the agent, by name; secrets in them are references.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mcp: BTreeMap<String, McpServer>,
    /// Options of the agent that a person chose, by id, for this and later processes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub chosen: BTreeMap<String, String>,
    /// Names of variables that are handed to the agent and not stored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pass: Vec<String>,
    /// The profile its agent runs with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The agent's definition from the repository's trusted `.divisi.toml` as it was then, as JSON; absent: the catalog's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
    /// Its worktree.
    pub worktree: Worktree,
    /// What happens to permission requests.
    pub policy: ApprovalPolicy,
    /// What happens to its agent when the daemon dies.
    pub on_daemon_death: OnDaemonDeath,
    /// When it was created, milliseconds since the epoch.
    pub created_at: i64,
    /// When something last happened.
    pub updated_at: i64,
    /// True when something happened that nobody has looked at.
    pub unread: bool,
    /// How its setup commands stand.
    pub setup: Setup,
    /// What its agent said of itself, the newest process's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<AgentReady>,
    /// Options the agent offers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<ConfigOption>,
    /// Slash commands the agent offers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<AgentCommand>,
    /// The agent's plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plan: Vec<PlanEntry>,
    /// What it is doing: the newest tool call's title or the last line it said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity: Option<String>,
    /// The last line the agent said, as the last message of a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
    /// The raw line of output that the next chunk goes on with; absent when something else came in between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// Turns so far.
    pub turns: u32,
    /// The newest turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<Turn>,
    /// Jobs so far.
    pub jobs: u32,
    /// The job that lives now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobId>,
    /// Prompts that wait.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queue: Vec<QueuedPrompt>,
    /// Prompts so far, for their ids.
    pub prompts: u32,
    /// Landings so far.
    pub landings: u32,
    /// The newest landing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub landing: Option<Landing>,
    /// Decisions on hunks.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub decisions: BTreeMap<HunkId, HunkDecision>,
    /// Comments, rounds, files looked at.
    #[serde(default, skip_serializing_if = "Review::is_empty")]
    pub review: Review,
    /// The branch's commit, as of the last checkpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Oid>,
    /// Checkpoints made outside of turns, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<Mark>,
    /// Going back to a checkpoint, while that is not done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rewind: Option<Rewind>,
    /// What changed since the base, as of the last checkpoint.
    #[serde(default)]
    pub stat: DiffStat,
    /// What it used, all turns together.
    #[serde(default)]
    pub usage: Usage,
    /// Where its sums stood when the agent's conversation began: reports of a whole conversation count from here.
    #[serde(default)]
    pub usage_base: ModelUsage,
    /// After how many seconds of silence its agent is asked about, when it was said for this session; 0: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silence_sec: Option<u64>,
    /// Its agent shows its own interface on a terminal instead of being spoken to by its protocol.
    #[serde(default)]
    pub terminal: bool,
    /// The run of a batch that it is an attempt of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// What it is there to judge, when its agent is a judge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judging: Option<Box<Judging>>,
    /// What evaluators said of it, and what a landing of it needs.
    #[serde(default, skip_serializing_if = "Evaluations::is_empty")]
    pub evaluations: Evaluations,
    /// The newest failure outside of a turn, one sentence; cleared by the next turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// True once it was removed.
    #[serde(default)]
    pub removed: bool,
}

/// How a session's setup commands stand.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Setup {
    /// The repository names none.
    #[default]
    None,
    /// The repository names some, but nobody trusted that file's content.
    Untrusted,
    /// They run.
    Running,
    /// They ran.
    Done,
    /// One failed; the agent was not started.
    Failed {
        /// Which command and how.
        reason: String,
    },
}

impl Setup {
    /// Why a setup failed that an earlier daemon had begun: nothing is known of its commands, so they are not run twice.
    pub const CUT_OFF: &str = "the daemon stopped while the setup ran";
}

/// A session as faces see it: the facts with everything computed.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and none excludes another")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionView {
    /// Its id.
    pub id: SessionId,
    /// Its name.
    pub name: String,
    /// The first prompt.
    pub prompt: String,
    /// The agent's catalog name.
    pub agent: String,
    /// The model asked for.
    pub model: Option<String>,
    /// The mode asked for.
    pub mode: Option<String>,
    /// The profile its agent runs with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The repository's main worktree.
    pub repository: String,
    /// The worktree.
    pub worktree: Worktree,
    /// What it is doing.
    pub state: SessionState,
    /// Why it waits, when it does: `approval` or `question`.
    pub waiting_for: Option<String>,
    /// True when something happened that nobody has looked at.
    pub unread: bool,
    /// Its place in lists, what needs a person first: 0 wants an answer, 8 wants nothing. Equals are ordered by `updated_at`.
    #[serde(default = "SessionView::no_attention")]
    pub attention: u8,
    /// Current activity, one line.
    pub activity: Option<String>,
    /// The last line the agent said.
    #[serde(default)]
    pub said: Option<String>,
    /// Why it failed or was interrupted, one sentence.
    pub reason: Option<String>,
    /// Turns so far.
    pub turns: u32,
    /// The newest turn.
    pub turn: Option<Turn>,
    /// Prompts that wait.
    pub queue: Vec<QueuedPrompt>,
    /// Open approvals.
    pub approvals: u32,
    /// What happens to permission requests.
    pub policy: ApprovalPolicy,
    /// What changed since the base, as of the last checkpoint.
    pub stat: DiffStat,
    /// What it used.
    pub usage: Usage,
    /// The newest landing.
    pub landing: Option<Landing>,
    /// The newest evaluation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluation: Option<EvaluationSummary>,
    /// Its review, in numbers.
    #[serde(default)]
    pub review: ReviewCounts,
    /// How its setup stands.
    pub setup: Setup,
    /// The agent's plan.
    pub plan: Vec<PlanEntry>,
    /// Options the agent offers.
    pub options: Vec<ConfigOption>,
    /// Slash commands the agent offers.
    pub commands: Vec<AgentCommand>,
    /// Names of the MCP servers it is given.
    #[serde(default)]
    pub mcp: Vec<String>,
    /// What the agent said of itself.
    pub ready: Option<AgentReady>,
    /// Its agent shows its own interface on a terminal instead of being spoken to by its protocol.
    #[serde(default)]
    pub terminal: bool,
    /// The run of a batch that it is an attempt of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// It judges what other sessions made: nobody asked for it by itself, and it goes when it has answered.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub judges: bool,
    /// When it was created, milliseconds since the epoch.
    pub created_at: i64,
    /// When something last happened.
    pub updated_at: i64,
    /// True once it was removed.
    pub removed: bool,
}

impl SessionView {
    /// The rank of a view of a daemon that does not tell: after all others.
    fn no_attention() -> u8 {
        u8::MAX
    }
}
