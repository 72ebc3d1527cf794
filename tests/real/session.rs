//! What a scenario needs of a session with an agent, whoever provides it.

use std::path::Path;

use divisi::model::agent::{AgentReady, ToolCall};
use divisi::model::approval::ApprovalOption;
use divisi::model::turn::TurnOutcome;
use divisi::model::usage::Usage;

/// Why the agent waits for the person.
#[derive(Debug)]
pub(super) enum Stop {
    /// It asks.
    Asked { key: String, tool: Box<ToolCall>, command_line: Option<String>, options: Vec<ApprovalOption> },
    /// Its turn is over.
    Ended(TurnOutcome),
}

/// A session with an agent.
pub(super) trait Session {
    /// Where it works.
    fn worktree(&self) -> &Path;

    /// Begins a turn.
    fn prompt(&mut self, text: &str);

    /// Waits until it asks or its turn is over.
    fn next(&mut self) -> Stop;

    /// Answers with the first option of a kind (`allow_once`, `reject_once`).
    fn answer(&mut self, key: &str, options: &[ApprovalOption], kind: &str, message: Option<&str>);

    /// The same, or nothing as soon as there is a file in the worktree.
    fn next_or_file(&mut self, name: &str) -> Option<Stop>;

    /// Waits until it has said something that contains the words, in this turn.
    fn wait_for_words(&mut self, words: &str);

    /// Cancels the turn as the protocol can, else with a signal.
    fn cancel(&mut self);

    /// Sets an option, and waits until it is set.
    fn choose(&mut self, id: &str, value: &str);

    /// Ends its process and everything it started; what is left of it afterwards.
    fn stop(&mut self) -> Vec<String>;

    /// Goes on with the same conversation in a new process.
    fn resume(&mut self);

    /// What it said of itself last.
    fn ready(&self) -> AgentReady;

    /// What it said in this turn.
    fn said(&self) -> String;

    /// What was told beside its work in this turn.
    fn notices(&self) -> Vec<String>;

    /// Its tool calls of this turn, each in its last state.
    fn tools(&self) -> Vec<ToolCall>;

    /// What this turn used, step by step or as a whole.
    fn usage(&self) -> Vec<Usage>;

    /// Messages it sent that were not understood, in this turn.
    fn raw(&self) -> Vec<String>;
}
