//! Virtual documents (`workspace/textDocumentContent`, LSP 3.18), for clients that open more than files: a session's transcript, which
//! grows while it is looked at, and a file as it was where a session or a round began.
//!
//! - `divisi:/transcript/SESSION/NAME`
//! - `divisi:/batch/ID/NAME`: the page of a batch, live.
//! - `divisi:/base/SESSION/ROUND/PATH`; round 0 is the session's base.
//! - `divisi:/gone/SESSION/PATH`: empty, the other side of a file that was deleted.

use std::collections::BTreeMap;

use lsp_server::{ErrorCode, RequestId};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::batch_page;
use super::server::{Asked, Done, Server};
use super::shelf::Record;
use crate::base::clock;
use crate::model::id::{BatchId, SessionId};
use crate::model::query::EventPage;
use crate::model::{Envelope, Refusal};
use crate::wire::kept::link::call;

/// The scheme of their URIs.
pub const SCHEME: &str = "divisi";
const REQUEST: &str = "workspace/textDocumentContent";
/// Tells the client to ask again.
pub const REFRESH: &str = "workspace/textDocumentContent/refresh";
/// Events per page.
const PAGE: u64 = 1_000;
/// Asks the client to tell of files that change.
pub const WATCH: &str = "client/registerCapability";

/// What a URI names.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Document {
    Transcript(SessionId),
    Batch(BatchId),
    Base { session: SessionId, round: u32, path: String },
    Gone,
}

/// A transcript that is open somewhere.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "facts that have nothing to do with each other")]
struct Followed {
    uri: String,
    record: Record,
    /// Requests that wait until it was read to its end once.
    waiting: Vec<RequestId>,
    reading: bool,
    /// Whether it grew while it was read.
    again: bool,
    /// The client was told to ask again and has not.
    told: bool,
    /// Whether it was read to its end once.
    whole: bool,
}

/// All transcripts that are open.
#[derive(Debug, Default)]
pub struct Documents {
    followed: BTreeMap<SessionId, Followed>,
    /// Pages of batches: the URI, and whether the client was told to ask again and has not.
    batches: BTreeMap<BatchId, (String, bool)>,
    /// Requests for a batch that is being read.
    waiting: BTreeMap<BatchId, Vec<RequestId>>,
}

impl Documents {
    /// Whether somebody looks at a batch.
    pub(super) fn shows_batch(&self, id: &BatchId) -> bool {
        self.batches.contains_key(id)
    }
}

fn parse(uri: &str) -> Option<Document> {
    let rest = uri.strip_prefix(SCHEME)?.strip_prefix(':')?;
    // `divisi:/x` and `divisi:///x` are the same.
    let rest = percent_decode_str(rest.split(['?', '#']).next()?).decode_utf8().ok()?;
    let (kind, rest) = rest.trim_start_matches('/').split_once('/')?;
    let (session, rest) = rest.split_once('/')?;
    let session = SessionId::from(session);
    match kind {
        "transcript" => Some(Document::Transcript(session)),
        "batch" => Some(Document::Batch(BatchId(session.0))),
        "gone" => Some(Document::Gone),
        "base" => {
            let (round, path) = rest.split_once('/')?;
            Some(Document::Base { session, round: round.parse().ok()?, path: path.to_owned() })
        }
        _ => None,
    }
}

impl Server {
    /// Answers what a document says.
    pub(super) fn document_content(&mut self, id: RequestId, params: &Value) {
        let uri = params["uri"].as_str().unwrap_or_default();
        match parse(uri) {
            Some(Document::Transcript(session)) => {
                let followed = self.pages.followed.entry(session.clone()).or_default();
                uri.clone_into(&mut followed.uri);
                followed.told = false;
                if followed.whole {
                    let text = followed.record.text();
                    return self.answer(id, json!({ "text": text }));
                }
                followed.waiting.push(id);
                self.follow(&session);
            }
            Some(Document::Batch(batch)) => {
                self.pages.batches.insert(batch.clone(), (uri.to_owned(), false));
                if self.state.batches.contains_key(&batch) {
                    let page = batch_page::page(self.state.batches.get(&batch), clock::now());
                    return self.answer(id, json!({ "text": page.text }));
                }
                self.pages.waiting.entry(batch.clone()).or_default().push(id);
                self.wanted.notify_one();
                self.read_batch(&batch);
            }
            Some(Document::Base { session, round, path }) => {
                let (current, done) = (self.current.clone(), self.done.clone());
                tokio::spawn(async move {
                    let params = json!({ "session": session, "path": path, "round": round });
                    let outcome = call(current, "session/base_file", params).await;
                    // A file that was not there yet is shown as an empty one.
                    let outcome = outcome.map(|answer| json!({ "text": answer["text"].as_str().unwrap_or_default() }));
                    // The loop ends only with the process.
                    let _ = done.send(Done::Answer(id, outcome));
                });
            }
            Some(Document::Gone) => self.answer(id, json!({ "text": "" })),
            None => self.answer_error(id, ErrorCode::InvalidParams, &format!("{uri} names no document of divisi")),
        }
    }

    /// Reads a transcript on, from where it is.
    pub(super) fn follow(&mut self, session: &SessionId) {
        let Some(followed) = self.pages.followed.get_mut(session) else { return };
        if followed.reading {
            followed.again = true;
            return;
        }
        followed.reading = true;
        let after = followed.record.last;
        let (current, done, session) = (self.current.clone(), self.done.clone(), session.clone());
        tokio::spawn(async move {
            let params = json!({ "after": after, "session": session, "limit": PAGE });
            let page = call(current, "event/list", params).await.and_then(|page| {
                serde_json::from_value::<EventPage>(page)
                    .map_err(|error| Refusal::internal(format!("the daemon answered something else: {error}")))
            });
            // The loop ends only with the process.
            let _ = done.send(Done::Followed(session, page.map(|page| page.events)));
        });
    }

    /// A page of an open transcript came, or did not.
    pub(super) fn followed(&mut self, session: &SessionId, page: Result<Vec<Envelope>, Refusal>) {
        let Some(followed) = self.pages.followed.get_mut(session) else { return };
        followed.reading = false;
        let events = match page {
            Ok(events) => events,
            Err(refusal) => {
                for id in std::mem::take(&mut followed.waiting) {
                    self.answer_outcome(id, Err(refusal.clone()));
                }
                return;
            }
        };
        let more = events.len() as u64 >= PAGE || std::mem::take(&mut followed.again);
        let grew = !events.is_empty();
        followed.record.add(events);
        if more {
            return self.follow(session);
        }
        followed.whole = true;
        let waiting = std::mem::take(&mut followed.waiting);
        // Told once until it asks: a client that is slow gets fewer and larger steps.
        let tell = grew && waiting.is_empty() && !std::mem::replace(&mut followed.told, true);
        let (uri, text) = (followed.uri.clone(), followed.record.text());
        for id in waiting {
            self.answer(id, json!({ "text": text }));
        }
        if tell {
            self.ask(REFRESH, json!({ "uri": uri }), Asked::Nothing);
        }
    }

    /// A batch was read, or could not be.
    pub(super) fn batch_grew(&mut self, id: &BatchId) {
        let page = batch_page::page(self.state.batches.get(id), clock::now());
        let known = self.state.batches.contains_key(id);
        let waiting = self.pages.waiting.remove(id).unwrap_or_default();
        for request in &waiting {
            if known {
                self.answer(request.clone(), json!({ "text": page.text }));
            } else {
                self.answer_error(request.clone(), ErrorCode::RequestFailed, "there is no such batch");
            }
        }
        if waiting.is_empty()
            && let Some((uri, told)) = self.pages.batches.get_mut(id)
            && !std::mem::replace(told, true)
        {
            let uri = uri.clone();
            self.ask(REFRESH, json!({ "uri": uri }), Asked::Nothing);
        }
    }

    /// Nobody looks at it any more.
    pub(super) fn document_closed(&mut self, uri: &str) {
        if let Some(Document::Batch(batch)) = parse(uri) {
            self.pages.batches.remove(&batch);
            for id in self.pages.waiting.remove(&batch).unwrap_or_default() {
                self.answer_error(id, ErrorCode::RequestCanceled, "it was closed");
            }
        }
        if let Some(Document::Transcript(session)) = parse(uri)
            && let Some(followed) = self.pages.followed.remove(&session)
        {
            for id in followed.waiting {
                self.answer_error(id, ErrorCode::RequestCanceled, "it was closed");
            }
        }
    }
}

/// Whether this request is one of these.
pub fn concerns(method: &str) -> bool {
    method == REQUEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_name_transcripts_and_bases() {
        let id = || SessionId::from("bv5k");
        assert_eq!(parse("divisi:/transcript/bv5k/fix.transcript"), Some(Document::Transcript(id())));
        assert_eq!(parse("divisi:///transcript/bv5k/fix.transcript"), Some(Document::Transcript(id())));
        let base = |path: &str| Some(Document::Base { session: id(), round: 2, path: path.to_owned() });
        assert_eq!(parse("divisi:/base/bv5k/2/src/a%20b%23.rs"), base("src/a b#.rs"));
        assert_eq!(parse("divisi:/base/bv5k/2/%C3%BC?x#y"), base("ü"));
        assert_eq!(parse("divisi:/gone/bv5k/a"), Some(Document::Gone));
        for not in
            ["file:///base/x/0/a", "divisi:", "divisi:/base/bv5k/x/a", "divisi:/other/a/b", "divisi:/base/%ff/0/a"]
        {
            assert_eq!(parse(not), None, "{not}");
        }
    }
}
