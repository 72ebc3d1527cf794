//! Every method of the wire by name. A test keeps the names equal to those of the model.

use crate::model::command::Command;
use crate::model::query::Query;

/// First request of a connection.
pub const HELLO: &str = "hello";
/// Asks for events.
pub const EVENT_SUBSCRIBE: &str = "event/subscribe";
/// Ends a subscription.
pub const EVENT_UNSUBSCRIBE: &str = "event/unsubscribe";
/// Ends the daemon; agents stay with their shims.
pub const DAEMON_STOP: &str = "daemon/stop";

/// Notification: events of a subscription.
pub const EVENT_BATCH: &str = "event/batch";
/// Notification: a subscription ended because the events cannot be read.
pub const EVENT_CLOSED: &str = "event/closed";

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
/// [`Command::DecideHunk`].
pub const HUNK_DECIDE: &str = "hunk/decide";
/// [`Command::StartLanding`].
pub const LANDING_START: &str = "landing/start";
/// [`Command::ContinueLanding`].
pub const LANDING_CONTINUE: &str = "landing/continue";
/// [`Command::AbortLanding`].
pub const LANDING_ABORT: &str = "landing/abort";
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
/// [`Query::DiffSession`].
pub const SESSION_DIFF: &str = "session/diff";
/// [`Query::PatchSession`].
pub const SESSION_PATCH: &str = "session/patch";
/// [`Query::PreflightSession`].
pub const SESSION_PREFLIGHT: &str = "session/preflight";
/// [`Query::BaseFile`].
pub const SESSION_BASE_FILE: &str = "session/base_file";
/// [`Query::ListEvents`].
pub const EVENT_LIST: &str = "event/list";
/// [`Query::ListApprovals`].
pub const APPROVAL_LIST: &str = "approval/list";
/// [`Query::ListAgents`].
pub const AGENT_LIST: &str = "agent/list";
/// [`Query::ShowRepositoryConfig`].
pub const REPOSITORY_CONFIG: &str = "repository/config";
/// [`Query::ScanDoctor`].
pub const DOCTOR_SCAN: &str = "doctor/scan";
/// [`Query::DaemonStatus`].
pub const DAEMON_STATUS: &str = "daemon/status";

/// Methods of the connection itself.
pub const CONNECTION: &[&str] = &[HELLO, EVENT_SUBSCRIBE, EVENT_UNSUBSCRIBE, DAEMON_STOP];

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
    HUNK_DECIDE,
    LANDING_START,
    LANDING_CONTINUE,
    LANDING_ABORT,
    REPOSITORY_TRUST,
    DOCTOR_FIX,
];

/// Methods that are queries.
pub const QUERIES: &[&str] = &[
    SESSION_LIST,
    SESSION_SHOW,
    SESSION_DIFF,
    SESSION_PATCH,
    SESSION_TIMELINE,
    SESSION_COMPARE,
    SESSION_PREFLIGHT,
    SESSION_BASE_FILE,
    EVENT_LIST,
    APPROVAL_LIST,
    AGENT_LIST,
    REPOSITORY_CONFIG,
    DOCTOR_SCAN,
    DAEMON_STATUS,
];

/// Notifications the daemon sends.
pub const NOTIFICATIONS: &[&str] = &[EVENT_BATCH, EVENT_CLOSED];

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
