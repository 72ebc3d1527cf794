//! What we send: one line of JSON per message.

use serde_json::{Value, json};

fn line(message: &Value) -> Vec<u8> {
    let mut bytes = message.to_string().into_bytes();
    bytes.push(b'\n');
    bytes
}

/// A control request with the key of its write as id.
pub(super) fn control(key: &str, request: &Value) -> Vec<u8> {
    line(&json!({"type": "control_request", "request_id": key, "request": request}))
}

/// The first request. No hooks of ours.
pub(super) fn initialize() -> Vec<u8> {
    control("initialize", &json!({"subtype": "initialize", "hooks": null}))
}

/// A prompt.
pub(super) fn prompt(text: &str) -> Vec<u8> {
    line(&json!({"type": "user", "message": {"role": "user", "content": [{"type": "text", "text": text}]}}))
}

/// An answer to a control request of the agent.
pub(super) fn answer(request: &str, response: &Value) -> Vec<u8> {
    let response = json!({"subtype": "success", "request_id": request, "response": response});
    line(&json!({"type": "control_response", "response": response}))
}

/// A refusal of a control request that is not understood.
pub(super) fn error(request: &str, message: &str) -> Vec<u8> {
    let response = json!({"subtype": "error", "request_id": request, "error": message});
    line(&json!({"type": "control_response", "response": response}))
}
