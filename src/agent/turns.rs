//! What every conversation with a process that serves many turns keeps, whatever its protocol: how far it is, the prompt that waits,
//! the turn that runs, the requests that are open, lines and standard error.
//!
//! The state follows from the journal: a turn begins when its prompt is seen as written, and a request is closed when its answer is.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::base::text::visible_line;
use crate::host::port::Update;
use crate::model::agent::ToolCall;
use crate::model::approval::{ApprovalKind, ApprovalOption};
use crate::model::id::TurnId;
use crate::model::job::JobEnd;
use crate::model::turn::TurnOutcome;

use super::acp::lines::{LONGEST, Line, LineReader};
use super::acp::{tools, wire};
use super::calls::Calls;
use super::content::Prompt;
use super::end;
use super::output::{BoundedOutput, floor_boundary};
use super::steer::{Steers, Wish, missed};

/// How many lines that are not JSON are shown; the others are counted.
const SHOWN_GARBAGE: u64 = 5;
/// How much of the end of standard error is kept for a reason.
const STDERR_TAIL: usize = 2048;

/// How far a conversation is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Phase {
    /// The process does not run yet.
    #[default]
    Created,
    /// It is being made ready.
    Opening,
    /// Ready for prompts.
    Ready,
    /// Of no use, and why.
    Unusable {
        /// One sentence.
        reason: String,
        /// What to do next.
        hints: Vec<String>,
    },
    /// The process ended, how.
    Ended(String),
}

/// The turn that runs.
#[derive(Debug, Clone)]
pub(super) struct Running {
    pub(super) id: TurnId,
    /// The agent was told to cancel it.
    pub(super) cancelling: bool,
    /// A refusal in it was to end it.
    pub(super) refused: bool,
    /// A failure that was told before the end of the turn.
    pub(super) fault: Option<String>,
}

/// A request of the agent that waits for an answer.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) options: Vec<ApprovalOption>,
    /// The tool call it is about.
    pub(super) tool: String,
    /// The request as sent.
    pub(super) request: Value,
}

/// A line of output, sorted.
pub(super) enum Told {
    /// A JSON value.
    Value(Value),
    /// Something else; it was reported.
    Nothing,
}

/// See the module's documentation.
#[derive(Debug, Clone, Default)]
pub(super) struct Turns {
    pub(super) phase: Phase,
    pub(super) running: Option<Running>,
    pub(super) calls: Calls,
    pub(super) asked: BTreeMap<String, Asked>,
    delivered: BTreeSet<TurnId>,
    wanted: Option<(TurnId, Prompt)>,
    pub(super) steers: Steers,
    lines: LineReader,
    errors: BoundedOutput,
    stderr_tail: String,
    garbage: u64,
}

pub(super) fn interrupted(reason: impl Into<String>) -> TurnOutcome {
    TurnOutcome::Interrupted { reason: reason.into() }
}

pub(super) fn failed(reason: impl Into<String>) -> TurnOutcome {
    TurnOutcome::Failed { reason: reason.into() }
}

pub(super) fn done(stop_reason: &str) -> TurnOutcome {
    TurnOutcome::Done { stop_reason: stop_reason.to_owned() }
}

impl Turns {
    /// Takes standard output and gives the JSON values of the lines it completes; a batch counts as its values.
    pub(super) fn values(&mut self, bytes: &[u8], updates: &mut Vec<Update>) -> Vec<Value> {
        let mut reader = std::mem::take(&mut self.lines);
        let mut values = Vec::new();
        reader.push(bytes, &mut |line| {
            if let Told::Value(value) = self.told(&line, updates) {
                match value {
                    Value::Array(batch) => values.extend(batch),
                    value => values.push(value),
                }
            }
        });
        self.lines = reader;
        values
    }

    fn told(&mut self, line: &Line<'_>, updates: &mut Vec<Update>) -> Told {
        match line {
            Line::TooLong => {
                let limit = LONGEST / (1024 * 1024);
                updates.push(Update::Notice(format!("the agent sent a line of more than {limit} MiB; it was skipped")));
                Told::Nothing
            }
            Line::Whole(line) => match wire::parse(line) {
                Ok(value) => Told::Value(value),
                Err(reason) => {
                    self.on_garbage(&format!("a line that is not JSON ({reason})"), line, updates);
                    Told::Nothing
                }
            },
        }
    }

    fn on_garbage(&mut self, what: &str, line: &[u8], updates: &mut Vec<Update>) {
        self.garbage += 1;
        if self.garbage <= SHOWN_GARBAGE {
            let head = String::from_utf8_lossy(&line[..line.len().min(800)]);
            updates.push(Update::Notice(format!("the agent sent {what}: {}", visible_line(&head, 200))));
        }
    }

    fn tell_garbage(&mut self, updates: &mut Vec<Update>) {
        let more = std::mem::take(&mut self.garbage).saturating_sub(SHOWN_GARBAGE);
        if more > 0 {
            updates.push(Update::Notice(format!("the agent sent {more} more lines that are not JSON")));
        }
    }

    /// Takes standard error.
    pub(super) fn on_stderr(&mut self, bytes: &[u8], updates: &mut Vec<Update>) {
        self.errors.push(true, bytes, updates);
        self.stderr_tail.push_str(&String::from_utf8_lossy(bytes));
        if self.stderr_tail.len() > 2 * STDERR_TAIL {
            let from = floor_boundary(&self.stderr_tail, self.stderr_tail.len() - STDERR_TAIL);
            self.stderr_tail.drain(..from);
        }
    }

    /// The last line of standard error that says something.
    pub(super) fn last_words(&self) -> Option<String> {
        let plain = |line: &str| unstyled(line).trim().to_owned();
        let mut lines = self.stderr_tail.lines().rev().map(plain);
        let line = lines.find(|line| line.chars().any(char::is_alphanumeric))?;
        Some(visible_line(&line, 200))
    }

    /// Whether its last words are those of a program that was given an option it does not know.
    pub(super) fn wrong_version(&self) -> bool {
        let tail = self.stderr_tail.to_lowercase();
        ["unknown option", "unexpected argument", "unrecognized option", "unknown argument", "unrecognized subcommand"]
            .iter()
            .any(|words| tail.contains(words))
    }

    /// A prompt was asked for: gives it when it can be written now.
    pub(super) fn on_prompt_wanted(
        &mut self,
        turn: &TurnId,
        prompt: Prompt,
        updates: &mut Vec<Update>,
    ) -> Option<(TurnId, Prompt)> {
        if self.delivered.contains(turn) {
            return None;
        }
        match &self.phase {
            Phase::Unusable { reason, hints } => {
                updates.push(Update::Unusable { reason: reason.clone(), hints: hints.clone() });
            }
            Phase::Ended(how) => {
                let outcome = failed(format!("the agent had ended before it got the prompt ({how})"));
                updates.push(Update::TurnEnded { turn: turn.clone(), outcome });
            }
            _ => self.wanted = Some((turn.clone(), prompt)),
        }
        self.deliverable()
    }

    /// The prompt that waits, when the agent can take it now.
    pub(super) fn deliverable(&self) -> Option<(TurnId, Prompt)> {
        self.wanted.clone().filter(|_| self.phase == Phase::Ready && self.running.is_none())
    }

    /// Whether a turn's prompt was written.
    pub(super) fn was_delivered(&self, turn: &TurnId) -> bool {
        self.delivered.contains(turn)
    }

    /// A prompt is on its way: its turn begins.
    pub(super) fn on_prompt_written(&mut self, turn: &TurnId) {
        if self.wanted.as_ref().is_some_and(|(wanted, _)| wanted == turn) {
            self.wanted = None;
        }
        if self.delivered.insert(turn.clone()) {
            self.running = Some(Running { id: turn.clone(), cancelling: false, refused: false, fault: None });
        }
    }

    /// A prompt for the running turn: given back when it can be written now. One for a turn that is over is missed.
    pub(super) fn on_steer_wanted(&mut self, wish: Wish, can: bool, updates: &mut Vec<Update>) -> Option<Wish> {
        if self.steers.knows(&wish.prompt) {
            return None; // What became of it was told, or will be.
        }
        let runs = self.running.as_ref().is_some_and(|running| running.id == wish.turn && !running.cancelling);
        let comes = self.wanted.as_ref().is_some_and(|(wanted, _)| *wanted == wish.turn) && self.usable();
        if runs && can {
            return Some(wish);
        }
        if runs || comes {
            self.steers.wait(wish);
        } else {
            updates.push(missed(&wish.prompt, "the turn was over before"));
        }
        None
    }

    fn usable(&self) -> bool {
        !matches!(self.phase, Phase::Unusable { .. } | Phase::Ended(_))
    }

    /// The turn to cancel by the protocol, if there is one; a prompt that was not written yet is ended here.
    pub(super) fn cancellable(&mut self, updates: &mut Vec<Update>) -> Option<TurnId> {
        match (&self.running, &self.wanted) {
            (Some(running), _) => Some(running.id.clone()),
            // Rendered already, so it may be on its way: what is written after it cancels it.
            (None, Some((wanted, _))) if self.phase == Phase::Ready => Some(wanted.clone()),
            _ => {
                if let Some((turn, _)) = self.wanted.take() {
                    let outcome = interrupted("cancelled before the agent was ready");
                    updates.push(Update::TurnEnded { turn, outcome });
                }
                None
            }
        }
    }

    /// The cancellation of a turn is on its way.
    pub(super) fn on_cancel_written(&mut self, turn: &str, updates: &mut Vec<Update>) -> bool {
        let running = self.running.as_mut().filter(|running| running.id.as_str() == turn);
        let found = running.map(|running| running.cancelling = true).is_some();
        if found {
            self.withdraw_all("the turn was cancelled", updates);
        }
        found
    }

    /// True while the running turn is being cancelled.
    pub(super) fn cancelling(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.cancelling)
    }

    /// Tells a request for a person's answer.
    pub(super) fn ask(
        &mut self,
        key: &str,
        kind: ApprovalKind,
        tool: ToolCall,
        asked: Asked,
        updates: &mut Vec<Update>,
    ) {
        let command_line = tools::command_line(&tool);
        let options = asked.options.clone();
        self.asked.insert(key.to_owned(), asked);
        updates.push(Update::Approval { key: key.to_owned(), kind, tool, command_line, options });
    }

    /// Closes a request nobody will answer any more.
    pub(super) fn withdraw(&mut self, key: &str, reason: &str, updates: &mut Vec<Update>) {
        if let Some(asked) = self.asked.remove(key) {
            updates.push(Update::ApprovalWithdrawn { key: key.to_owned(), reason: reason.to_owned() });
            updates.extend(self.calls.fail(&asked.tool).map(Update::Tool));
        }
    }

    fn withdraw_all(&mut self, reason: &str, updates: &mut Vec<Update>) {
        let keys: Vec<String> = self.asked.keys().cloned().collect();
        for key in keys {
            self.withdraw(&key, reason, updates);
        }
    }

    /// The running turn is over.
    pub(super) fn close(&mut self, outcome: TurnOutcome, updates: &mut Vec<Update>) {
        let Some(running) = self.running.take() else {
            return;
        };
        self.steers.turn_over(updates);
        self.withdraw_all("the turn ended", updates);
        if !matches!(outcome, TurnOutcome::Done { .. }) {
            updates.extend(self.calls.fail_open().into_iter().map(Update::Tool));
        }
        self.calls.forget_finished();
        self.tell_garbage(updates);
        self.errors.finish(updates);
        updates.push(Update::TurnEnded { turn: running.id, outcome });
    }

    /// The process is of no use.
    pub(super) fn unusable(&mut self, reason: String, hints: Vec<String>, updates: &mut Vec<Update>) {
        updates.push(Update::Unusable { reason: reason.clone(), hints: hints.clone() });
        self.phase = Phase::Unusable { reason, hints };
        self.wanted = None;
    }

    /// The process ended. `reason` may tell better why it ended before it was ready.
    pub(super) fn on_ended(&mut self, job_end: &JobEnd, hints: Vec<String>, updates: &mut Vec<Update>) {
        if matches!(self.phase, Phase::Ended(_)) {
            return;
        }
        let rest = self.lines.finish();
        if !rest.trim_ascii().is_empty() {
            self.garbage = 0;
            self.on_garbage("the beginning of a line, and ended", &rest, updates);
        }
        self.tell_garbage(updates);
        let reason = "the agent's process ended";
        for key in std::mem::take(&mut self.asked).into_keys() {
            updates.push(Update::ApprovalWithdrawn { key, reason: reason.to_owned() });
        }
        updates.extend(end::leak_notice(job_end).map(Update::Notice));
        let how = match self.last_words() {
            Some(words) if !end::was_stopped(job_end) => format!("{}; its last words: {words}", end::describe(job_end)),
            _ => end::describe(job_end),
        };
        let wanted = self.wanted.take();
        if let Some(running) = &self.running {
            let outcome = match (job_end, &running.fault) {
                _ if end::was_stopped(job_end) => interrupted("stopped"),
                (JobEnd::Lost, _) => interrupted(how.clone()),
                (JobEnd::Signaled { .. }, _) => {
                    interrupted(format!("the agent was killed in the middle of the turn ({how})"))
                }
                (_, Some(fault)) => failed(fault.clone()),
                _ => failed(format!("the agent crashed: it ended in the middle of the turn ({how})")),
            };
            self.close(outcome, updates);
        }
        self.errors.finish(updates);
        match &self.phase {
            Phase::Unusable { .. } => return,
            Phase::Ready => {
                if let Some((turn, _)) = wanted {
                    let outcome = failed(format!("the agent had ended before it got the prompt ({how})"));
                    updates.push(Update::TurnEnded { turn, outcome });
                }
            }
            _ if end::was_stopped(job_end) => {
                if let Some((turn, _)) = wanted {
                    updates.push(Update::TurnEnded { turn, outcome: interrupted("stopped") });
                }
            }
            _ if self.wrong_version() => {
                let reason = format!("wrong version: the agent does not know an option that divisi needs ({how})");
                let hint = "install the version that `divisi agents` names for it".to_owned();
                return self.unusable(reason, vec![hint], updates);
            }
            _ => return self.unusable(format!("the agent ended before it was ready ({how})"), hints, updates),
        }
        self.phase = Phase::Ended(how);
    }
}

/// A line without the sequences that give colours to text (`ESC [ ... letter`).
fn unstyled(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        let end = after.find(|c: char| c.is_ascii_alphabetic()).map_or(after.len(), |at| at + 1);
        rest = &after[end..];
    }
    plain.push_str(rest);
    plain
}
