//! What is in progress: sessions, batches, evaluations. Each can be cancelled where the editor can.

use serde_json::json;

use super::batch_page::{counted, money};
use super::server::{Asked, Server};
use super::state::State;
use crate::base::text::visible_line;
use crate::model::batch::BatchState;
use crate::model::evaluation::EvaluationState;
use crate::model::session::SessionState;

/// One thing that goes on.
struct Going {
    token: String,
    title: String,
    words: String,
    percentage: Option<u32>,
}

impl Server {
    pub(super) fn show_progress(&mut self) {
        if !self.client.takes("window/workDoneProgress/create") {
            return;
        }
        let going = if self.client.quiet { Vec::new() } else { self.going() };
        for Going { token, title, words, percentage } in &going {
            let mut value = json!({ "message": words, "cancellable": true });
            if let Some(percentage) = percentage {
                value["percentage"] = json!(percentage);
            }
            match self.progress.get(token) {
                None => {
                    self.ask("window/workDoneProgress/create", json!({ "token": token }), Asked::Nothing);
                    (value["kind"], value["title"]) = (json!("begin"), json!(title));
                }
                Some(before) if before != words => value["kind"] = json!("report"),
                Some(_) => continue,
            }
            self.notify("$/progress", json!({ "token": token, "value": value }));
            self.progress.insert(token.clone(), words.clone());
        }
        let gone = |token: &&String| !going.iter().any(|going| going.token == **token);
        let ended: Vec<String> = self.progress.keys().filter(gone).cloned().collect();
        for token in ended {
            self.progress.remove(&token);
            let message = self.end_of(&token);
            self.notify("$/progress", json!({ "token": token, "value": { "kind": "end", "message": message } }));
        }
    }

    fn going(&self) -> Vec<Going> {
        let mut going = Vec::new();
        let here = |view: &&crate::model::session::SessionView| State::concerns(view, &self.client.folders);
        // The runs of a batch are told together.
        let own = self.state.sessions.values().filter(here);
        for view in own.clone().filter(|view| view.state == SessionState::Running && view.run.is_none()) {
            going.push(Going {
                token: format!("divisi/{}", view.id),
                title: visible_line(&view.name, 60),
                words: visible_line(view.activity.as_deref().unwrap_or("works"), 80),
                percentage: None,
            });
        }
        for view in own {
            let Some(newest) = view.evaluation.as_ref().filter(|newest| newest.state == EvaluationState::Running)
            else {
                continue;
            };
            going.push(Going {
                token: format!("divisi/evaluation/{}", view.id),
                title: format!("{}: {}", visible_line(&view.name, 40), visible_line(&newest.suite, 40)),
                words: format!("{} of {} evaluators", newest.ended, newest.evaluators),
                percentage: Some(newest.ended * 100 / newest.evaluators.max(1)),
            });
        }
        for batch in self.state.batches.values() {
            let view = &batch.view;
            if view.state == BatchState::Ended {
                continue;
            }
            let spent = money(view.spend).map_or_else(String::new, |spent| format!(", {spent}"));
            let state = match view.state {
                BatchState::Paused => "paused: ",
                BatchState::Cancelling => "is being cancelled: ",
                _ => "",
            };
            let over = view.counts.total() - view.counts.queued - view.counts.running;
            going.push(Going {
                token: format!("divisi/batch/{}", view.id),
                title: visible_line(&view.name, 60),
                words: format!("{state}{}{spent}", counted(view.counts)),
                percentage: Some(over * 100 / view.counts.total().max(1)),
            });
        }
        going
    }

    /// The last words about something.
    fn end_of(&self, token: &str) -> String {
        let rest = token.strip_prefix("divisi/").unwrap_or(token);
        if let Some(batch) = rest.strip_prefix("batch/") {
            let batch = self.state.batches.get(&crate::model::id::BatchId(batch.to_owned()));
            return batch.map_or_else(|| "gone".to_owned(), |batch| counted(batch.view.counts));
        }
        let session = rest.strip_prefix("evaluation/");
        let view = self.state.sessions.get(&session.unwrap_or(rest).into());
        match (view, session) {
            (None, _) => "gone".to_owned(),
            (Some(view), None) => view.state.phrase().to_owned(),
            (Some(view), Some(_)) => match &view.evaluation {
                Some(newest) if newest.passed => "passed".to_owned(),
                Some(newest) => newest.state.as_str().to_owned(),
                None => "gone".to_owned(),
            },
        }
    }

    /// Somebody cancelled what is in progress.
    pub(super) fn cancelled(&mut self, token: &str) {
        let Some(rest) = token.strip_prefix("divisi/") else { return };
        if let Some(batch) = rest.strip_prefix("batch/") {
            self.execute("divisi.batch.cancel", &[json!({ "batch": batch })]);
        } else if let Some(session) = rest.strip_prefix("evaluation/") {
            self.execute("divisi.eval.cancel", &[json!({ "session": session })]);
        } else {
            self.execute("divisi.stop", &[json!({ "session": rest })]);
        }
    }
}
