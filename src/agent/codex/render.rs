//! What we send: one line of JSON per message.

use serde_json::{Value, json};

use super::super::content::{Piece, Prompt, quoted};

fn line(message: &Value) -> Vec<u8> {
    let mut bytes = message.to_string().into_bytes();
    bytes.push(b'\n');
    bytes
}

/// A request with the key of its write as id.
pub(super) fn request(key: &str, method: &str, params: &Value) -> Vec<u8> {
    line(&json!({"id": key, "method": method, "params": params}))
}

/// A prompt as the list of what the model is given. Images are read by Codex itself, from the kept copies.
pub(super) fn input(prompt: &Prompt) -> Value {
    let item = |piece: Piece| match piece {
        Piece::Text(text) => json!({"type": "text", "text": text}),
        Piece::Image { path, .. } => json!({"type": "localImage", "path": path}),
        Piece::File { name, text, .. } => json!({"type": "text", "text": quoted(&name, &text)}),
    };
    prompt.pieces(true).into_iter().map(item).collect()
}

/// A notification without parameters.
pub(super) fn notification(method: &str) -> Vec<u8> {
    line(&json!({"method": method}))
}

/// An answer to a request of the agent.
pub(super) fn result(id: &Value, result: &Value) -> Vec<u8> {
    line(&json!({"id": id, "result": result}))
}

/// A refusal of a request of the agent.
pub(super) fn error(id: &Value, code: i64, message: &str) -> Vec<u8> {
    line(&json!({"id": id, "error": {"code": code, "message": message}}))
}
