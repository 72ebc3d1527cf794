//! What is asked of the daemon, each in a task of its own.

use serde_json::{Value, json};

use super::evaluated;
use super::outgoing::sentence;
use super::server::{Done, Server};
use super::state::{Changes, State};
use super::view::{Report, View};
use crate::model::agent::AgentView;
use crate::model::evaluation::Evaluation;
use crate::model::id::SessionId;
use crate::model::landing::Preflight;
use crate::model::query::EventPage;
use crate::model::{Envelope, Refusal};
use crate::wire::client::Client;
use crate::wire::kept::link::{Current, call};

/// Events per page.
const PAGE: u64 = 1_000;

impl Server {
    /// Reads what a session changed, if that concerns somebody here. One at a time: what happens meanwhile is read after.
    pub(super) fn read_changes(&mut self, session: &SessionId) {
        let Some(view) = self.state.sessions.get(session) else { return };
        let reviewed = self.shelf.get_mut(&super::view::View::Review(session.clone())).is_some();
        if !reviewed && !State::concerns(view, &self.client.folders) {
            return;
        }
        if let Some(again) = self.reading.get_mut(session) {
            *again = true;
            return;
        }
        self.reading.insert(session.clone(), false);
        let (current, done, session) = (self.current.clone(), self.done.clone(), session.clone());
        tokio::spawn(async move {
            let changes = changes(&current, &session).await;
            // The loop ends only with the process.
            let _ = done.send(Done::Changes(session, Box::new(changes)));
        });
    }

    /// Everything of every session that concerns somebody here.
    pub(super) fn read_all_changes(&mut self) {
        let all: Vec<SessionId> = self.state.sessions.keys().cloned().collect();
        for session in &all {
            self.read_changes(session);
        }
    }

    /// Which agents there are.
    pub(super) fn read_agents(&self) {
        let (current, done) = (self.current.clone(), self.done.clone());
        tokio::spawn(async move {
            let Ok(answer) = call(current, "agent/list", json!({})).await else { return };
            let agents: Vec<AgentView> = serde_json::from_value(answer).unwrap_or_default();
            // The loop ends only with the process.
            let _ = done.send(Done::Agents(agents));
        });
    }

    /// Reads what turns of a session changed that are over and not known yet.
    pub(super) fn read_turns(&mut self, session: &SessionId) {
        let Some(view) = self.state.sessions.get(session) else { return };
        let over = if view.state.at_rest() { view.turns } else { view.turns.saturating_sub(1) };
        let known = self.state.turns.get(session);
        let missing: Vec<u32> = (1..=over).filter(|turn| known.is_none_or(|known| !known.contains_key(turn))).collect();
        if missing.is_empty() || !self.reading_turns.insert(session.clone()) {
            return;
        }
        let (current, done, session) = (self.current.clone(), self.done.clone(), session.clone());
        tokio::spawn(async move {
            let mut turns = Vec::new();
            for number in missing {
                let params = json!({ "session": session, "of": "turn", "number": number });
                let diff = call(current.clone(), "session/diff", params).await;
                // A turn whose commit cannot be looked at wrote nothing that could be shown.
                turns.push((number, diff.ok().and_then(|diff| serde_json::from_value(diff).ok()).unwrap_or_default()));
            }
            // The loop ends only with the process.
            let _ = done.send(Done::Turns(session, turns));
        });
    }

    /// Asks for what a report shows, once at a time.
    pub(super) fn ask_report(&mut self, report: &Report) {
        let Some(open) = self.shelf.get_mut(&View::Report(report.clone())).filter(|open| !open.asking) else { return };
        open.asking = true;
        self.wanted.notify_one();
        let (current, done, report) = (self.current.clone(), self.done.clone(), report.clone());
        tokio::spawn(async move {
            let params = serde_json::from_str(&report.params).unwrap_or_default();
            let answer = call(current, report.method, params).await.map_err(|refusal| sentence(&refusal));
            // The loop ends only with the process.
            let _ = done.send(Done::Report(report, answer));
        });
    }

    /// A report was answered.
    pub(super) fn report_answered(&mut self, report: Report, answer: Result<Value, String>) {
        let view = View::Report(report);
        if let Some(open) = self.shelf.get_mut(&view) {
            open.asking = false;
            open.answer = Some(answer);
        }
        self.has_come(&view);
    }

    /// Reports that somebody looks at are asked for anew.
    pub(super) fn renew_reports(&mut self) {
        let shown: Vec<Report> = self
            .shelf
            .iter_mut()
            .filter(|(_, open)| self.documents.contains_key(&open.path))
            .filter_map(|(view, _)| if let View::Report(report) = view { Some(report.clone()) } else { None })
            .collect();
        for report in &shown {
            self.ask_report(report);
        }
    }

    /// Reads a transcript on, from where its view is.
    pub(super) fn read_events(&mut self, session: &SessionId) {
        let Some(record) = self.record(session).filter(|record| !record.reading) else { return };
        record.reading = true;
        let after = record.last;
        let (current, done, session) = (self.current.clone(), self.done.clone(), session.clone());
        tokio::spawn(async move {
            let params = json!({ "after": after, "session": session, "limit": PAGE });
            let page =
                call(current, "event/list", params).await.ok().and_then(|page| serde_json::from_value(page).ok());
            // The loop ends only with the process.
            let _ = done.send(match page {
                Some(EventPage { events, .. }) => Done::Events { session, events },
                None => Done::NoEvents(session),
            });
        });
    }

    /// A page of a transcript came; the next one is asked for while there are more.
    pub(super) fn add_events(&mut self, session: &SessionId, events: Vec<Envelope>) {
        let Some(record) = self.record(session) else { return };
        record.reading = false;
        let full = events.len() as u64 >= PAGE;
        record.add(events);
        if full {
            self.read_events(session);
        } else {
            self.has_come(&View::Transcript(session.clone()));
        }
    }

    /// Carries a command out and says what came of it; a file that was sent is emptied then.
    pub(super) fn call(&self, method: &'static str, mut params: Value, said: String, file: Option<std::path::PathBuf>) {
        params["command_id"] = json!(Client::command_id());
        self.wanted.notify_one();
        let (current, done) = (self.current.clone(), self.done.clone());
        tokio::spawn(async move {
            let outcome = call(current, method, params).await;
            // The loop ends only with the process.
            let _ = done.send(Done::Called { said, outcome, file });
        });
    }

    /// Passes a call of divisi's own extension on.
    pub(super) fn forward(&self, id: lsp_server::RequestId, params: &Value) {
        let method = params["method"].as_str().unwrap_or_default().to_owned();
        let mut inner = params.get("params").filter(|params| params.is_object()).cloned().unwrap_or_else(|| json!({}));
        let request = json!({ "method": method, "params": inner });
        if serde_json::from_value::<crate::model::command::Command>(request).is_ok() {
            inner["command_id"] = json!(Client::command_id());
        }
        self.wanted.notify_one();
        let (current, done) = (self.current.clone(), self.done.clone());
        tokio::spawn(async move {
            let outcome = call(current, &method, inner).await;
            // The loop ends only with the process.
            let _ = done.send(Done::Answer(id, outcome));
        });
    }
}

async fn changes(current: &Current, session: &SessionId) -> Result<Changes, Refusal> {
    let strange = |error: serde_json::Error| Refusal::internal(format!("the daemon answered something else: {error}"));
    let diff = call(current.clone(), "session/diff", json!({ "session": session, "of": "session" })).await?;
    let diff: crate::model::diff::Diff = serde_json::from_value(diff).map_err(strange)?;
    // A session that cannot be landed at all (no commit yet, a base that is gone) still has a diff.
    let preflight: Option<Preflight> =
        match call(current.clone(), "session/preflight", json!({ "session": session })).await {
            Ok(preflight) => Some(serde_json::from_value(preflight).map_err(strange)?),
            Err(_) => None,
        };
    // One of another version may not know evaluations.
    let all = call(current.clone(), "evaluation/list", json!({ "session": session })).await.unwrap_or_default();
    let all: Vec<Evaluation> = serde_json::from_value(all).unwrap_or_default();
    let newest = all.last().cloned();
    let at = |preflight: &Preflight| (!preflight.dirty).then(|| preflight.head.0.clone());
    // With changes that are in no commit nothing was judged; what has no target to land on is taken by its newest evaluation.
    let evaluation = match &preflight {
        Some(preflight) => at(preflight).and_then(|head| evaluated::standing(all, Some(&head))),
        None => evaluated::standing(all, None),
    };
    Ok(Changes { diff, preflight, evaluation, newest })
}
