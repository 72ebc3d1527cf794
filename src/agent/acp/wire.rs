//! What comes over the wire: JSON-RPC messages, and values read tolerantly.

use crate::model::failure::FailureKind;

use serde_json::Value;

/// A failed request.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::agent) struct RpcError {
    /// JSON-RPC's or the protocol's code.
    pub(in crate::agent) code: i64,
    /// One line.
    pub(in crate::agent) message: String,
    /// What kind of failure it is, where the agent says so beside the words.
    pub(in crate::agent) kind: Option<FailureKind>,
}

/// The protocol's code for "log in first".
pub(in crate::agent) const AUTH_REQUIRED: i64 = -32000;
/// The protocol's code for a cancelled request.
pub(in crate::agent) const CANCELLED: i64 = -32800;

/// How a request went.
pub(in crate::agent) type Outcome = Result<Value, RpcError>;

/// A message of the agent.
#[derive(Debug)]
pub(in crate::agent) enum Incoming {
    /// It wants an answer.
    Request { id: Value, method: String, params: Value },
    /// It tells something.
    Notification { method: String, params: Value },
    /// It answers; `raw` is the whole message.
    Response { id: String, result: Outcome, raw: Value },
    /// Anything else.
    Other(Value),
}

/// Parses a line. Bytes that are not UTF-8 are replaced; too deep nesting is an error like any other.
pub(in crate::agent) fn parse(line: &[u8]) -> Result<Value, String> {
    let text = String::from_utf8_lossy(line);
    serde_json::from_str(&text).map_err(|error| match error.classify() {
        serde_json::error::Category::Eof => "it ends too early".to_owned(),
        _ => error.to_string(),
    })
}

/// Sorts a message. The field `jsonrpc` is not looked at: some agents leave it out.
pub(in crate::agent) fn classify(mut message: Value) -> Incoming {
    let Some(object) = message.as_object_mut() else {
        return Incoming::Other(message);
    };
    if let Some(Value::String(method)) = object.get("method") {
        let method = method.clone();
        let id = object.get("id").filter(|id| !id.is_null()).cloned();
        let params = object.remove("params").unwrap_or(Value::Null);
        return match id {
            Some(id) => Incoming::Request { id, method, params },
            None => Incoming::Notification { method, params },
        };
    }
    let Some(id) = object.get("id").and_then(Value::as_str).map(str::to_owned) else {
        return Incoming::Other(message);
    };
    let result = match (object.get("error").filter(|error| !error.is_null()), object.get("result")) {
        (Some(error), _) => Err(rpc_error(error)),
        (None, Some(result)) => Ok(result.clone()),
        (None, None) => return Incoming::Other(message),
    };
    Incoming::Response { id, result, raw: message }
}

/// Reads an error; agents put what matters into very different places.
fn rpc_error(error: &Value) -> RpcError {
    let code = error.get("code").and_then(Value::as_i64).unwrap_or_default();
    let mut message = text(error, "message").unwrap_or("the agent gave no reason").to_owned();
    // Gemini wraps the model's error as JSON into the message.
    if let Ok(inner) = serde_json::from_str::<Value>(&message)
        && let Some(inner) = inner.pointer("/error/message").or_else(|| inner.get("message")).and_then(Value::as_str)
    {
        inner.clone_into(&mut message);
    }
    let details = error.get("data").and_then(|data| match data {
        Value::String(details) => Some(details.as_str()),
        _ => text(data, "message").or_else(|| text(data, "details")),
    });
    if let Some(details) = details.filter(|details| !message.contains(details)) {
        message = format!("{message}: {details}");
    }
    let name = error
        .get("data")
        .and_then(|data| ["errorKind", "codex_error_info", "errorName"].iter().find_map(|field| text(data, field)));
    // Gemini's code is the HTTP status.
    let status = u64::try_from(code).ok().filter(|code| (400..600).contains(code));
    let kind = name.and_then(FailureKind::named).or_else(|| status.map(|code| FailureKind::of(Some(code), &message)));
    RpcError { code, message: crate::base::text::visible_line(&message, 500), kind }
}

/// A string field that is there and not empty.
pub(in crate::agent) fn text<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value.get(field).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// The elements of a list field; none when it is absent or something else.
pub(in crate::agent) fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A capability: `true` or an object; absent, `null` and `false` mean no.
pub(in crate::agent) fn offered(value: Option<&Value>) -> bool {
    value.is_some_and(|value| !matches!(value, Value::Null | Value::Bool(false)))
}

/// The text of a content block, when it is one that has some.
pub(in crate::agent) fn block_text(block: &Value) -> Option<String> {
    match block.get("type").and_then(Value::as_str)? {
        "text" => block.get("text").and_then(Value::as_str).map(str::to_owned),
        "resource" => block.pointer("/resource/text").and_then(Value::as_str).map(str::to_owned),
        "resource_link" => {
            let uri = text(block, "uri")?;
            Some(match text(block, "name") {
                Some(name) if name != uri => format!("{name} ({uri})"),
                _ => uri.to_owned(),
            })
        }
        _ => None,
    }
}
