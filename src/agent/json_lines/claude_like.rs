//! Claude Code's dialect, which Qwen Code and Amp speak too.

use serde_json::Value;

use crate::host::port::{ConversationSetup, Update};
use crate::model::agent::AgentReady;
use crate::model::id::TurnId;
use crate::model::turn::TurnOutcome;
use crate::model::usage::UsageScope;

use super::super::claude::ClaudeConversation;
use super::super::failure::{Diagnosis, Ending};
use super::{Listener, Page};

/// A conversation of Claude Code's that serves one turn.
pub(super) struct ClaudeLike {
    inner: ClaudeConversation,
    name: &'static str,
    /// Qwen Code's way of counting: input includes the cache, and everything is the total of the conversation, earlier processes too.
    counts_in_total: bool,
}

impl ClaudeLike {
    pub(super) fn new(setup: &ConversationSetup, name: &'static str, turn: &TurnId, counts_in_total: bool) -> Self {
        // The earlier conversation is told anew by the process, so that its id is seen when it differs.
        let setup = ConversationSetup { resume: None, ..setup.clone() };
        Self { inner: ClaudeConversation::one_shot(setup, name, turn), name, counts_in_total }
    }
}

impl Listener for ClaudeLike {
    fn on_event(&mut self, event: &Value, page: &mut Page, updates: &mut Vec<Update>) -> bool {
        let mut told = Vec::new();
        let mut reported = None;
        self.inner.on_message(event.clone(), &mut told);
        for update in told {
            match update {
                Update::Ready(AgentReady { conversation: Some(id), version, .. }) => {
                    page.ready.name = Some(self.name.to_owned());
                    page.ready.version = version;
                    page.opened(&id, updates);
                }
                // The end comes with the process's; what is told before it is kept for it.
                Update::Failure { failure, retry_after_ms } => reported = Some((failure, retry_after_ms)),
                Update::TurnEnded { outcome, .. } => {
                    page.verdict = Some(Ending {
                        told: reported.take().map(|(failure, retry_after_ms)| Diagnosis {
                            reason: reason(&outcome).to_owned(),
                            failure,
                            retry_after_ms,
                        }),
                        outcome,
                    });
                }
                // Nothing can be written, and nothing be chosen once it runs.
                Update::Ready(_) | Update::Write { .. } | Update::Options(_) => {}
                Update::Usage(mut usage) => {
                    if self.counts_in_total {
                        usage.scope = UsageScope::Session;
                        usage.input = usage.input.saturating_sub(usage.cache_read.saturating_add(usage.cache_write));
                    }
                    updates.push(Update::Usage(usage));
                }
                update => updates.push(update),
            }
        }
        true
    }

    fn abandon(&mut self, updates: &mut Vec<Update>) {
        self.inner.abandon(updates);
    }
}

fn reason(outcome: &TurnOutcome) -> &str {
    match outcome {
        TurnOutcome::Failed { reason } | TurnOutcome::Interrupted { reason } => reason,
        TurnOutcome::Done { stop_reason } => stop_reason,
    }
}
