//! The endpoint itself: who is let in, and what goes back and forth.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast::error::RecvError;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderValue, StatusCode};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async_with_config};

use super::mcp::{self, Said};
use super::tools::{self, Call};
use crate::host::port::EditorDoor;
use crate::model::editor::{EditorQuestion, Mention};

/// The header with the token.
const TOKEN_HEADER: &str = "x-claude-code-ide-authorization";
/// The header with the protocol inside of the `WebSocket`, and its name.
const PROTOCOL_HEADER: &str = "sec-websocket-protocol";
const PROTOCOL: &str = "mcp";
/// Connections at once: an agent makes one, and another when it begins anew.
const CONNECTIONS: usize = 8;
/// A handshake has to be over within this.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// Longest message that is read.
const LONGEST: usize = 16 * 1024 * 1024;
/// A client that takes nothing for so long is left.
const STALL: Duration = Duration::from_secs(10);
/// Calls of one connection that wait for an answer.
const CALLS: usize = 32;
/// What a client that does not wait for a person gets at the latest.
const ANSWERED: Duration = Duration::from_secs(10);

/// What a connection needs to know.
pub(super) struct Talk {
    pub(super) token: String,
    pub(super) worktree: String,
    pub(super) door: Arc<dyn EditorDoor>,
}

/// Serves until it is dropped.
pub(super) async fn run(listener: TcpListener, talk: Arc<Talk>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, peer)) if peer.ip().is_loopback() && connections.len() < CONNECTIONS => {
                connections.spawn(welcome(stream, Arc::clone(&talk)));
            }
            Ok((stream, _)) => drop(stream),
            Err(error) => {
                tracing::warn!(%error, "an agent's connection was not accepted");
                // Out of descriptors, most likely: others have to close first.
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn welcome(stream: TcpStream, talk: Arc<Talk>) {
    let Ok(own) = stream.local_addr() else { return };
    let config = WebSocketConfig::default()
        .max_message_size(Some(LONGEST))
        .max_frame_size(Some(LONGEST))
        .read_buffer_size(64 * 1024);
    let token = talk.token.clone();
    #[expect(clippy::result_large_err, reason = "the library's own signature")]
    let check = move |request: &Request, mut response: Response| match refuse(request.headers(), &token, own) {
        None => {
            // Who asks for a protocol by name goes away without it.
            let listed = request.headers().get_all(PROTOCOL_HEADER).iter().filter_map(|listed| listed.to_str().ok());
            if listed.flat_map(|listed| listed.split(',')).any(|name| name.trim() == PROTOCOL) {
                response.headers_mut().insert(PROTOCOL_HEADER, HeaderValue::from_static(PROTOCOL));
            }
            Ok(response)
        }
        Some(status) => {
            let mut refusal = ErrorResponse::new(None);
            *refusal.status_mut() = status;
            Err(refusal)
        }
    };
    match timeout(HANDSHAKE, accept_hdr_async_with_config(stream, check, Some(config))).await {
        Ok(Ok(socket)) => converse(socket, &talk).await,
        Ok(Err(error)) => tracing::debug!(%error, "whoever came to an editor's endpoint was not let in"),
        Err(_) => {}
    }
}

/// Why a request is not let in. Programs send no origin, browsers always do; one that was lured here names another host besides.
fn refuse(headers: &HeaderMap, token: &str, own: SocketAddr) -> Option<StatusCode> {
    if headers.contains_key("origin") {
        return Some(StatusCode::FORBIDDEN);
    }
    let host = headers.get("host").and_then(|host| host.to_str().ok());
    let ours = [own.to_string(), format!("localhost:{}", own.port())];
    if !host.is_some_and(|host| ours.iter().any(|own| own == host)) {
        return Some(StatusCode::FORBIDDEN);
    }
    let mut given = headers.get_all(TOKEN_HEADER).iter();
    match (given.next(), given.next()) {
        (Some(given), None) if same(given.as_bytes(), token.as_bytes()) => None,
        _ => Some(StatusCode::UNAUTHORIZED),
    }
}

/// Compares in a time that tells nothing about where they differ.
fn same(given: &[u8], token: &[u8]) -> bool {
    given.len() == token.len() && given.iter().zip(token).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}

/// A call whose answer is waited for.
struct Waiting {
    /// Of a diff, by which it is taken back.
    tab: Option<String>,
    task: AbortHandle,
}

struct Conversation<'a> {
    talk: &'a Talk,
    /// By the request's id, as text: numbers and strings differ by their quotes.
    waiting: HashMap<String, Waiting>,
    tasks: JoinSet<(Value, Value)>,
    /// The client has said that it can be told things.
    ready: Option<Box<dyn Send + Sync>>,
}

async fn converse(mut socket: WebSocketStream<TcpStream>, talk: &Talk) {
    let mut selection = talk.door.selection();
    // What is selected already is news to whoever comes; that nothing is, is none.
    if selection.borrow_and_update().is_some() {
        selection.mark_changed();
    }
    let mut mentions = talk.door.mentions();
    let mut conversation = Conversation { talk, waiting: HashMap::new(), tasks: JoinSet::new(), ready: None };
    loop {
        let ready = conversation.ready.is_some();
        let out = tokio::select! {
            message = socket.next() => match message {
                Some(Ok(Message::Text(text))) => conversation.hear(&text),
                Some(Ok(Message::Binary(_) | Message::Frame(_))) => vec![mcp::failure(&Value::Null, -32600, "messages are text")],
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => Vec::new(),
                Some(Ok(Message::Close(_))) | None => break,
                Some(Err(error)) => {
                    tracing::debug!(%error, "an agent's connection to its editor broke");
                    if let Error::Capacity(_) = error {
                        let _ = timeout(STALL, socket.close(None)).await;
                    }
                    break;
                }
            },
            Some(done) = conversation.tasks.join_next() => match done {
                Ok((id, answer)) => {
                    conversation.waiting.remove(&id.to_string());
                    vec![answer]
                }
                // Taken back; that was answered then.
                Err(_) => Vec::new(),
            },
            changed = selection.changed(), if ready => match changed {
                Ok(()) => {
                    let selected = selection.borrow_and_update().clone();
                    vec![mcp::notification("selection_changed", &tools::told(selected.as_ref()))]
                }
                Err(_) => break,
            },
            mentioned = mentions.recv(), if ready => match mentioned {
                Ok(mention) => vec![mcp::notification("at_mentioned", &mentioned_as(&mention))],
                Err(RecvError::Lagged(_)) => Vec::new(),
                Err(RecvError::Closed) => break,
            },
        };
        for message in out {
            let sent = timeout(STALL, socket.send(Message::text(message.to_string()))).await;
            if !matches!(sent, Ok(Ok(()))) {
                return;
            }
        }
    }
}

fn mentioned_as(mention: &Mention) -> Value {
    let mut params = serde_json::json!({ "filePath": mention.path });
    if let Some((first, last)) = mention.lines {
        params["lineStart"] = first.into();
        params["lineEnd"] = last.into();
    }
    params
}

impl Conversation<'_> {
    fn hear(&mut self, text: &str) -> Vec<Value> {
        match mcp::read(text) {
            Said::Answer(answer) => vec![answer],
            Said::Nothing => Vec::new(),
            Said::Ready => {
                if self.ready.is_none() {
                    self.ready = Some(self.talk.door.listens());
                }
                Vec::new()
            }
            Said::Cancelled(id) => {
                if let Some(waiting) = self.waiting.remove(&id.to_string()) {
                    waiting.task.abort();
                }
                Vec::new()
            }
            Said::Call { id, tool, arguments } => self.call(id, &tool, &arguments),
        }
    }

    fn call(&mut self, id: Value, tool: &str, arguments: &Value) -> Vec<Value> {
        let one = |text: Value| vec![mcp::content(&id, &[text.to_string()])];
        let (tab, question) = match tools::read(tool, arguments) {
            Err(why) => return vec![mcp::problem(&id, &why)],
            Ok(Call::Folders) => return one(tools::folders(&self.talk.worktree)),
            Ok(Call::LatestSelection) => {
                return one(match &*self.talk.door.selection().borrow() {
                    Some(selection) => tools::selected(selection),
                    None => serde_json::json!({ "success": false, "message": "No selection available" }),
                });
            }
            Ok(Call::CloseTab(tab)) => {
                let mut out = self.take_back(|of| of == tab);
                out.push(mcp::content(&id, &["TAB_CLOSED".to_owned()]));
                return out;
            }
            Ok(Call::CloseAllDiffs) => {
                let mut out = self.take_back(|_| true);
                out.push(mcp::content(&id, &[format!("CLOSED_{}_DIFF_TABS", out.len())]));
                return out;
            }
            Ok(Call::Diff { tab, question }) => (Some(tab), question),
            Ok(Call::Ask(question)) => (None, question),
        };
        let key = id.to_string();
        if self.waiting.len() >= CALLS || self.waiting.contains_key(&key) {
            return vec![mcp::problem(&id, "too many calls wait for an answer, or one of this id does")];
        }
        let patient = tab.is_some();
        let task = self.tasks.spawn(ask(Arc::clone(&self.talk.door), id, question, patient));
        self.waiting.insert(key, Waiting { tab, task });
        Vec::new()
    }

    /// Takes diffs back whose tab is meant; whoever waits for one is told that it was decided elsewhere, which is neither yes nor no.
    fn take_back(&mut self, meant: impl Fn(&str) -> bool) -> Vec<Value> {
        let mut out = Vec::new();
        self.waiting.retain(|key, waiting| {
            if !waiting.tab.as_deref().is_some_and(&meant) {
                return true;
            }
            waiting.task.abort();
            let id = serde_json::from_str(key).unwrap_or_default();
            out.push(mcp::problem(&id, "the diff was closed before it was decided in the editor"));
            false
        });
        out
    }
}

async fn ask(door: Arc<dyn EditorDoor>, id: Value, question: EditorQuestion, patient: bool) -> (Value, Value) {
    let asked = door.ask(question.clone());
    let answer = if patient { Ok(asked.await) } else { timeout(ANSWERED, asked).await };
    let shown = match answer {
        Err(_) => Err(format!("the editor did not answer within {} s", ANSWERED.as_secs())),
        Ok(Ok(value)) => tools::answer(&question, value),
        // Without an editor nothing is known to be wrong, and an agent that asks before each edit is not told of an error each time.
        Ok(Err(_)) if matches!(question, EditorQuestion::Diagnostics { .. }) => Ok(vec!["[]".to_owned()]),
        Ok(Err(refusal)) => Err(refusal.message),
    };
    let answer = match shown {
        Ok(texts) => mcp::content(&id, &texts),
        Err(why) => mcp::problem(&id, &why),
    };
    (id, answer)
}

#[cfg(test)]
mod tests;
