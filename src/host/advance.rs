//! What a session needs next, decided from its facts alone.
//!
//! Called after everything that changes a session, and for every session after a start: recovery is nothing but this. Each step that
//! the facts ask for and that is not under way is begun; beginning it again after a crash is safe because every effect is idempotent.

use crate::host::change::{Change, Step};
use crate::host::effect::{Delivery, Effect, LandingStep, Launch, SetupRun};
use crate::host::environment;
use crate::host::on_rewind;
use crate::host::port::{ConversationSetup, Lifetime};
use crate::model::event::Event;
use crate::model::id::{JobId, SessionId, TurnId};
use crate::model::landing::LandingState;
use crate::model::session::{Session, Setup};
use crate::model::turn::TurnOutcome;
use crate::model::worktree::WorktreeState;
use crate::worktree::context;

/// Begins whatever the session's facts ask for.
pub(crate) fn advance(change: &mut Change<'_>, id: &SessionId) {
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
            if let Some(job) = session.job.clone() {
                end_process(change, id, &job);
            } else {
                change.want_step(id, Step::Removal, || Effect::RemoveWorktree { session: id.clone(), worktree, jobs });
            }
            return;
        }
        WorktreeState::Failed | WorktreeState::Removed => return,
        WorktreeState::Ready => {}
    }
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
    advance_turn(change, id);
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
    let number = session.turns + 1;
    let turn = TurnId(format!("{id}.t{number}"));
    let has_process = session.job.is_some();
    let serves_one_turn =
        session.job.as_ref().and_then(|job| change.brain.registry.jobs.get(job)).is_some_and(|job| job.turn.is_some());
    if serves_one_turn {
        return; // Its end, which is on the way, brings us here again.
    }
    let started =
        Event::TurnStarted { turn: turn.clone(), number, prompt: prompt.id, text: prompt.text.clone(), from: head };
    change.emit(Some(id), started);
    if has_process && let Some(job) = change.brain.registry.sessions.get(id).and_then(|session| session.job.clone()) {
        let delivery = Delivery { turn, text: prompt.text, follow_up: number > 1 };
        change.want(Effect::ToUnit { job, input: crate::host::effect::UnitInput::Prompt(delivery) });
    } else {
        begin_turn_process(change, id);
    }
}

/// Starts a process for the running turn.
fn begin_turn_process(change: &mut Change<'_>, id: &SessionId) {
    let Some(session) = change.brain.registry.sessions.get(id) else { return };
    let Some(turn) = session.turn.clone() else { return };
    let lifetime = match change.brain.agent(&session.agent) {
        Ok((_, lifetime)) => lifetime,
        Err(refusal) => {
            let reason = crate::host::hinted(&refusal);
            change.emit(Some(id), Event::TurnStopped { turn: turn.id, outcome: TurnOutcome::Failed { reason } });
            advance_turn(change, id);
            return;
        }
    };
    let job = JobId(format!("{id}.j{}", session.jobs + 1));
    let serves = (lifetime == Lifetime::Turn).then(|| turn.id.clone());
    let resume = match lifetime {
        Lifetime::Turn => None,
        Lifetime::Session => {
            session.ready.clone().filter(|ready| ready.conversation.is_some() && (ready.can_load || ready.can_resume))
        }
    };
    change.emit(Some(id), Event::JobIntended { job: job.clone(), turn: serves, resume });
    change.brain.units.insert(job.clone());
    let Some(launch) = launch(change, id, &job) else { return };
    let prompt = Delivery { turn: turn.id, text: turn.prompt, follow_up: turn.number > 1 };
    change.want(Effect::StartJob { launch: Box::new(launch), prompt });
}

/// Finds a process of an earlier daemon again.
fn attach(change: &mut Change<'_>, id: &SessionId, job: &JobId) {
    let Some(session) = change.brain.registry.sessions.get(id) else { return };
    let prompt = session.turn.as_ref().filter(|turn| turn.outcome.is_none()).map(|turn| Delivery {
        turn: turn.id.clone(),
        text: turn.prompt.clone(),
        follow_up: turn.number > 1,
    });
    let Some(launch) = launch(change, id, job) else { return };
    change.brain.units.insert(job.clone());
    change.want(Effect::AttachJob { launch: Box::new(launch), prompt });
}

/// Everything that a session's process is started with.
fn launch(change: &Change<'_>, id: &SessionId, job: &JobId) -> Option<Launch> {
    let session = change.brain.registry.sessions.get(id)?;
    let known = change.brain.registry.jobs.get(job);
    Some(Launch {
        session: id.clone(),
        job: job.clone(),
        agent: session.agent.clone(),
        setup: ConversationSetup {
            directory: session.worktree.path.clone(),
            resume: known.and_then(|known| known.resume.clone()),
            mode: session.mode.clone(),
            model: session.model.clone(),
        },
        turn: known.and_then(|known| known.turn.clone()),
        environment: environment::of_agent(&change.brain.environment, &change.brain.settings, session),
        given: session.environment.keys().cloned().collect(),
        on_daemon_death: session.on_daemon_death,
        lease: change.brain.settings.lease,
        grace: change.brain.settings.grace,
        offset: known.map_or(0, |known| known.offset),
    })
}

/// Runs the setup, unless the daemon died while it ran: its commands need not stand being run twice.
fn begin_setup(change: &mut Change<'_>, id: &SessionId) {
    if change.brain.under_way(id, Step::Setup) {
        return;
    }
    if change.brain.recovering {
        let reason = "the daemon stopped while the setup ran".to_owned();
        change.emit(Some(id), Event::SetupChanged { setup: Setup::Failed { reason }, output: String::new() });
        return;
    }
    let Some(session) = change.brain.registry.sessions.get(id) else { return };
    let run = SetupRun {
        worktree: session.worktree.clone(),
        environment: environment::of_agent(&change.brain.environment, &change.brain.settings, session),
    };
    change.want_step(id, Step::Setup, || Effect::RunSetup { session: id.clone(), run: Box::new(run) });
}

/// Ends a session's process, found again first when an earlier daemon started it.
pub(crate) fn end_process(change: &mut Change<'_>, id: &SessionId, job: &JobId) {
    if !change.brain.units.contains(job) {
        attach(change, id, job);
    }
    change.want(Effect::ToUnit { job: job.clone(), input: crate::host::effect::UnitInput::End });
}
