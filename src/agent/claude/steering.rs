//! Prompts put into the running turn: written like any other, and taken up between two steps of the agent, or after its last.
//!
//! What becomes of a prompt is told as `command_lifecycle` (`queued`, `started`, `completed`, `cancelled`) under the id it was written
//! with. Versions that do not tell that (before 2.1.3xx) are not steered: a prompt they took up after their last step would be a turn
//! nobody asked for.

use serde_json::Value;

use crate::host::port::Update;
use crate::model::id::PromptId;

use super::super::acp::wire;
use super::super::steer;
use super::super::turns::Phase;
use super::{ClaudeConversation, render};

impl ClaudeConversation {
    /// A prompt for the running turn is on its way.
    pub(super) fn on_steer_written(&mut self, prompt: &PromptId, updates: &mut Vec<Update>) {
        self.turns.steers.on_written(prompt);
        if self.turns.running.is_none() {
            // The turn was over a moment before. It works on the prompt nevertheless: that is its next turn.
            self.strays.push_back(prompt.clone());
            self.turns.steers.missed(prompt, "the turn was over before", updates);
        }
    }

    pub(super) fn on_lifecycle(&mut self, message: &Value, updates: &mut Vec<Update>) -> bool {
        let Some(id) = wire::text(message, "command_uuid") else {
            return false;
        };
        if !self.ready.can_steer {
            self.ready.can_steer = true;
            if self.turns.phase == Phase::Ready {
                updates.push(Update::Ready(self.ready.clone()));
            }
        }
        let open = self.turns.steers.open();
        let prompt = open.into_iter().find(|prompt| render::uuid(&format!("{}{prompt}", steer::KEY)) == id).cloned();
        match (wire::text(message, "state"), prompt) {
            (Some("started" | "completed"), Some(prompt)) => self.turns.steers.taken(&prompt, updates),
            (Some("cancelled" | "discarded"), Some(prompt)) => {
                self.turns.steers.missed(&prompt, "the agent dropped it", updates);
            }
            _ => {}
        }
        true
    }

    /// Whether the turn goes on after a result: a prompt that was put into it has not been taken up.
    pub(super) fn has_more(&self) -> bool {
        !self.turns.cancelling() && self.turns.running.is_some() && self.turns.steers.open().next().is_some()
    }

    /// The turn was interrupted: what it had not taken up was dropped with it.
    pub(super) fn drop_steers(&mut self, updates: &mut Vec<Update>) {
        let open: Vec<PromptId> = self.turns.steers.open().cloned().collect();
        for prompt in open {
            self.turns.steers.missed(&prompt, "the turn was interrupted", updates);
        }
    }
}
