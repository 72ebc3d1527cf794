//! The user's checkout of a landing's target: looked at before, updated after, left alone when anything of the user is in it.

use std::path::{Path, PathBuf};

use crate::model::Refusal;
use crate::model::id::Oid;

use crate::git::admin;
use crate::git::checkouts::{self, Checkout};
use crate::git::command::{Git, LONG_DEADLINE, Place};
use crate::git::text;

/// What there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::git) enum Look {
    /// The target is checked out nowhere.
    Nowhere,
    /// It can follow.
    Clean(Place),
    /// It cannot, because the user has something in it.
    Left {
        /// Where.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

/// Options of comparisons.
const COMPARE: &[&str] = &["diff", "--quiet", "--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty"];

/// Looks at the checkout of `onto`, which is to go from `old` to `new` (a commit or a tree).
pub(in crate::git) fn look(git: &Git, common: &Place, onto: &str, old: &Oid, new: &Oid) -> Result<Look, Refusal> {
    let mut all = checkouts::of(git, common)?
        .into_iter()
        .filter(|checkout| !checkout.bare && checkout.branch.as_deref() == Some(onto));
    let Some(Checkout { path, .. }) = all.next() else { return Ok(Look::Nowhere) };
    let left = |why: &str| Ok(Look::Left { path: path.clone(), why: why.to_owned() });
    if all.next().is_some() {
        return left("the branch is checked out more than once");
    }
    if !path.is_dir() {
        return left("it is gone from the disk");
    }
    let place = checkouts::place(git, common.directory(), &path)?;
    if let Place::Worktree { git_dir, .. } = &place
        && let Some(operation) = admin::operation(git_dir)
    {
        return left(&format!("{operation} is in progress in it"));
    }
    if !git.call(&place).args(COMPARE).args(["--cached", old.as_str()]).holds()? {
        return left("it has staged changes");
    }
    if !git.call(&place).args(COMPARE).holds()? {
        return left("it has uncommitted changes");
    }
    let dry = git.call(&place).args(["read-tree", "-n", "-m", "-u", old.as_str(), new.as_str()]).run()?;
    if dry.code != Some(0) {
        return left(&text::said(&dry.stderr));
    }
    Ok(Look::Clean(place))
}

/// Whether a checkout has exactly a commit's files and index.
pub(super) fn is_at(git: &Git, common: &Place, path: &Path, commit: &Oid) -> Result<bool, Refusal> {
    if !path.is_dir() {
        return Ok(false);
    }
    let place = checkouts::place(git, common.directory(), path)?;
    Ok(git.call(&place).args(COMPARE).args(["--cached", commit.as_str()]).holds()?
        && git.call(&place).args(COMPARE).holds()?)
}

/// Updates index and files; when that fails halfway, puts them back.
pub(in crate::git) fn follow(git: &Git, place: &Place, old: &Oid, new: &Oid) -> Result<(), Refusal> {
    let update = git
        .call(place)
        .args(["read-tree", "-m", "-u", "--no-recurse-submodules", old.as_str(), new.as_str()])
        .writes()
        .fetches()
        .deadline(LONG_DEADLINE);
    let Err(refusal) = update.ok() else { return Ok(()) };
    // The index is written last, so it still has the old files; those are written again, and what only the new commit has goes.
    let added = git
        .call(place)
        .args(["diff-tree", "-r", "-z", "--name-only", "--diff-filter=A", old.as_str(), new.as_str()])
        .ok()?;
    if let Ok(files) = crate::git::beneath::Beneath::open(place.directory()) {
        for path in text::nul_list(&added) {
            // Not there when the update did not come that far.
            let _ = files.remove(path);
        }
    }
    git.call(place)
        .args(["checkout-index", "--all", "--force", "--index", "--quiet"])
        .writes()
        .deadline(LONG_DEADLINE)
        .ok()?;
    Err(refusal)
}
