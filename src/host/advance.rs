//! What a session needs next, decided from its facts alone.
//!
//! Called after everything that changes a session, and for every session after a start: recovery is nothing but this. Each step that
//! the facts ask for and that is not under way is begun; beginning it again after a crash is safe because every effect is idempotent.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::host::change::{Change, Step};
use crate::host::effect::{Delivery, Effect, LandingStep, Launch, SetupRun};
use crate::host::mcp;
use crate::host::on_prompt::steering;
use crate::host::on_rewind;
use crate::host::on_silence;
use crate::host::on_terminal::is_on_terminal;
use crate::host::port::{ConversationSetup, Lifetime};
use crate::host::{environment, on_evaluation, on_hunk, on_review, profile};
use crate::model::agent::Protocol;
use crate::model::event::Event;
use crate::model::failure::{Failure, FailureKind};
use crate::model::id::{JobId, SessionId, TurnId};
use crate::model::landing::LandingState;
use crate::model::session::{Session, Setup};
use crate::model::terminal::OnTerminal;
use crate::model::turn::{Turn, TurnOutcome};
use crate::model::worktree::WorktreeState;
use crate::worktree::context;

/// How long the processes of a run have between being asked to end and being ended, at most.
const RUN_GRACE: Duration = Duration::from_secs(3);

/// Begins whatever the session's facts ask for.
pub(crate) fn advance(change: &mut Change<'_>, id: &SessionId) {
    on_evaluation::go_on(change, id);
    let Some(session) = change.brain.registry.sessions.get(id) else { return };
    match session.worktree.state {
        WorktreeState::Intended => {
            let worktree = Box::new(session.worktree.clone());
            let context = context::files(&session.name, &session.prompt, &session.worktree);
            let begun = change.brain.recovering;
            change.want_step(id, Step::Worktree, || Effect::CreateWorktree {
                session: id.clone(),
                worktree,
                context,
                begun,
            });
            return;
        }
        WorktreeState::Removing => {
            let worktree = Box::new(session.worktree.clone());
            let jobs = (1..=session.jobs).map(|number| JobId(format!("{id}.j{number}"))).collect();
            if let Some(running) = session.evaluations.running() {
                let evaluation = running.id.clone();
                change.want(Effect::CancelEvaluation { evaluation }); // Its end brings us here again.
            } else if let Some(job) = session.job.clone() {
                end_process(change, id, &job);
            } else {
                change.want_step(id, Step::Removal, || Effect::RemoveWorktree { session: id.clone(), worktree, jobs });
            }
            return;
        }
        WorktreeState::Failed | WorktreeState::Removed => return,
        WorktreeState::Ready => {}
    }
    on_hunk::go_on(change, id);
    on_review::go_on(change, id);
    let Some(session) = change.brain.registry.sessions.get(id) else { return };
    if session.setup == Setup::Running {
        begin_setup(change, id);
        return;
    }
    if let Setup::Failed { .. } = session.setup {
        return;
    }
    let job = session.job.clone();
    if let Some(landing) = session.landing.clone()
        && landing.state == LandingState::Started
    {
        let worktree = Box::new(session.worktree.clone());
        let landing = Box::new(landing);
        change.want_step(id, Step::Landing, || Effect::Land {
            session: id.clone(),
            worktree,
            landing,
            step: LandingStep::Land,
            gates: None,
        });
    }
    if let Some(job) = job
        && !change.brain.units.contains(&job)
    {
        attach(change, id, &job);
    }
    if change.brain.registry.sessions.get(id).is_some_and(|session| session.rewind.is_some()) {
        // No turn begins before the files are there.
        on_rewind::begin(change, id);
        return;
    }
    if !advance_terminal(change, id) {
        advance_turn(change, id);
    }
}

/// Moves a session to its agent's own interface. True when nothing else can be done until that has ended or begun.
fn advance_terminal(change: &mut Change<'_>, id: &SessionId) -> bool {
    let Some(session) = change.brain.registry.sessions.get(id).filter(|session| session.terminal) else { return false };
    match session.job.clone() {
        Some(job) if is_on_terminal(change, &job) => false,
        Some(job) => {
            end_process(change, id, &job);
            true
        }
        None => {
            let job = JobId(format!("{id}.j{}", session.jobs + 1));
            let (resume, terminal) = (session.ready.clone(), Some(OnTerminal::default()));
            let chosen = session.chosen.clone();
            change.emit(Some(id), Event::JobIntended { job: job.clone(), turn: None, resume, chosen, terminal });
            change.brain.units.insert(job.clone());
            if let Some(launch) = launch(change, id, &job) {
                change.want(Effect::StartJob { launch: Box::new(launch), prompt: None });
            }
            true
        }
    }
}

/// Goes on with the newest turn, or starts the next.
fn advance_turn(change: &mut Change<'_>, id: &SessionId) {
    let Some(session) = change.brain.registry.sessions.get(id) else { return };
    if let Some(turn) = &session.turn
        && turn.ended_at.is_none()
    {
        if turn.outcome.is_some() {
            let worktree = Box::new(session.worktree.clone());
            let from = turn.from.clone();
            let message = checkpoint_message(change, session);
            let name = format!("t{}", turn.number);
            change.want_step(id, Step::Checkpoint, || Effect::Checkpoint {
                session: id.clone(),
                worktree,
                from,
                message,
                name,
            });
        } else if session.job.is_none() {
            // The daemon died between the turn's start and its process's start.
            begin_turn_process(change, id);
        }
        return;
    }
    if change.brain.under_way(id, Step::Landing) || change.brain.under_way(id, Step::Removal) {
        return;
    }
    start_next_turn(change, id);
}

/// A prompt may be long: its first line says what it is about, in a commit's subject.
pub(crate) fn first_line(prompt: &str) -> &str {
    prompt.trim_start().lines().next().unwrap_or_default()
}

/// The subject and trailers of a checkpoint.
pub(crate) fn checkpoint_message(change: &Change<'_>, session: &Session) -> String {
    let prompt = session.turn.as_ref().map_or(session.prompt.as_str(), |turn| turn.prompt.as_str());
    let subject = crate::base::text::visible_line(first_line(prompt), 60);
    let number = session.turns.max(1);
    format!(
        "{}{subject}\n\nDivisi-Session: {} ({})\nDivisi-Agent: {}\nDivisi-Turn: {number}\n",
        change.brain.settings.commit_prefix, session.id, session.name, session.agent,
    )
}

/// Turns the oldest waiting prompt into a turn.
fn start_next_turn(change: &mut Change<'_>, id: &SessionId) {
    let Some(session) = change.brain.registry.sessions.get(id) else { return };
    let (Some(prompt), Some(head)) = (session.queue.first().cloned(), session.head.clone()) else { return };
    if prompt.steers.is_some() {
        return; // Its process says whether the turn before took it; that brings us here again.
    }
    let number = session.turns + 1;
    let turn = TurnId(format!("{id}.t{number}"));
    let has_process = session.job.is_some();
    let serves_one_turn =
        session.job.as_ref().and_then(|job| change.brain.registry.jobs.get(job)).is_some_and(|job| job.turn.is_some());
    if serves_one_turn {
        return; // Its end, which is on the way, brings us here again.
    }
    let started = Event::TurnStarted {
        turn: turn.clone(),
        number,
        prompt: prompt.id.clone(),
        text: prompt.text.clone(),
        attachments: prompt.attachments.clone(),
        from: head,
    };
    change.emit(Some(id), started);
    if has_process && let Some(job) = change.brain.registry.sessions.get(id).and_then(|session| session.job.clone()) {
        let (text, attachments) = (prompt.text, prompt.attachments);
        let delivery = Delivery { turn, prompt: Some(prompt.id), text, attachments, follow_up: number > 1 };
        change.want(Effect::ToUnit { job, input: crate::host::effect::UnitInput::Prompt(delivery) });
    } else {
        begin_turn_process(change, id);
    }
}

/// Starts a process for the running turn.
fn begin_turn_process(change: &mut Change<'_>, id: &SessionId) {
    let Some(session) = change.brain.registry.sessions.get(id) else { return };
    let Some(turn) = session.turn.clone() else { return };
    let (agent, lifetime, notice) = match change.brain.agent(session) {
        Ok((agent, lifetime)) => {
            // Said once, not with every process of an agent that has one per turn.
            let left_out = session.jobs == 0 && !session.mcp.is_empty() && !mcp::can_hand_over(&agent);
            (agent, lifetime, left_out.then(|| mcp::left_out(session)))
        }
        Err(refusal) => {
            let reason = crate::host::hinted(&refusal);
            let next = refusal.hints.join("; ");
            let failure = Failure { kind: FailureKind::NotInstalled, next, retry_at: None };
            change.emit(Some(id), Event::TurnFailed { turn: turn.id.clone(), failure });
            change.emit(Some(id), Event::TurnStopped { turn: turn.id, outcome: TurnOutcome::Failed { reason } });
            advance_turn(change, id);
            return;
        }
    };
    let job = JobId(format!("{id}.j{}", session.jobs + 1));
    let serves = (lifetime == Lifetime::Turn).then(|| turn.id.clone());
    let resume =
        session.ready.clone().filter(|ready| ready.conversation.is_some() && (ready.can_load || ready.can_resume));
    let chosen = session.chosen.clone();
    let terminal = (agent.protocol == Protocol::Pty)
        .then(|| OnTerminal { prompted: change.brain.agents.takes_prompt(&agent).then(|| turn.id.clone()) });
    change.emit(Some(id), Event::JobIntended { job: job.clone(), turn: serves, resume, chosen, terminal });
    if let Some(text) = notice {
        change.emit(Some(id), Event::AgentNotice { turn: Some(turn.id.clone()), text });
    }
    change.brain.units.insert(job.clone());
    let Some(launch) = launch(change, id, &job) else { return };
    let prompt = delivery(&turn);
    change.want(Effect::StartJob { launch: Box::new(launch), prompt: Some(prompt) });
}

/// A running turn's prompt.
fn delivery(turn: &Turn) -> Delivery {
    Delivery {
        turn: turn.id.clone(),
        prompt: turn.prompt_id.clone(),
        text: turn.prompt.clone(),
        attachments: turn.attachments.clone(),
        follow_up: turn.number > 1,
    }
}

/// Finds a process of an earlier daemon again.
fn attach(change: &mut Change<'_>, id: &SessionId, job: &JobId) {
    let Some(session) = change.brain.registry.sessions.get(id) else { return };
    let prompt = session.turn.as_ref().filter(|turn| turn.outcome.is_none()).map(delivery);
    let Some(launch) = launch(change, id, job) else { return };
    change.brain.units.insert(job.clone());
    change.want(Effect::AttachJob { launch: Box::new(launch), prompt });
}

/// Everything that a session's process is started with.
fn launch(change: &Change<'_>, id: &SessionId, job: &JobId) -> Option<Launch> {
    let session = change.brain.registry.sessions.get(id)?;
    let known = change.brain.registry.jobs.get(job);
    // What was chosen since belongs to later processes: this one's conversation is rebuilt as it began.
    let mut options = known.map(|known| known.chosen.clone()).unwrap_or_default();
    let steers = session.queue.iter().filter_map(|prompt| Some(steering(prompt, prompt.steers.as_ref()?))).collect();
    Some(Launch {
        session: id.clone(),
        job: job.clone(),
        agent: session.agent.clone(),
        setup: ConversationSetup {
            directory: session.worktree.path.clone(),
            resume: known.and_then(|known| known.resume.clone()),
            mode: options.remove("mode").or_else(|| session.mode.clone()),
            model: options.remove("model").or_else(|| session.model.clone()),
            options,
            mcp: mcp::with_variables(&session.mcp),
            foreign_mcp: change.brain.settings.foreign_mcp,
            prompted: known.and_then(|known| known.terminal.as_ref()?.prompted.clone()),
        },
        turn: known.and_then(|known| known.turn.clone()),
        on_terminal: known.is_some_and(|known| known.terminal.is_some()),
        environment: environment_of(change, session),
        pass: session.pass.clone(),
        caller: change.brain.callers.get(id).cloned().unwrap_or_default(),
        profile: profile::of_session(&change.brain.settings, session)
            .ok()
            .flatten()
            .and_then(|profile| Some((session.profile.clone()?, profile.clone()))),
        definition: session.definition.clone(),
        given: session.environment.keys().cloned().collect(),
        on_daemon_death: session.on_daemon_death,
        lease: change.brain.settings.lease,
        // A run is stopped because nobody waits for it any more; a batch that is cancelled has to be over soon.
        grace: match session.run {
            Some(_) => change.brain.settings.grace.min(RUN_GRACE),
            None if session.judging.is_some() => change.brain.settings.grace.min(RUN_GRACE),
            None => change.brain.settings.grace,
        },
        mcp: session.mcp.clone(),
        silence: on_silence::limit(change, session),
        silent: session.turn.as_ref().and_then(|turn| turn.silence.clone()),
        offset: known.map_or(0, |known| known.offset),
        steers,
    })
}

/// The allow-listed part of the daemon's environment, as whoever started the session sees it, and what the session was given.
fn environment_of(change: &Change<'_>, session: &Session) -> BTreeMap<String, String> {
    let brain = &change.brain;
    match brain.callers.get(&session.id) {
        Some(caller) => {
            let daemon = environment::effective(&brain.environment, caller);
            environment::of_agent(&daemon, &brain.settings, session)
        }
        None => environment::of_agent(&brain.environment, &brain.settings, session),
    }
}

/// Runs the setup, unless the daemon died while it ran: its commands need not stand being run twice.
fn begin_setup(change: &mut Change<'_>, id: &SessionId) {
    if change.brain.under_way(id, Step::Setup) {
        return;
    }
    if change.brain.recovering {
        let reason = Setup::CUT_OFF.to_owned();
        change.emit(Some(id), Event::SetupChanged { setup: Setup::Failed { reason }, output: String::new() });
        return;
    }
    let Some(session) = change.brain.registry.sessions.get(id) else { return };
    let run = SetupRun { worktree: session.worktree.clone(), environment: environment_of(change, session) };
    change.want_step(id, Step::Setup, || Effect::RunSetup { session: id.clone(), run: Box::new(run) });
}

/// Ends a session's process, found again first when an earlier daemon started it.
pub(crate) fn end_process(change: &mut Change<'_>, id: &SessionId, job: &JobId) {
    if !change.brain.units.contains(job) {
        attach(change, id, job);
    }
    change.want(Effect::ToUnit { job: job.clone(), input: crate::host::effect::UnitInput::End });
}
