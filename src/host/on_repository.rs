//! Commands about trust and repairs: each looks at the repository first.

use std::collections::BTreeMap;

use crate::host::change::{Change, Waiting};
use crate::host::effect::{Effect, Ticket};
use crate::model::Refusal;
use crate::model::command::{Command, FixDoctor, Outcome, TrustRepository};
use crate::model::event::Event;
use crate::model::id::CommandId;
use crate::model::query::RepositoryConfig;
use crate::model::worktree::Worktree;

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
            let read = crate::worktree::repository::parse(&config.text);
            if let Err(refusal) = read.and_then(|_| change.brain.agents.in_repository(&config.text)) {
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
