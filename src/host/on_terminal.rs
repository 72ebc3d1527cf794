//! Terminals: an agent shows its own interface, moved there and back between its turns.

use crate::host::advance::advance;
use crate::host::change::Change;
use crate::host::on_session::require_workable;
use crate::model::Refusal;
use crate::model::agent::Protocol;
use crate::model::command::OfSession;
use crate::model::event::Event;
use crate::model::id::{CommandId, JobId, PromptId, SessionId, TurnId};
use crate::model::landing::LandingState;
use crate::model::session::Session;
use crate::model::terminal::TYPED_IN_TERMINAL;
use crate::model::turn::QueuedPrompt;

/// An agent that is spoken to by a protocol is to show its own interface: its process ends, another goes on with the conversation.
pub(crate) fn on_start(change: &mut Change<'_>, command: &CommandId, request: &OfSession) -> Result<(), Refusal> {
    let id = &request.session;
    let session = require_workable(change, id, "open the terminal of")?.clone();
    if !is_expected(change, &session)? {
        require_movable(change, &session)?;
        change.emit(Some(id), Event::SessionMoved { terminal: true });
    }
    change.accept_done(command, Some(id));
    advance(change, id);
    Ok(())
}

/// Whether a session's program is on a terminal, or about to be.
///
/// # Errors
/// When its agent is on a terminal always, and does not run now.
pub(crate) fn is_expected(change: &Change<'_>, session: &Session) -> Result<bool, Refusal> {
    let (agent, _) = change.brain.agent(session)?;
    if agent.protocol != Protocol::Pty {
        return Ok(session.terminal);
    }
    let works = session.turn.as_ref().is_some_and(|turn| turn.outcome.is_none());
    if session.job.is_some() || works || !session.queue.is_empty() {
        return Ok(true);
    }
    Err(Refusal::conflict(format!("'{}' does not run: its program has ended", session.name))
        .hint(format!("divisi send {} \"...\"    # starts it again", session.name)))
}

/// For whoever wants to look: there is a terminal, or will be.
///
/// # Errors
/// When there will be none.
pub(crate) fn require_expected(change: &Change<'_>, id: &SessionId) -> Result<(), Refusal> {
    let session = change.brain.registry.require(id)?;
    if is_expected(change, session)? {
        return Ok(());
    }
    Err(Refusal::conflict(format!("'{}' is not on a terminal", session.name))
        .hint(format!("divisi open {} --terminal", session.name)))
}

fn require_movable(change: &Change<'_>, session: &Session) -> Result<(), Refusal> {
    let name = &session.name;
    let (agent, _) = change.brain.agent(session)?;
    if change.brain.agents.on_terminal(&agent).is_none() {
        let why = "it has no interface of its own that can go on with a conversation";
        return Err(Refusal::user(format!("cannot show the agent {} of '{name}' on a terminal: {why}", agent.name))
            .hint(format!("divisi log {name} --follow"))
            .hint("divisi agents    # those with `terminal`, and those named -tui"));
    }
    let works = session.turn.as_ref().is_some_and(|turn| turn.ended_at.is_none()) || !session.queue.is_empty();
    if works {
        return Err(Refusal::conflict(format!("cannot move '{name}' to a terminal: it works"))
            .hint(format!("divisi wait {name}"))
            .hint(format!("divisi stop {name}")));
    }
    if session.landing.as_ref().is_some_and(|landing| landing.state == LandingState::Started) {
        return Err(Refusal::conflict(format!("cannot move '{name}' to a terminal: it is being landed"))
            .hint(format!("divisi wait {name}")));
    }
    if session.ready.as_ref().is_none_or(|ready| ready.conversation.is_none()) {
        return Err(Refusal::conflict(format!(
            "cannot move '{name}' to a terminal: its agent has told no conversation to go on with"
        ))
        .hint(format!("divisi send {name} \"...\"")));
    }
    Ok(())
}

/// A process has ended: an interface that was shown instead of a protocol is gone, and the next prompt goes by the protocol again.
pub(crate) fn on_job_ended(change: &mut Change<'_>, id: &SessionId, on_terminal: bool, failed: Option<&str>) {
    if !on_terminal || !change.brain.registry.sessions.get(id).is_some_and(|session| session.terminal) {
        return;
    }
    if let Some(reason) = failed {
        let text = format!("its own interface could not be shown: {reason}");
        change.emit(Some(id), Event::AgentNotice { turn: None, text });
    }
    change.emit(Some(id), Event::SessionMoved { terminal: false });
}

/// Whether a process is on a terminal.
pub(crate) fn is_on_terminal(change: &Change<'_>, job: &JobId) -> bool {
    change.brain.registry.jobs.get(job).is_some_and(|job| job.terminal.is_some())
}

/// A person has set the agent to work in its terminal: that is a turn like any other.
pub(crate) fn on_began(change: &mut Change<'_>, id: &SessionId, text: &str) {
    let Some(session) = change.brain.registry.sessions.get(id) else { return };
    let open = session.turn.as_ref().is_some_and(|turn| turn.ended_at.is_none());
    let (false, Some(from)) = (open, session.head.clone()) else { return };
    let number = session.turns + 1;
    let prompt = PromptId(format!("{id}.p{}", session.prompts + 1));
    let queued = QueuedPrompt {
        id: prompt.clone(),
        session: id.clone(),
        text: text.to_owned(),
        queued_at: change.now,
        attachments: Vec::new(),
        urgent: false,
        steers: None,
    };
    change.emit(Some(id), Event::PromptQueued { prompt: queued });
    let turn = TurnId(format!("{id}.t{number}"));
    change.emit(
        Some(id),
        Event::TurnStarted { turn, number, prompt, text: text.to_owned(), from, attachments: Vec::new() },
    );
}

/// The turn that a person began in the terminal, if it is the one that runs.
pub(crate) fn begun_in_terminal(change: &Change<'_>, id: &SessionId) -> Option<TurnId> {
    let turn = change.brain.registry.sessions.get(id)?.turn.as_ref()?;
    (turn.outcome.is_none() && turn.prompt == TYPED_IN_TERMINAL).then(|| turn.id.clone())
}
