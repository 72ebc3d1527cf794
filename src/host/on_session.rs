//! Commands about a session's prompts, policy and options.

use crate::host::advance::advance;
use crate::host::change::Change;
use crate::host::effect::{Effect, UnitInput};
use crate::host::on_approval;
use crate::model::Refusal;
use crate::model::approval::{ApprovalKind, ApprovalPolicy};
use crate::model::command::{CancelPrompt, EditPrompt, OfSession, Outcome, SendPrompt, SetOption, SetPolicy};
use crate::model::event::Event;
use crate::model::id::{CommandId, PromptId, SessionId};
use crate::model::landing::LandingState;
use crate::model::session::{Session, Setup};
use crate::model::turn::QueuedPrompt;
use crate::model::worktree::WorktreeState;

/// A session whose worktree can be worked in.
pub(crate) fn require_workable<'a>(change: &'a Change<'_>, id: &SessionId, what: &str) -> Result<&'a Session, Refusal> {
    let session = change.brain.registry.require(id)?;
    match session.worktree.state {
        WorktreeState::Intended | WorktreeState::Ready => Ok(session),
        WorktreeState::Failed => {
            Err(Refusal::conflict(format!("cannot {what} '{}': its worktree could not be made", session.name))
                .hint(format!("divisi remove {}", session.name)))
        }
        WorktreeState::Removing | WorktreeState::Removed => {
            Err(Refusal::conflict(format!("cannot {what} '{}': it is being removed", session.name)))
        }
    }
}

/// A follow-up prompt: delivered when the agent is free.
pub(crate) fn on_send(change: &mut Change<'_>, command: &CommandId, request: &SendPrompt) -> Result<(), Refusal> {
    let id = &request.session;
    let session = require_workable(change, id, "send to")?;
    if request.text.trim().is_empty() {
        return Err(Refusal::user(format!("cannot send an empty prompt to '{}'", session.name)));
    }
    if let Some(landing) = &session.landing
        && landing.state == LandingState::Started
    {
        return Err(Refusal::conflict(format!("cannot send to '{}': it is being landed", session.name))
            .hint(format!("divisi wait {}", session.name)));
    }
    change.brain.agent(&session.agent)?;
    let prompt = QueuedPrompt {
        id: PromptId(format!("{id}.p{}", session.prompts + 1)),
        session: id.clone(),
        text: request.text.clone(),
        queued_at: change.now,
    };
    let retry_setup = matches!(session.setup, Setup::Failed { .. });
    let queued = prompt.id.clone();
    change.emit(Some(id), Event::PromptQueued { prompt });
    if retry_setup {
        change.emit(Some(id), Event::SetupChanged { setup: Setup::Running, output: String::new() });
    }
    change.accept(command, Some(id), Outcome::Queued { prompt: queued });
    advance(change, id);
    Ok(())
}

fn require_waiting(change: &Change<'_>, session: &SessionId, prompt: &PromptId) -> Result<(), Refusal> {
    let session = change.brain.registry.require(session)?;
    if session.queue.iter().any(|queued| &queued.id == prompt) {
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

/// Stops the running turn.
pub(crate) fn on_stop(
    change: &mut Change<'_>,
    command: &CommandId,
    request: &OfSession,
    client: &str,
) -> Result<(), Refusal> {
    let id = &request.session;
    let session = change.brain.registry.require(id)?;
    let running = session.turn.as_ref().filter(|turn| turn.outcome.is_none()).map(|turn| turn.id.clone());
    let job = session.job.clone();
    if let Some(turn) = &running {
        change.emit(Some(id), Event::TurnStopRequested { turn: turn.clone(), by: client.to_owned() });
    }
    change.accept(command, Some(id), Outcome::Stopping { turn: running.clone() });
    if let (Some(_), Some(job)) = (running, job) {
        change.want(Effect::ToUnit { job, input: UnitInput::StopTurn });
    }
    Ok(())
}

/// Somebody looked at it.
pub(crate) fn on_read(change: &mut Change<'_>, command: &CommandId, request: &OfSession) -> Result<(), Refusal> {
    let id = &request.session;
    if change.brain.registry.require(id)?.unread {
        change.emit(Some(id), Event::SessionRead {});
    }
    change.accept_done(command, Some(id));
    Ok(())
}

/// Permission requests are treated differently from now on; with `auto` the open ones are allowed too.
pub(crate) fn on_set_policy(change: &mut Change<'_>, command: &CommandId, request: &SetPolicy) -> Result<(), Refusal> {
    let id = &request.session;
    change.brain.registry.require(id)?;
    change.emit(Some(id), Event::SessionPolicyChanged { policy: request.policy });
    if request.policy == ApprovalPolicy::Auto {
        let open: Vec<_> = change.brain.registry.open_approvals(id).into_iter().cloned().collect();
        for approval in open {
            if approval.kind == ApprovalKind::Permission {
                on_approval::allow(change, &approval, "policy");
            }
        }
    }
    change.accept_done(command, Some(id));
    Ok(())
}

/// Chooses a value of an option that the agent offers.
pub(crate) fn on_set_option(change: &mut Change<'_>, command: &CommandId, request: &SetOption) -> Result<(), Refusal> {
    let id = &request.session;
    let session = change.brain.registry.require(id)?;
    let wanted = &request.option;
    let option = session.options.iter().find(|option| &option.id == wanted || option.category.as_ref() == Some(wanted));
    let Some(option) = option else {
        let offered: Vec<_> = session.options.iter().map(|option| option.id.as_str()).collect();
        let offered = if offered.is_empty() { "nothing at the moment".to_owned() } else { offered.join(", ") };
        let shown = crate::base::text::visible_line(wanted, 40);
        return Err(Refusal::user(format!(
            "'{}' has no option '{shown}'; it offers {}",
            session.name,
            crate::base::text::visible_line(&offered, 200)
        )));
    };
    if !option.choices.iter().any(|choice| choice.id == request.value) {
        let choices: Vec<_> = option.choices.iter().map(|choice| choice.id.as_str()).collect();
        let shown = crate::base::text::visible_line(&request.value, 40);
        let choices = crate::base::text::visible_line(&choices.join(", "), 200);
        return Err(Refusal::user(format!("option '{}' has no choice '{shown}'; there are {choices}", option.id)));
    }
    let Some(job) = session.job.clone() else {
        return Err(Refusal::conflict(format!(
            "cannot set '{}': the agent of '{}' does not run",
            option.id, session.name
        ))
        .hint(format!("divisi send {} \"...\"", session.name)));
    };
    let input = UnitInput::Option { id: option.id.clone(), value: request.value.clone() };
    change.accept_done(command, Some(id));
    change.want(Effect::ToUnit { job, input });
    Ok(())
}
