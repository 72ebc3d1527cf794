//! Prompts: sent, put into the running turn, edited, taken back.

use crate::host::advance::advance;
use crate::host::change::{Change, Waiting};
use crate::host::effect::{Effect, Steering, Ticket, UnitInput};
use crate::host::on_session::{hand_over, require_workable};
use crate::model::Refusal;
use crate::model::agent::Protocol;
use crate::model::attachment::{Attachment, When};
use crate::model::command::{CancelPrompt, Command, EditPrompt, Outcome, SendPrompt};
use crate::model::event::Event;
use crate::model::id::{CommandId, JobId, PromptId, SessionId, TurnId};
use crate::model::landing::LandingState;
use crate::model::session::{Session, Setup};
use crate::model::turn::QueuedPrompt;

/// A follow-up prompt. Its files are copied before it is accepted.
pub(crate) fn on_send(
    change: &mut Change<'_>,
    command: &CommandId,
    request: &SendPrompt,
    client: &str,
) -> Result<(), Refusal> {
    require_takes(change, request)?;
    if request.attach.is_empty() {
        return take(change, command, request, Vec::new(), client);
    }
    let ticket = change.brain.wait(command, &Command::SendPrompt(request.clone()));
    change.want(Effect::KeepAttachments {
        ticket,
        session: request.session.clone(),
        attach: request.attach.clone(),
        client: client.to_owned(),
    });
    Ok(())
}

/// The files of a prompt were copied, or cannot be.
pub(crate) fn on_attachments_kept(
    change: &mut Change<'_>,
    ticket: Ticket,
    client: &str,
    result: Result<Vec<Attachment>, Refusal>,
) {
    let Some(Waiting { id: command, command: Command::SendPrompt(request) }) = change.brain.waiting.remove(&ticket)
    else {
        return;
    };
    // The session may have changed meanwhile.
    let taken = result.and_then(|attachments| {
        require_takes(change, &request)?;
        take(change, &command, &request, attachments, client)
    });
    if let Err(refusal) = taken {
        change.refuse(&command, refusal);
    }
}

/// Whether a session can take a prompt.
fn require_takes(change: &Change<'_>, request: &SendPrompt) -> Result<(), Refusal> {
    let session = require_workable(change, &request.session, "send to")?;
    if request.text.trim().is_empty() {
        return Err(Refusal::user(format!("cannot send an empty prompt to '{}'", session.name)));
    }
    if let Some(landing) = &session.landing
        && landing.state == LandingState::Started
    {
        return Err(Refusal::conflict(format!("cannot send to '{}': it is being landed", session.name))
            .hint(format!("divisi wait {}", session.name)));
    }
    let (agent, _) = change.brain.agent(session)?;
    require_takes_files(&agent.name, agent.protocol, !request.attach.is_empty())
}

/// Refuses files for an agent whose prompt is a command line.
pub(crate) fn require_takes_files(agent: &str, protocol: Protocol, files: bool) -> Result<(), Refusal> {
    if files && protocol == Protocol::Shell {
        return Err(Refusal::user(format!("cannot attach files: the prompt of the agent {agent} is a command line"))
            .hint("name the file's path in the command"));
    }
    Ok(())
}

/// Records a prompt and sees to it.
fn take(
    change: &mut Change<'_>,
    command: &CommandId,
    request: &SendPrompt,
    attachments: Vec<Attachment>,
    client: &str,
) -> Result<(), Refusal> {
    let id = &request.session;
    if !request.caller.is_empty() {
        hand_over(change, id, &request.caller)?;
    }
    let session = change.brain.registry.require(id)?;
    let running = session.turn.as_ref().filter(|turn| turn.outcome.is_none() && !turn.stopping);
    let running = running.map(|turn| turn.id.clone());
    let job = session.job.clone();
    let steers = if request.when == When::Now { running.clone().filter(|_| can_steer(change, session)) } else { None };
    let prompt = QueuedPrompt {
        id: PromptId(format!("{id}.p{}", session.prompts + 1)),
        session: id.clone(),
        text: request.text.clone(),
        queued_at: change.now,
        attachments,
        urgent: request.when != When::Free,
        steers: steers.clone(),
    };
    let retry_setup = matches!(session.setup, Setup::Failed { .. });
    let queued = prompt.id.clone();
    change.emit(Some(id), Event::PromptQueued { prompt: prompt.clone() });
    if retry_setup {
        change.emit(Some(id), Event::SetupChanged { setup: Setup::Running, output: String::new() });
    }
    if request.when == When::Interrupt
        && let Some(turn) = &running
    {
        change.emit(Some(id), Event::TurnStopRequested { turn: turn.clone(), by: client.to_owned() });
    }
    match (&steers, &job) {
        (Some(turn), Some(job)) => {
            change.accept(command, Some(id), Outcome::Steering { prompt: queued, turn: turn.clone() });
            let input = UnitInput::Steer(steering(&prompt, turn));
            change.want(Effect::ToUnit { job: job.clone(), input });
        }
        _ => change.accept(command, Some(id), Outcome::Queued { prompt: queued }),
    }
    if let (When::Interrupt, Some(_), Some(job)) = (request.when, running, job) {
        change.want(Effect::ToUnit { job, input: UnitInput::StopTurn });
    }
    advance(change, id);
    Ok(())
}

/// Whether a prompt can go into the running turn now.
fn can_steer(change: &Change<'_>, session: &Session) -> bool {
    let process = session.job.as_ref().and_then(|job| change.brain.registry.jobs.get(job));
    let offers = session.ready.as_ref().is_some_and(|ready| ready.can_steer);
    offers && process.is_some_and(|process| process.ready && process.turn.is_none())
}

/// A prompt on its way into a turn, as its process is told.
pub(crate) fn steering(prompt: &QueuedPrompt, turn: &TurnId) -> Steering {
    Steering {
        prompt: prompt.id.clone(),
        turn: turn.clone(),
        text: prompt.text.clone(),
        attachments: prompt.attachments.clone(),
    }
}

/// A prompt that was on its way into a turn, if it still is.
fn under_way<'a>(change: &'a Change<'_>, id: &SessionId, prompt: &PromptId) -> Option<&'a QueuedPrompt> {
    let session = change.brain.registry.sessions.get(id)?;
    session.queue.iter().find(|queued| queued.id == *prompt && queued.steers.is_some())
}

/// The agent took a prompt into its running turn.
pub(crate) fn on_steered(change: &mut Change<'_>, id: &SessionId, prompt: &PromptId) {
    let Some(queued) = under_way(change, id, prompt) else { return };
    let Some(turn) = queued.steers.clone() else { return };
    let steered = Event::PromptSteered {
        id: prompt.clone(),
        turn,
        text: queued.text.clone(),
        attachments: queued.attachments.clone(),
    };
    change.emit(Some(id), steered);
}

/// The agent did not take it: it waits for a turn of its own.
pub(crate) fn on_steer_missed(change: &mut Change<'_>, id: &SessionId, prompt: &PromptId, reason: &str) {
    if under_way(change, id, prompt).is_some() {
        change.emit(Some(id), Event::PromptSteerMissed { id: prompt.clone(), reason: reason.to_owned() });
    }
}

/// A process ended: what was on its way into its turn and was not taken waits for a turn of its own.
pub(crate) fn release(change: &mut Change<'_>, id: &SessionId, job: &JobId) {
    let Some(session) = change.brain.registry.sessions.get(id).filter(|session| session.job.as_ref() == Some(job))
    else {
        return;
    };
    let under_way: Vec<_> =
        session.queue.iter().filter(|prompt| prompt.steers.is_some()).map(|prompt| prompt.id.clone()).collect();
    for prompt in under_way {
        on_steer_missed(change, id, &prompt, "the agent's process ended");
    }
}

fn require_waiting(change: &Change<'_>, session: &SessionId, prompt: &PromptId) -> Result<(), Refusal> {
    let session = change.brain.registry.require(session)?;
    let waits = |queued: &&QueuedPrompt| &queued.id == prompt && queued.steers.is_none();
    if session.queue.iter().any(|queued| waits(&queued)) {
        return Ok(());
    }
    let shown = crate::base::text::visible_line(prompt.as_str(), 40);
    Err(Refusal::conflict(format!("prompt {shown} does not wait any more: it was delivered or cancelled"))
        .hint(format!("divisi show {}", session.name)))
}

/// A waiting prompt gets another text.
pub(crate) fn on_edit_prompt(
    change: &mut Change<'_>,
    command: &CommandId,
    request: &EditPrompt,
) -> Result<(), Refusal> {
    require_waiting(change, &request.session, &request.prompt)?;
    if request.text.trim().is_empty() {
        return Err(Refusal::user("cannot make a prompt empty").hint("cancel it instead"));
    }
    let id = &request.session;
    change.emit(Some(id), Event::PromptEdited { id: request.prompt.clone(), text: request.text.clone() });
    change.accept_done(command, Some(id));
    Ok(())
}

/// A waiting prompt is taken back.
pub(crate) fn on_cancel_prompt(
    change: &mut Change<'_>,
    command: &CommandId,
    request: &CancelPrompt,
) -> Result<(), Refusal> {
    require_waiting(change, &request.session, &request.prompt)?;
    let id = &request.session;
    change.emit(Some(id), Event::PromptCancelled { id: request.prompt.clone() });
    change.accept_done(command, Some(id));
    Ok(())
}
