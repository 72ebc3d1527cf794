//! Runs: an attempt is a session; what happens to the session is what happens to the attempt.

use crate::batch::{contest, queue, suites};
use crate::eval::gate;
use crate::host::advance::{advance, end_process};
use crate::host::change::{Brain, Change, Step};
use crate::host::effect::{Effect, UnitInput};
use crate::host::on_batch::{ended_sessions, run_of};
use crate::host::on_full::Room;
use crate::host::on_landing::has_landed;
use crate::host::on_merge::{self, Landed};
use crate::host::port::ResolvedBase;
use crate::host::profile::Caller;
use crate::host::registry::LiveBatch;
use crate::host::{on_case, on_contest, on_create, on_evaluation, on_full, on_judge};
use crate::model::Refusal;
use crate::model::approval::ApprovalPolicy;
use crate::model::batch::{Attempt, AttemptEnd, AttemptOutcome, Gates, Run, RunState, Spend, StopReason};
use crate::model::batch::{RunEnded, RunQueued, RunStarted, RunStopping};
use crate::model::command::CreateSession;
use crate::model::diff::DiffStat;
use crate::model::evaluation::{Evaluation, EvaluationState, StartEvaluation, SuiteFrom};
use crate::model::event::Event;
use crate::model::failure::FailureKind;
use crate::model::id::{BatchId, CommandId, PromptId, RunId, SessionId};
use crate::model::landing::LandingState;
use crate::model::plan::{Keep, PlanAgent};
use crate::model::price::PriceTable;
use crate::model::session::{Session, Settled, Setup};
use crate::model::turn::{QueuedPrompt, TurnOutcome};
use crate::model::worktree::WorktreeState;
use crate::session::{cost, state};

/// Evaluations of one attempt at most: those after the first are for those that were cut off.
const MOST_EVALUATIONS: u32 = 4;

/// Who stops turns, in events.
const BATCH: &str = "batch";

/// What a session of an agent of a plan is asked for with.
pub(crate) fn request(agent: &PlanAgent, repository: &str, prompt: &str, caller: &Caller) -> CreateSession {
    CreateSession {
        repository: repository.to_owned(),
        prompt: prompt.to_owned(),
        base: None,
        from: None,
        name: None,
        agent: Some(agent.agent.clone()),
        model: agent.model.clone(),
        mode: agent.mode.clone(),
        environment: agent.environment.clone(),
        pass: Vec::new(),
        caller: caller.clone(),
        profile: agent.profile.clone(),
        policy: Some(ApprovalPolicy::Auto),
        on_daemon_death: None,
        attach: Vec::new(),
        // Nobody is there to be asked: the time limit decides.
        silence_sec: Some(0),
    }
}

/// What a session and its judges used, in tokens and dollars.
pub(crate) fn spend(brain: &Brain, session: &Session) -> Spend {
    on_judge::used_for(brain, session).plus(used(session, &brain.settings.prices))
}

/// What a session's own agent used, in tokens and dollars.
pub(crate) fn used(session: &Session, prices: &PriceTable) -> Spend {
    let tokens = session.usage.tokens().iter().sum();
    if tokens == 0 && session.usage.cost_micros.is_none() {
        return Spend::default();
    }
    let mut usage = session.usage.clone();
    cost::estimate(&mut usage, prices);
    let dollars = usage.currency.as_deref().is_none_or(|currency| currency == "USD");
    Spend { tokens, usd_micros: usage.cost_micros.filter(|_| dollars), partial: usage.cost_partial }
}

/// Starts an attempt of a run.
pub(crate) fn start(change: &mut Change<'_>, batch: &BatchId, place: usize) {
    let Some(live) = change.brain.registry.batches.get(batch) else { return };
    let Some(run) = live.runs.get(place).cloned() else { return };
    let is_case = queue::case_of(&live.batch, &run).is_some();
    let number = u32::try_from(run.attempts.len() + 1).unwrap_or(u32::MAX);
    let attempt = Attempt {
        number,
        session: on_create::new_id(change),
        started_at: change.now,
        ended_at: None,
        stopping: None,
        outcome: None,
        reason: None,
        head: None,
        stat: DiffStat::default(),
        turns: 0,
        spend: Spend::default(),
        score: None,
        gates: None,
        landed: false,
        case: None,
    };
    if is_case {
        return on_case::start(change, batch, &run, attempt);
    }
    let base = change.brain.batches.bases.get(batch).and_then(|bases| bases.get(&run.repository)).cloned();
    let base = base.unwrap_or_else(|| Err(Refusal::internal("the plan does not have what the run needs")));
    change.emit(None, Event::RunStarted(RunStarted { run: run.id.clone(), attempt: attempt.clone() }));
    if let Err(refusal) = base.and_then(|resolved| begin(change, &run.id, &attempt, resolved)) {
        end(change, &run.id, AttemptOutcome::NotStarted, Some(crate::host::hinted(&refusal)), None);
    }
}

/// Begins the session of an attempt that was started.
pub(crate) fn begin(
    change: &mut Change<'_>,
    run: &RunId,
    attempt: &Attempt,
    resolved: ResolvedBase,
) -> Result<(), Refusal> {
    let missing = || Refusal::internal("the plan does not have what the run needs");
    let (live, run) = run_of(change, run).ok_or_else(missing)?;
    let (batch, run) = (live.batch.id.clone(), run.clone());
    let suite = suites::of(&live.batch.plan, &run.task, &run.agent).map(Box::new);
    let agent = queue::agent_of(&live.batch, &run).ok_or_else(missing)?.clone();
    let text = queue::prompt_of(&live.batch, &run).ok_or_else(missing)?.text.clone();
    let caller = change.brain.batches.callers.get(&batch).cloned().unwrap_or_default();
    let id = attempt.session.clone();
    let mut request = request(&agent, &resolved.facts.repository, &text, &caller);
    request.name = Some(name(&batch, &run, attempt.number));
    let (mut session, notice) = on_create::decide(change, &request, id.clone(), resolved)?;
    session.run = Some(run.id.clone());
    // Who lands it by hand later meets the same gates.
    session.evaluations.gates = suite;
    if let Some(servers) = agent.mcp_servers {
        session.mcp.retain(|name, _| servers.contains(name));
    }
    let text = session.prompt.clone();
    change.emit(Some(&id), Event::SessionCreated(Box::new(session)));
    queue_prompt(change, &id, text);
    if let Some(text) = notice {
        change.emit(Some(&id), Event::AgentNotice { turn: None, text });
    }
    advance(change, &id);
    Ok(())
}

/// A session's name: the task, the agent, and which run and attempt it is. Batches have different ids, so it is free.
fn name(batch: &BatchId, run: &Run, attempt: u32) -> String {
    let words = crate::worktree::name::slug(&format!("{} {}", run.task, run.agent));
    let short: String = words.chars().take(24).collect();
    let short = short.trim_end_matches('-');
    let prefix: String = batch.as_str().chars().take(6).collect();
    let again = if attempt > 1 { format!("-a{attempt}") } else { String::new() };
    format!("{short}-{prefix}-r{}{again}", run.number)
}

pub(crate) fn queue_prompt(change: &mut Change<'_>, id: &SessionId, text: String) {
    let Some(session) = change.brain.registry.sessions.get(id) else { return };
    let prompt = QueuedPrompt {
        id: PromptId(format!("{id}.p{}", session.prompts + 1)),
        session: id.clone(),
        text,
        queued_at: change.now,
        attachments: Vec::new(),
        urgent: false,
        steers: None,
    };
    change.emit(Some(id), Event::PromptQueued { prompt });
}

/// Stops an attempt: nothing more is asked, and the process tree is ended.
pub(crate) fn stop(change: &mut Change<'_>, batch: &BatchId, place: usize, why: StopReason) {
    let Some(run) = change.brain.registry.batches.get(batch).and_then(|live| live.runs.get(place)) else { return };
    let Some(id) = run.current().map(|attempt| attempt.session.clone()) else { return };
    change.emit(None, Event::RunStopping(RunStopping { run: run.id.clone(), why }));
    if change.brain.under_way(&id, Step::Case) {
        // Its end is the attempt's.
        change.want(Effect::StopCase { session: id.clone() });
    }
    let Some(session) = change.brain.registry.sessions.get(&id) else { return };
    let waiting: Vec<PromptId> = session.queue.iter().map(|prompt| prompt.id.clone()).collect();
    let turn = session.turn.as_ref().filter(|turn| turn.outcome.is_none()).map(|turn| turn.id.clone());
    let job = session.job.clone();
    for prompt in waiting {
        change.emit(Some(&id), Event::PromptCancelled { id: prompt });
    }
    if let Some(turn) = turn {
        change.emit(Some(&id), Event::TurnStopRequested { turn, by: BATCH.to_owned() });
    }
    if let Some(running) = change.brain.registry.sessions.get(&id).and_then(|session| session.evaluations.running()) {
        let evaluation = running.id.clone();
        change.want(Effect::CancelEvaluation { evaluation });
    }
    if let Some(job) = job {
        if change.brain.units.contains(&job) {
            change.want(Effect::ToUnit { job, input: UnitInput::End });
        } else {
            end_process(change, &id, &job);
        }
    }
    change.touch(Some(&id));
}

/// Looks whether an attempt is over, or wants its next prompt.
pub(crate) fn observe(change: &mut Change<'_>, id: &SessionId, run: &RunId) {
    let Some((live, known)) = run_of(change, run) else { return };
    let Some(attempt) = known.current().filter(|attempt| attempt.session == *id) else {
        // Its attempt is over; it may have won.
        if contest::of(&live.batch, known).is_some() {
            change.stirred.insert(live.batch.id.clone());
        }
        return;
    };
    let (attempt, next) = (attempt.clone(), follow_up(live, known, change, id));
    let budgeted = live.batch.plan.execution.budget != crate::model::plan::Budget::default();
    if let Some(batch) = budgeted.then(|| live.batch.id.clone()) {
        change.stirred.insert(batch);
    }
    settle(change, id, run, &attempt, next);
}

/// What is asked after the session's newest turn.
fn follow_up(live: &LiveBatch, run: &Run, change: &Change<'_>, id: &SessionId) -> Option<String> {
    let turns = change.brain.registry.sessions.get(id)?.turns as usize;
    let task = queue::task_of(&live.batch, run)?;
    let prompt = task.prompts.iter().find(|prompt| prompt.id == run.prompt)?;
    prompt.follow_ups.get(turns.checked_sub(1)?).cloned()
}

fn settle(change: &mut Change<'_>, id: &SessionId, run: &RunId, attempt: &Attempt, next: Option<String>) {
    let Some(session) = change.brain.registry.sessions.get(id) else {
        let reason = "its session was removed".to_owned();
        return end(change, run, AttemptOutcome::Cancelled, Some(reason), None);
    };
    let now = state::state(session, &change.brain.registry.open_approvals(id));
    let over = matches!(now.settled(), Some(Settled::Done | Settled::Failed))
        && session.queue.is_empty()
        && session.turn.as_ref().is_none_or(|turn| turn.ended_at.is_some())
        && session.rewind.is_none()
        && !change.brain.under_way(id, Step::Checkpoint)
        && !change.brain.under_way(id, Step::Landing)
        && !change.brain.under_way(id, Step::Judging)
        && !change.brain.under_way(id, Step::Evaluation)
        && !change.brain.under_way(id, Step::Case)
        && session.landing.as_ref().is_none_or(|landing| landing.state != LandingState::Started);
    if attempt.stopping.is_some() && session.setup == Setup::Running {
        return change.want(Effect::StopSetup { session: id.clone() });
    }
    // What was asked waits for ever where it cannot begin.
    let hopeless = matches!(session.worktree.state, WorktreeState::Removing | WorktreeState::Failed)
        || matches!(session.setup, Setup::Failed { .. });
    if !over && !hopeless {
        return;
    }
    let (outcome, reason) = verdict(session, attempt);
    let session = session.clone();
    if attempt.stopping.is_none() && session.setup == (Setup::Failed { reason: Setup::CUT_OFF.to_owned() }) {
        return begin_again(change, run, reason, &session);
    }
    if outcome == AttemptOutcome::Done
        && let Some(text) = next
    {
        if attempt.stopping.is_none() {
            queue_prompt(change, id, text);
            return advance(change, id);
        }
        let outcome = stopped(attempt.stopping).unwrap_or(AttemptOutcome::Cancelled);
        return end(change, run, outcome, None, Some(&session));
    }
    if outcome == AttemptOutcome::Done {
        return judge(change, &session, run, attempt);
    }
    failed(change, run, outcome, reason, &session);
}

/// The daemon was ended while the setup ran, which nobody else is to blame for: another attempt takes the place of this one.
fn begin_again(change: &mut Change<'_>, run: &RunId, reason: Option<String>, session: &Session) {
    end(change, run, AttemptOutcome::NotStarted, reason, Some(session));
    if run_of(change, run).is_some_and(|(_, run)| run.state == RunState::Failed) {
        change.emit(None, Event::RunQueued(RunQueued { run: run.clone() }));
    }
}

/// The agent has done everything: what it made is judged and landed as the plan says, and only then the attempt is over.
fn judge(change: &mut Change<'_>, session: &Session, run: &RunId, attempt: &Attempt) {
    if attempt.case.is_some() {
        return on_case::judge(change, session, run, attempt);
    }
    let Some((live, known)) = run_of(change, run) else { return };
    let suite = suites::of(&live.batch.plan, &known.task, &known.agent).map(Box::new);
    // Of those that compete only the best one lands, once all are done.
    let land = live.batch.plan.land && !contest::competes(&live.batch, known);
    let Some(suite) = suite else { return end(change, run, AttemptOutcome::Done, None, Some(session)) };
    let of_head = |one: &&Evaluation| on_merge::is_of_head(one, session, &suite.digest);
    let newest = on_merge::alone(session, &suite.digest).or(session.evaluations.newest().filter(of_head));
    match newest.map(|newest| (&newest.state, newest.passed)) {
        Some((EvaluationState::Running, _)) => {}
        Some((EvaluationState::Done, true)) if land && attempt.stopping.is_none() => land_run(change, session, run),
        Some((EvaluationState::Done, true)) => {
            // Stopped when only its landing was left: it passed, and is somebody's to land.
            let left = land && !has_landed(session) && session.stat != DiffStat::default();
            let why = stopped_words(attempt.stopping).filter(|_| left);
            let reason = why.map(|why| format!("passed, not landed: {why}"));
            end(change, run, AttemptOutcome::Done, reason, Some(session));
        }
        Some((EvaluationState::Done, false)) => {
            let missed = newest.map(on_merge::missed).unwrap_or_default();
            let reason = format!("it did not pass: {}", missed.join(", "));
            failed(change, run, AttemptOutcome::Failed, Some(reason), session);
        }
        _ if attempt.stopping.is_some() => {
            let outcome = stopped(attempt.stopping).unwrap_or(AttemptOutcome::Cancelled);
            end(change, run, outcome, Some("it was stopped before it was judged".to_owned()), Some(session));
        }
        // Cut off by a restart, or never begun. Somebody who cancels it every time has it their way.
        _ if session.evaluations.made < MOST_EVALUATIONS => {
            let request = StartEvaluation {
                session: session.id.clone(),
                suite: Some(SuiteFrom::Suite(suite)),
                merged: false,
                onto: None,
            };
            let id = inner(&session.id, "evaluate", session.evaluations.made);
            if let Err(refusal) = on_evaluation::on_start(change, &id, &request) {
                end(change, run, AttemptOutcome::Failed, Some(crate::host::hinted(&refusal)), Some(session));
            }
        }
        _ => {
            let reason = "its evaluation was cut off again and again".to_owned();
            end(change, run, AttemptOutcome::Failed, Some(reason), Some(session));
        }
    }
}

/// Lands what passed, at exactly the commit that passed.
fn land_run(change: &mut Change<'_>, session: &Session, run: &RunId) {
    match on_merge::land(change, session) {
        Landed::UnderWay => {}
        Landed::Done => end(change, run, AttemptOutcome::Done, None, Some(session)),
        Landed::Not(reason) => {
            let reason = Some(format!("passed, not landed: {reason}"));
            end(change, run, AttemptOutcome::Done, reason, Some(session));
        }
    }
}

/// The id of a command that the batch gives for a session. No client can send one like it: spaces are not allowed in theirs.
pub(crate) fn inner(session: &SessionId, verb: &str, number: u32) -> CommandId {
    CommandId(format!("batch {session} {verb} {number}"))
}

/// A command that the batch gave was refused: the attempt is over.
pub(crate) fn on_refused(change: &mut Change<'_>, command: &CommandId, refusal: &Refusal) {
    let mut words = command.as_str().split(' ');
    let (Some("batch"), Some(session), Some(verb)) = (words.next(), words.next(), words.next()) else { return };
    let Some(session) = change.brain.registry.sessions.get(&SessionId(session.to_owned())).cloned() else { return };
    let Some(run) = session.run.clone() else { return };
    let current = run_of(change, &run).and_then(|(_, run)| run.current()).cloned();
    let mut why = crate::host::hinted(refusal);
    if verb == "land" && refusal.message.contains(gate::MOVED) {
        match on_merge::judge(change, &session) {
            None => return,
            Some(reason) => why = reason,
        }
    }
    if current.is_none_or(|attempt| attempt.session != session.id) {
        return on_contest::on_refused(change, &run, &session.id, why);
    }
    if matches!(verb, "land" | "merge") {
        end(change, &run, AttemptOutcome::Done, Some(format!("passed, not landed: {why}")), Some(&session));
    } else {
        end(change, &run, AttemptOutcome::Failed, Some(why), Some(&session));
    }
}

fn stopped(stopping: Option<StopReason>) -> Option<AttemptOutcome> {
    stopping.map(|why| match why {
        StopReason::TimedOut => AttemptOutcome::TimedOut,
        StopReason::Cancelled => AttemptOutcome::Cancelled,
        StopReason::Budget => AttemptOutcome::Budget,
    })
}

fn stopped_words(stopping: Option<StopReason>) -> Option<&'static str> {
    stopping.map(|why| match why {
        StopReason::TimedOut => "it took too long",
        StopReason::Budget => "the batch's budget is used up",
        StopReason::Cancelled => "the batch was cancelled",
    })
}

/// How an attempt whose session is at rest ended, and why.
fn verdict(session: &Session, attempt: &Attempt) -> (AttemptOutcome, Option<String>) {
    let said = state::reason(session, &[]);
    if session.worktree.state == WorktreeState::Failed {
        return (stopped(attempt.stopping).unwrap_or(AttemptOutcome::NotStarted), said);
    }
    let outcome = session.turn.as_ref().and_then(|turn| turn.outcome.as_ref());
    if let (Some(TurnOutcome::Done { .. }), None) = (outcome, &session.fault) {
        return (AttemptOutcome::Done, None);
    }
    if let Some(stopped) = stopped(attempt.stopping) {
        return (stopped, stopped_words(attempt.stopping).map(str::to_owned));
    }
    if session.worktree.state == WorktreeState::Removing {
        return (AttemptOutcome::Cancelled, Some("its session was removed".to_owned()));
    }
    if let Setup::Failed { reason } = &session.setup {
        return (AttemptOutcome::NotStarted, Some(format!("the setup failed: {reason}")));
    }
    if session.fault.is_some() {
        return (AttemptOutcome::Failed, said);
    }
    let kind = session.turn.as_ref().and_then(|turn| turn.failure.as_ref()).map(|failure| failure.kind);
    let by_hand = session.turn.as_ref().is_some_and(|turn| turn.stopping);
    let outcome = match (outcome, kind) {
        (_, Some(FailureKind::RateLimit | FailureKind::Overloaded)) => AttemptOutcome::RateLimited,
        (_, Some(FailureKind::Crashed | FailureKind::Killed | FailureKind::Lost)) => AttemptOutcome::Crashed,
        (_, Some(FailureKind::NotInstalled)) => AttemptOutcome::NotStarted,
        (Some(TurnOutcome::Interrupted { .. }), None) if by_hand => AttemptOutcome::Cancelled,
        (None, None) => AttemptOutcome::Cancelled,
        _ => AttemptOutcome::Failed,
    };
    (outcome, said)
}

/// An agent, its setup or its gates failed: not held against them where the disk is full, which is looked at first.
fn failed(change: &mut Change<'_>, run: &RunId, outcome: AttemptOutcome, reason: Option<String>, session: &Session) {
    match on_full::look(change, run, session, outcome, reason.as_deref()) {
        Room::Unknown => {}
        Room::Enough => end_as(change, run, (outcome, reason), Some(session), None),
        Room::None(why) => end_as(change, run, (outcome, reason), Some(session), Some(why)),
    }
}

/// Records the end of an attempt, and does away with its worktree or not as the plan says.
pub(crate) fn end(
    change: &mut Change<'_>,
    run: &RunId,
    outcome: AttemptOutcome,
    reason: Option<String>,
    session: Option<&Session>,
) {
    let hopeless =
        matches!(outcome, AttemptOutcome::NotStarted | AttemptOutcome::Failed | AttemptOutcome::Infrastructure);
    let full = reason.clone().filter(|why| hopeless && on_full::is_full(why));
    end_as(change, run, (outcome, reason), session, full);
}

/// The same; `full` is why there was no room for it on a disk.
fn end_as(
    change: &mut Change<'_>,
    run: &RunId,
    (outcome, reason): (AttemptOutcome, Option<String>),
    session: Option<&Session>,
    full: Option<String>,
) {
    let reason = on_case::settle(change, run, outcome, reason, session);
    let Some((live, known)) = run_of(change, run) else { return };
    let again_at = session
        .and_then(|session| session.turn.as_ref())
        .and_then(|turn| turn.failure.as_ref())
        .and_then(|failure| failure.retry_at);
    let (state, retry_at) = queue::after(&live.batch, known, outcome, change.now, again_at);
    // What passed and could not be landed is somebody's to look at.
    let landed = session.is_some_and(has_landed);
    let unlanded = live.batch.plan.land && outcome == AttemptOutcome::Done && reason.is_some();
    // Who competes waits for the contest.
    let waits = outcome == AttemptOutcome::Done
        && contest::competes(&live.batch, known)
        && session.is_some_and(|session| session.stat.files > 0);
    let keep = unlanded || waits || is_kept(live.batch.plan.execution.keep, outcome);
    let end = AttemptEnd {
        outcome,
        reason,
        head: session.and_then(|session| session.head.clone()),
        stat: session.map(|session| session.stat).unwrap_or_default(),
        turns: session.map_or(0, |session| session.turns),
        spend: session.map(|session| spend(change.brain, session)).unwrap_or_default(),
        score: session.and_then(|session| session.evaluations.newest()).and_then(|newest| newest.score),
        gates: session.and_then(|session| session.evaluations.newest()).map(Gates::of),
        landed,
        verdict: known.current().and_then(|attempt| attempt.case.as_ref()?.words()),
        state,
        retry_at,
    };
    let attempted = known.attempts.last().map(|attempt| attempt.session.clone());
    let is_case = known.current().is_some_and(|attempt| attempt.case.is_some());
    change.emit(None, Event::RunEnded(RunEnded { run: run.clone(), end }));
    if let Some(attempted) = attempted {
        if is_case && session.is_none() && !change.brain.under_way(&attempted, Step::Case) {
            on_case::clear(change, run, &attempted);
        }
        on_merge::leave_lane(change, &attempted);
    }
    if let Some(session) = session {
        // Where there was no room for a worktree there is nothing to look at.
        let nothing = full.is_some() && session.worktree.state == WorktreeState::Failed;
        dispose(change, &session.id, keep && !nothing);
    }
    if let Some(why) = full {
        on_full::wait_for_room(change, run, &why);
    }
}

/// Whether the worktree of an attempt that ended so stays.
pub(crate) fn is_kept(keep: Keep, outcome: AttemptOutcome) -> bool {
    match keep {
        Keep::All => true,
        Keep::Failed => outcome != AttemptOutcome::Done,
        Keep::None => false,
    }
}

/// A kept session's process ends; another's worktree goes, and its work stays under a ref.
pub(crate) fn dispose(change: &mut Change<'_>, id: &SessionId, keep: bool) {
    let Some(session) = change.brain.registry.sessions.get(id) else { return };
    let job = session.job.clone();
    match (keep, session.worktree.state) {
        (true, _) | (false, WorktreeState::Intended | WorktreeState::Removing | WorktreeState::Removed) => {
            if let Some(job) = job {
                end_process(change, id, &job);
            }
        }
        (false, WorktreeState::Failed) => {
            change.brain.callers.remove(id);
            change.emit(Some(id), Event::SessionRemoved { preserved: None });
        }
        (false, WorktreeState::Ready) => {
            let removing = Event::WorktreeChanged { state: WorktreeState::Removing, head: None, notes: Vec::new() };
            change.emit(Some(id), removing);
            advance(change, id);
        }
    }
}

/// After a restart: attempts whose sessions are gone are over, those that were being stopped are stopped again, and no process outlives
/// its attempt.
pub(crate) fn recover(change: &mut Change<'_>) {
    for id in ended_sessions(change) {
        if let Some(job) = change.brain.registry.sessions.get(&id).and_then(|session| session.job.clone()) {
            end_process(change, &id, &job);
        }
    }
    let running: Vec<(RunId, Attempt)> = change
        .brain
        .registry
        .batches
        .values()
        .flat_map(|live| &live.runs)
        .filter(|run| run.state == RunState::Running)
        .filter_map(|run| Some((run.id.clone(), run.current()?.clone())))
        .collect();
    for (run, attempt) in running {
        match change.brain.registry.sessions.get(&attempt.session) {
            None if attempt.case.as_ref().is_some_and(|case| case.repository.is_none()) => {
                on_case::recover(change, &run, &attempt);
            }
            None => {
                let reason = "its session is damaged in the database, or gone".to_owned();
                end(change, &run, AttemptOutcome::Crashed, Some(reason), None);
            }
            Some(session) => {
                if let Some(job) = session.job.clone().filter(|_| attempt.stopping.is_some()) {
                    end_process(change, &attempt.session, &job);
                }
                change.touched.insert(attempt.session, run);
            }
        }
    }
}
