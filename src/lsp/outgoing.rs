//! What the editor is sent. Nothing here is waited for.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use gen_lsp_types::{Diagnostic, DiagnosticSeverity};
use lsp_server::{ErrorCode, Message, Notification, Request, RequestId, Response};
use serde_json::{Value, json};

use super::diagnostics::{self, Sight, title};
use super::own;
use super::plans;
use super::report;
use super::server::{Asked, Server};
use super::uri;
use super::view::{self, Mark, View};
use crate::base::clock;
use crate::base::text::visible_line;
use crate::model::evaluation::EvaluationState;
use crate::model::session::SessionState;
use crate::model::{Envelope, Event, Refusal};
use crate::wire::kept::backend::Batch;

/// Files larger than this are not looked into, bytes.
const LARGEST: u64 = 2 << 20;

impl Server {
    fn send(&self, message: Message) {
        // Fails only when the editor is gone; the loop hears of that by itself.
        let _ = self.connection.sender.send(message);
    }

    pub(super) fn notify(&self, method: &str, params: Value) {
        self.send(Message::Notification(Notification { method: method.to_owned(), params }));
    }

    /// Asks the editor, unless it cannot.
    pub(super) fn ask(&mut self, method: &'static str, params: Value, asked: Asked) -> bool {
        if !self.client.takes(method) {
            return false;
        }
        self.number += 1;
        let id = RequestId::from(self.number);
        self.asked.insert(id.clone(), (method, asked));
        self.send(Message::Request(Request { id, method: method.to_owned(), params }));
        true
    }

    pub(super) fn answer(&self, id: RequestId, result: Value) {
        self.send(Message::Response(Response::new_ok(id, result)));
    }

    pub(super) fn answer_error(&self, id: RequestId, code: ErrorCode, message: &str) {
        self.send(Message::Response(Response::new_err(id, code as i32, message.to_owned())));
    }

    pub(super) fn answer_outcome(&self, id: RequestId, outcome: Result<Value, Refusal>) {
        match outcome {
            Ok(value) => self.answer(id, value),
            Err(refusal) => self.answer_error(id, ErrorCode::RequestFailed, &sentence(&refusal)),
        }
    }

    fn message_of(&self, kind: u8, text: &str) {
        // VS Code makes a link, also one that runs a command, of what looks like one in Markdown.
        let text = visible_line(text, 400).replace("](", "] (");
        self.notify("window/showMessage", json!({ "type": kind, "message": format!("divisi: {text}") }));
    }

    pub(super) fn error(&self, text: &str) {
        self.message_of(1, text);
    }

    pub(super) fn warn(&self, text: &str) {
        self.message_of(2, text);
    }

    pub(super) fn say(&self, text: &str) {
        self.message_of(3, text);
    }

    /// What came of a command.
    pub(super) fn called(&mut self, said: &str, outcome: Result<Value, Refusal>, file: Option<&Path>) {
        match outcome {
            Ok(receipt) => {
                let name = receipt.pointer("/outcome/name").and_then(Value::as_str).unwrap_or_default();
                if !said.is_empty() {
                    self.say(&said.replace("{name}", name));
                }
                // The prompt is the daemon's now.
                if let Some(file) = file
                    && let Err(error) = self.shelf.sent(file, self.documents.contains_key(file))
                {
                    tracing::warn!(%error, "the file of a prompt that was sent stays");
                }
            }
            Err(refusal) => self.error(&sentence(&refusal)),
        }
    }

    /// Everything that changed, once per frame.
    pub(super) fn show(&mut self) {
        if std::mem::take(&mut self.dirty) {
            // Before the diagnostics, some of which are on lines of views.
            self.shelve_questions();
            self.write_views();
            self.check_documents();
            self.publish();
            self.show_tests();
            self.show_progress();
            self.ask("workspace/codeLens/refresh", Value::Null, Asked::Nothing);
            if self.client.authorship {
                self.ask("workspace/inlayHint/refresh", Value::Null, Asked::Nothing);
            }
            self.ask_approvals();
            if std::mem::take(&mut self.old_reports) {
                self.renew_reports();
            }
        }
        for session in std::mem::take(&mut self.transcripts) {
            self.read_events(&session);
            self.follow(&session);
        }
    }

    fn publish(&mut self) {
        let open: BTreeSet<_> = self.documents.keys().cloned().collect();
        let text = |path: &Path| match self.documents.get(path) {
            Some(text) => Some(text.clone()),
            None => fs::metadata(path)
                .is_ok_and(|file| file.is_file() && file.len() <= LARGEST)
                .then(|| fs::read(path).ok())
                .flatten()
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        };
        let sight = Sight { folders: &self.client.folders, open: &open, text: &text, related: self.client.related };
        let mut now = diagnostics::all(&self.state, &sight);
        for (path, text) in &self.documents {
            let around = self.around(path, text);
            let Some(kind) = own::kind(&around) else { continue };
            let mut found = own::diagnostics(kind, text, &around, self.client.encoding);
            if kind.asks(text, &around).is_some() {
                let (text, problems) = self.problems_of(kind, path, text);
                found.extend(own::yaml::diagnostics(text, &problems, self.client.encoding));
                let warned = own::yaml::diagnostics(text, self.warnings_of(path), self.client.encoding).into_iter();
                let severity = Some(DiagnosticSeverity::Warning);
                found.extend(warned.map(|warning| Diagnostic { severity, ..warning }));
            }
            now.entry(path.clone()).or_default().extend(found);
        }
        let plans: BTreeSet<&Path> = self.state.batches.values().map(|batch| Path::new(&batch.view.path)).collect();
        for path in plans {
            let here = self.documents.contains_key(path) || self.client.folders.iter().any(|own| path.starts_with(own));
            let Some(text) = here.then(|| text(path)).flatten() else { continue };
            now.entry(path.to_owned()).or_default().extend(plans::diagnostics(&self.state, path, &text));
        }
        for (view, opened) in self.shelf.iter_mut() {
            let asked = opened.page.marks.iter().filter_map(|((line, _), mark)| match mark {
                Mark::Approval(id) => {
                    let approval = self.state.approvals.get(id)?;
                    Some(diagnostics::asked(self.state.sessions.get(&approval.session)?, approval, *line))
                }
                _ => None,
            });
            if *view == View::Sessions {
                now.entry(opened.path.clone()).or_default().extend(asked);
            }
        }
        let now: std::collections::BTreeMap<_, _> =
            now.into_iter().filter(|(_, found)| !found.is_empty()).map(|(path, found)| (path, json!(found))).collect();
        for path in self.published.keys().filter(|path| !now.contains_key(*path)) {
            self.notify("textDocument/publishDiagnostics", json!({ "uri": uri::from_path(path), "diagnostics": [] }));
        }
        for (path, found) in &now {
            if self.published.get(path) != Some(found) {
                self.notify(
                    "textDocument/publishDiagnostics",
                    json!({ "uri": uri::from_path(path), "diagnostics": found }),
                );
            }
        }
        self.published = now;
    }

    /// Views that were opened say what is so now.
    pub(super) fn write_views(&mut self) {
        let Self { shelf, state, .. } = self;
        let mut failed = None;
        for (view, open) in shelf.iter_mut() {
            let page = match view {
                View::Sessions => view::sessions(state),
                View::Review(id) => match state.sessions.get(id) {
                    Some(session) => view::review(session, state.changes.get(id)),
                    None => continue,
                },
                View::Transcript(_) => match &open.record {
                    Some(record) => view::Page { text: record.text(), marks: Vec::new() },
                    None => continue,
                },
                View::Batch(id) => match state.batches.get(id) {
                    Some(batch) => super::batch_page::page(Some(batch), clock::now()),
                    None => continue,
                },
                View::Prompt(_) => continue,
                View::Report(asked) => report::page(asked, open.answer.as_ref()),
            };
            if let Err(error) = open.write(page) {
                failed = Some(format!("cannot write {}: {error}", open.path.display()));
            }
        }
        if let Some(failed) = failed {
            tracing::warn!(failed, "a view is old");
        }
    }

    /// What happened that a person would want to know, before the state moves on.
    pub(super) fn events_to_tell(&self, batch: &Batch) -> Vec<Envelope> {
        if self.client.extension || self.client.quiet || self.phase != super::server::Phase::Running {
            return Vec::new();
        }
        let told = |event: &Envelope| {
            matches!(
                event.event,
                Event::ApprovalRequested(_)
                    | Event::TurnEnded { .. }
                    | Event::LandingChanged { .. }
                    | Event::EvaluationEnded { .. }
            )
        };
        batch.events.iter().filter_map(|event| serde_json::from_value(event.clone()).ok()).filter(told).collect()
    }

    /// Tells it, in the words of now, if it concerns somebody here.
    pub(super) fn tell(&self, envelope: &Envelope) {
        let Some(view) = envelope.session.as_ref().and_then(|id| self.state.sessions.get(id)) else { return };
        if !super::state::State::concerns(view, &self.client.folders) {
            return;
        }
        // What the runs of a batch do is told of the batch; what they ask is told.
        if view.run.is_some() && !matches!(envelope.event, Event::ApprovalRequested(_)) {
            return;
        }
        let name = visible_line(&view.name, 60);
        match &envelope.event {
            Event::ApprovalRequested(approval) if self.state.approvals.contains_key(&approval.id) => {
                self.warn(&format!("{name} asks: {} (answer with a code action)", title(approval)));
            }
            Event::TurnEnded { .. } => {
                let reason = view.reason.as_deref().filter(|_| view.state == SessionState::Failed);
                let reason = reason.map_or_else(String::new, |reason| format!(": {}", visible_line(reason, 200)));
                self.say(&format!("{name}: {}{reason}", view.state.phrase()));
            }
            Event::EvaluationEnded { state, score, passed, .. } => {
                let words = match (state, passed) {
                    (EvaluationState::Done, true) => "passed",
                    (EvaluationState::Done, false) => "did not pass",
                    _ => state.as_str(),
                };
                let score = score.map_or_else(String::new, |score| format!(", score {score}"));
                self.say(&format!("{name}: the evaluation {words}{score}"));
            }
            Event::LandingChanged { state, .. } => {
                let words = json!(state);
                let state = words["state"].as_str().unwrap_or_default();
                let reason = words["reason"].as_str().map_or_else(String::new, |reason| format!(": {reason}"));
                let hint = if state == "completed" && !self.client.watches() { " (:reload-all shows it)" } else { "" };
                self.say(&format!("landing {name}: {state}{reason}{hint}"));
            }
            _ => {}
        }
    }

    /// divisi's own extension is told what happened, as the daemon said it.
    pub(super) fn tell_extension(&self, batch: &Batch) {
        if self.client.extension {
            self.notify("divisi/changed", json!({ "sessions": batch.sessions, "events": batch.events }));
        }
    }

    /// It is told everything anew: there was another daemon, or none, in between.
    pub(super) fn tell_extension_of_all(&self) {
        if self.client.extension {
            let sessions: Vec<_> = self.state.sessions.values().collect();
            self.notify("divisi/changed", json!({ "sessions": sessions, "events": [], "whole": true }));
        }
    }

    /// It is told that nothing more will come until there is a connection again.
    pub(super) fn tell_extension_of_loss(&self, why: &str) {
        if self.client.extension {
            self.notify("divisi/changed", json!({ "sessions": [], "events": [], "lost": visible_line(why, 400) }));
        }
    }
}

/// A refusal as one sentence.
pub(super) fn sentence(refusal: &Refusal) -> String {
    if refusal.hints.is_empty() {
        refusal.message.clone()
    } else {
        format!("{} ({})", refusal.message, refusal.hints.join("; "))
    }
}
