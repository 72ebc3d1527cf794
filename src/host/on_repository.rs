//! Commands about hunks, trust and repairs: each looks at the repository first.

use std::collections::BTreeMap;

use crate::host::change::{Change, Waiting};
use crate::host::effect::{Effect, Ticket};
use crate::model::Refusal;
use crate::model::command::{Command, DecideHunk, FixDoctor, HunkAction, Outcome, TrustRepository};
use crate::model::diff::HunkDecision;
use crate::model::event::Event;
use crate::model::id::{CommandId, HunkId};
use crate::model::query::RepositoryConfig;
use crate::model::worktree::{Worktree, WorktreeState};

/// A person decides on a hunk.
pub(crate) fn on_decide_hunk(
    change: &mut Change<'_>,
    command: &CommandId,
    request: &DecideHunk,
) -> Result<(), Refusal> {
    let session = change.brain.registry.require(&request.session)?;
    let name = &session.name;
    if session.worktree.state != WorktreeState::Ready {
        return Err(Refusal::conflict(format!("cannot decide on a hunk of '{name}': its worktree is not there")));
    }
    if request.hunk.as_str().len() < 4 {
        return Err(
            Refusal::user("a hunk is named by at least four digits of its id").hint(format!("divisi diff {name}"))
        );
    }
    if request.action != HunkAction::Accept && session.turn.as_ref().is_some_and(|turn| turn.outcome.is_none()) {
        return Err(Refusal::conflict(format!("cannot change files of '{name}': its agent is at work"))
            .hint(format!("divisi wait {name}"))
            .hint(format!("divisi stop {name}")));
    }
    if request.action != HunkAction::Accept {
        super::on_rewind::require_settled(session, "change files of")?;
    }
    let rejected = match request.action {
        HunkAction::Undo => Some(require_decided(&session.decisions, &request.hunk, name)?),
        HunkAction::Accept | HunkAction::Reject => None,
    };
    // Only a rejected hunk has to be put back; an accepted one is merely forgotten.
    if let Some((hunk, HunkDecision::Accepted)) = rejected {
        let id = request.session.clone();
        change.emit(Some(&id), Event::HunkDecided { hunk, decision: None, patch: None });
        change.accept_done(command, Some(&id));
        return Ok(());
    }
    let worktree = Box::new(session.worktree.clone());
    let ticket = change.brain.wait(command, &Command::DecideHunk(request.clone()));
    let rejected = rejected.map(|(hunk, _)| hunk);
    change.want(Effect::DecideHunk { ticket, worktree, request: request.clone(), rejected });
    Ok(())
}

fn require_decided(
    decisions: &BTreeMap<HunkId, HunkDecision>,
    prefix: &HunkId,
    name: &str,
) -> Result<(HunkId, HunkDecision), Refusal> {
    let mut matching = decisions.iter().filter(|(hunk, _)| hunk.as_str().starts_with(prefix.as_str()));
    let shown = crate::base::text::visible_line(prefix.as_str(), 20);
    match (matching.next(), matching.next()) {
        (Some((hunk, decision)), None) => Ok((hunk.clone(), *decision)),
        (Some(_), Some(_)) => Err(Refusal::user(format!("several decided hunks of '{name}' begin with {shown}"))),
        (None, _) => Err(Refusal::user(format!("no decision on a hunk {shown} of '{name}' to take back"))),
    }
}

/// The working files are as decided.
pub(crate) fn on_hunk_done(
    change: &mut Change<'_>,
    ticket: Ticket,
    request: &DecideHunk,
    result: Result<(HunkId, Option<String>), Refusal>,
) {
    let Some(Waiting { id: command, .. }) = change.brain.waiting.remove(&ticket) else { return };
    match result {
        Ok((hunk, patch)) => {
            let id = request.session.clone();
            let decision = match request.action {
                HunkAction::Accept => Some(HunkDecision::Accepted),
                HunkAction::Reject => Some(HunkDecision::Rejected),
                HunkAction::Undo => None,
            };
            change.emit(Some(&id), Event::HunkDecided { hunk, decision, patch });
            change.accept_done(&command, Some(&id));
        }
        Err(refusal) => change.refuse(&command, refusal),
    }
}

/// A person trusts a repository's configuration: it is read again and must be what they saw.
pub(crate) fn on_trust(change: &mut Change<'_>, command: &CommandId, request: &TrustRepository) {
    let ticket = change.brain.wait(command, &Command::TrustRepository(request.clone()));
    change.want(Effect::ReadRepositoryConfig { ticket, repository: request.repository.clone() });
}

/// The configuration was read.
pub(crate) fn on_config_read(
    change: &mut Change<'_>,
    ticket: Ticket,
    result: Result<(String, RepositoryConfig), Refusal>,
) {
    let Some(Waiting { id: command, command: Command::TrustRepository(request), .. }) =
        change.brain.waiting.remove(&ticket)
    else {
        return;
    };
    match result {
        Ok((_, config)) if config.path.is_none() => {
            change.refuse(&command, Refusal::user("the repository has no .divisi.toml to trust"));
        }
        Ok((_, config)) if config.digest != request.digest => {
            let refusal = Refusal::conflict("the .divisi.toml changed since it was shown").hint("divisi trust");
            change.refuse(&command, refusal);
        }
        Ok((common_dir, config)) => {
            if let Err(refusal) = crate::worktree::repository::parse(&config.text) {
                return change.refuse(&command, refusal);
            }
            change.emit(None, Event::RepositoryTrusted { common_dir, digest: config.digest });
            change.accept_done(&command, None);
        }
        Err(refusal) => change.refuse(&command, refusal),
    }
}

/// Known worktrees by repository: all of them, or those of the repository named (which may have none).
pub(crate) fn worktrees_by_repository(
    registry: &crate::host::registry::Registry,
    repository: Option<&str>,
) -> BTreeMap<String, Vec<Worktree>> {
    let mut known: BTreeMap<String, Vec<Worktree>> = BTreeMap::new();
    for session in registry.sessions.values() {
        known.entry(session.worktree.repository.clone()).or_default().push(session.worktree.clone());
    }
    // One that is left out has not lost its owner.
    for worktree in registry.mends.left_out.values().filter_map(|left| left.worktree.as_ref()) {
        known.entry(worktree.repository.clone()).or_default().push(worktree.clone());
    }
    match repository {
        // The caller's path may lie anywhere inside the repository: the git driver finds it and compares what belongs to it.
        Some(path) => BTreeMap::from([(path.to_owned(), known.into_values().flatten().collect())]),
        None => known,
    }
}

/// Has repositories repaired.
pub(crate) fn on_fix(change: &mut Change<'_>, command: &CommandId, request: &FixDoctor) {
    let repositories = worktrees_by_repository(&change.brain.registry, request.repository.as_deref());
    let ticket = change.brain.wait(command, &Command::FixDoctor(request.clone()));
    change.want(Effect::FixRepositories { ticket, repositories });
}

/// Repositories were repaired.
pub(crate) fn on_fixed(change: &mut Change<'_>, ticket: Ticket, result: Result<Vec<String>, Refusal>) {
    let Some(Waiting { id: command, .. }) = change.brain.waiting.remove(&ticket) else { return };
    match result {
        Ok(actions) => change.accept(&command, None, Outcome::Fixed { actions }),
        Err(refusal) => change.refuse(&command, refusal),
    }
}
