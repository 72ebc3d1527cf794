//! Prompts on their way into a running turn. Each is written under a key of its own (`steer:<prompt>`).

use std::collections::BTreeMap;

use crate::host::port::Update;
use crate::model::id::{PromptId, TurnId};

use super::content::Prompt;

/// What the keys of such writes begin with.
pub(super) const KEY: &str = "steer:";

/// A prompt for the running turn.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    pub(super) prompt: PromptId,
    pub(super) turn: TurnId,
    pub(super) content: Prompt,
}

/// How far a prompt has come that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stand {
    /// Written; the agent has not said what became of it.
    Written,
    /// It was told what became of it.
    Settled,
}

/// Prompts for running turns.
#[derive(Debug, Clone, Default)]
pub(super) struct Steers {
    /// Those that wait until the turn can be steered.
    waiting: Vec<Wish>,
    written: BTreeMap<PromptId, Stand>,
}

impl Steers {
    /// Whether a prompt was written already.
    pub(super) fn knows(&self, prompt: &PromptId) -> bool {
        self.written.contains_key(prompt)
    }

    /// Puts a prompt aside until its turn can be steered.
    pub(super) fn wait(&mut self, wish: Wish) {
        self.waiting.push(wish);
    }

    /// Those that waited.
    pub(super) fn take_waiting(&mut self) -> Vec<Wish> {
        std::mem::take(&mut self.waiting)
    }

    /// A prompt is on its way.
    pub(super) fn on_written(&mut self, prompt: &PromptId) {
        self.written.entry(prompt.clone()).or_insert(Stand::Written);
    }

    /// Those the agent has not said anything about.
    pub(super) fn open(&self) -> impl Iterator<Item = &PromptId> {
        self.written.iter().filter(|(_, stand)| **stand == Stand::Written).map(|(prompt, _)| prompt)
    }

    /// The agent took it.
    pub(super) fn taken(&mut self, prompt: &PromptId, updates: &mut Vec<Update>) {
        if self.settle(prompt) {
            updates.push(Update::Steered { prompt: prompt.clone() });
        }
    }

    /// The agent did not take it.
    pub(super) fn missed(&mut self, prompt: &PromptId, reason: &str, updates: &mut Vec<Update>) {
        if self.settle(prompt) {
            updates.push(missed(prompt, reason));
        }
    }

    fn settle(&mut self, prompt: &PromptId) -> bool {
        self.written.get_mut(prompt).is_some_and(|stand| std::mem::replace(stand, Stand::Settled) == Stand::Written)
    }

    /// The turn is over: what still waits did not get into it.
    pub(super) fn turn_over(&mut self, updates: &mut Vec<Update>) {
        updates.extend(self.take_waiting().iter().map(|wish| missed(&wish.prompt, "the turn was over before")));
    }
}

/// A prompt that is not in the turn.
pub(super) fn missed(prompt: &PromptId, reason: &str) -> Update {
    Update::SteerMissed { prompt: prompt.clone(), reason: reason.to_owned() }
}
