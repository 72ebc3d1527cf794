//! Brings a session's work onto its target.
//!
//! The new commit is made aside (merge-tree, commit-tree) and written down in `refs/divisi/landing/<landing>`; then the target moves
//! by compare-and-swap; then the checkout of the target, if it is clean, follows. Killed before the swap, nothing has happened;
//! killed after it, a repeat finds the commit written down on the target and goes on. A checkout that cannot follow takes the
//! target back.

use crate::model::Refusal;
use crate::model::id::Oid;
use crate::model::landing::{Landing, LandingState, Strategy};
use crate::model::worktree::Worktree;

use super::admin;
use super::command::{Git, Place};
use super::preflight::short;
use super::refs;
use super::snapshot::{Signature, commit, tree_of};
use super::{merge, text};

pub(super) mod checkout;
pub(super) mod conflict;
mod hooked;
mod replay;

pub(super) use checkout::follow;
use checkout::{Look, look};

/// What making the new commit came to.
pub(super) enum Made {
    /// The target's new commit.
    Commit(Oid),
    /// Paths that conflict.
    Conflicts(Vec<String>),
    /// It cannot be.
    Nothing(String),
}

/// Where the commit of a landing is written down.
fn plan(landing: &Landing) -> String {
    format!("refs/divisi/landing/{}", landing.id)
}

/// Where the names of a session's written down commits begin.
pub(in crate::git) fn prefix(worktree: &Worktree) -> String {
    format!("refs/divisi/landing/{}.", worktree.session)
}

/// Lands exactly the commit that was checked.
pub(super) fn land(git: &Git, worktree: &Worktree, landing: &Landing) -> Result<LandingState, Refusal> {
    let place = admin::common(worktree);
    match attempt(git, worktree, landing, &place) {
        Ok(state) => Ok(state),
        Err(refusal) => {
            // Whether git itself is the trouble: then nothing can be said about the target.
            refs::read(git, &place, &landing.onto)?;
            Ok(LandingState::Failed { reason: refusal.message })
        }
    }
}

fn attempt(git: &Git, worktree: &Worktree, landing: &Landing, place: &Place) -> Result<LandingState, Refusal> {
    let failed = |reason: String| Ok(LandingState::Failed { reason });
    let plan = plan(landing);
    let Some(current) = refs::read(git, place, &landing.onto)? else {
        return failed(format!("there is no branch {} any more", short(&landing.onto)));
    };
    let planned = refs::read(git, place, &plan)?;
    if let Some(new) = &planned
        && contains(git, place, &current, new)?
    {
        return finish(git, landing, place, new);
    }
    if current != landing.onto_commit {
        return failed(moved(landing));
    }
    let made = match planned {
        Some(new) => Made::Commit(new),
        None => make(git, place, worktree, landing)?,
    };
    let new = match made {
        Made::Commit(new) => new,
        Made::Conflicts(paths) => return conflict::begin(git, worktree, landing, paths),
        Made::Nothing(reason) => return failed(reason),
    };
    if let Some(judged) = &landing.tree
        && tree_of(git, place, &new)? != *judged
    {
        return failed("what the landing would make is not what was judged, so nothing was landed".to_owned());
    }
    let _writer = git.writer(place.directory())?;
    let before = look(git, place, &landing.onto, &landing.onto_commit, &new)?;
    refs::set(git, place, &plan, &new)?;
    if !refs::advance(git, place, &landing.onto, &new, &landing.onto_commit)? {
        refs::delete(git, place, &plan, &new)?;
        return failed(moved(landing));
    }
    match before {
        Look::Clean(checkout) => {
            if let Err(refusal) = follow(git, &checkout, &landing.onto_commit, &new) {
                // The checkout could not follow and was put back; the target goes back too.
                let back = refs::advance(git, place, &landing.onto, &landing.onto_commit, &new)?;
                refs::delete(git, place, &plan, &new)?;
                let how = if back { "the target was put back" } else { "the target moved on in the meantime" };
                return failed(format!("{} ({how})", refusal.message));
            }
            Ok(LandingState::Completed { commit: new, checkout: followed(&checkout) })
        }
        Look::Left { path, why } => {
            let checkout = left(&path, &why, landing, &new);
            Ok(LandingState::Completed { commit: new, checkout })
        }
        Look::Nowhere => Ok(LandingState::Completed { commit: new, checkout: String::new() }),
    }
}

fn followed(checkout: &Place) -> String {
    format!("the checkout in {} was updated", text::path(checkout.directory()))
}

fn left(path: &std::path::Path, why: &str, landing: &Landing, new: &Oid) -> String {
    let shown = text::path(path);
    format!(
        "the checkout in {shown} was left as it is: {why}; to bring it up to date: git -C '{shown}' read-tree -m -u {} {}",
        landing.onto_commit.short(),
        new.short()
    )
}

fn moved(landing: &Landing) -> String {
    format!("{} moved since it was checked, so nothing was landed; check again", short(&landing.onto))
}

/// Whether a commit is at or below a tip.
pub(super) fn contains(git: &Git, place: &Place, tip: &Oid, commit: &Oid) -> Result<bool, Refusal> {
    if tip == commit {
        return Ok(true);
    }
    git.call(place).args(["merge-base", "--is-ancestor", commit.as_str(), tip.as_str()]).holds()
}

/// The target has the commit already: an earlier attempt was interrupted. Only the checkout may be left.
fn finish(git: &Git, landing: &Landing, place: &Place, new: &Oid) -> Result<LandingState, Refusal> {
    let _writer = git.writer(place.directory())?;
    let checkout = match look(git, place, &landing.onto, &landing.onto_commit, new)? {
        Look::Nowhere => String::new(),
        Look::Clean(checkout) => match follow(git, &checkout, &landing.onto_commit, new) {
            Ok(()) => followed(&checkout),
            Err(refusal) => left(checkout.directory(), &refusal.message, landing, new),
        },
        Look::Left { path, why } => {
            let current = checkout::is_at(git, place, &path, new)?;
            if current {
                format!("the checkout in {} was updated", text::path(&path))
            } else {
                left(&path, &why, landing, new)
            }
        }
    };
    Ok(LandingState::Completed { commit: new.clone(), checkout })
}

/// Makes the new commit; the same every time, as long as the user's name stays.
fn make(git: &Git, place: &Place, worktree: &Worktree, landing: &Landing) -> Result<Made, Refusal> {
    if landing.strategy == Strategy::Rebase {
        if git.settings.run_hooks {
            return Ok(Made::Nothing(
                "git.run_hooks is on, but hooks and signing run only for squash and merge landings, not for a rebase"
                    .to_owned(),
            ));
        }
        return replay::replay(git, place, landing);
    }
    let merged = merge::tree(git, place, &landing.onto_commit, &landing.head)?;
    if !merged.conflicts.is_empty() {
        return Ok(Made::Conflicts(merged.conflicts));
    }
    let nothing = match landing.strategy {
        Strategy::Merge => contains(git, place, &landing.onto_commit, &landing.head)?,
        Strategy::Squash | Strategy::Rebase => merged.tree == tree_of(git, place, &landing.onto_commit)?,
    };
    if nothing {
        return Ok(Made::Nothing(format!("there is nothing to land: {} has it all", short(&landing.onto))));
    }
    if git.settings.run_hooks {
        return hooked::commit(git, worktree, landing, &merged.tree);
    }
    let mut parents = vec![&landing.onto_commit];
    if landing.strategy == Strategy::Merge {
        parents.push(&landing.head);
    }
    let signature = Signature { author: None, at: Some(landing.started_at.div_euclid(1000)) };
    commit(git, place, &merged.tree, &parents, landing.message.as_bytes(), &signature).map(Made::Commit)
}
