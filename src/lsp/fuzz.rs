//! For the fuzzer: whatever an editor and a daemon send.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use lsp_server::{Connection, Message};
use serde_json::Value;
use tokio::sync::{Notify, mpsc, watch};

use super::server::{Done, Server};
use super::shelf::Shelf;
use crate::wire::kept::backend::Batch;
use crate::wire::kept::link::Signal;

/// Plays lines: messages of an editor, or `{"daemon": {"sessions": [...], "events": [...]}}`, or `{"diff": [session, diff]}`. Nothing is
/// written to disk. Every request gets one answer, whatever it is (those that are passed on to a daemon wait for one). Gives what the
/// editor was sent.
///
/// # Panics
/// When there is a bug.
pub fn fuzz_one(bytes: &[u8]) -> Vec<Message> {
    // Fails only where threads cannot be had; then there is nothing to find out.
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return Vec::new() };
    runtime.block_on(async { play(bytes) })
}

fn play(bytes: &[u8]) -> Vec<Message> {
    let (client, connection) = Connection::memory();
    let (_daemon, current) = watch::channel(None);
    let (done, _kept) = mpsc::unbounded_channel();
    let mut server = Server::new(connection, current, Arc::new(Notify::new()), done);
    server.shelf = Shelf::nowhere();
    server.config_dir = Some(PathBuf::from("/nowhere/divisi"));
    let mut asked: BTreeMap<String, usize> = BTreeMap::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let Ok(value) = serde_json::from_slice::<Value>(line) else { continue };
        if let Some(said) = value.get("daemon") {
            let list = |name: &str| said[name].as_array().cloned().unwrap_or_default();
            let batch = Batch { events: list("events"), sessions: list("sessions") };
            server.signal(Signal::Batch(batch));
        } else if let Some(read) = value.get("diff") {
            if let Ok((session, diff)) = serde_json::from_value(read.clone()) {
                let changes = super::state::Changes { diff, preflight: None, evaluation: None, newest: None };
                server.done(Done::Changes(session, Box::new(Ok(changes))));
            }
        } else if let Ok(message) = serde_json::from_value::<Message>(value) {
            if let Message::Request(request) = &message
                && request.method != "divisi/call"
            {
                *asked.entry(request.id.to_string()).or_default() += 1;
            }
            server.message(message);
        }
        if server.has_news() {
            server.show();
        }
    }
    let sent: Vec<Message> = client.receiver.try_iter().collect();
    for message in &sent {
        if let Message::Response(response) = message {
            // An id that was used for a call of the extension too may be answered once more by nobody.
            if let Some(left) = asked.get_mut(&response.id.to_string()) {
                *left = left.checked_sub(1).expect("one answer to a request");
            }
        }
    }
    assert!(asked.values().all(|left| *left == 0), "a request without an answer: {asked:?}");
    sent
}
