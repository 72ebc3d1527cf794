//! Messages as they travel: requests, responses, notifications.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::model::id::{Seq, SessionId};
use crate::wire::error::ErrorObject;

/// A request's id, as the client made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Id {
    /// A whole number.
    Number(i64),
    /// A string of at most 256 bytes.
    Text(String),
}

/// Parameters of `hello`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hello {
    /// The face's name, for "answered by": `cli`, `nvim`.
    pub client: String,
    /// Its version.
    #[serde(default)]
    pub version: String,
    /// Protocols it speaks.
    pub protocol: ProtocolRange,
}

/// A range of protocol numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProtocolRange {
    /// The oldest.
    pub min: u32,
    /// The newest.
    pub max: u32,
}

/// The answer to `hello`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The daemon's version.
    pub version: String,
    /// The protocol spoken from now on.
    pub protocol: u32,
    /// Its process id.
    pub pid: u32,
    /// Differs from daemon to daemon.
    pub generation: String,
    /// The newest committed event.
    pub head: Seq,
}

/// Parameters of `event/subscribe`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscribe {
    /// Only events after this one; absent: from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Seq>,
    /// Only this session's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// Send the views of touched sessions too.
    #[serde(default)]
    pub views: bool,
}

/// The answer to `event/subscribe`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscribed {
    /// Its id on this connection.
    pub subscription: String,
    /// The newest committed event when it began.
    pub head: Seq,
}

/// Parameters of `event/unsubscribe`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unsubscribe {
    /// Its id.
    pub subscription: String,
}

/// A response or a notification, as a client reads it.
#[derive(Debug, Deserialize)]
pub struct FromDaemon {
    /// Of the request that is answered; absent on notifications, null when the request had none that could be read.
    #[serde(default)]
    pub id: Option<Id>,
    /// A notification's name.
    #[serde(default)]
    pub method: Option<String>,
    /// A notification's parameters.
    #[serde(default)]
    pub params: Value,
    /// The result.
    #[serde(default)]
    pub result: Value,
    /// Or the error.
    #[serde(default)]
    pub error: Option<ErrorObject>,
}

/// A request as one line.
pub fn request(id: i64, method: &str, params: &Value) -> Vec<u8> {
    line(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }))
}

/// A notification as one line.
pub fn notification(method: &str, params: &impl Serialize) -> Vec<u8> {
    #[derive(Serialize)]
    struct Notification<'a, P> {
        jsonrpc: &'static str,
        method: &'a str,
        params: &'a P,
    }
    line(&Notification { jsonrpc: "2.0", method, params })
}

/// A successful response as one line.
pub fn success(id: &Id, result: &impl Serialize) -> Vec<u8> {
    #[derive(Serialize)]
    struct Success<'a, R> {
        jsonrpc: &'static str,
        id: &'a Id,
        result: &'a R,
    }
    line(&Success { jsonrpc: "2.0", id, result })
}

/// An error response as one line.
pub fn failure(id: Option<&Id>, error: &ErrorObject) -> Vec<u8> {
    line(&json!({ "jsonrpc": "2.0", "id": id, "error": error }))
}

fn line(message: &impl Serialize) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(message).expect("messages have string keys and serialize without errors");
    bytes.push(b'\n');
    bytes
}
