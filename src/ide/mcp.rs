//! Messages of MCP (JSON-RPC 2.0), as far as an editor's endpoint needs them. No IO.

use serde_json::{Value, json};

use super::tools;

/// The version that is answered to a client that names none.
const VERSION: &str = "2025-03-26";

/// What a message asks for.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    /// Answered with this, at once.
    Answer(Value),
    /// A tool is called.
    Call {
        /// The request's id.
        id: Value,
        /// Its name.
        tool: String,
        /// Its arguments.
        arguments: Value,
    },
    /// The client does not wait for the answer to this request any more.
    Cancelled(Value),
    /// The client is ready to be told things.
    Ready,
    /// A notification that means nothing here.
    Nothing,
}

/// Reads one message.
pub(super) fn read(text: &str) -> Said {
    let mut message: Value = match serde_json::from_str(text) {
        Ok(message) => message,
        Err(error) => return Said::Answer(failure(&Value::Null, -32700, &format!("not JSON: {error}"))),
    };
    let id = message.get_mut("id").map(Value::take);
    if !message.is_object() || id.as_ref().is_some_and(|id| !(id.is_string() || id.is_number())) {
        return Said::Answer(failure(&Value::Null, -32600, "a request is an object whose id is a number or a string"));
    }
    let params = message.get_mut("params").map(Value::take).unwrap_or_default();
    let method = message.get("method").and_then(Value::as_str);
    match (method, id) {
        (Some("notifications/initialized"), None) => Said::Ready,
        (Some("notifications/cancelled"), None) => Said::Cancelled(params["requestId"].clone()),
        // Answers (nothing was asked of the client) and notifications of no interest.
        (None, _) | (_, None) => Said::Nothing,
        (Some(method), Some(id)) => request(method, id, params),
    }
}

fn request(method: &str, id: Value, mut params: Value) -> Said {
    let result = match method {
        "initialize" => json!({
            "protocolVersion": params["protocolVersion"].as_str().unwrap_or(VERSION),
            "capabilities": { "tools": {} },
            "serverInfo": { "name": "divisi", "version": env!("CARGO_PKG_VERSION") },
        }),
        "ping" => json!({}),
        "tools/list" => json!({ "tools": tools::list() }),
        "prompts/list" => json!({ "prompts": [] }),
        "resources/list" => json!({ "resources": [] }),
        "tools/call" => {
            let Some(tool) = params["name"].as_str().map(str::to_owned) else {
                return Said::Answer(failure(&id, -32602, "`name` is missing"));
            };
            return Said::Call { id, tool, arguments: params["arguments"].take() };
        }
        _ => return Said::Answer(failure(&id, -32601, "there is no such method")),
    };
    Said::Answer(success(&id, &result))
}

/// A successful response.
pub(super) fn success(id: &Value, result: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "result": result })
}

/// A tool's answer: pieces of text.
pub(super) fn content(id: &Value, texts: &[String]) -> Value {
    let texts: Vec<Value> = texts.iter().map(|text| json!({ "type": "text", "text": text })).collect();
    success(id, &json!({ "content": texts }))
}

/// A tool's answer that says why there is none.
pub(super) fn problem(id: &Value, why: &str) -> Value {
    success(id, &json!({ "content": [{ "type": "text", "text": why }], "isError": true }))
}

/// An error response.
pub(super) fn failure(id: &Value, code: i32, message: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })
}

/// A notification.
pub(super) fn notification(method: &str, params: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "method": method, "params": params })
}

#[cfg(test)]
mod tests;
