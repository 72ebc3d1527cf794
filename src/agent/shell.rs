//! Shell jobs: the output is the transcript, the exit code decides.

use crate::host::port::{Conversation, ConversationInput, Update};
use crate::model::id::TurnId;
use crate::model::job::JobEnd;
use crate::model::turn::TurnOutcome;

use super::end;
use super::failure::{Diagnosis, Ending, FailureKind};
use super::output::BoundedOutput;

/// A conversation with a process that serves exactly one turn and has its prompt on the command line.
#[derive(Debug)]
pub struct ShellConversation {
    turn: TurnId,
    output: BoundedOutput,
    ended: bool,
}

impl ShellConversation {
    /// For the process of this turn.
    pub fn new(turn: TurnId) -> Self {
        Self { turn, output: BoundedOutput::default(), ended: false }
    }

    fn on_ended(&mut self, job_end: &JobEnd, updates: &mut Vec<Update>) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        self.output.finish(updates);
        updates.extend(end::leak_notice(job_end).map(Update::Notice));
        let how = end::describe(job_end);
        let ending: Ending = match job_end {
            _ if end::was_stopped(job_end) => TurnOutcome::Interrupted { reason: "stopped".to_owned() }.into(),
            JobEnd::Exited { code: 0, .. } => TurnOutcome::Done { stop_reason: how }.into(),
            // That a command fails is its result.
            JobEnd::Exited { .. } => TurnOutcome::Failed { reason: how }.into(),
            JobEnd::Signaled { .. } => Diagnosis::of(FailureKind::Killed, how, "").into(),
            JobEnd::NotStarted { .. } => Diagnosis::of(FailureKind::NotInstalled, how, "").into(),
            JobEnd::Lost => Diagnosis::of(FailureKind::Lost, how, "run it again").interrupts(),
        };
        ending.say(self.turn.clone(), updates);
    }
}

impl Conversation for ShellConversation {
    fn feed(&mut self, input: ConversationInput<'_>, updates: &mut Vec<Update>) {
        match input {
            ConversationInput::Output { stderr, bytes } if !self.ended => self.output.push(stderr, bytes, updates),
            ConversationInput::Ended(job_end) => self.on_ended(job_end, updates),
            // The prompt is on the command line, nothing is ever asked, and there is nothing to write to.
            _ => {}
        }
    }

    fn can_cancel(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests;
