//! Programs that run once per turn and print JSON lines: the prompt is on the command line, nothing can be asked or answered, and the
//! end of the process is the end of the turn.
//!
//! Every program has its own dialect of events ([`Dialect`]). The outcome is never taken from one sign alone: the final event, the
//! failures told before it and the exit code have to agree, and a missing final event is an abort, whatever the exit code says.

use std::str::FromStr;

use serde_json::Value;

use crate::host::port::{Conversation, ConversationInput, ConversationSetup, Update};
use crate::model::agent::AgentReady;
use crate::model::id::TurnId;
use crate::model::job::JobEnd;
use crate::model::turn::TurnOutcome;

use super::end;
use super::failure::{Diagnosis, Ending, FailureKind};
use super::speech::Speech;
use super::turns::{Phase, Turns, interrupted};

mod claude_like;
mod codex_exec;
mod copilot;
mod gemini;
mod opencode;
mod pi;

/// Whose events they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `amp --execute --stream-json`.
    Amp,
    /// `claude -p --output-format stream-json`.
    Claude,
    /// `codex exec --json`.
    Codex,
    /// `copilot -p --output-format json`.
    Copilot,
    /// `gemini -p --output-format stream-json`.
    Gemini,
    /// `opencode run --format json`.
    Opencode,
    /// `pi --mode json -p`.
    Pi,
    /// `qwen -p --output-format stream-json`.
    Qwen,
}

/// The dialects by the names definitions use.
const DIALECTS: [(&str, Dialect); 8] = [
    ("amp", Dialect::Amp),
    ("claude", Dialect::Claude),
    ("codex", Dialect::Codex),
    ("copilot", Dialect::Copilot),
    ("gemini", Dialect::Gemini),
    ("opencode", Dialect::Opencode),
    ("pi", Dialect::Pi),
    ("qwen", Dialect::Qwen),
];

impl FromStr for Dialect {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = DIALECTS.iter().find(|(known, _)| *known == name).map(|(_, dialect)| *dialect);
        known.ok_or_else(|| {
            let names: Vec<&str> = DIALECTS.iter().map(|(name, _)| *name).collect();
            format!("there is no dialect {name:?} of JSON lines; there are {}", names.join(", "))
        })
    }
}

impl Dialect {
    /// What to do when it is not logged in.
    fn login(self) -> &'static str {
        match self {
            Self::Amp => "run `amp login`, or set AMP_API_KEY",
            Self::Claude => "run `claude` once and type /login, or set ANTHROPIC_API_KEY",
            Self::Codex => "run `codex login`, or set the API key of the model provider",
            Self::Copilot => "run `copilot login`, or set GH_TOKEN",
            Self::Gemini => "run `gemini` once to log in, or set GEMINI_API_KEY and choose it in its settings",
            Self::Opencode => "run `opencode auth login`, or set the API key of the model provider",
            Self::Pi => "run `pi` once and type /login, or set the API key of the model provider",
            Self::Qwen => "run `qwen` once to log in, or set OPENAI_API_KEY",
        }
    }

    fn listener(self, setup: &ConversationSetup, turn: &TurnId) -> Box<dyn Listener> {
        match self {
            Self::Amp => Box::new(claude_like::ClaudeLike::new(setup, "Amp", turn, false)),
            Self::Claude => Box::new(claude_like::ClaudeLike::new(setup, "Claude Code", turn, false)),
            Self::Qwen => Box::new(claude_like::ClaudeLike::new(setup, "Qwen Code", turn, true)),
            Self::Codex => Box::new(codex_exec::CodexExec::default()),
            Self::Copilot => Box::new(copilot::Copilot::default()),
            Self::Gemini => Box::new(gemini::Gemini::default()),
            Self::Opencode => Box::new(opencode::Opencode),
            Self::Pi => Box::new(pi::Pi::default()),
        }
    }
}

/// What agents say when there is no such conversation (any more).
const GONE: [&str; 5] = [
    "no conversation found",
    "no rollout found",
    "session not found",
    "error resuming session",
    "invalid session identifier",
];

/// Understands the events of a dialect.
trait Listener: Send {
    /// Takes an event; false when it is not known.
    fn on_event(&mut self, event: &Value, page: &mut Page, updates: &mut Vec<Update>) -> bool;

    /// Whether a failure of this turn would have been told, so that an end without a word is an interrupt.
    fn tells_every_failure(&self) -> bool {
        false
    }

    /// The process is gone: says what is left, and marks as failed what was going on.
    fn abandon(&mut self, _updates: &mut Vec<Update>) {}
}

/// What all dialects write on.
struct Page {
    turns: Turns,
    speech: Speech,
    ready: AgentReady,
    earlier: Option<String>,
    /// What the final event says.
    verdict: Option<Ending>,
    /// A failure that was told before it.
    fault: Option<Diagnosis>,
    login: &'static str,
}

impl Page {
    /// The conversation's id became known.
    fn opened(&mut self, id: &str, updates: &mut Vec<Update>) {
        if self.ready.conversation.as_deref() != Some(id) {
            self.ready.conversation = Some(id.to_owned());
            self.ready.resumed = self.earlier.as_deref() == Some(id);
            updates.push(Update::Ready(self.ready.clone()));
        }
    }

    /// A failure was told; the last one that is not taken back counts.
    fn on_fault(&mut self, status: Option<u64>, words: &str) {
        self.fault = Some(FailureKind::of(status, words).told(words, self.login, None));
    }
}

/// A conversation with the process of one turn.
pub struct JsonLinesConversation {
    turn: TurnId,
    page: Page,
    listener: Box<dyn Listener>,
}

impl JsonLinesConversation {
    /// For the process of this turn.
    pub fn new(dialect: Dialect, setup: &ConversationSetup, turn: TurnId) -> Self {
        let page = Page {
            turns: Turns::default(),
            speech: Speech::default(),
            ready: AgentReady { can_resume: true, ..AgentReady::default() },
            earlier: setup.resume.as_ref().and_then(|earlier| earlier.conversation.clone()),
            verdict: None,
            fault: None,
            login: dialect.login(),
        };
        Self { listener: dialect.listener(setup, &turn), turn, page }
    }

    fn on_started(&mut self) {
        if self.page.turns.phase == Phase::Created {
            self.page.turns.phase = Phase::Ready;
            self.page.turns.on_prompt_written(&self.turn);
        }
    }

    fn on_output(&mut self, bytes: &[u8], updates: &mut Vec<Update>) {
        for event in self.page.turns.values(bytes, updates) {
            let known = self.listener.on_event(&event, &mut self.page, updates);
            updates.append(&mut self.page.speech.said);
            if !known {
                updates.push(Update::Raw(event));
            }
        }
    }

    fn on_ended(&mut self, job_end: &JobEnd, updates: &mut Vec<Update>) {
        if matches!(self.page.turns.phase, Phase::Ended(_)) {
            return;
        }
        // What it was told in the journal may lack the start when it never ran.
        self.on_started();
        // A last line needs no line end.
        self.on_output(b"\n", updates);
        self.listener.abandon(updates);
        let ending = self.ending(job_end);
        if matches!(ending.outcome, TurnOutcome::Failed { .. }) && self.earlier_is_gone() {
            // The next turn must not ask for it again.
            self.page.ready.conversation = None;
            updates.push(Update::Ready(self.page.ready.clone()));
        }
        updates.extend(end::leak_notice(job_end).map(Update::Notice));
        self.page.turns.close(ending, updates);
        self.page.turns.phase = Phase::Ended(end::describe(job_end));
    }

    /// Whether it failed because there is no conversation to go on with.
    fn earlier_is_gone(&self) -> bool {
        let page = &self.page;
        let fault = page.fault.as_ref().map(|fault| fault.reason.clone());
        let said = [fault, page.turns.last_words()].into_iter().flatten().collect::<Vec<_>>();
        let said = said.join(" ").to_lowercase();
        page.earlier.is_some() && !page.ready.resumed && GONE.iter().any(|words| said.contains(words))
    }

    fn ending(&self, job_end: &JobEnd) -> Ending {
        let page = &self.page;
        let how = match page.turns.last_words() {
            Some(words) => format!("{}; its last words: {words}", end::describe(job_end)),
            None => end::describe(job_end),
        };
        let verdict = page.verdict.as_ref();
        let is_done = verdict.is_some_and(|verdict| matches!(verdict.outcome, TurnOutcome::Done { .. }));
        match (job_end, verdict, &page.fault) {
            _ if end::was_stopped(job_end) => interrupted("stopped").into(),
            (JobEnd::NotStarted { .. } | JobEnd::Lost, ..) => end::in_turn(job_end, &end::describe(job_end), None),
            (JobEnd::Signaled { .. }, ..) => end::in_turn(job_end, &how, page.fault.as_ref()),
            (JobEnd::Exited { code: 0, .. }, Some(verdict), _) => verdict.clone(),
            (JobEnd::Exited { .. }, Some(_), None) if is_done => {
                let reason = format!("the agent said that it was done, but failed ({how})");
                Diagnosis::of(FailureKind::Crashed, reason, "").into()
            }
            (JobEnd::Exited { .. }, verdict, Some(fault)) if verdict.is_none() || is_done => fault.clone().into(),
            (JobEnd::Exited { .. }, Some(verdict), _) => verdict.clone(),
            (JobEnd::Exited { code: 0, .. }, None, None) => {
                interrupted(format!("the agent stopped without saying that it was done ({how})")).into()
            }
            (JobEnd::Exited { .. }, None, None) if self.listener.tells_every_failure() => {
                interrupted(format!("the agent stopped without saying how the turn ended ({how})")).into()
            }
            // What a shell says of a program that a signal ended, and what programs say that catch it.
            (JobEnd::Exited { code: 129 | 130 | 143, .. }, None, None) => {
                interrupted(format!("the agent was interrupted ({how})")).into()
            }
            (JobEnd::Exited { .. }, None, _) => {
                let words = page.turns.last_words().unwrap_or_default();
                match FailureKind::of(None, &words) {
                    _ if page.turns.wrong_version() => {
                        let reason =
                            format!("wrong version: the agent does not know an option that divisi needs ({how})");
                        let next = "install the version that `divisi agents` names for it";
                        Diagnosis::of(FailureKind::WrongVersion, reason, next).into()
                    }
                    FailureKind::Other => {
                        Diagnosis::of(FailureKind::Crashed, format!("the agent failed ({how})"), "").into()
                    }
                    kind => kind.told(&words, page.login, None).into(),
                }
            }
        }
    }
}

impl Conversation for JsonLinesConversation {
    fn feed(&mut self, input: ConversationInput<'_>, updates: &mut Vec<Update>) {
        match input {
            ConversationInput::Started => self.on_started(),
            ConversationInput::Output { .. } if matches!(self.page.turns.phase, Phase::Ended(_)) => {}
            ConversationInput::Output { stderr: true, bytes } => self.page.turns.on_stderr(bytes, updates),
            ConversationInput::Output { stderr: false, bytes } => self.on_output(bytes, updates),
            ConversationInput::Ended(job_end) => self.on_ended(job_end, updates),
            // The prompt is on the command line, nothing is ever asked, and there is nothing to write to.
            _ => {}
        }
    }

    fn can_cancel(&self) -> bool {
        false
    }
}

/// Millionths of an amount of money, when it is a number one can count.
fn micros(amount: f64) -> Option<i64> {
    let micros = (amount * 1_000_000.0).round();
    #[expect(clippy::cast_possible_truncation, reason = "bounded on the same line; whole after round()")]
    (micros.is_finite() && micros.abs() < 9.0e15).then_some(micros as i64)
}

#[cfg(test)]
mod tests;
