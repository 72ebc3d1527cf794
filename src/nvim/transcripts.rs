//! Open transcripts: opened, closed, read from the newest page on, further back when somebody scrolls there, and a tool call in full.

use std::sync::Arc;

use serde_json::{Value, json};

use super::document::Document;
use super::handler::Ask;
use super::host::{Done, Host};
use crate::model::id::Seq;
use crate::model::{Envelope, Event, Refusal};
use crate::wire::kept::link::call;
use crate::wire::transcript::whole_call;

/// Events per page of history.
const PAGE: u64 = 1_000;

impl Host {
    /// A request about the transcript of a session.
    pub(super) fn of_transcript(&mut self, ask: Ask, session: &str) {
        let answer = match ask.method.as_str() {
            "transcript/open" => {
                if let Some(document) = self.documents.get_mut(session) {
                    document.resend();
                } else {
                    let root = ask.params.get("path").and_then(Value::as_str).map(str::to_owned);
                    self.documents.insert(session.to_owned(), Document::within(root));
                    self.read_history(session);
                }
                json!({})
            }
            "transcript/close" => {
                self.documents.remove(session);
                json!({})
            }
            "transcript/older" => {
                let reads = self.documents.get_mut(session).is_some_and(Document::reach_back);
                if reads {
                    self.read_history(session);
                }
                json!({ "reads": reads })
            }
            "transcript/tool" => return self.tool(ask, session),
            _ => return self.answer_later(ask.id, ask.method, Err(Refusal::internal("no such request"))),
        };
        self.answer(ask.id, &ask.method, Ok(answer));
    }

    /// Everything about the tool call on a line, as lines of Markdown; null when there is none.
    fn tool(&mut self, ask: Ask, session: &str) {
        let line = ask.params.get("line").and_then(Value::as_u64).and_then(|line| usize::try_from(line).ok());
        let found = line.and_then(|line| self.documents.get(session)?.tool_at(line));
        let Some(seq) = found else { return self.answer(ask.id, &ask.method, Ok(Value::Null)) };
        let (current, done) = (self.current.clone(), self.done.clone());
        let params = json!({ "after": seq.0.saturating_sub(1), "session": session, "limit": 1 });
        tokio::spawn(async move {
            let outcome = call(current, "event/list", params).await.map(|page| {
                let event = page.pointer("/events/0").cloned().map(serde_json::from_value::<Envelope>);
                match event {
                    Some(Ok(Envelope { event: Event::AgentTool { call, .. }, .. })) => json!(whole_call(&call)),
                    _ => Value::Null,
                }
            });
            // The loop ends only with the process.
            let _ = done.send(Done::Answer { id: ask.id, method: ask.method, outcome });
        });
    }

    /// Reads a session's events from where its document is to the newest, page by page.
    pub(super) fn read_history(&mut self, session: &str) {
        let Some(document) = self.documents.get(session) else { return };
        if self.reading.contains_key(session) {
            self.reading.insert(session.to_owned(), true);
            return;
        }
        self.reading.insert(session.to_owned(), false);
        let (current, done, session) = (self.current.clone(), self.done.clone(), Arc::<str>::from(session));
        let (mut after, mut last) = document.missing();
        tokio::spawn(async move {
            loop {
                let mut params = json!({ "after": after.0, "session": &*session, "limit": PAGE });
                if let Some(last) = last.take() {
                    params["last"] = json!(last);
                }
                let page = match call(current.clone(), "event/list", params).await {
                    Ok(page) => page,
                    Err(refusal) => {
                        // The loop ends only with the process.
                        let _ = done.send(Done::NoHistory { session: session.to_string(), refusal });
                        return;
                    }
                };
                let events = page.get("events").and_then(Value::as_array).cloned().unwrap_or_default();
                let newest = events.iter().filter_map(|event| event.get("seq").and_then(Value::as_u64)).max();
                // A page without progress is the last one, whatever else the daemon says.
                let complete = (events.len() as u64) < PAGE || newest.is_none_or(|newest| newest <= after.0);
                after = newest.map_or(after, Seq);
                let read = Done::History { session: session.to_string(), events, complete };
                if done.send(read).is_err() || complete {
                    return;
                }
            }
        });
    }
}
