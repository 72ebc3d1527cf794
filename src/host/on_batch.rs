//! Batches: created, paused, resumed, cancelled, and what each does next. What happens to the sessions of runs is in `on_run`.

use crate::model::batch::{BatchChanged, RunSettled};
use std::collections::{BTreeMap, BTreeSet};

use crate::batch::queue::{self, Facts, Step};
use crate::batch::{expand, fold, suites};
use crate::host::change::{Brain, Change, Waiting};
use crate::host::choice::Choice;
use crate::host::effect::{Effect, Ticket};
use crate::host::port::ResolvedBase;
use crate::host::profile::Caller;
use crate::host::registry::LiveBatch;
use crate::host::run_batch::{self, Known, Snapshot};
use crate::host::{on_contest, on_judge, on_merge, on_run};
use crate::model::Refusal;
use crate::model::batch::{
    Batch, BatchChange, BatchState, CreateBatch, Machine, NewBatch, Run, RunState, SetConcurrency, Spend,
};
use crate::model::command::{Command, Outcome};
use crate::model::event::Event;
use crate::model::id::{BatchId, CommandId, EvaluationId, RunId, SessionId};
use crate::model::plan::Plan;
use crate::model::session::Session;
use crate::session::state;

/// Runs at the same time at most.
pub(crate) const MOST_AT_ONCE: u32 = 1_000;

/// How long a look at the machine counts, milliseconds.
const MACHINE_COUNTS: i64 = 2_000;

/// The bases of a batch's repositories, by their paths in the plan.
pub(crate) type Bases = BTreeMap<String, Result<ResolvedBase, Refusal>>;

/// A plan that was read, with its files, and its repositories.
pub(crate) struct PreparedBatch {
    /// The id that it gets.
    pub(crate) id: BatchId,
    pub(crate) plan: Plan,
    pub(crate) bases: Bases,
    pub(crate) machine: Machine,
}

/// What is known of batches besides their facts. Not durable: it is found again.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    /// The bases of live batches' repositories; absent while they are looked up.
    pub(crate) bases: BTreeMap<BatchId, Bases>,
    /// What those who started batches have in their environments.
    pub(crate) callers: BTreeMap<BatchId, Caller>,
    /// Why no run starts although there is room.
    pub(crate) held: BTreeMap<BatchId, String>,
    /// Who lands in a repository, by its common directory.
    lanes: BTreeMap<String, SessionId>,
    /// Contests whose candidates are being read.
    pub(crate) read: BTreeSet<(BatchId, u32)>,
    /// What evaluators that wait for judges want to hear.
    pub(crate) asking: BTreeMap<(EvaluationId, String), on_judge::Asking>,
    machine: Machine,
    machine_read: i64,
    machine_asked: bool,
    /// Who failed, and waits for a look at the disks to know why.
    doubtful: BTreeSet<SessionId>,
    /// For whom the disks were looked at just now.
    looked: BTreeSet<SessionId>,
    /// The moment that is waited for.
    wake_at: Option<i64>,
}

impl Desk {
    /// What is free on the fullest of the disks, MiB, after somebody failed; absent when nobody has looked since.
    pub(crate) fn room(&mut self, session: &SessionId) -> Option<u64> {
        self.looked.remove(session).then_some(self.machine.disk_mb)
    }

    /// Whether a session may land now: one at a time in a repository.
    pub(crate) fn take_lane(&mut self, common_dir: &str, session: &SessionId) -> bool {
        self.lanes.entry(common_dir.to_owned()).or_insert_with(|| session.clone()) == session
    }

    /// A session lands no longer. Whether it did.
    pub(crate) fn leave_lane(&mut self, session: &SessionId) -> bool {
        let before = self.lanes.len();
        self.lanes.retain(|_, holder| holder != session);
        self.lanes.len() < before
    }
}

/// Has a plan read.
pub(crate) fn on_create(change: &mut Change<'_>, id: &CommandId, request: &CreateBatch) -> Result<(), Refusal> {
    if !request.path.starts_with('/') {
        return Err(Refusal::user("cannot start a batch: the plan's path is not absolute"));
    }
    if let Some(concurrency) = request.concurrency {
        require_concurrency(concurrency)?;
    }
    let batch = loop {
        let candidate = BatchId((change.brain.new_id)());
        if !change.brain.registry.batches.contains_key(&candidate) {
            break candidate;
        }
    };
    let ticket = change.brain.wait(id, &Command::CreateBatch(request.clone()));
    let known = Box::new(Known::of(change.brain));
    change.want(Effect::PrepareBatch { ticket, request: Box::new(request.clone()), batch, known });
    Ok(())
}

/// A plan was read: it is begun, or refused with everything that is wrong.
pub(crate) fn on_prepared(change: &mut Change<'_>, ticket: Ticket, result: Result<PreparedBatch, Refusal>) {
    let Some(Waiting { id: command, command: Command::CreateBatch(request) }) = change.brain.waiting.remove(&ticket)
    else {
        return;
    };
    match result.and_then(|prepared| create(change, &request, prepared)) {
        Ok(outcome) => change.accept(&command, None, outcome),
        Err(refusal) => change.refuse(&command, refusal),
    }
}

fn create(change: &mut Change<'_>, request: &CreateBatch, prepared: PreparedBatch) -> Result<Outcome, Refusal> {
    let PreparedBatch { id, plan, bases, machine } = prepared;
    if let Err(refusal) = require_agents(change, &plan, &bases, &request.caller) {
        if plan.tasks.iter().any(|task| task.cases.is_some()) {
            change.want(Effect::ForgetCases { batch: id });
        }
        return Err(refusal);
    }
    let runs = expand::runs(&plan, &id);
    let notes = plan.notes.clone();
    let concurrency = request.concurrency.unwrap_or(plan.execution.concurrency);
    let batch = Batch {
        id: id.clone(),
        plan,
        path: request.path.clone(),
        created_at: change.now,
        ended_at: None,
        state: BatchState::Active,
        reason: None,
        concurrency,
        contests: Vec::new(),
        opened: 0,
        earlier: Spend::default(),
        summary: None,
    };
    let count = u32::try_from(runs.len()).unwrap_or(u32::MAX);
    let desk = &mut change.brain.batches;
    desk.bases.insert(id.clone(), bases);
    desk.callers.insert(id.clone(), request.caller.clone());
    (desk.machine, desk.machine_read) = (machine, change.now);
    change.emit(None, Event::BatchCreated(Box::new(NewBatch { batch, runs })));
    change.stirred.insert(id.clone());
    Ok(Outcome::Batch { batch: id, runs: count, notes })
}

/// Whether every agent of a plan can be started, before anything is.
fn require_agents(change: &Change<'_>, plan: &Plan, bases: &Bases, caller: &Caller) -> Result<(), Refusal> {
    for judge in suites::judges(plan) {
        for resolved in bases.values().filter_map(|base| base.as_ref().ok()) {
            on_judge::require(change.brain, judge, resolved, caller).map_err(|refusal| {
                let message = format!("cannot start the batch: the judge '{}': {}", judge.agent, refusal.message);
                refusal.hints.iter().fold(Refusal::user(message), |refusal, hint| refusal.hint(hint.clone()))
            })?;
        }
    }
    for agent in &plan.agents {
        let named = |refusal: Refusal| {
            let message = format!("cannot start the batch: the agent '{}' of the plan: {}", agent.id, refusal.message);
            refusal.hints.iter().fold(Refusal::user(message), |refusal, hint| refusal.hint(hint.clone()))
        };
        if let Some(unknown) =
            agent.mcp_servers.iter().flatten().find(|name| !change.brain.settings.mcp.contains_key(*name))
        {
            return Err(named(Refusal::user(format!("there is no MCP server '{unknown}' in the configuration")))
                .hint("divisi config"));
        }
        let request = on_run::request(agent, "", "", caller);
        for resolved in bases.values().filter_map(|base| base.as_ref().ok()) {
            Choice::of(change.brain, &request, resolved).map_err(named)?;
        }
        if plan.tasks.iter().any(|task| task.cases.is_some()) {
            // The repositories of cases are made later, and nobody trusts what is configured in them.
            Choice::anywhere(change.brain, &request).map_err(named)?;
        }
    }
    Ok(())
}

/// The bases of a batch's repositories are known again.
pub(crate) fn on_resolved(change: &mut Change<'_>, id: &BatchId, bases: Bases) {
    change.brain.batches.bases.insert(id.clone(), bases);
    change.stirred.insert(id.clone());
}

/// A moment has come that some batch waited for.
pub(crate) fn on_woke(change: &mut Change<'_>, at: i64) {
    if change.brain.batches.wake_at == Some(at) {
        change.brain.batches.wake_at = None;
        change.stirred.extend(change.brain.registry.batches.keys().cloned());
    }
}

/// How the machine is doing.
pub(crate) fn on_machine(change: &mut Change<'_>, machine: Machine) {
    let desk = &mut change.brain.batches;
    (desk.machine, desk.machine_read, desk.machine_asked) = (machine, change.now, false);
    desk.looked = std::mem::take(&mut desk.doubtful);
    for session in desk.looked.clone() {
        change.touch(Some(&session));
    }
    change.stirred.extend(change.brain.registry.batches.keys().cloned());
}

/// Has the machine looked at: for batches, and for a session that may have failed for want of room.
pub(crate) fn read_machine(change: &mut Change<'_>, doubtful: Option<&Session>) {
    let desk = &mut change.brain.batches;
    let mut places: Vec<String> = desk.bases.values().flat_map(run_batch::roots).collect();
    if let Some(session) = doubtful {
        desk.doubtful.insert(session.id.clone());
        places.push(session.worktree.path.clone());
    }
    if !std::mem::replace(&mut desk.machine_asked, true) {
        places.sort();
        places.dedup();
        change.want(Effect::ReadMachine { places });
    }
}

/// Goes on with every batch an earlier daemon left.
pub(crate) fn recover(change: &mut Change<'_>) {
    let batches: Vec<(BatchId, Vec<_>)> = change
        .brain
        .registry
        .batches
        .iter()
        .map(|(id, live)| {
            let tasks = &live.batch.plan.tasks;
            (id.clone(), tasks.iter().flat_map(|task| task.repositories.iter().cloned()).collect())
        })
        .collect();
    for (batch, repositories) in batches {
        change.stirred.insert(batch.clone());
        change.want(Effect::ResolveBatch { batch, repositories });
    }
    on_run::recover(change);
    on_judge::recover(change);
}

/// Goes on with what a decision touched: sessions of runs first, then their batches. Called at the end of every decision.
pub(crate) fn go_on(change: &mut Change<'_>) {
    loop {
        if let Some((command, refusal)) = change.refused.pop() {
            on_run::on_refused(change, &command, &refusal);
        } else if let Some((session, run)) = change.touched.pop_first() {
            on_run::observe(change, &session, &run);
        } else if let Some((session, judging)) = change.judges.pop_first() {
            on_judge::observe(change, &session, &judging);
        } else if let Some(batch) = change.stirred.pop_first() {
            advance(change, &batch);
        } else {
            return;
        }
    }
}

/// What an attempt that is under way used so far.
pub(crate) fn used(change: &Change<'_>, run: &Run) -> Spend {
    let session = run.current().and_then(|attempt| change.brain.registry.sessions.get(&attempt.session));
    session.map(|session| on_run::spend(change.brain, session)).unwrap_or_default()
}

fn advance(change: &mut Change<'_>, id: &BatchId) {
    let due = on_contest::go_on(change, id);
    let Some(live) = change.brain.registry.batches.get(id) else { return };
    let mut decision = {
        let spent = |place: usize| live.runs.get(place).map(|run| used(change, run)).unwrap_or_default();
        let judges = on_contest::used(change, id);
        let landing =
            |place: usize| live.runs.get(place).is_some_and(|run| on_merge::is_landing(change.brain, live, run));
        let machine = change.brain.batches.machine;
        let facts = Facts { now: change.now, machine, used: &spent, judges, landing: &landing };
        queue::decide(&live.batch, &live.runs, &facts)
    };
    decision.wake_at = [decision.wake_at, due].into_iter().flatten().min();
    let waits = live.runs.iter().any(|run| run.state == RunState::Queued);
    let ready = change.brain.batches.bases.contains_key(id);
    for step in decision.steps {
        carry_out(change, id, step, ready);
    }
    match decision.held {
        Some(why) => change.brain.batches.held.insert(id.clone(), why),
        None => change.brain.batches.held.remove(id),
    };
    let desk = &mut change.brain.batches;
    if waits && !desk.machine_asked && change.now.saturating_sub(desk.machine_read) > MACHINE_COUNTS {
        read_machine(change, None);
    }
    let desk = &mut change.brain.batches;
    if let Some(at) = decision.wake_at
        && desk.wake_at.is_none_or(|known| at < known)
    {
        desk.wake_at = Some(at);
        change.want(Effect::Wake { at });
    }
}

fn carry_out(change: &mut Change<'_>, id: &BatchId, step: Step, ready: bool) {
    let Some(live) = change.brain.registry.batches.get(id) else { return };
    match step {
        // Without the bases nothing can begin; they are on their way.
        Step::Start(place) if ready => on_run::start(change, id, place),
        Step::Start(_) => {}
        Step::Stop(place, why) => on_run::stop(change, id, place, why),
        Step::Settle(place, state, reason) => {
            if let Some(run) = live.runs.get(place).map(|run| run.id.clone()) {
                change.emit(None, Event::RunSettled(RunSettled { run, state, reason }));
            }
        }
        Step::GiveUp(reason) => emit_state(change, id, BatchState::Cancelling, Some(reason)),
        Step::End(reason) => {
            emit_state(change, id, BatchState::Ended, reason);
            let desk = &mut change.brain.batches;
            desk.bases.remove(id);
            desk.callers.remove(id);
            desk.held.remove(id);
        }
    }
}

pub(crate) fn emit_state(change: &mut Change<'_>, id: &BatchId, state: BatchState, reason: Option<String>) {
    change.emit(
        None,
        Event::BatchChanged(BatchChanged { batch: id.clone(), change: BatchChange::State { state, reason } }),
    );
}

pub(crate) fn require<'a>(change: &'a Change<'_>, id: &BatchId) -> Result<&'a LiveBatch, Refusal> {
    change.brain.registry.batches.get(id).ok_or_else(|| {
        let shown = crate::base::text::visible_line(id.as_str(), 40);
        Refusal::conflict(format!("the batch {shown} has ended, or there is none"))
            .hint("divisi batch list")
            .hint(format!("divisi batch retry {shown}    # what did not pass, again"))
    })
}

/// No more runs start.
pub(crate) fn on_pause(change: &mut Change<'_>, command: &CommandId, id: &BatchId) -> Result<(), Refusal> {
    match require(change, id)?.batch.state {
        BatchState::Active => emit_state(change, id, BatchState::Paused, None),
        BatchState::Paused => {}
        state => return Err(Refusal::conflict(format!("cannot pause the batch: it is {}", state.as_str()))),
    }
    change.accept_done(command, None);
    Ok(())
}

/// Runs start again.
pub(crate) fn on_resume(change: &mut Change<'_>, command: &CommandId, id: &BatchId) -> Result<(), Refusal> {
    match require(change, id)?.batch.state {
        BatchState::Paused => emit_state(change, id, BatchState::Active, None),
        // A batch goes on by itself after a restart: to ask for it is no mistake.
        BatchState::Active => {}
        state => return Err(Refusal::conflict(format!("cannot resume the batch: it is {}", state.as_str()))),
    }
    change.accept_done(command, None);
    Ok(())
}

/// Everything is stopped.
pub(crate) fn on_cancel(change: &mut Change<'_>, command: &CommandId, id: &BatchId) -> Result<(), Refusal> {
    if require(change, id)?.batch.state != BatchState::Cancelling {
        emit_state(change, id, BatchState::Cancelling, Some("the batch was cancelled".to_owned()));
    }
    change.accept_done(command, None);
    Ok(())
}

fn require_concurrency(number: u32) -> Result<(), Refusal> {
    if number == 0 || number > MOST_AT_ONCE {
        return Err(Refusal::user(format!("cannot run {number} at the same time: 1 to {MOST_AT_ONCE}"))
            .hint("divisi batch pause BATCH"));
    }
    Ok(())
}

/// As many runs at the same time from now on.
pub(crate) fn on_concurrency(
    change: &mut Change<'_>,
    command: &CommandId,
    request: &SetConcurrency,
) -> Result<(), Refusal> {
    require_concurrency(request.concurrency)?;
    require(change, &request.batch)?;
    let concurrency = BatchChange::Concurrency { concurrency: request.concurrency };
    change.emit(None, Event::BatchChanged(BatchChanged { batch: request.batch.clone(), change: concurrency }));
    change.accept_done(command, None);
    Ok(())
}

/// The live batch and run of a session.
pub(crate) fn run_of<'a>(change: &'a Change<'_>, run: &RunId) -> Option<(&'a LiveBatch, &'a Run)> {
    let live = change.brain.registry.batches.get(&fold::batch_of_run(run)?)?;
    let place = fold::place(&live.runs, run)?;
    Some((live, &live.runs[place]))
}

/// Sessions of live runs whose attempts have ended but whose processes may live.
pub(crate) fn ended_sessions(change: &Change<'_>) -> Vec<SessionId> {
    let sessions = change.brain.registry.sessions.values();
    sessions
        .filter(|session| session.job.is_some())
        .filter(|session| {
            session.run.as_ref().is_some_and(|run| {
                run_of(change, run).is_none_or(|(_, run)| run.current().is_none_or(|now| now.session != session.id))
            })
        })
        .map(|session| session.id.clone())
        .collect()
}

/// Every live batch with what its sessions say.
/// `blocked` says why nothing can be recorded, if that is so: then nothing starts or ends.
pub(crate) fn snapshots(brain: &Brain, blocked: Option<&str>) -> Vec<Snapshot> {
    let of = |run: &Run| {
        let session = brain.registry.sessions.get(&run.current()?.session)?;
        let spend = on_run::spend(brain, session);
        let judged = session.evaluations.running().and_then(|_| state::reason(session, &[]));
        Some((session.name.clone(), judged.or_else(|| session.activity.clone()), spend))
    };
    let snapshot = |(id, live): (&BatchId, &LiveBatch)| Snapshot {
        live: live.clone(),
        under_way: live.runs.iter().enumerate().filter_map(|(place, run)| Some((place, of(run)?))).collect(),
        held: blocked.map(ToOwned::to_owned).or_else(|| brain.batches.held.get(id).cloned()),
    };
    brain.registry.batches.iter().map(snapshot).collect()
}

/// Batches in which something happens by itself.
pub(crate) fn going_on(brain: &Brain) -> usize {
    brain.registry.batches.values().filter(|live| live.batch.state != BatchState::Paused).count()
}
