//! A landing that conflicts: the merge or rebase is left in the session's worktree, to be gone on with or given up.

use std::fs;
use std::path::Path;

use crate::model::Refusal;
use crate::model::id::Oid;
use crate::model::landing::{Landing, LandingState, Strategy};
use crate::model::worktree::Worktree;

use super::{contains, land, plan};
use crate::git::admin;
use crate::git::call::failed;
use crate::git::command::{Git, LONG_DEADLINE, Place};
use crate::git::preflight::{names, short};
use crate::git::snapshot::{Signature, as_somebody, commit, head};
use crate::git::status::{Change, Status, stage, status};
use crate::git::{refs, text};

/// Performs the conflicting merge or rebase in the worktree.
pub(super) fn begin(
    git: &Git,
    worktree: &Worktree,
    landing: &Landing,
    predicted: Vec<String>,
) -> Result<LandingState, Refusal> {
    let place = admin::require(worktree)?;
    let git_dir = admin::git_dir(worktree);
    let fail = |reason: String| Ok(LandingState::Failed { reason });
    if admin::operation(&git_dir).is_some() {
        // An earlier attempt came this far.
        let paths = unmerged(git, &place)?;
        return Ok(LandingState::Conflicted { paths: if paths.is_empty() { predicted } else { paths } });
    }
    let at = head(git, &place, worktree)?;
    let resolution = format!("{} {}", landing.head, landing.onto_commit);
    if at != landing.head
        && git.call(&place).args(["rev-list", "--parents", "-1", at.as_str()]).text()?.ends_with(&resolution)
    {
        // Resolved and committed, but killed before it landed.
        return go_on(git, worktree, landing);
    }
    if at != landing.head {
        return fail(format!(
            "it conflicts with {} in {}, and the worktree moved on, so the conflict cannot be left there",
            short(&landing.onto),
            names(&predicted)
        ));
    }
    if !status(git, &place)?.changes.is_empty() {
        return fail(format!(
            "it conflicts with {} in {}, and the worktree has uncommitted changes, so the conflict cannot be left there",
            short(&landing.onto),
            names(&predicted)
        ));
    }
    let call = git.call(&place);
    let call =
        if landing.strategy == Strategy::Rebase {
            call.args(["rebase", "--no-verify", "--no-autostash", "--no-stat", "--no-gpg-sign", "--no-fork-point"])
                .args(["--empty=drop", "--no-rebase-merges", "--no-autosquash", "--onto"])
                .args([landing.onto_commit.as_str(), landing.onto_commit.as_str()])
        } else {
            call.args(["merge", "--no-ff", "--no-commit", "--no-edit", "--no-verify", "--no-gpg-sign", "--no-stat"])
                .args(["--no-autostash", "--no-rerere-autoupdate", "--no-log", landing.onto_commit.as_str()])
        };
    let call = as_somebody(git, &place, call)?.writes().once().deadline(LONG_DEADLINE);
    let shown = call.shown();
    let finished = call.run()?;
    let paths = unmerged(git, &place)?;
    if !paths.is_empty() {
        return Ok(LandingState::Conflicted { paths });
    }
    if finished.code == Some(0) {
        // Attributes of the worktree (a union merge) may resolve what the prediction could not.
        return go_on(git, worktree, landing);
    }
    let refusal = failed(&shown, &finished);
    undo(git, &place, &git_dir)?;
    fail(refusal.message)
}

fn unmerged(git: &Git, place: &Place) -> Result<Vec<String>, Refusal> {
    Ok(status(git, place)?.unmerged().map(|change| text::quote(&change.path)).collect())
}

/// Commits the resolution and lands.
pub(in crate::git) fn go_on(git: &Git, worktree: &Worktree, landing: &Landing) -> Result<LandingState, Refusal> {
    let place = admin::require(worktree)?;
    let git_dir = admin::git_dir(worktree);
    let common = admin::common(worktree);
    if refs::read(git, &common, &plan(landing))?.is_some() {
        // It was resolved, and the interrupted landing only has to be finished.
        return land(git, worktree, landing);
    }
    let rebasing = git_dir.join("rebase-merge").exists() || git_dir.join("rebase-apply").exists();
    if rebasing || git_dir.join("MERGE_HEAD").exists() {
        let status = status(git, &place)?;
        let remaining = remaining(git, worktree, &place, &status)?;
        if !remaining.is_empty() {
            return Err(Refusal::conflict(format!("conflicts remain in {}", names(&remaining)))
                .hint("resolve them in the worktree; git add what cannot be seen to be resolved (deleted, binary, and files kept as they were)")
                .hint(format!("or give up: divisi land {} --abort", worktree.session)));
        }
        stage(git, &place, &status, None)?;
    }
    if rebasing {
        let call = git.call(&place).args(["rebase", "--continue"]);
        let call = as_somebody(git, &place, call)?.writes().once().deadline(LONG_DEADLINE);
        let shown = call.shown();
        let finished = call.run()?;
        let paths = unmerged(git, &place)?;
        if !paths.is_empty() {
            return Ok(LandingState::Conflicted { paths });
        }
        if finished.code != Some(0) || admin::operation(&git_dir).is_some() {
            return Err(failed(&shown, &finished));
        }
    } else if git_dir.join("MERGE_HEAD").exists() {
        conclude(git, worktree, landing, &place)?;
    } else if let Some(operation) = admin::operation(&git_dir) {
        return Err(Refusal::conflict(format!("{operation} is in progress in the session's worktree"))
            .hint("finish or abort it there, then try again"));
    }
    let at = head(git, &place, worktree)?;
    if !contains(git, &common, &at, &landing.onto_commit)? {
        return Err(Refusal::conflict(format!(
            "the conflict with {} is not resolved: the session's branch does not contain {}",
            short(&landing.onto),
            landing.onto_commit.short()
        ))
        .hint(format!("divisi land {} --abort, then land again", worktree.session)));
    }
    land(git, worktree, &Landing { head: at, ..landing.clone() })
}

/// Commits a merge whose conflicts are resolved.
fn conclude(git: &Git, worktree: &Worktree, landing: &Landing, place: &Place) -> Result<(), Refusal> {
    let before = head(git, place, worktree)?;
    let merged = refs::read(git, place, "MERGE_HEAD")?.unwrap_or_else(|| landing.onto_commit.clone());
    if !contains(git, place, &before, &merged)? {
        let tree = git.call(place).arg("write-tree").writes().oid()?;
        let message = format!("Merge {} into {}", short(&landing.onto), short(&worktree.branch));
        let made = commit(git, place, &tree, &[&before, &merged], message.as_bytes(), &Signature::default())?;
        if !refs::advance(git, place, &worktree.branch, &made, &before)? {
            return Err(Refusal::conflict(format!(
                "the branch {} moved while the conflict was concluded",
                worktree.branch
            ))
            .hint("try again"));
        }
    }
    git.call(place).args(["merge", "--quit"]).writes().ok().map(|_| ())
}

/// Conflicted paths that nobody resolved.
fn remaining(git: &Git, worktree: &Worktree, place: &Place, status: &Status) -> Result<Vec<String>, Refusal> {
    let root = Path::new(&worktree.path);
    let (touched, mut open): (Vec<&Change>, Vec<&Change>) =
        status.unmerged().partition(|change| resolved(root, change));
    let mut list = Vec::new();
    for change in &touched {
        list.extend(text::header("", &change.path));
        list.push(b'\n');
    }
    if !touched.is_empty() {
        let hashes = git.call(place).args(["hash-object", "--stdin-paths"]).input(list).text()?;
        // A file exactly as on our side may never have been merged at all (attributes can say so): that is not a resolution.
        open.extend(
            touched.iter().zip(hashes.lines()).filter(|(change, hash)| change.ours == *hash).map(|(change, _)| *change),
        );
    }
    Ok(open.into_iter().map(|change| text::quote(&change.path)).collect())
}

/// Whether a person or agent resolved a path that git still calls conflicted: both sides changed its text and no marker is left.
fn resolved(root: &Path, change: &Change) -> bool {
    let [_, ours, theirs] = change.stages;
    if !(ours && theirs) {
        return false;
    }
    let path = root.join(text::os(&change.path));
    if !path.symlink_metadata().is_ok_and(|meta| meta.is_file()) {
        return false;
    }
    let Ok(content) = fs::read(path) else { return false };
    !content.contains(&0)
        && !content
            .split(|byte| *byte == b'\n')
            .any(|line| line.starts_with(b"<<<<<<< ") || line.starts_with(b">>>>>>> ") || line.starts_with(b"||||||| "))
}

fn undo(git: &Git, place: &Place, git_dir: &Path) -> Result<(), Refusal> {
    if git_dir.join("rebase-merge").exists() || git_dir.join("rebase-apply").exists() {
        git.call(place).args(["rebase", "--abort"]).writes().once().ok()?;
    } else if git_dir.join("MERGE_HEAD").exists() {
        git.call(place).args(["merge", "--abort"]).writes().once().ok()?;
    }
    Ok(())
}

/// Gives a conflicted landing up; the worktree is as before it.
pub(in crate::git) fn abort(git: &Git, worktree: &Worktree, landing: &Landing) -> Result<(), Refusal> {
    let place = admin::require(worktree)?;
    let common = admin::common(worktree);
    if let (Some(new), Some(target)) =
        (refs::read(git, &common, &plan(landing))?, refs::read(git, &common, &landing.onto)?)
        && contains(git, &common, &target, &new)?
    {
        return Err(Refusal::conflict(format!("it has landed on {} already", short(&landing.onto)))
            .hint(format!("git revert {} undoes it", new.short())));
    }
    undo(git, &place, &admin::git_dir(worktree))?;
    let at = head(git, &place, worktree)?;
    if at != landing.head {
        put_back(git, worktree, landing, &place, &at)?;
    }
    Ok(())
}

/// The conflict was resolved and committed, but did not land: the branch goes back, the resolution stays reachable.
fn put_back(git: &Git, worktree: &Worktree, landing: &Landing, place: &Place, at: &Oid) -> Result<(), Refusal> {
    let status = status(git, place)?;
    if !status.changes.is_empty() {
        return Err(Refusal::conflict(format!(
            "the worktree {} has uncommitted changes, so it cannot be put back",
            text::path(Path::new(&worktree.path))
        ))
        .hint("commit or remove them, then try again"));
    }
    refs::set(git, place, &format!("{}-resolved", plan(landing)), at)?;
    git.call(place)
        .args(["read-tree", "-m", "-u", "--no-recurse-submodules", at.as_str(), landing.head.as_str()])
        .writes()
        .ok()?;
    if !refs::advance(git, place, &worktree.branch, &landing.head, at)? {
        return Err(
            Refusal::conflict(format!("the branch {} moved while it was put back", worktree.branch)).hint("try again")
        );
    }
    Ok(())
}
