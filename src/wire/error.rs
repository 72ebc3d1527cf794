//! The one table of errors on the wire.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::model::{Refusal, RefusalKind};

/// The line is not JSON, or not UTF-8.
pub const PARSE: i64 = -32700;
/// It is JSON but no request.
pub const INVALID_REQUEST: i64 = -32600;
/// No such method.
pub const METHOD_NOT_FOUND: i64 = -32601;
/// The parameters do not fit the method.
pub const INVALID_PARAMS: i64 = -32602;
/// A fault of divisi itself.
pub const INTERNAL: i64 = -32603;
/// The request cannot be carried out as asked.
pub const USER: i64 = -32001;
/// The state of the world is in the way.
pub const CONFLICT: i64 = -32002;
/// The environment failed.
pub const ENVIRONMENT: i64 = -32003;
/// The two ends speak different protocols.
pub const PROTOCOL_MISMATCH: i64 = -32004;

/// An error as it travels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ErrorObject {
    /// One of the constants here.
    pub code: i64,
    /// One sentence fragment.
    pub message: String,
    /// Everything else.
    pub data: ErrorBody,
}

/// The `data` of an error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// Who has to act.
    pub kind: RefusalKind,
    /// What to do next, one line each.
    #[serde(default)]
    pub hints: Vec<String>,
    /// What else belongs to this error (`field` of wrong parameters; `protocol`, `version`, `running` of a mismatch).
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl ErrorObject {
    /// An error of the caller's making.
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        let kind = if code == INTERNAL { RefusalKind::Internal } else { RefusalKind::User };
        Self { code, message: message.into(), data: ErrorBody { kind, hints: Vec::new(), more: Map::new() } }
    }

    /// Adds a next step.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.data.hints.push(hint.into());
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.data.more.insert(name.to_owned(), value.into());
        self
    }
}

/// The code of a kind of refusal.
pub fn code_of(kind: RefusalKind) -> i64 {
    match kind {
        RefusalKind::User => USER,
        RefusalKind::Conflict => CONFLICT,
        RefusalKind::Environment => ENVIRONMENT,
        RefusalKind::Internal => INTERNAL,
    }
}

impl From<Refusal> for ErrorObject {
    fn from(refusal: Refusal) -> Self {
        Self {
            code: code_of(refusal.kind),
            message: refusal.message,
            data: ErrorBody { kind: refusal.kind, hints: refusal.hints, more: Map::new() },
        }
    }
}

impl From<ErrorObject> for Refusal {
    fn from(error: ErrorObject) -> Self {
        Self { kind: error.data.kind, message: error.message, hints: error.data.hints }
    }
}
