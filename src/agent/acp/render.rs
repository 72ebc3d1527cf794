//! What we send: one line of JSON per message.

use serde_json::{Value, json};

/// The protocol version that is asked for. Never another: some agents speak a draft of 2, which is a different protocol.
pub(super) const VERSION: u64 = 1;

fn line(message: &Value) -> Vec<u8> {
    let mut bytes = message.to_string().into_bytes();
    bytes.push(b'\n');
    bytes
}

/// A request with the key of its write as id.
pub(super) fn request(key: &str, method: &str, params: &Value) -> Vec<u8> {
    line(&json!({"jsonrpc": "2.0", "id": key, "method": method, "params": params}))
}

/// A notification.
pub(super) fn notification(method: &str, params: &Value) -> Vec<u8> {
    line(&json!({"jsonrpc": "2.0", "method": method, "params": params}))
}

/// An answer to a request of the agent.
pub(super) fn result(id: &Value, result: &Value) -> Vec<u8> {
    line(&json!({"jsonrpc": "2.0", "id": id, "result": result}))
}

/// A refusal of a request of the agent.
pub(super) fn error(id: &Value, code: i64, message: &str) -> Vec<u8> {
    line(&json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}}))
}

/// `initialize`. Files and terminals are not offered: the worktree is on the agent's own disk, and changes are taken from git.
pub(super) fn initialize() -> Vec<u8> {
    request(
        "initialize",
        "initialize",
        &json!({
            "protocolVersion": VERSION,
            "clientCapabilities": {"fs": {"readTextFile": false, "writeTextFile": false}, "terminal": false},
            "clientInfo": {"name": "divisi", "title": "divisi", "version": env!("CARGO_PKG_VERSION")},
        }),
    )
}
