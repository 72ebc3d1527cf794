//! From a line to a typed call. Strict: what is not understood is refused with the field's name.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::base::text::visible_line;
use crate::model::command::Command;
use crate::model::id::CommandId;
use crate::model::query::Query;
use crate::model::terminal::OpenTerminal;
use crate::wire::editor::EditorCall;
use crate::wire::error::{ErrorObject, INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND, PARSE};
use crate::wire::message::{Hello, Id, Subscribe, Unsubscribe};
use crate::wire::method;
use crate::wire::terminal::{TerminalClose, TerminalInput, TerminalResize};

/// What a client asks.
#[derive(Debug, Clone, PartialEq)]
pub enum Call {
    /// `hello`.
    Hello(Hello),
    /// `event/subscribe`.
    Subscribe(Subscribe),
    /// `event/unsubscribe`.
    Unsubscribe(Unsubscribe),
    /// `terminal/open`.
    OpenTerminal(OpenTerminal),
    /// `terminal/input`.
    TypeIn(TerminalInput),
    /// `terminal/resize`.
    ResizeTerminal(TerminalResize),
    /// `terminal/close`.
    CloseTerminal(TerminalClose),
    /// `editor/attach` and what follows it.
    Editor(EditorCall),
    /// `daemon/stop`.
    StopDaemon,
    /// A command, with the id the client gave it.
    Command(Option<CommandId>, Box<Command>),
    /// A query.
    Query(Box<Query>),
}

/// A decoded request.
#[derive(Debug, Clone, PartialEq)]
pub struct Incoming {
    /// Absent: no response is wanted.
    pub id: Option<Id>,
    /// What is asked.
    pub call: Call,
}

/// A line that is no request we can serve.
#[derive(Debug, Clone, PartialEq)]
pub struct Rejected {
    /// The request's id, when it could be read.
    pub id: Option<Id>,
    /// Whether a response is due (it is not for well-formed notifications).
    pub answer: bool,
    /// Why.
    pub error: ErrorObject,
}

/// Decodes one line.
///
/// # Errors
/// The error to answer with.
pub fn decode(line: &[u8]) -> Result<Incoming, Rejected> {
    let reject = |error| Rejected { id: None, answer: true, error };
    let text = std::str::from_utf8(line).map_err(|error| {
        reject(ErrorObject::new(PARSE, format!("the line is not UTF-8: a bad byte at offset {}", error.valid_up_to())))
    })?;
    let value: Value = serde_json::from_str(text)
        .map_err(|error| reject(ErrorObject::new(PARSE, format!("the line is not JSON: {error}"))))?;
    let object = match value {
        Value::Object(object) => object,
        Value::Array(_) => {
            return Err(reject(
                ErrorObject::new(INVALID_REQUEST, "batches are not supported").hint("send one request per line"),
            ));
        }
        _ => return Err(reject(ErrorObject::new(INVALID_REQUEST, "a request is a JSON object"))),
    };
    envelope(object)
}

fn envelope(mut object: Map<String, Value>) -> Result<Incoming, Rejected> {
    let refuse = |id: Option<Id>, message: String| Rejected {
        id,
        answer: true,
        error: ErrorObject::new(INVALID_REQUEST, message),
    };
    let id =
        match object.remove("id") {
            None => None,
            Some(value) => Some(id(&value).ok_or_else(|| {
                refuse(None, "`id` must be a whole number or a string of at most 256 bytes".to_owned())
            })?),
        };
    if object.remove("jsonrpc").as_ref().and_then(Value::as_str) != Some("2.0") {
        return Err(refuse(id, "`jsonrpc` must be \"2.0\"".to_owned()));
    }
    let Some(Value::String(method)) = object.remove("method") else {
        return Err(refuse(id, "`method` must be a string".to_owned()));
    };
    let params = match object.remove("params") {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(params)) => Ok(params),
        Some(_) => Err(ErrorObject::new(INVALID_PARAMS, "`params` must be an object")),
    };
    if let Some(name) = object.keys().next() {
        return Err(refuse(id, format!("unknown field `{}` beside `method`", visible_line(name, 60))));
    }
    match params.and_then(|params| call(&method, params)) {
        Ok(call) => Ok(Incoming { id, call }),
        Err(error) => Err(Rejected { answer: id.is_some(), id, error }),
    }
}

fn id(value: &Value) -> Option<Id> {
    match value {
        Value::Number(number) => number.as_i64().map(Id::Number),
        Value::String(text) if text.len() <= 256 => Some(Id::Text(text.clone())),
        _ => None,
    }
}

fn call(name: &str, params: Map<String, Value>) -> Result<Call, ErrorObject> {
    match name {
        method::HELLO => return typed(params).map(Call::Hello),
        method::EVENT_SUBSCRIBE => return typed(params).map(Call::Subscribe),
        method::EVENT_UNSUBSCRIBE => return typed(params).map(Call::Unsubscribe),
        method::TERMINAL_OPEN => return typed(params).map(Call::OpenTerminal),
        method::TERMINAL_INPUT => return typed(params).map(Call::TypeIn),
        method::TERMINAL_RESIZE => return typed(params).map(Call::ResizeTerminal),
        method::TERMINAL_CLOSE => return typed(params).map(Call::CloseTerminal),
        method::EDITOR_ATTACH => {
            only(&params, &[])?;
            return Ok(Call::Editor(EditorCall::Attach));
        }
        method::EDITOR_PLACES => return typed(params).map(|params| Call::Editor(EditorCall::Places(params))),
        method::EDITOR_ANSWER => return typed(params).map(|params| Call::Editor(EditorCall::Answer(params))),
        method::EDITOR_SELECTION => return typed(params).map(|params| Call::Editor(EditorCall::Select(params))),
        method::EDITOR_MENTION => return typed(params).map(|params| Call::Editor(EditorCall::Mention(params))),
        method::DAEMON_STOP => {
            only(&params, &[])?;
            return Ok(Call::StopDaemon);
        }
        _ => {}
    }
    if method::COMMANDS.contains(&name) {
        let mut params = params;
        let id = command_id(&mut params)?;
        return Ok(Call::Command(id, Box::new(command(name, params)?)));
    }
    if method::QUERIES.contains(&name) {
        return Ok(Call::Query(Box::new(query(name, params)?)));
    }
    Err(unknown(name))
}

fn unknown(name: &str) -> ErrorObject {
    let error = ErrorObject::new(METHOD_NOT_FOUND, format!("there is no method `{}`", visible_line(name, 60)));
    crate::base::near::near(name, method::all())
        .into_iter()
        .fold(error, |error, near| error.hint(format!("did you mean `{near}`?")))
}

fn command_id(params: &mut Map<String, Value>) -> Result<Option<CommandId>, ErrorObject> {
    match params.remove("command_id") {
        None => Ok(None),
        Some(Value::String(id)) if (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Ok(Some(CommandId(id)))
        }
        Some(_) => Err(ErrorObject::new(
            INVALID_PARAMS,
            "`command_id` must be a string of 1 to 128 printable ASCII characters",
        )
        .with("field", "command_id")),
    }
}

fn command(name: &str, params: Map<String, Value>) -> Result<Command, ErrorObject> {
    Ok(match name {
        method::SESSION_CREATE => Command::CreateSession(typed(params)?),
        method::SESSION_SEND => Command::SendPrompt(typed(params)?),
        method::PROMPT_EDIT => Command::EditPrompt(typed(params)?),
        method::PROMPT_CANCEL => Command::CancelPrompt(typed(params)?),
        method::SESSION_STOP => Command::StopSession(typed(params)?),
        method::SESSION_REMOVE => Command::RemoveSession(typed(params)?),
        method::SESSION_RESTORE => Command::RestoreSession(typed(params)?),
        method::SESSION_READ => Command::ReadSession(typed(params)?),
        method::SESSION_POLICY => Command::SetPolicy(typed(params)?),
        method::SESSION_REWIND => Command::RewindSession(typed(params)?),
        method::SESSION_COMBINE => Command::CombineSessions(typed(params)?),
        method::SESSION_OPTION => Command::SetOption(typed(params)?),
        method::APPROVAL_ANSWER => {
            only(&params, &["approval", "answer", "message", "scope", "option"])?;
            Command::AnswerApproval(typed(params)?)
        }
        method::TERMINAL_START => Command::StartTerminal(typed(params)?),
        method::HUNK_DECIDE => Command::DecideHunk(typed(params)?),
        method::COMMENT_ADD => Command::AddComment(typed(params)?),
        method::COMMENT_EDIT => Command::EditComment(typed(params)?),
        method::COMMENT_REMOVE => Command::RemoveComment(typed(params)?),
        method::COMMENT_RESOLVE => Command::ResolveComment(typed(params)?),
        method::ROUND_SEND => Command::SendRound(typed(params)?),
        method::FILE_VIEWED => Command::ViewFile(typed(params)?),
        method::LANDING_START => Command::StartLanding(typed(params)?),
        method::LANDING_CONTINUE => Command::ContinueLanding(typed(params)?),
        method::LANDING_ABORT => Command::AbortLanding(typed(params)?),
        method::BATCH_CREATE => Command::CreateBatch(typed(params)?),
        method::BATCH_PAUSE => Command::PauseBatch(typed(params)?),
        method::BATCH_RESUME => Command::ResumeBatch(typed(params)?),
        method::BATCH_CANCEL => Command::CancelBatch(typed(params)?),
        method::BATCH_RETRY => Command::RetryRuns(typed(params)?),
        method::BATCH_CONCURRENCY => Command::SetConcurrency(typed(params)?),
        method::EVALUATION_START => Command::StartEvaluation(typed(params)?),
        method::EVALUATION_CANCEL => Command::CancelEvaluation(typed(params)?),
        method::REPOSITORY_TRUST => Command::TrustRepository(typed(params)?),
        method::DOCTOR_FIX => Command::FixDoctor(typed(params)?),
        _ => return Err(unknown(name)),
    })
}

fn query(name: &str, params: Map<String, Value>) -> Result<Query, ErrorObject> {
    Ok(match name {
        method::SESSION_LIST => Query::ListSessions(typed(params)?),
        method::SESSION_TIMELINE => Query::Timeline(typed(params)?),
        method::SESSION_COMPARE => Query::CompareSessions(typed(params)?),
        method::SESSION_SHOW => Query::ShowSession(typed(params)?),
        method::SESSION_USAGE => Query::ShowUsage(typed(params)?),
        method::SESSION_DIFF => Query::DiffSession(diff(params)?),
        method::SESSION_PATCH => Query::PatchSession(diff(params)?),
        method::SESSION_PREFLIGHT => Query::PreflightSession(typed(params)?),
        method::SESSION_BASE_FILE => Query::BaseFile(typed(params)?),
        method::REVIEW_SHOW => Query::ShowReview(ranged(params, &["session", "of", "number"])?),
        method::COMMENT_LIST => Query::ListComments(typed(params)?),
        method::EVALUATION_LIST => Query::ListEvaluations(typed(params)?),
        method::EVALUATION_CHECK => Query::CheckSuite(typed(params)?),
        method::EVENT_LIST => Query::ListEvents(typed(params)?),
        method::APPROVAL_LIST => Query::ListApprovals(typed(params)?),
        method::AGENT_LIST => Query::ListAgents(typed(params)?),
        method::AGENT_VARIABLES => Query::ListVariables(typed(params)?),
        method::REPOSITORY_CONFIG => Query::ShowRepositoryConfig(typed(params)?),
        method::DOCTOR_SCAN => Query::ScanDoctor(typed(params)?),
        method::BATCH_LIST => {
            only(&params, &[])?;
            Query::ListBatches {}
        }
        method::BATCH_GET => Query::GetBatch(typed(params)?),
        method::BATCH_EXPORT => Query::ExportBatch(typed(params)?),
        method::BENCH_CHECK => Query::CheckCases(typed(params)?),
        method::PLAN_CHECK => Query::CheckPlan(typed(params)?),
        method::DAEMON_STATUS => {
            only(&params, &[])?;
            Query::DaemonStatus {}
        }
        _ => return Err(unknown(name)),
    })
}

fn diff<T: DeserializeOwned>(params: Map<String, Value>) -> Result<T, ErrorObject> {
    ranged(params, &["session", "of", "number", "from", "to", "stat_only"])
}

/// Parameters with a range among them.
fn ranged<T: DeserializeOwned>(mut params: Map<String, Value>, fields: &[&str]) -> Result<T, ErrorObject> {
    only(&params, fields)?;
    params.entry("of").or_insert_with(|| "session".into());
    typed(params)
}

/// Refuses fields that are not listed: for the parameters whose type cannot do it because parts of it are flattened.
fn only(params: &Map<String, Value>, fields: &[&str]) -> Result<(), ErrorObject> {
    match params.keys().find(|name| !fields.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => {
            let shown = visible_line(name, 60);
            let expected =
                if fields.is_empty() { "no parameters".to_owned() } else { format!("`{}`", fields.join("`, `")) };
            Err(ErrorObject::new(INVALID_PARAMS, format!("unknown field `{shown}`, expected {expected}"))
                .with("field", shown))
        }
    }
}

fn typed<T: DeserializeOwned>(params: Map<String, Value>) -> Result<T, ErrorObject> {
    serde_path_to_error::deserialize(Value::Object(params)).map_err(|error| {
        let path = visible_line(&error.path().to_string(), 100);
        let why = visible_line(&error.inner().to_string(), 400);
        if path == "." || why.contains(&format!("`{path}`")) {
            ErrorObject::new(INVALID_PARAMS, why)
        } else {
            ErrorObject::new(INVALID_PARAMS, format!("`{path}`: {why}")).with("field", path)
        }
    })
}

/// For the fuzzer: decodes any bytes and, when that fails, makes the error response.
pub fn fuzz_one(bytes: &[u8]) {
    for line in bytes.split(|byte| *byte == b'\n') {
        match decode(line) {
            Ok(Incoming { call: Call::Command(_, command), .. }) => {
                let (name, params) = method::of_command(&command).expect("a decoded command serializes");
                let Value::Object(params) = params else { unreachable!("parameters are objects") };
                let again = self::command(&name, params).expect("what was decoded decodes again");
                assert_eq!(*command, again);
            }
            Ok(_) => {}
            Err(rejected) => {
                let response = crate::wire::message::failure(rejected.id.as_ref(), &rejected.error);
                assert_eq!(response.iter().position(|byte| *byte == b'\n'), Some(response.len() - 1), "one line");
            }
        }
    }
}

#[cfg(test)]
mod tests;
