//! Sessions that grow from other sessions: from a checkpoint of one, or from what several made.

use std::collections::BTreeSet;

use crate::host::change::Change;
use crate::host::effect::Effect;
use crate::host::port::Part;
use crate::model::Refusal;
use crate::model::command::{Command, CreateSession};
use crate::model::id::CommandId;
use crate::model::session::Session;
use crate::model::timeline::{CombineSessions, Start};
use crate::model::worktree::{Base, WorktreeState};

/// Sessions that can be combined or compared at a time.
pub(crate) const MOST: usize = 16;

/// Where a new session grows from.
#[derive(Debug)]
pub(crate) enum Origin {
    /// A checkpoint of a session.
    Checkpoint { session: Box<Session>, wanted: Option<String> },
    /// What several sessions made, and the base of the first.
    Parts { parts: Vec<Part>, base: Base, start: String, message: String },
}

/// The words for what is taken of several sessions.
fn words(parts: &[Part]) -> String {
    let said: Vec<String> = parts
        .iter()
        .map(|part| match (part.pick.hunks.len(), part.pick.files.len()) {
            (0, 0) => part.name.clone(),
            (hunks, 0) => format!("{} ({hunks} {})", part.name, if hunks == 1 { "hunk" } else { "hunks" }),
            (0, files) => format!("{} ({files} {})", part.name, if files == 1 { "file" } else { "files" }),
            (hunks, files) => format!("{} ({} parts)", part.name, hunks + files),
        })
        .collect();
    said.join(" and ")
}

/// Has the parts merged.
pub(crate) fn on_combine(
    change: &mut Change<'_>,
    command: &CommandId,
    request: &CombineSessions,
) -> Result<(), Refusal> {
    if request.picks.is_empty() || request.picks.len() > MOST {
        return Err(Refusal::user(format!("between 1 and {MOST} sessions can be combined")));
    }
    let mut parts = Vec::new();
    let mut seen = BTreeSet::new();
    for pick in &request.picks {
        let session = change.brain.registry.require(&pick.session)?;
        let name = &session.name;
        if session.worktree.state != WorktreeState::Ready {
            return Err(Refusal::conflict(format!("cannot take anything of '{name}': its worktree is not there"))
                .hint(format!("divisi show {name}")));
        }
        super::on_rewind::require_settled(session, "take anything of")?;
        if session.turn.as_ref().is_some_and(|turn| turn.outcome.is_none()) {
            return Err(Refusal::conflict(format!("cannot take anything of '{name}': its agent is at work"))
                .hint(format!("divisi wait {name}")));
        }
        if !seen.insert(pick.session.clone()) {
            return Err(Refusal::user(format!("'{name}' is named twice")));
        }
        parts.push(Part { name: name.clone(), worktree: session.worktree.clone(), pick: pick.clone() });
    }
    let first = change.brain.registry.require(&request.picks[0].session)?;
    if let Some(other) = parts.iter().find(|part| part.worktree.common_dir != first.worktree.common_dir) {
        return Err(Refusal::user(format!("'{}' is a session of another repository", other.name)));
    }
    let what = words(&parts);
    let create = CreateSession {
        repository: first.worktree.repository.clone(),
        prompt: request.prompt.clone().unwrap_or_default(),
        base: None,
        from: None,
        name: request.name.clone(),
        agent: Some(request.agent.clone().unwrap_or_else(|| first.agent.clone())),
        model: None,
        mode: None,
        profile: None,
        environment: std::collections::BTreeMap::new(),
        pass: Vec::new(),
        caller: std::collections::BTreeMap::new(),
        attach: Vec::new(),
        silence_sec: None,
        policy: None,
        on_daemon_death: None,
    };
    if let Some(name) = &request.name {
        crate::worktree::name::require_valid(name)?;
    }
    if let Some(agent) = &request.agent {
        change.brain.agents.find(agent)?;
    }
    let origin = Origin::Parts {
        base: first.worktree.base.clone(),
        start: format!("combined from {what}"),
        message: format!("{}combine {what}\n", change.brain.settings.commit_prefix),
        parts,
    };
    let ticket = change.brain.wait(command, &Command::CombineSessions(request.clone()));
    let session = super::on_create::new_id(change);
    change.want(Effect::ResolveOrigin { ticket, request: Box::new(create), session, origin });
    Ok(())
}

/// The origin of a session that is to grow from another's checkpoint.
///
/// # Errors
/// When there is no such session.
pub(crate) fn checkpoint_origin(change: &Change<'_>, request: &CreateSession) -> Result<Option<Origin>, Refusal> {
    let Some(at) = &request.from else { return Ok(None) };
    if request.base.is_some() {
        return Err(Refusal::user("a session grows from a base or from a checkpoint, not from both"));
    }
    let session = change.brain.registry.require(&at.session)?;
    Ok(Some(Origin::Checkpoint { session: Box::new(session.clone()), wanted: at.checkpoint.clone() }))
}

/// A first commit with its words.
pub(crate) fn start(commit: crate::model::id::Oid, what: &str) -> Start {
    Start { commit, what: crate::base::text::visible_line(what, 200) }
}
