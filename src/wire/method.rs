//! Every method of the wire by name. A test keeps the names equal to those of the model.

use crate::model::command::Command;
use crate::model::query::Query;

/// First request of a connection.
pub const HELLO: &str = "hello";
/// Asks for events.
pub const EVENT_SUBSCRIBE: &str = "event/subscribe";
/// Ends a subscription.
pub const EVENT_UNSUBSCRIBE: &str = "event/unsubscribe";
/// Looks at the terminal of a session's program.
pub const TERMINAL_OPEN: &str = "terminal/open";
/// Types on it.
pub const TERMINAL_INPUT: &str = "terminal/input";
/// Tells the viewer's size.
pub const TERMINAL_RESIZE: &str = "terminal/resize";
/// Looks away.
pub const TERMINAL_CLOSE: &str = "terminal/close";
/// This client is an editor in which people look at worktrees.
pub const EDITOR_ATTACH: &str = "editor/attach";
/// Tells what it shows.
pub const EDITOR_PLACES: &str = "editor/places";
/// Answers what an agent asked of it.
pub const EDITOR_ANSWER: &str = "editor/answer";
/// Tells what is selected in it.
pub const EDITOR_SELECTION: &str = "editor/selection";
/// Hands a place to a session's agent.
pub const EDITOR_MENTION: &str = "editor/mention";
/// Ends the daemon; agents stay with their shims.
pub const DAEMON_STOP: &str = "daemon/stop";

/// Notification: events of a subscription.
pub const EVENT_BATCH: &str = "event/batch";
/// Notification: a subscription ended because the events cannot be read.
pub const EVENT_CLOSED: &str = "event/closed";

/// Notification: what is to be seen on a terminal.
pub const TERMINAL_OUTPUT: &str = "terminal/output";
/// Notification: a terminal's program has ended.
pub const TERMINAL_ENDED: &str = "terminal/ended";

/// Notification: an agent asks something of this editor.
pub const EDITOR_ASKED: &str = "editor/asked";
/// Notification: a question needs no answer any more.
pub const EDITOR_WITHDRAWN: &str = "editor/withdrawn";
/// Notification: which sessions have an agent that listens to editors.
pub const EDITOR_AGENTS: &str = "editor/agents";

/// [`Command::CreateSession`].
pub const SESSION_CREATE: &str = "session/create";
/// [`Command::SendPrompt`].
pub const SESSION_SEND: &str = "session/send";
/// [`Command::EditPrompt`].
pub const PROMPT_EDIT: &str = "prompt/edit";
/// [`Command::CancelPrompt`].
pub const PROMPT_CANCEL: &str = "prompt/cancel";
/// [`Command::StopSession`].
pub const SESSION_STOP: &str = "session/stop";
/// [`Command::RemoveSession`].
pub const SESSION_REMOVE: &str = "session/remove";
/// [`Command::RestoreSession`].
pub const SESSION_RESTORE: &str = "session/restore";
/// [`Command::ReadSession`].
pub const SESSION_READ: &str = "session/read";
/// [`Command::SetPolicy`].
pub const SESSION_POLICY: &str = "session/policy";
/// [`Command::RewindSession`].
pub const SESSION_REWIND: &str = "session/rewind";
/// [`Command::CombineSessions`].
pub const SESSION_COMBINE: &str = "session/combine";
/// [`Command::SetOption`].
pub const SESSION_OPTION: &str = "session/option";
/// [`Command::AnswerApproval`].
pub const APPROVAL_ANSWER: &str = "approval/answer";
/// [`Command::StartTerminal`].
pub const TERMINAL_START: &str = "terminal/start";
/// [`Command::DecideHunk`].
pub const HUNK_DECIDE: &str = "hunk/decide";
/// [`Command::AddComment`].
pub const COMMENT_ADD: &str = "comment/add";
/// [`Command::EditComment`].
pub const COMMENT_EDIT: &str = "comment/edit";
/// [`Command::RemoveComment`].
pub const COMMENT_REMOVE: &str = "comment/remove";
/// [`Command::ResolveComment`].
pub const COMMENT_RESOLVE: &str = "comment/resolve";
/// [`Command::SendRound`].
pub const ROUND_SEND: &str = "round/send";
/// [`Command::ViewFile`].
pub const FILE_VIEWED: &str = "file/viewed";
/// [`Command::StartLanding`].
pub const LANDING_START: &str = "landing/start";
/// [`Command::ContinueLanding`].
pub const LANDING_CONTINUE: &str = "landing/continue";
/// [`Command::AbortLanding`].
pub const LANDING_ABORT: &str = "landing/abort";
/// [`Command::CreateBatch`].
pub const BATCH_CREATE: &str = "batch/create";
/// [`Command::PauseBatch`].
pub const BATCH_PAUSE: &str = "batch/pause";
/// [`Command::ResumeBatch`].
pub const BATCH_RESUME: &str = "batch/resume";
/// [`Command::CancelBatch`].
pub const BATCH_CANCEL: &str = "batch/cancel";
/// [`Command::RetryRuns`].
pub const BATCH_RETRY: &str = "batch/retry";
/// [`Command::SetConcurrency`].
pub const BATCH_CONCURRENCY: &str = "batch/concurrency";
/// [`Command::StartEvaluation`].
pub const EVALUATION_START: &str = "evaluation/start";
/// [`Command::CancelEvaluation`].
pub const EVALUATION_CANCEL: &str = "evaluation/cancel";
/// [`Command::TrustRepository`].
pub const REPOSITORY_TRUST: &str = "repository/trust";
/// [`Command::FixDoctor`].
pub const DOCTOR_FIX: &str = "doctor/fix";

/// [`Query::Timeline`].
pub const SESSION_TIMELINE: &str = "session/timeline";
/// [`Query::CompareSessions`].
pub const SESSION_COMPARE: &str = "session/compare";
/// [`Query::ListSessions`].
pub const SESSION_LIST: &str = "session/list";
/// [`Query::ShowSession`].
pub const SESSION_SHOW: &str = "session/show";
/// [`Query::ShowUsage`].
pub const SESSION_USAGE: &str = "session/usage";
/// [`Query::DiffSession`].
pub const SESSION_DIFF: &str = "session/diff";
/// [`Query::PatchSession`].
pub const SESSION_PATCH: &str = "session/patch";
/// [`Query::PreflightSession`].
pub const SESSION_PREFLIGHT: &str = "session/preflight";
/// [`Query::BaseFile`].
pub const SESSION_BASE_FILE: &str = "session/base_file";
/// [`Query::ShowReview`].
pub const REVIEW_SHOW: &str = "review/show";
/// [`Query::ListComments`].
pub const COMMENT_LIST: &str = "comment/list";
/// [`Query::ListEvaluations`].
pub const EVALUATION_LIST: &str = "evaluation/list";
/// [`Query::CheckSuite`].
pub const EVALUATION_CHECK: &str = "evaluation/check";
/// [`Query::ListEvents`].
pub const EVENT_LIST: &str = "event/list";
/// [`Query::ListApprovals`].
pub const APPROVAL_LIST: &str = "approval/list";
/// [`Query::ListAgents`].
pub const AGENT_LIST: &str = "agent/list";
/// [`Query::ListVariables`].
pub const AGENT_VARIABLES: &str = "agent/variables";
/// [`Query::ShowRepositoryConfig`].
pub const REPOSITORY_CONFIG: &str = "repository/config";
/// [`Query::ScanDoctor`].
pub const DOCTOR_SCAN: &str = "doctor/scan";
/// [`Query::CheckCases`].
pub const BENCH_CHECK: &str = "bench/check";
/// [`Query::ListBatches`].
pub const BATCH_LIST: &str = "batch/list";
/// [`Query::GetBatch`].
pub const BATCH_GET: &str = "batch/get";
/// [`Query::ExportBatch`].
pub const BATCH_EXPORT: &str = "batch/export";
/// [`Query::CheckPlan`].
pub const PLAN_CHECK: &str = "plan/check";
/// [`Query::DaemonStatus`].
pub const DAEMON_STATUS: &str = "daemon/status";

/// Methods of the connection itself.
pub const CONNECTION: &[&str] = &[
    HELLO,
    EVENT_SUBSCRIBE,
    EVENT_UNSUBSCRIBE,
    TERMINAL_OPEN,
    TERMINAL_INPUT,
    TERMINAL_RESIZE,
    TERMINAL_CLOSE,
    EDITOR_ATTACH,
    EDITOR_PLACES,
    EDITOR_ANSWER,
    EDITOR_SELECTION,
    EDITOR_MENTION,
    DAEMON_STOP,
];

/// Methods that are commands: recorded, with a receipt.
pub const COMMANDS: &[&str] = &[
    SESSION_CREATE,
    SESSION_SEND,
    PROMPT_EDIT,
    PROMPT_CANCEL,
    SESSION_STOP,
    SESSION_REMOVE,
    SESSION_RESTORE,
    SESSION_READ,
    SESSION_POLICY,
    SESSION_REWIND,
    SESSION_COMBINE,
    SESSION_OPTION,
    APPROVAL_ANSWER,
    TERMINAL_START,
    HUNK_DECIDE,
    COMMENT_ADD,
    COMMENT_EDIT,
    COMMENT_REMOVE,
    COMMENT_RESOLVE,
    ROUND_SEND,
    FILE_VIEWED,
    LANDING_START,
    LANDING_CONTINUE,
    LANDING_ABORT,
    BATCH_CREATE,
    BATCH_PAUSE,
    BATCH_RESUME,
    BATCH_CANCEL,
    BATCH_RETRY,
    BATCH_CONCURRENCY,
    EVALUATION_START,
    EVALUATION_CANCEL,
    REPOSITORY_TRUST,
    DOCTOR_FIX,
];

/// Methods that are queries.
pub const QUERIES: &[&str] = &[
    SESSION_LIST,
    SESSION_SHOW,
    SESSION_USAGE,
    SESSION_DIFF,
    SESSION_PATCH,
    SESSION_TIMELINE,
    SESSION_COMPARE,
    SESSION_PREFLIGHT,
    SESSION_BASE_FILE,
    REVIEW_SHOW,
    COMMENT_LIST,
    EVALUATION_LIST,
    EVALUATION_CHECK,
    EVENT_LIST,
    APPROVAL_LIST,
    AGENT_LIST,
    AGENT_VARIABLES,
    REPOSITORY_CONFIG,
    DOCTOR_SCAN,
    BATCH_LIST,
    BATCH_GET,
    BATCH_EXPORT,
    PLAN_CHECK,
    BENCH_CHECK,
    DAEMON_STATUS,
];

/// Notifications the daemon sends.
pub const NOTIFICATIONS: &[&str] =
    &[EVENT_BATCH, EVENT_CLOSED, TERMINAL_OUTPUT, TERMINAL_ENDED, EDITOR_ASKED, EDITOR_WITHDRAWN, EDITOR_AGENTS];

/// Every method a client may call.
pub fn all() -> impl Iterator<Item = &'static str> {
    CONNECTION.iter().chain(COMMANDS).chain(QUERIES).copied()
}

/// A command's method and parameters.
///
/// # Errors
/// Never for commands of this model; the error is the serializer's.
pub fn of_command(command: &Command) -> serde_json::Result<(String, serde_json::Value)> {
    split(serde_json::to_value(command)?)
}

/// A query's method and parameters.
///
/// # Errors
/// Never for queries of this model; the error is the serializer's.
pub fn of_query(query: &Query) -> serde_json::Result<(String, serde_json::Value)> {
    split(serde_json::to_value(query)?)
}

#[derive(serde::Deserialize)]
struct Tagged {
    method: String,
    params: serde_json::Value,
}

fn split(value: serde_json::Value) -> serde_json::Result<(String, serde_json::Value)> {
    let tagged: Tagged = serde_json::from_value(value)?;
    Ok((tagged.method, tagged.params))
}

#[cfg(test)]
mod tests;
