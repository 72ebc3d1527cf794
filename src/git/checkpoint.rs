//! Commits what a turn left uncommitted, with plumbing: no hook runs, nothing is signed.

use std::path::Path;

use crate::host::port::{Checkpoint, Unlanded};
use crate::model::Refusal;
use crate::model::diff::DiffStat;
use crate::model::id::Oid;
use crate::model::worktree::Worktree;

use super::admin::{self, Presence};
use super::command::{Git, Place};
use super::snapshot::{Signature, commit, grown_from, head, tree_of};
use super::status::{Status, stage, status};
use super::{diff, loose, merge, refs, seal, text, timeline};

/// Commits everything on the session's branch, and keeps what is there then under a checkpoint's name, if one is given.
pub(super) fn checkpoint(
    git: &Git,
    worktree: &Worktree,
    from: &Oid,
    message: &str,
    name: Option<&str>,
) -> Result<Checkpoint, Refusal> {
    let place = admin::require(worktree)?;
    let path = text::path(Path::new(&worktree.path));
    if let Some(operation) = admin::operation(&admin::git_dir(worktree)) {
        return Err(Refusal::conflict(format!("cannot make a checkpoint: {operation} is in progress in {path}"))
            .hint("finish it or abort it, or tell the agent to"));
    }
    let status = status(git, &place)?;
    if let Some(change) = status.unmerged().next() {
        return Err(Refusal::conflict(format!(
            "cannot make a checkpoint: {} has an unresolved conflict in {path}",
            text::quote(&change.path)
        ))
        .hint("resolve it, then git add it"));
    }
    let before = settle(git, worktree, &place)?;
    let names = Names { worktree, name };
    let made = record(git, &place, worktree, &status, &before, message, &names)?;
    let (made, counted) =
        made.map_or((None, None), |made| (Some(made.commit), made.counted.filter(|_| before == *from)));
    let head = made.clone().unwrap_or_else(|| before.clone());
    if made.is_none() {
        names.keep(git, &place, &head);
    }
    // A commit that was just made is nobody's but the session's: what it shares with others is what its parent shares.
    let base = if made.is_some() && before == worktree.base.commit {
        before
    } else {
        grown_from(git, &place, worktree, &head)?
    };
    let turn_stat = match counted {
        Some(counted) => counted,
        None => stat(git, &place, from, &head)?,
    };
    let stat = if base == *from { turn_stat } else { stat(git, &place, &base, &head)? };
    Ok(Checkpoint { turn_stat, stat, commit: made, head })
}

/// A checkpoint's commit, and its counts where they are known already.
struct Made {
    commit: Oid,
    counted: Option<DiffStat>,
}

/// The names under which the repository keeps where a turn ended, and, with the first one, where the session began.
struct Names<'a> {
    worktree: &'a Worktree,
    name: Option<&'a str>,
}

impl Names<'_> {
    fn add(&self, git: &Git, place: &Place, head: &Oid, changes: &mut refs::Changes) -> Result<(), Refusal> {
        let Some(name) = self.name else { return Ok(()) };
        let common_dir = Path::new(&self.worktree.common_dir);
        for (name, to, again) in [("start", self.worktree.first_commit(), false), (name, head, true)] {
            let name = timeline::reference(self.worktree, name)?;
            let is = refs::read(git, place, &name)?;
            if is.is_none()
                && ((to == head && loose::write::link(common_dir, &self.worktree.branch, &name, to))
                    || loose::write::create(common_dir, &name, to))
            {
                continue;
            }
            if is.is_none() || (again && is.as_ref() != Some(to)) {
                changes.set(&name, to);
            }
        }
        Ok(())
    }

    /// The timeline has the names even without the repository, as long as the commits are there: a failure is only told.
    fn keep(&self, git: &Git, place: &Place, head: &Oid) {
        let mut changes = refs::Changes::default();
        let kept = self.add(git, place, head, &mut changes).and_then(|()| changes.make(git, place));
        if !matches!(kept, Ok(true)) {
            tracing::warn!(session = %self.worktree.session, ?kept, "a checkpoint has no name in the repository");
        }
    }
}

fn stat(git: &Git, place: &Place, from: &Oid, to: &Oid) -> Result<DiffStat, Refusal> {
    if from == to { Ok(DiffStat::default()) } else { diff::stat(git, place, from, to) }
}

/// Stages, writes the tree, commits, moves the branch.
fn record(
    git: &Git,
    place: &Place,
    worktree: &Worktree,
    status: &Status,
    before: &Oid,
    message: &str,
    names: &Names<'_>,
) -> Result<Option<Made>, Refusal> {
    if status.changes.is_empty() && status.context.is_empty() {
        return Ok(None);
    }
    stage(git, place, status, None)?;
    git.ages.observe(Path::new(&worktree.common_dir));
    if let Some(made) = seal::seal(git, place, worktree, before, message)? {
        names.keep(git, place, &made.commit);
        let only_new = status.changes.iter().all(|change| change.staged == b'?')
            && status.context.is_empty()
            && !status.context_changed;
        return Ok(Some(Made { commit: made.commit, counted: made.counted.filter(|_| only_new) }));
    }
    let tree = git.call(place).arg("write-tree").writes().oid()?;
    if tree == tree_of(git, place, before)? {
        return Ok(None);
    }
    let made = commit(git, place, &tree, &[before], message.as_bytes(), &Signature::default())?;
    let mut changes = refs::Changes::default();
    changes.advance(&worktree.branch, &made, before);
    names.add(git, place, &made, &mut changes)?;
    if changes.make(git, place)? {
        return Ok(Some(Made { commit: made, counted: None }));
    }
    // It may have been the name that was in the way.
    if !refs::advance(git, place, &worktree.branch, &made, before)? {
        return Err(Refusal::conflict(format!("the branch {} moved while a checkpoint was made", worktree.branch))
            .hint("try again when the agent has stopped"));
    }
    Ok(Some(Made { commit: made, counted: None }))
}

/// The branch's commit. Where the agent checked out something that grew from the branch, the branch follows it.
fn settle(git: &Git, worktree: &Worktree, place: &Place) -> Result<Oid, Refusal> {
    let current = head(git, place, worktree)?;
    let named = refs::checked_out(git, place)?;
    if named.as_ref() == Some(&worktree.branch) {
        return Ok(current);
    }
    let follows = match refs::read(git, place, &worktree.branch)? {
        None => refs::create(git, place, &worktree.branch, &current)?,
        Some(tip) => {
            let grown =
                git.call(place).args(["merge-base", "--is-ancestor", tip.as_str(), current.as_str()]).holds()?;
            grown && (tip == current || refs::advance(git, place, &worktree.branch, &current, &tip)?)
        }
    };
    if !follows {
        let what = named.unwrap_or_else(|| format!("the commit {}", current.short()));
        return Err(Refusal::conflict(format!(
            "cannot make a checkpoint: {} has {what} checked out, which did not grow from {}",
            text::path(Path::new(&worktree.path)),
            worktree.branch
        ))
        .hint(format!("git switch {} there", worktree.branch.trim_start_matches("refs/heads/"))));
    }
    git.call(place).args(["symbolic-ref", "HEAD", &worktree.branch]).writes().ok()?;
    Ok(current)
}

/// Work that the base does not have.
pub(super) fn unlanded(git: &Git, worktree: &Worktree) -> Result<Unlanded, Refusal> {
    let place = admin::common(worktree);
    let presence = admin::presence(worktree);
    let mut dirty = 0;
    let mut tip = refs::read(git, &place, &worktree.branch)?;
    if presence == Presence::Whole {
        let place = admin::place(worktree);
        let status = status(git, &place)?;
        dirty = u32::try_from(status.changes.len() + status.nested.len() + status.context.len()).unwrap_or(u32::MAX);
        tip = refs::read(git, &place, "HEAD")?.or(tip);
    }
    let Some(tip) = tip else { return Ok(Unlanded { commits: 0, dirty }) };
    let base = match &worktree.base.branch {
        Some(branch) => refs::read(git, &place, branch)?,
        None => None,
    }
    .unwrap_or_else(|| worktree.base.commit.clone());
    Ok(Unlanded { commits: missing(git, &place, &base, &tip)?, dirty })
}

/// Commits of `tip` whose change `base` does not have: neither as a commit, nor as the same change, nor squashed.
pub(super) fn missing(git: &Git, place: &Place, base: &Oid, tip: &Oid) -> Result<u32, Refusal> {
    let ahead = count(git, place, &["rev-list", "--count", &format!("{base}..{tip}")])?;
    if ahead == 0 {
        return Ok(0);
    }
    let merged = merge::tree(git, place, base, tip)?;
    if merged.conflicts.is_empty() && merged.tree == tree_of(git, place, base)? {
        return Ok(0);
    }
    let range = format!("{base}...{tip}");
    let other = count(git, place, &["rev-list", "--count", "--cherry-pick", "--right-only", "--no-merges", &range])?;
    Ok(other.max(1))
}

/// A number that git prints.
pub(super) fn count(git: &Git, place: &Place, arguments: &[&str]) -> Result<u32, Refusal> {
    let said = git.call(place).args(arguments).text()?;
    said.trim().parse().map_err(|_| Refusal::environment(format!("git {} did not print a number", arguments[0])))
}
