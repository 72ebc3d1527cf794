//! Approvals as questions of the editor's own, for those who want them (`initializationOptions.divisi.approvals = "ask"`).
//!
//! One at a time. What is dismissed is deferred: it stays a diagnostic and a code action, and is not asked again. A question whose
//! approval was answered elsewhere is taken back, and an answer that comes all the same goes nowhere.

use std::collections::BTreeSet;

use lsp_server::RequestId;
use serde_json::{Value, json};

use super::diagnostics::title;
use super::server::{Asked, Server};
use super::state::State;
use crate::base::text::visible_line;
use crate::model::approval::{Approval, ApprovalKind};
use crate::model::id::ApprovalId;

/// What was asked.
#[derive(Debug, Default)]
pub(super) struct Questions {
    open: Option<(RequestId, ApprovalId)>,
    deferred: BTreeSet<ApprovalId>,
}

const ALLOW: &str = "Allow once";
const REJECT: &str = "Reject";
const LATER: &str = "Later";

impl Server {
    /// Asks the next question, when none is open; takes one back that is settled.
    pub(super) fn ask_approvals(&mut self) {
        if let Some((request, approval)) = &self.questions.open {
            if self.state.approvals.contains_key(approval) && !self.client.quiet {
                return;
            }
            self.notify("$/cancelRequest", json!({ "id": request }));
            // Whatever is answered to it now is an answer to nothing.
            self.asked.remove(request);
            self.questions.open = None;
        }
        let Self { state, questions, client, .. } = self;
        questions.deferred.retain(|id| state.approvals.contains_key(id));
        if !client.asks_approvals || client.quiet || !client.may_ask() {
            return;
        }
        let here = |approval: &&Approval| {
            let view = state.sessions.get(&approval.session);
            approval.kind == ApprovalKind::Permission
                && !questions.deferred.contains(&approval.id)
                && view.is_some_and(|view| State::concerns(view, &client.folders))
        };
        let Some(next) = state.approvals.values().filter(here).min_by_key(|approval| approval.asked_at) else { return };
        let name = state.sessions.get(&next.session).map_or_else(String::new, |view| visible_line(&view.name, 60));
        let actions = [ALLOW, REJECT, LATER].map(|title| json!({ "title": title }));
        let message = format!("divisi: {name} asks: {}", title(next));
        let id = next.id.clone();
        let params = json!({ "type": 2, "message": message, "actions": actions });
        if self.ask("window/showMessageRequest", params, Asked::Approval(id.clone())) {
            self.questions.open = Some((RequestId::from(self.number), id));
        }
    }

    /// The answer to a question.
    pub(super) fn approval_answered(&mut self, approval: &ApprovalId, result: Option<&Value>) {
        self.questions.open = None;
        self.dirty = true;
        let title = result.and_then(|result| result["title"].as_str());
        let command = match title {
            Some(ALLOW) => "divisi.approve",
            Some(REJECT) => "divisi.approve.reject",
            _ => {
                self.questions.deferred.insert(approval.clone());
                return;
            }
        };
        if self.state.approvals.contains_key(approval) {
            self.execute(command, &[json!({ "approval": approval })]);
        }
    }
}
