//! A change under way: events emitted by a decision, applied to the registry at once, committed together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::batch::fold as batches;
use crate::host::effect::{Effect, Ticket};
use crate::host::on_case;
use crate::host::port::{AgentDefinition, Agents, Batch, Lifetime, Row, Table, Variant};
use crate::host::profile::{self, Caller};
use crate::host::registry::Registry;
use crate::model::command::{Command, Outcome, Receipt};
use crate::model::event::{Cause, Envelope, Event};
use crate::model::id::{BatchId, CommandId, JobId, RunId, Seq, SessionId};
use crate::model::judge::Judging;
use crate::model::session::Session;
use crate::model::settings::Settings;
use crate::model::{Refusal, command};

/// A step of a session's life that is being carried out outside; not durable, found again from the facts after a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// Its worktree is being made.
    Worktree,
    /// Its setup runs.
    Setup,
    /// Its turn is being committed.
    Checkpoint,
    /// It is being landed, or looked at for that.
    Landing,
    /// What a round of its review needs is being read.
    Round,
    /// Its files are brought back to a checkpoint.
    Rewind,
    /// What it has now is made ready to be judged.
    Judging,
    /// Evaluators run.
    Evaluation,
    /// The case that it attempts is being prepared, or its tests run.
    Case,
    /// What it said as a judge is being read.
    Verdict,
    /// It is being removed, or looked at for that.
    Removal,
}

/// A command that waits for the outside world.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    pub(crate) id: CommandId,
    pub(crate) command: Command,
}

/// What the brain knows besides the durable facts.
pub(crate) struct Brain {
    /// The live facts.
    pub(crate) registry: Registry,
    /// The user's configuration.
    pub(crate) settings: Settings,
    /// The catalog.
    pub(crate) agents: Arc<dyn Agents>,
    /// Variables of the daemon's own environment that may be handed on.
    pub(crate) environment: BTreeMap<String, String>,
    /// What those who started sessions have in their environments. Not durable, on purpose.
    pub(crate) callers: BTreeMap<SessionId, Arc<Caller>>,
    /// Steps under way.
    pub(crate) steps: BTreeSet<(SessionId, Step)>,
    /// Processes that have a unit.
    pub(crate) units: BTreeSet<JobId>,
    /// Commands that wait for an effect's result.
    pub(crate) waiting: BTreeMap<Ticket, Waiting>,
    /// Tickets given out so far.
    pub(crate) tickets: u64,
    /// True until the first pass over all sessions after the start.
    pub(crate) recovering: bool,
    /// What is known of batches besides their facts.
    pub(crate) batches: crate::host::on_batch::Desk,
    /// Makes new ids; given so that tests can have the same ones every time.
    pub(crate) new_id: Box<dyn FnMut() -> String + Send>,
}

impl Brain {
    /// Puts a command aside until its effect's result comes.
    pub(crate) fn wait(&mut self, id: &CommandId, command: &Command) -> Ticket {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.waiting.insert(ticket, Waiting { id: id.clone(), command: command.clone() });
        ticket
    }

    /// Whether a step of a session is under way.
    pub(crate) fn under_way(&self, session: &SessionId, step: Step) -> bool {
        self.steps.contains(&(session.clone(), step))
    }

    /// A session's agent, as its repository's definition, its profile and the catalog have it now.
    ///
    /// # Errors
    /// When it is unknown or not installed, or the profile is no longer there.
    pub(crate) fn agent(&self, session: &Session) -> Result<(AgentDefinition, Lifetime), Refusal> {
        let profile = profile::of_session(&self.settings, session)?;
        let program = profile.and_then(|profile| profile.program.as_deref());
        let variant = Variant { definition: session.definition.as_deref(), program };
        let definition = self.agents.find_as(&session.agent, variant)?;
        let lifetime = self.agents.lifetime(&definition);
        Ok((definition, lifetime))
    }
}

/// A decision in the making.
pub(crate) struct Change<'a> {
    /// The brain; events change it as they are emitted.
    pub(crate) brain: &'a mut Brain,
    /// When this happens, milliseconds since the epoch.
    pub(crate) now: i64,
    cause: Cause,
    events: Vec<Arc<Envelope>>,
    rows: BTreeMap<(Table, String), Row>,
    effects: Vec<Effect>,
    receipts: Vec<(CommandId, Result<Receipt, Refusal>)>,
    /// Sessions of runs that something happened to.
    pub(crate) touched: BTreeMap<SessionId, RunId>,
    /// Commands of batches that were refused: nobody waits for their receipts.
    pub(crate) refused: Vec<(CommandId, Refusal)>,
    /// Batches that something happened to.
    pub(crate) stirred: BTreeSet<BatchId>,
    /// Judges that something happened to, with what they judge.
    pub(crate) judges: BTreeMap<SessionId, Judging>,
}

/// A finished decision.
pub(crate) struct Decision {
    pub(crate) batch: Batch,
    pub(crate) events: Vec<Arc<Envelope>>,
    pub(crate) effects: Vec<Effect>,
    pub(crate) receipts: Vec<(CommandId, Result<Receipt, Refusal>)>,
}

impl<'a> Change<'a> {
    /// Begins a change.
    pub(crate) fn new(brain: &'a mut Brain, now: i64, cause: Cause) -> Self {
        Self {
            brain,
            now,
            cause,
            events: Vec::new(),
            rows: BTreeMap::new(),
            effects: Vec::new(),
            receipts: Vec::new(),
            touched: BTreeMap::new(),
            refused: Vec::new(),
            stirred: BTreeSet::new(),
            judges: BTreeMap::new(),
        }
    }

    /// Emits an event: it is numbered, folded in, and will be committed with the rest of the change.
    pub(crate) fn emit(&mut self, session: Option<&SessionId>, event: Event) {
        let envelope = Envelope {
            seq: Seq(self.brain.registry.seq.0 + 1),
            time: self.now,
            session: session.cloned(),
            cause: self.cause.clone(),
            event,
        };
        self.stirred.extend(batches::batch_of(&envelope.event));
        self.touch(session);
        let left = session.filter(|_| matches!(envelope.event, Event::SessionRemoved { .. }));
        let left = left.and_then(|id| self.brain.registry.sessions.get(id)).filter(|left| on_case::has_ground(left));
        let left = left.and_then(|left| Some((left.id.clone(), left.run.clone()?)));
        for row in self.brain.registry.apply(&envelope) {
            self.rows.insert((row.table, row.key.clone()), row);
        }
        self.touch(session);
        self.events.push(Arc::new(envelope));
        if let Some((id, run)) = left {
            on_case::left(self, &run, &id);
        }
    }

    /// Something happened to a session: its run may have to go on.
    pub(crate) fn touch(&mut self, session: Option<&SessionId>) {
        let Some(session) = session.and_then(|id| self.brain.registry.sessions.get(id)) else { return };
        if let Some(judging) = &session.judging {
            self.judges.insert(session.id.clone(), (**judging).clone());
        }
        if let Some(run) = &session.run {
            self.touched.entry(session.id.clone()).or_insert_with(|| run.clone());
        }
    }

    /// Writes a row as the events tell it, in the place of a damaged one.
    pub(crate) fn mend(&mut self, row: Row) {
        self.rows.insert((row.table, row.key.clone()), row);
    }

    /// Wants an effect once the change has committed.
    pub(crate) fn want(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Wants an effect that is a step of a session's life, unless that step is under way.
    pub(crate) fn want_step(&mut self, session: &SessionId, step: Step, effect: impl FnOnce() -> Effect) {
        if self.brain.steps.insert((session.clone(), step)) {
            self.effects.push(effect());
        }
    }

    /// A step's result is in.
    pub(crate) fn step_done(&mut self, session: &SessionId, step: Step) {
        self.brain.steps.remove(&(session.clone(), step));
    }

    /// Accepts a command: its receipt is recorded with the change and sent once that has committed.
    pub(crate) fn accept(&mut self, id: &CommandId, session: Option<&SessionId>, outcome: command::Outcome) {
        let value = serde_json::to_value(&outcome).expect("outcomes have string keys and no failing serializers");
        self.emit(session, Event::CommandAccepted { id: id.clone(), outcome: value });
        let receipt = Receipt { command: id.clone(), seq: self.brain.registry.seq, outcome };
        self.receipts.push((id.clone(), Ok(receipt)));
    }

    /// Accepts a command with nothing to say but that it is done.
    pub(crate) fn accept_done(&mut self, id: &CommandId, session: Option<&SessionId>) {
        self.accept(id, session, Outcome::Done);
    }

    /// Refuses a command.
    pub(crate) fn refuse(&mut self, id: &CommandId, refusal: Refusal) {
        if id.as_str().contains(' ') {
            self.refused.push((id.clone(), refusal));
        } else {
            self.receipts.push((id.clone(), Err(refusal)));
        }
    }

    /// Ends the change.
    pub(crate) fn finish(self) -> Decision {
        Decision {
            batch: Batch {
                events: self.events.iter().map(|event| (**event).clone()).collect(),
                rows: self.rows.into_values().collect(),
            },
            events: self.events,
            effects: self.effects,
            receipts: self.receipts,
        }
    }
}
