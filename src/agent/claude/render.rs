//! What we send: one line of JSON per message.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::super::content::{Piece, Prompt, quoted};
use crate::base::hex;

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

/// A prompt, with an id that follows from the key of its write: what becomes of it is told under that.
pub(super) fn prompt(prompt: &Prompt, key: &str) -> Vec<u8> {
    let block = |piece: Piece| match piece {
        Piece::Text(text) => json!({"type": "text", "text": text}),
        Piece::Image { media_type, base64, .. } => {
            json!({"type": "image", "source": {"type": "base64", "media_type": media_type, "data": base64}})
        }
        Piece::File { name, text, .. } => json!({"type": "text", "text": quoted(&name, &text)}),
    };
    let content: Vec<Value> = prompt.pieces(true).into_iter().map(block).collect();
    line(&json!({"type": "user", "message": {"role": "user", "content": content}, "uuid": uuid(key)}))
}

/// A message that means nothing.
pub(super) fn keep_alive() -> Vec<u8> {
    line(&json!({"type": "keep_alive"}))
}

/// The id of a prompt: a UUID (version 8 of RFC 9562: made by its own rules) from the key of its write.
pub(super) fn uuid(key: &str) -> String {
    let mut bytes = [0_u8; 16];
    bytes.copy_from_slice(&Sha256::digest(key.as_bytes())[..16]);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = hex::encode(&bytes);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
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
