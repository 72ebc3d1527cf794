//! Queries: what can be read. One door, no side effects.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::approval::Approval;
use super::batch::{CheckPlan, ExportBatch, GetBatch};
use super::bench::CheckCases;
use super::diff::DiffRange;
use super::evaluation::{CheckSuite, ListEvaluations};
use super::event::Envelope;
use super::id::{Seq, SessionId};
use super::review::{ListComments, ShowReview};
use super::timeline::{CompareSessions, TimelineOf};
use super::usage::Usage;

/// What can be read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", content = "params")]
pub enum Query {
    /// All sessions, what needs attention first. Answer: array of [`super::session::SessionView`].
    #[serde(rename = "session/list")]
    ListSessions(ListSessions),
    /// One session, by id, unique id prefix or name. Answer: [`super::session::SessionView`].
    #[serde(rename = "session/show")]
    ShowSession(ShowSession),
    /// What a session used, turn by turn. Answer: [`UsageReport`].
    #[serde(rename = "session/usage")]
    ShowUsage(super::command::OfSession),
    /// A diff of a session. Answer: [`super::diff::Diff`].
    #[serde(rename = "session/diff")]
    DiffSession(DiffSession),
    /// The same as a patch that `git apply` takes. Answer: `{ "patch": string }`.
    #[serde(rename = "session/patch")]
    PatchSession(DiffSession),
    /// Checkpoints and turns, oldest first. Answer: array of [`super::timeline::TimelineStep`].
    #[serde(rename = "session/timeline")]
    Timeline(TimelineOf),
    /// Several sessions side by side. Answer: [`super::comparison::Comparison`].
    #[serde(rename = "session/compare")]
    CompareSessions(CompareSessions),
    /// What a landing would meet. Answer: [`super::landing::Preflight`].
    #[serde(rename = "session/preflight")]
    PreflightSession(PreflightSession),
    /// A file of the session's base, for side-by-side views. Answer: `{ "text": string | null }`.
    #[serde(rename = "session/base_file")]
    BaseFile(BaseFile),
    /// Everything a review is drawn from. Answer: [`super::review::ReviewView`].
    #[serde(rename = "review/show")]
    ShowReview(ShowReview),
    /// Comments, oldest first. Answer: array of [`super::review::PlacedComment`].
    #[serde(rename = "comment/list")]
    ListComments(ListComments),
    /// Evaluations of a session, oldest first. Answer: array of [`super::evaluation::Evaluation`].
    #[serde(rename = "evaluation/list")]
    ListEvaluations(ListEvaluations),
    /// What is wrong with a suite file. Answer: array of [`crate::base::yaml::Problem`].
    #[serde(rename = "evaluation/check")]
    CheckSuite(CheckSuite),
    /// Events after a cursor, oldest first. Answer: [`EventPage`].
    #[serde(rename = "event/list")]
    ListEvents(ListEvents),
    /// Open approvals, oldest first. Answer: array of [`Approval`].
    #[serde(rename = "approval/list")]
    ListApprovals(ListApprovals),
    /// The catalog. Answer: array of [`super::agent::AgentView`].
    #[serde(rename = "agent/list")]
    ListAgents(ListAgents),
    /// Names of the caller's variables that a new session of an agent can use. Answer: array of strings.
    #[serde(rename = "agent/variables")]
    ListVariables(ListVariables),
    /// A repository's `.divisi.toml`. Answer: [`RepositoryConfig`].
    #[serde(rename = "repository/config")]
    ShowRepositoryConfig(OfRepository),
    /// What is wrong. Answer: array of [`Finding`].
    #[serde(rename = "doctor/scan")]
    ScanDoctor(OptionalRepository),
    /// What is wrong with a suite of benchmark cases. Answer: array of [`crate::base::yaml::Problem`].
    #[serde(rename = "bench/check")]
    CheckCases(CheckCases),
    /// Batches, the newest first. Answer: array of [`super::batch::BatchView`].
    #[serde(rename = "batch/list")]
    ListBatches {},
    /// One batch with its runs. Answer: [`super::batch::BatchDetail`].
    #[serde(rename = "batch/get")]
    GetBatch(GetBatch),
    /// A report. Answer: `{ "text": string }`.
    #[serde(rename = "batch/export")]
    ExportBatch(ExportBatch),
    /// What is wrong with a plan. Answer: [`super::batch::PlanCheck`].
    #[serde(rename = "plan/check")]
    CheckPlan(CheckPlan),
    /// The daemon itself. Answer: [`DaemonStatus`].
    #[serde(rename = "daemon/status")]
    DaemonStatus {},
}

/// Answer of `session/usage`. Costs nobody told are estimated, and say so.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct UsageReport {
    /// All turns together.
    pub session: Usage,
    /// Turns that used something, oldest first.
    pub turns: Vec<TurnUsage>,
}

/// What one turn used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnUsage {
    /// Its number, one-based.
    pub turn: u32,
    /// What it used.
    pub usage: Usage,
}

/// Parameters of `session/list`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListSessions {
    /// Only those of the repository that contains this absolute path.
    #[serde(default)]
    pub repository: Option<String>,
    /// Removed ones too.
    #[serde(default)]
    pub removed: bool,
}

/// Parameters of `session/show`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShowSession {
    /// Id, unique id prefix, or name.
    pub session: String,
    /// Where names are looked up first: the repository that contains this absolute path.
    #[serde(default)]
    pub repository: Option<String>,
}

/// Parameters of `session/diff` and `session/patch`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DiffSession {
    /// Which session.
    pub session: SessionId,
    /// Which states.
    #[serde(default, flatten)]
    pub range: DiffRange,
    /// Only counts, no hunks.
    #[serde(default)]
    pub stat_only: bool,
}

/// Parameters of `session/preflight`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PreflightSession {
    /// Which session.
    pub session: SessionId,
    /// Another local branch to land on.
    #[serde(default)]
    pub onto: Option<String>,
}

/// Parameters of `session/base_file`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaseFile {
    /// Which session.
    pub session: SessionId,
    /// Path relative to the worktree.
    pub path: String,
    /// As of this round's baseline; absent or 0: the base.
    #[serde(default)]
    pub round: u32,
}

/// Parameters of `event/list`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListEvents {
    /// Only events after this one.
    #[serde(default)]
    pub after: Seq,
    /// Only this session's.
    #[serde(default)]
    pub session: Option<SessionId>,
    /// At most this many; absent: 1,000; never more than 10,000.
    #[serde(default)]
    pub limit: Option<u32>,
    /// Begin at most this many of the session's events before its newest; no effect without a session.
    #[serde(default)]
    pub last: Option<u32>,
}

/// Parameters of `approval/list`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListApprovals {
    /// Only this session's.
    #[serde(default)]
    pub session: Option<SessionId>,
}

/// Parameters of `agent/list`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListAgents {
    /// With the agents of the repository that contains this absolute path.
    #[serde(default)]
    pub repository: Option<String>,
    /// Ask the programs that are installed for their versions (at most two seconds each, all at once; answers are kept).
    #[serde(default)]
    pub probe: bool,
    /// Names of the variables that are set where somebody looks at the list, for the logins; absent: those of the daemon count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<BTreeSet<String>>,
}

/// Parameters of `agent/variables`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListVariables {
    /// Which agent; absent: `agents.default`.
    #[serde(default)]
    pub agent: Option<String>,
    /// Which profile; absent: the agent's default.
    #[serde(default)]
    pub profile: Option<String>,
}

/// Parameters that name a repository.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfRepository {
    /// Any path inside it, absolute.
    pub repository: String,
}

/// Parameters that may name a repository.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptionalRepository {
    /// Any path inside it, absolute; absent: every repository that has sessions.
    #[serde(default)]
    pub repository: Option<String>,
}

/// A page of events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventPage {
    /// The events.
    pub events: Vec<Envelope>,
    /// The newest committed event's number; more events follow when the last one here is older.
    pub head: Seq,
}

/// A repository's `.divisi.toml` and whether it is trusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositoryConfig {
    /// The file's path; absent when there is none.
    pub path: Option<String>,
    /// Its content.
    pub text: String,
    /// SHA-256 of the content, hexadecimal.
    pub digest: String,
    /// Whether exactly this content is trusted.
    pub trusted: bool,
}

/// Something `doctor` found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What kind (`orphan_worktree`, `orphan_branch`, `missing_worktree`, `stale_lock`, `git_too_old`, `database`, ...).
    pub kind: String,
    /// `ok`, `warning` or `error`.
    pub level: String,
    /// One sentence.
    pub message: String,
    /// The repository it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// The path or ref it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// What `doctor --fix` would do; absent when a person has to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// What a person can do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// The daemon itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DaemonStatus {
    /// Process id.
    pub pid: u32,
    /// divisi's version.
    pub version: String,
    /// The protocol's number.
    pub protocol: u32,
    /// When it started, milliseconds since the epoch.
    pub started_at: i64,
    /// Its socket's path.
    pub socket: String,
    /// Its database's path.
    pub database: String,
    /// Its log's path.
    pub log: String,
    /// The newest committed event.
    pub head: Seq,
    /// Sessions known and not removed.
    pub sessions: u32,
    /// Sessions whose agent process lives.
    pub running: u32,
    /// Batches that go on: a paused one waits in the database.
    #[serde(default)]
    pub batches: u32,
    /// Connected clients.
    pub clients: u32,
    /// Git processes started so far.
    pub git_processes: u64,
    /// Why nothing can be recorded at the moment, if so.
    pub blocked: Option<String>,
}

/// Open approvals, as `approval/list` answers.
pub type Approvals = Vec<Approval>;
