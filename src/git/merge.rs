//! Merges without a checkout.

use crate::model::Refusal;
use crate::model::id::Oid;

use super::call::failed;
use super::command::{Git, LONG_DEADLINE, Place};
use super::text;

/// What a merge would give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Merged {
    /// The tree; with conflicts it has markers in it.
    pub(super) tree: Oid,
    /// Paths that conflict, quoted where needed.
    pub(super) conflicts: Vec<String>,
}

/// Merges two commits into a tree.
pub(super) fn tree(git: &Git, place: &Place, ours: &Oid, theirs: &Oid) -> Result<Merged, Refusal> {
    merge(git, place, None, ours, theirs)
}

/// Applies the change from `parent` to `commit` onto `onto`, as a cherry-pick does (git 2.40 and newer name the base; before, the
/// same is reached with a throw-away commit).
pub(super) fn pick(git: &Git, place: &Place, parent: &Oid, commit: &Oid, onto: &Oid) -> Result<Merged, Refusal> {
    if git.at_least(2, 40) {
        return merge(git, place, Some(parent), onto, commit);
    }
    let tree = super::snapshot::tree_of(git, place, onto)?;
    let signature = super::snapshot::Signature { author: None, at: Some(0) };
    let ours = super::snapshot::commit(git, place, &tree, &[parent], b"base of a pick", &signature)?;
    merge(git, place, None, &ours, commit)
}

fn merge(git: &Git, place: &Place, base: Option<&Oid>, ours: &Oid, theirs: &Oid) -> Result<Merged, Refusal> {
    let mut call = git.call(place);
    if git.at_least(2, 41) {
        // Attributes of the empty tree: a merge driver named in the repository is not even looked for.
        let empty = if ours.as_str().len() == 64 { EMPTY_SHA256 } else { EMPTY_SHA1 };
        call = call.arg(format!("--attr-source={empty}"));
    }
    call = call.args(["merge-tree", "--write-tree", "-z", "--name-only", "--no-messages"]);
    if let Some(base) = base {
        call = call.arg(format!("--merge-base={base}"));
    }
    call = call.args(["--allow-unrelated-histories", ours.as_str(), theirs.as_str()]).writes().deadline(LONG_DEADLINE);
    let shown = call.shown();
    let finished = call.run()?;
    if !matches!(finished.code, Some(0 | 1)) || finished.truncated {
        return Err(failed(&shown, &finished));
    }
    let mut pieces = text::nul_list(&finished.stdout);
    let tree = pieces
        .next()
        .and_then(|tree| std::str::from_utf8(tree).ok())
        .filter(|tree| tree.len() == ours.as_str().len())
        .ok_or_else(|| failed(&shown, &finished))?;
    let conflicts: Vec<String> = pieces.map(text::quote).collect();
    if finished.code == Some(1) && conflicts.is_empty() {
        return Err(failed(&shown, &finished));
    }
    Ok(Merged { tree: Oid(tree.to_owned()), conflicts })
}

/// The tree without entries, which every repository knows.
pub(super) const EMPTY_SHA1: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
/// The same where object ids are SHA-256.
pub(super) const EMPTY_SHA256: &str = "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321";
