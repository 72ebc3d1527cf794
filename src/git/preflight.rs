//! What a landing would meet, found without a checkout.

use std::path::Path;

use crate::model::Refusal;
use crate::model::evaluation::MergeResult;
use crate::model::id::Oid;
use crate::model::landing::{PredictedConflict, Preflight, Strategy};
use crate::model::worktree::Worktree;

use super::admin::{self, Presence};
use super::base::valid_label;
use super::command::{Git, Place};
use super::land::checkout::{Look, look};
use super::snapshot::{Signature, commit, grown_from, tree_of};
use super::status::status;
use super::{diff, merge, refs, text};

/// How many conflicting paths a sentence names.
const NAMED: usize = 5;

/// Compares a session with its target and with the other live sessions.
pub(super) fn preflight(
    git: &Git,
    worktree: &Worktree,
    onto: Option<&str>,
    others: &[(String, Worktree)],
) -> Result<Preflight, Refusal> {
    let common = admin::common(worktree);
    let onto = target(worktree, onto)?;
    let onto_commit = refs::read(git, &common, &onto)?.ok_or_else(|| {
        Refusal::user(format!("there is no branch {} to land on", short(&onto))).hint("name another one: --onto BRANCH")
    })?;
    let whole = admin::presence(worktree) == Presence::Whole;
    let mut blockers = Vec::new();
    let mut dirty = false;
    if whole {
        let status = status(git, &admin::place(worktree))?;
        dirty = !status.is_clean();
        if let Some(operation) = admin::operation(&admin::git_dir(worktree)) {
            blockers.push(format!("{operation} is in progress in the session's worktree"));
        } else if let Some(change) = status.unmerged().next() {
            blockers
                .push(format!("{} has an unresolved conflict in the session's worktree", text::quote(&change.path)));
        }
    }
    let head = refs::read(git, &common, &worktree.branch)?.ok_or_else(|| {
        Refusal::conflict(format!("the session's branch {} is gone", worktree.branch))
            .hint(format!("divisi restore {}", worktree.session))
    })?;
    let (behind, ahead) = distance(git, &common, &onto_commit, &head)?;
    let merged = merge::tree(git, &common, &onto_commit, &head)?;
    let stat = if merged.conflicts.is_empty() {
        diff::stat(git, &common, &onto_commit, &merged.tree)?
    } else {
        let from = grown_from(git, &common, worktree, &head)?;
        diff::stat(git, &common, &from, &head)?
    };
    let mut conflicts = Vec::new();
    if !merged.conflicts.is_empty() {
        blockers.push(format!("it conflicts with {} in {}", short(&onto), names(&merged.conflicts)));
        conflicts.push(PredictedConflict {
            with: short(&onto).to_owned(),
            session: None,
            paths: merged.conflicts.clone(),
        });
    } else if !dirty && (ahead == 0 || merged.tree == tree_of(git, &common, &onto_commit)?) {
        blockers.push(format!("there is nothing to land: {} has it all", short(&onto)));
    }
    let checkout = match look(git, &common, &onto, &onto_commit, &merged.tree)? {
        Look::Nowhere => None,
        Look::Clean(place) => Some((text_of(place.directory()), true)),
        Look::Left { path, .. } => Some((text_of(&path), false)),
    }
    .map(|(path, clean)| crate::model::landing::TargetCheckout { path, clean });
    Ok(Preflight {
        gates: None,
        session: worktree.session.clone(),
        overlaps: overlaps(git, &common, &head, worktree, others)?,
        ready: blockers.is_empty(),
        head,
        onto,
        onto_commit,
        behind,
        ahead,
        dirty,
        stat,
        conflicts,
        checkout,
        // The settings' choice, which repositories know nothing of.
        strategy: Strategy::default(),
        blockers,
    })
}

/// What landing a commit would make; absent when the target has nothing that the commit does not have.
pub(super) fn merge_result(
    git: &Git,
    worktree: &Worktree,
    onto: Option<&str>,
    head: &Oid,
) -> Result<Option<MergeResult>, Refusal> {
    let common = admin::common(worktree);
    let onto = target(worktree, onto)?;
    let onto_commit = refs::read(git, &common, &onto)?.ok_or_else(|| {
        Refusal::user(format!("there is no branch {} to land on", short(&onto))).hint("name another one: --onto BRANCH")
    })?;
    if distance(git, &common, &onto_commit, head)?.0 == 0 {
        return Ok(None);
    }
    let merged = merge::tree(git, &common, &onto_commit, head)?;
    if !merged.conflicts.is_empty() {
        return Err(Refusal::conflict(format!("it conflicts with {} in {}", short(&onto), names(&merged.conflicts)))
            .hint(format!("merge {} in {}, resolve, commit, and evaluate that", short(&onto), worktree.path)));
    }
    // Nobody sees this commit but evaluators. A fixed date makes it the same every time.
    let signature = Signature { author: None, at: Some(0) };
    let commit = commit(git, &common, &merged.tree, &[&onto_commit, head], b"What a landing would make\n", &signature)?;
    Ok(Some(MergeResult { onto, onto_commit, commit, tree: merged.tree }))
}

fn text_of(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// The target's full name.
fn target(worktree: &Worktree, onto: Option<&str>) -> Result<String, Refusal> {
    let Some(onto) = onto else {
        return worktree.base.branch.clone().ok_or_else(|| {
            Refusal::user(format!(
                "the session grew from {}, which is not a branch to land on",
                text::quote(worktree.base.label.as_bytes())
            ))
            .hint("name one: --onto BRANCH")
        });
    };
    if !valid_label(onto) {
        return Err(Refusal::user(format!(
            "'{}' is not the name of a branch",
            crate::base::text::visible_line(onto, 100)
        ))
        .hint("name a local branch: --onto BRANCH"));
    }
    let full = format!("refs/heads/{}", onto.strip_prefix("refs/heads/").unwrap_or(onto));
    if full == worktree.branch {
        return Err(Refusal::user("a session cannot land on its own branch").hint("name another one: --onto BRANCH"));
    }
    Ok(full)
}

/// A branch's name as people say it.
pub(super) fn short(branch: &str) -> &str {
    branch.strip_prefix("refs/heads/").unwrap_or(branch)
}

/// Paths for a sentence.
pub(super) fn names(paths: &[String]) -> String {
    let more = paths.len().saturating_sub(NAMED);
    let named = paths.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{named} and {more} more") } else { named }
}

/// Commits that only the one and only the other has.
fn distance(git: &Git, place: &Place, onto: &Oid, head: &Oid) -> Result<(u32, u32), Refusal> {
    let said = git.call(place).args(["rev-list", "--left-right", "--count", &format!("{onto}...{head}")]).text()?;
    let mut numbers = said.split_whitespace().map(|number| number.parse().unwrap_or(0));
    Ok((numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)))
}

/// Conflicts with other live sessions.
fn overlaps(
    git: &Git,
    place: &Place,
    head: &Oid,
    worktree: &Worktree,
    others: &[(String, Worktree)],
) -> Result<Vec<PredictedConflict>, Refusal> {
    let mut found = Vec::new();
    for (name, other) in others {
        if other.session == worktree.session || other.common_dir != worktree.common_dir {
            continue;
        }
        let Some(tip) = refs::read(git, place, &other.branch)? else { continue };
        if tip == other.base.commit {
            // Nothing of its own yet.
            continue;
        }
        let merged = merge::tree(git, place, head, &tip)?;
        if !merged.conflicts.is_empty() {
            found.push(PredictedConflict {
                with: name.clone(),
                session: Some(other.session.clone()),
                paths: merged.conflicts,
            });
        }
    }
    Ok(found)
}
