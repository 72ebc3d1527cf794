//! A turn: from the prompt that is seen as written to the agent's answer to it, or to the end of the process.

use serde_json::{Value, json};

use crate::host::port::Update;
use crate::model::id::TurnId;
use crate::model::job::JobEnd;
use crate::model::turn::TurnOutcome;

use super::super::content::{self, Prompt};
use super::super::end;
use super::wire::{self, Outcome, RpcError};
use super::{AcpConversation, Phase, render, usage};

/// The turn that runs.
#[derive(Debug, Clone)]
pub(super) struct RunningTurn {
    pub(super) id: TurnId,
    /// The agent was told to cancel it.
    pub(super) cancelling: bool,
    /// A permission was refused in it.
    pub(super) refused: bool,
    /// A failure the agent reported beside the protocol.
    pub(super) fault: Option<String>,
    /// The newest trouble it reported, perhaps overcome.
    pub(super) trouble: Option<String>,
    /// The message being said: its id, and its beginning.
    pub(super) message: Option<Message>,
}

/// A message of the agent that comes in chunks.
#[derive(Debug, Clone, Default)]
pub(super) struct Message {
    pub(super) id: Option<String>,
    pub(super) thought: bool,
    /// The first characters, in which a hidden failure would show.
    pub(super) head: String,
    pub(super) ends_line: bool,
}

fn interrupted(reason: &str) -> TurnOutcome {
    TurnOutcome::Interrupted { reason: reason.to_owned() }
}

fn failed(reason: impl Into<String>) -> TurnOutcome {
    TurnOutcome::Failed { reason: reason.into() }
}

impl AcpConversation {
    pub(super) fn on_prompt_wanted(&mut self, turn: &TurnId, wanted: Prompt, updates: &mut Vec<Update>) {
        if self.delivered.contains(turn) {
            return;
        }
        match &self.phase {
            Phase::Unusable { reason, hints } => {
                updates.push(Update::Unusable { reason: reason.clone(), hints: hints.clone() });
            }
            Phase::Ended(late) => {
                updates.push(Update::TurnEnded { turn: turn.clone(), outcome: late.clone() });
            }
            _ => {
                self.wanted = Some((turn.clone(), wanted));
                self.deliver(updates);
            }
        }
    }

    /// Writes the prompt that waits, as soon as the agent can take one.
    pub(super) fn deliver(&self, updates: &mut Vec<Update>) {
        if let (Phase::Ready, None, Some((turn, wanted))) = (&self.phase, &self.turn, &self.wanted) {
            let key = format!("prompt:{turn}");
            let params = json!({"sessionId": self.conversation(), "prompt": self.blocks(wanted)});
            let bytes = render::request(&key, "session/prompt", &params);
            updates.push(Update::Write { key, bytes });
        }
    }

    pub(super) fn on_prompt_written(&mut self, turn: &TurnId, bytes: &[u8], updates: &mut Vec<Update>) {
        content::tell_named(bytes, updates);
        if self.wanted.as_ref().is_some_and(|(wanted, _)| wanted == turn) {
            self.wanted = None;
        }
        if self.delivered.insert(turn.clone()) {
            self.turn = Some(RunningTurn {
                id: turn.clone(),
                cancelling: false,
                refused: false,
                fault: None,
                trouble: None,
                message: None,
            });
        }
        for wish in self.steers.take_waiting() {
            self.on_steer(wish, updates);
        }
    }

    pub(super) fn on_cancel(&mut self, updates: &mut Vec<Update>) {
        let turn = match (&self.turn, &self.wanted) {
            (Some(running), _) => running.id.clone(),
            // Rendered already, so it may be on its way: what is written after it cancels it.
            (None, Some((wanted, _))) if self.phase == Phase::Ready => wanted.clone(),
            (None, Some(_)) => {
                if let Some((turn, _)) = self.wanted.take() {
                    let outcome = interrupted("cancelled before the agent was ready");
                    updates.push(Update::TurnEnded { turn, outcome });
                }
                return;
            }
            (None, None) => return,
        };
        let params = json!({"sessionId": self.conversation()});
        let bytes = render::notification("session/cancel", &params);
        updates.push(Update::Write { key: format!("cancel:{turn}"), bytes });
    }

    pub(super) fn on_cancel_written(&mut self, turn: &str, updates: &mut Vec<Update>) {
        if let Some(running) = self.turn.as_mut().filter(|running| running.id.as_str() == turn) {
            running.cancelling = true;
            self.withdraw_all("the turn was cancelled", updates);
        }
    }

    pub(super) fn on_prompt_answered(&mut self, result: Outcome, updates: &mut Vec<Update>) {
        let Some(turn) = self.turn.take() else {
            return;
        };
        let outcome = match result {
            Ok(answer) => {
                updates.extend(usage::of_prompt(&answer, self.quirks.prompt_usage).map(Update::Usage));
                self.outcome_of(&turn, wire::text(&answer, "stopReason"), updates)
            }
            Err(error) => self.outcome_of_error(&turn, &error, updates),
        };
        self.withdraw_all("the turn ended", updates);
        self.close_turn(turn, outcome, updates);
        self.deliver(updates);
    }

    fn outcome_of(&self, turn: &RunningTurn, stop_reason: Option<&str>, updates: &mut Vec<Update>) -> TurnOutcome {
        let done = |stop_reason: &str| TurnOutcome::Done { stop_reason: stop_reason.to_owned() };
        match stop_reason {
            Some("end_turn") => match self.hidden_failure(turn) {
                Some(reason) => failed(reason),
                None => done("end_turn"),
            },
            Some("cancelled") if turn.cancelling => interrupted("cancelled"),
            Some("cancelled") if turn.refused => interrupted("the agent ended the turn after a refusal"),
            Some("cancelled") => interrupted("the agent cancelled the turn"),
            Some("refusal") => failed("refused: the model declined to go on"),
            Some("max_tokens") => {
                updates.push(Update::Notice(
                    "the agent stopped at its limit of tokens; the work may be unfinished".to_owned(),
                ));
                done("max_tokens")
            }
            Some("max_turn_requests") => {
                let text = "the agent stopped at its limit of model requests in a turn; the work may be unfinished";
                updates.push(Update::Notice(text.to_owned()));
                done("max_turn_requests")
            }
            Some(other) => done(other),
            None => failed("the agent ended the turn without saying why"),
        }
    }

    /// A failure of the model that the agent passes off as the end of the turn.
    fn hidden_failure(&self, turn: &RunningTurn) -> Option<String> {
        if self.quirks.hides_model_errors
            && let Some(fault) = &turn.fault
        {
            // What the provider said comes as a message, JSON and all.
            let said = turn.message.as_ref().and_then(|message| wire::parse(message.head.trim().as_bytes()).ok());
            let words = said.as_ref().and_then(|said| said.pointer("/error/message")).and_then(Value::as_str);
            return Some(match words.filter(|words| !fault.contains(words)) {
                Some(words) => format!("{fault}: {}", crate::base::text::visible_line(words, 200)),
                None => fault.clone(),
            });
        }
        let prefix = self.quirks.error_prefix?;
        let message = turn.message.as_ref().filter(|message| !message.thought && message.head.starts_with(prefix))?;
        Some(crate::base::text::visible_line(&message.head, 200))
    }

    fn outcome_of_error(&self, turn: &RunningTurn, error: &RpcError, updates: &mut Vec<Update>) -> TurnOutcome {
        if turn.cancelling || error.code == wire::CANCELLED {
            return interrupted("cancelled");
        }
        if error.code == wire::AUTH_REQUIRED {
            updates.extend(self.login.iter().cloned().map(Update::Notice));
            return failed(format!("the agent is not logged in: {}", error.message));
        }
        failed(format!("{} (error {})", error.message, error.code))
    }

    /// What is left to say of a turn, and its end.
    fn close_turn(&mut self, turn: RunningTurn, outcome: TurnOutcome, updates: &mut Vec<Update>) {
        self.steers.turn_over(updates);
        if !matches!(outcome, TurnOutcome::Done { .. }) {
            updates.extend(self.tools.fail_open().into_iter().map(Update::Tool));
        }
        self.tools.forget_finished();
        self.tell_garbage(updates);
        self.errors.finish(updates);
        updates.push(Update::TurnEnded { turn: turn.id, outcome });
    }

    pub(super) fn on_ended(&mut self, job_end: &JobEnd, updates: &mut Vec<Update>) {
        if matches!(self.phase, Phase::Ended(_)) {
            return;
        }
        let rest = self.lines.finish();
        if !rest.trim_ascii().is_empty() {
            self.garbage = 0;
            self.on_garbage("the beginning of a line, and ended", &rest, updates);
        }
        self.tell_garbage(updates);
        self.drop_requests("the agent's process ended", updates);
        updates.extend(end::leak_notice(job_end).map(Update::Notice));
        let how = end::describe(job_end);
        // By nobody's fault but the machine's or a person's: what was going on can go on in another process.
        let excused = match job_end {
            _ if end::was_stopped(job_end) => Some(interrupted("stopped")),
            JobEnd::Lost => Some(interrupted(&how)),
            _ => None,
        };
        if let Some(turn) = self.turn.take() {
            let outcome = excused.clone().unwrap_or_else(|| match job_end {
                JobEnd::Signaled { .. } => interrupted(&format!("the agent died in the middle of the turn ({how})")),
                _ => failed(format!("the agent ended in the middle of the turn ({how})")),
            });
            self.close_turn(turn, outcome, updates);
        }
        self.errors.finish(updates);
        match &self.phase {
            Phase::Unusable { .. } => {}
            phase if *phase != Phase::Ready && excused.is_none() => {
                let (reason, hint) = match job_end {
                    JobEnd::NotStarted { .. } => (format!("the agent {how}"), "see its command with `divisi agents`"),
                    _ => (
                        format!("the agent ended before it was ready ({how})"),
                        "look at its standard error in `divisi log`, and try its command by hand",
                    ),
                };
                self.unusable(reason, vec![hint.to_owned()], updates);
            }
            _ => {
                let late = format!("the agent had ended before it got the prompt ({how})");
                let late = excused.unwrap_or_else(|| failed(late));
                if let Some((turn, _)) = self.wanted.take() {
                    updates.push(Update::TurnEnded { turn, outcome: late.clone() });
                }
                self.phase = Phase::Ended(late);
            }
        }
    }

    /// Codex tells a failing model only as an extension of a session update, while it retries and when it gives up.
    pub(super) fn on_session_info(&mut self, update: &Value, updates: &mut Vec<Update>) {
        let Some(codex) = update.pointer("/_meta/codex") else {
            return;
        };
        if let Some(error) = codex.get("error").filter(|error| error.is_object()) {
            let message = wire::text(error, "message").unwrap_or("the model failed");
            let text = match wire::text(error, "additionalDetails") {
                Some(details) => format!("{message} ({details})"),
                None => message.to_owned(),
            };
            let text = crate::base::text::visible_line(&text, 300);
            updates.push(Update::Notice(text.clone()));
            if let Some(turn) = &mut self.turn {
                let retries = error.get("willRetry").and_then(Value::as_bool) == Some(true);
                if !retries {
                    turn.fault = Some(text.clone());
                }
                turn.trouble = Some(text);
            }
        }
        let Some(turn) = &mut self.turn else {
            return;
        };
        match codex.pointer("/threadStatus/type").and_then(Value::as_str) {
            Some("systemError") => {
                let last = turn.trouble.take().unwrap_or_else(|| "the model failed".to_owned());
                turn.fault.get_or_insert(last);
            }
            // It works again: what was reported before was overcome.
            Some("active") => turn.fault = None,
            _ => {}
        }
    }
}
