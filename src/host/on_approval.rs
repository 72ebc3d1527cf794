//! Permission requests: durable, first answer wins, late answers get a conflict, nothing is allowed that nobody allowed.

use crate::host::change::Change;
use crate::host::effect::{Effect, UnitInput};
use crate::host::on_silence;
use crate::model::Refusal;
use crate::model::agent::Protocol;
use crate::model::approval::{Answer, Approval, ApprovalKind, ApprovalPolicy, Rule};
use crate::model::command::AnswerApproval;
use crate::model::event::Event;
use crate::model::id::{CommandId, JobId, PromptId, SessionId};
use crate::model::terminal::ASKS_ON_TERMINAL;
use crate::model::turn::QueuedPrompt;
use crate::session::rule;

/// A person answers.
pub(crate) fn on_answer(
    change: &mut Change<'_>,
    command: &CommandId,
    request: &AnswerApproval,
    client: &str,
) -> Result<(), Refusal> {
    let Some(approval) = change.brain.registry.approvals.get(&request.approval).cloned() else {
        let shown = crate::base::text::visible_line(request.approval.as_str(), 40);
        return Err(Refusal::conflict(format!(
            "approval {shown} is not open: it was answered, withdrawn, or never was"
        ))
        .hint("divisi approvals"));
    };
    if approval.tool.kind == ASKS_ON_TERMINAL {
        let session = change.brain.registry.require(&approval.session)?;
        return Err(Refusal::user(format!("'{}' asks in its terminal, and can be answered only there", session.name))
            .hint(format!("divisi open {} --terminal", session.name)));
    }
    let option = rule::choose(&approval, &request.answer, request.option.as_deref())
        .map_err(|refusal| refusal.hint(format!("divisi answer {} once --option ID", approval.id)))?
        .map(str::to_owned);
    answer(change, &approval, &request.answer, option, client);
    change.accept_done(command, Some(&approval.session));
    Ok(())
}

/// Records an answer and has it told to the agent; an "always" is remembered and answers what else it matches.
fn answer(change: &mut Change<'_>, approval: &Approval, answer: &Answer, option: Option<String>, by: &str) {
    let id = &approval.session;
    let told = Event::ApprovalAnswered {
        id: approval.id.clone(),
        answer: answer.clone(),
        option: option.clone(),
        by: by.to_owned(),
    };
    change.emit(Some(id), told);
    if on_silence::is_ours(approval) {
        return on_silence::on_answered(change, approval, option.as_deref(), by);
    }
    let message = match answer {
        Answer::Reject { message } => message.clone(),
        Answer::Once | Answer::Always { .. } => None,
    };
    if let Some(text) = &message {
        follow_up(change, approval, text);
    }
    let input = UnitInput::Answer { key: approval.key.clone(), option, message };
    change.want(Effect::ToUnit { job: approval.job.clone(), input });
    let Answer::Always { scope } = answer else { return };
    let Some(session) = change.brain.registry.sessions.get(id) else { return };
    let rule = Rule {
        scope: scope.clone().unwrap_or_else(|| rule::default_scope(approval)),
        session: id.clone(),
        common_dir: session.worktree.common_dir.clone(),
    };
    change.emit(Some(id), Event::RuleAdded(rule));
    let open: Vec<_> = change.brain.registry.approvals.values().cloned().collect();
    for other in open {
        if allowed_by_rule(change, &other) {
            allow(change, &other, "rule");
        }
    }
}

/// ACP carries no message with a no: what the person wants instead becomes the next prompt.
fn follow_up(change: &mut Change<'_>, approval: &Approval, text: &str) {
    if text.trim().is_empty() || approval.kind != ApprovalKind::Permission {
        return;
    }
    let id = &approval.session;
    let Some(session) = change.brain.registry.sessions.get(id) else { return };
    if !change.brain.agent(session).is_ok_and(|(agent, _)| agent.protocol == Protocol::Acp) {
        return;
    }
    let prompt = QueuedPrompt {
        id: PromptId(format!("{id}.p{}", session.prompts + 1)),
        session: id.clone(),
        text: text.to_owned(),
        queued_at: change.now,
        attachments: Vec::new(),
        urgent: false,
        steers: None,
    };
    change.emit(Some(id), Event::PromptQueued { prompt });
    let text =
        "the agent's protocol carries no message with a rejection: it is sent as the next prompt, after this turn";
    change.emit(Some(id), Event::AgentNotice { turn: Some(approval.turn.clone()), text: text.to_owned() });
}

/// Allows a request on the person's behalf; one that offers no plain yes stays open.
pub(crate) fn allow(change: &mut Change<'_>, approval: &Approval, by: &str) {
    if let Ok(Some(option)) = rule::choose(approval, &Answer::Once, None) {
        let option = Some(option.to_owned());
        answer(change, approval, &Answer::Once, option, by);
    }
}

/// A new request: shown, or answered by what the person said before.
pub(crate) fn on_requested(change: &mut Change<'_>, approval: &Approval) {
    let id = approval.session.clone();
    change.emit(Some(&id), Event::ApprovalRequested(Box::new(approval.clone())));
    if change.brain.registry.sessions.get(&id).is_some_and(|session| session.judging.is_some()) {
        // A judge has everything it needs, and reads what strangers wrote: it may do nothing.
        let no = Answer::Reject { message: None };
        let option = rule::choose(approval, &no, None).ok().flatten().map(str::to_owned);
        return answer(change, approval, &no, option, "policy");
    }
    if approval.kind == ApprovalKind::Question {
        return;
    }
    let auto = change.brain.registry.sessions.get(&id).is_some_and(|session| session.policy == ApprovalPolicy::Auto);
    if auto {
        allow(change, approval, "policy");
    } else if allowed_by_rule(change, approval) {
        allow(change, approval, "rule");
    }
}

fn allowed_by_rule(change: &Change<'_>, approval: &Approval) -> bool {
    let registry = &change.brain.registry;
    let Some(session) = registry.sessions.get(&approval.session) else { return false };
    rule::covering(&registry.rules, approval, &session.worktree.common_dir).is_some()
}

/// Nobody can answer a process's open requests any more.
pub(crate) fn expire(change: &mut Change<'_>, session: &SessionId, job: &JobId, key: Option<&str>, reason: &str) {
    let open: Vec<_> = change
        .brain
        .registry
        .approvals
        .values()
        .filter(|approval| &approval.job == job && key.is_none_or(|key| approval.key == key))
        .map(|approval| approval.id.clone())
        .collect();
    for id in open {
        change.emit(Some(session), Event::ApprovalExpired { id, reason: reason.to_owned() });
    }
}
