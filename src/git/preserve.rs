//! Captures a session's work before its worktree is removed.
//!
//! `refs/divisi/preserved/<session>` points to a commit whose tree is the worktree as it was (tracked and untracked files) and whose
//! parents keep the rest reachable. Its message says which is which, one `word value` a line:
//!
//! ```text
//! divisi preserved <session>
//!
//! worktree <tree: all files but ignored ones>
//! index <commit: the index's tree; its parent is head, or it is head when they have one tree>
//! head <commit checked out>
//! branch <commit of the session's branch, or none>
//! checked-out <ref checked out, or detached>
//! extra <commit without parents: ignored files and repositories inside, or none>
//! ```
//!
//! A clean worktree with its own branch checked out needs none of that: then the ref points to the branch's commit itself.
//!
//! Repositories inside the worktree are kept as files; their `.git` is called `dot-git.divisi` in the tree, since git allows no
//! `.git` there. `AGENT_CONTEXT` and untouched copies from `.worktreeinclude` are left out.

use std::path::Path;

use crate::model::Refusal;
use crate::model::id::{Oid, SessionId};
use crate::model::worktree::Worktree;

use super::admin::{self, Presence};
use super::command::{Git, Place};
use super::snapshot::{Signature, TempIndex, commit, head, known_tree, tree_of};
use super::status::{Status, stage, with_ignored};
use super::untouched::is_untouched;
use super::{extra, loose, refs, text};

/// The ref that keeps a session's work.
pub(super) fn reference(session: &SessionId) -> String {
    format!("refs/divisi/preserved/{session}")
}

/// What a preserved commit says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Preserved {
    /// Files, as a tree.
    pub(super) worktree: Oid,
    /// The index, as a commit.
    pub(super) index: Oid,
    /// What was checked out.
    pub(super) head: Oid,
    /// The session's branch.
    pub(super) branch: Option<Oid>,
    /// The ref that was checked out; none when detached.
    pub(super) checked_out: Option<String>,
    /// Ignored files and repositories inside.
    pub(super) extra: Option<Oid>,
}

impl Preserved {
    fn message(&self, session: &SessionId) -> String {
        let or = |oid: &Option<Oid>| oid.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string);
        format!(
            "divisi preserved {session}\n\nworktree {}\nindex {}\nhead {}\nbranch {}\nchecked-out {}\nextra {}\n",
            self.worktree,
            self.index,
            self.head,
            or(&self.branch),
            self.checked_out.as_deref().unwrap_or("detached"),
            or(&self.extra),
        )
    }

    /// Reads a preserved commit of a session with this branch. One that says nothing of itself is what was on the branch of a clean
    /// worktree.
    pub(super) fn read(git: &Git, place: &Place, name: &str, own: &str) -> Result<Option<Self>, Refusal> {
        let Some(commit) = refs::read(git, place, name)? else { return Ok(None) };
        let said = git.call(place).args(["cat-file", "commit", name]).text()?;
        let (header, body) = said.split_once("\n\n").unwrap_or((&said, ""));
        // Anybody can write such words into a commit of theirs; what was made here is what it says it is.
        let is =
            |word: &str, value: &Oid| header.lines().any(|line| line.split_once(' ') == Some((word, value.as_str())));
        let field = |word: &str| -> Option<String> {
            body.lines().find_map(|line| line.strip_prefix(word)?.strip_prefix(' ').map(str::to_owned))
        };
        let oid = |word: &str| field(word).filter(|value| value.bytes().all(|byte| byte.is_ascii_hexdigit())).map(Oid);
        let maybe = |word: &str| field(word).filter(|value| value != "none").map(Oid);
        match (oid("worktree"), oid("index"), oid("head")) {
            (Some(worktree), Some(index), Some(head)) if is("tree", &worktree) && is("parent", &head) => {
                Ok(Some(Self {
                    worktree,
                    index,
                    head,
                    branch: maybe("branch"),
                    checked_out: field("checked-out").filter(|value| value != "detached"),
                    extra: maybe("extra"),
                }))
            }
            _ => Ok(Some(Self {
                worktree: commit.clone(),
                index: commit.clone(),
                head: commit.clone(),
                branch: Some(commit),
                checked_out: Some(own.to_owned()),
                extra: None,
            })),
        }
    }
}

/// Captures everything that only this session has; the ref, when there was something.
pub(super) fn preserve(git: &Git, worktree: &Worktree) -> Result<Option<String>, Refusal> {
    match admin::presence(worktree) {
        Presence::Whole => {}
        Presence::Foreign => {
            admin::require(worktree)?;
        }
        Presence::Incomplete | Presence::Emptied | Presence::Absent => return preserve_branch(git, worktree),
    }
    let place = admin::place(worktree);
    let git_dir = admin::git_dir(worktree);
    extra::check_submodules(git, worktree, &place)?;
    let head = head(git, &place, worktree)?;
    let branch = refs::read(git, &place, &worktree.branch)?;
    let status = match known_tree(git, &place, &head) {
        Some(tree) if is_untouched(&place, &tree) => Status::default(),
        _ => with_ignored(git, &place)?,
    };
    let extra_tree = if status.ignored || !status.nested.is_empty() {
        extra::tree(git, &place, &git_dir, &status.nested)?
    } else {
        None
    };
    if status.is_clean() && extra_tree.is_none() && kept(git, &place, worktree, &head)? {
        let branch_kept = match &branch {
            Some(tip) if *tip != head => kept(git, &place, worktree, tip)?,
            _ => true,
        };
        if branch_kept {
            return existing(git, &place, worktree);
        }
    }
    let checked_out = refs::checked_out(git, &place)?;
    let plain = status.is_clean() && extra_tree.is_none();
    if plain && branch.as_ref() == Some(&head) && checked_out.as_ref() == Some(&worktree.branch) {
        let name = reference(&worktree.session);
        let known = refs::read(git, &place, &name)?;
        let common_dir = Path::new(&worktree.common_dir);
        let made = known.is_none()
            && (loose::write::link(common_dir, &worktree.branch, &name, &head)
                || loose::write::create(common_dir, &name, &head));
        if !made && known.as_ref() != Some(&head) {
            refs::set(git, &place, &name, &head)?;
        }
        return Ok(Some(name));
    }
    let (files, index) = if status.is_clean() {
        let tree = tree_of(git, &place, &head)?;
        (tree.clone(), tree)
    } else {
        trees(git, &place, &git_dir, &status, &head)?
    };
    save(git, &place, worktree, files, &index, extra_tree, head, branch, checked_out).map(Some)
}

/// The trees of files and index.
fn trees(git: &Git, place: &Place, git_dir: &Path, status: &Status, head: &Oid) -> Result<(Oid, Oid), Refusal> {
    let aside = TempIndex::copy(git_dir)?;
    let context = Status { context: status.context.clone(), ..Status::default() };
    stage(git, place, &context, Some(aside.path()))?;
    let index = if status.unmerged().next().is_some() {
        // Conflicts have no tree; the files with their markers are kept all the same.
        tree_of(git, place, head)?
    } else {
        aside.tree(git, place)?
    };
    stage(git, place, status, Some(aside.path()))?;
    Ok((aside.tree(git, place)?, index))
}

/// Makes the commits and points the ref at them, unless it points at the same already.
#[expect(clippy::too_many_arguments, reason = "each is one line of the commit's message")]
fn save(
    git: &Git,
    place: &Place,
    worktree: &Worktree,
    files: Oid,
    index_tree: &Oid,
    extra_tree: Option<Oid>,
    head: Oid,
    branch: Option<Oid>,
    checked_out: Option<String>,
) -> Result<String, Refusal> {
    // Fixed dates make the inner commits the same when nothing changed in between.
    let fixed = Signature { author: None, at: Some(0) };
    let index = if *index_tree == tree_of(git, place, &head)? {
        head.clone()
    } else {
        commit(git, place, index_tree, &[&head], b"divisi preserved index", &fixed)?
    };
    let extra = match extra_tree {
        Some(tree) => Some(commit(git, place, &tree, &[], b"divisi preserved extra files", &fixed)?),
        None => None,
    };
    let preserved = Preserved { worktree: files, index, head, branch, checked_out, extra };
    let name = reference(&worktree.session);
    if Preserved::read(git, place, &name, &worktree.branch).ok().flatten().as_ref() == Some(&preserved) {
        return Ok(name);
    }
    let mut parents = vec![&preserved.head];
    parents.extend(Some(&preserved.index).filter(|index| **index != preserved.head));
    parents.extend(preserved.branch.as_ref().filter(|branch| **branch != preserved.head));
    parents.extend(preserved.extra.as_ref());
    let message = preserved.message(&worktree.session);
    let made = commit(git, place, &preserved.worktree, &parents, message.as_bytes(), &Signature::default())?;
    refs::set(git, place, &name, &made)?;
    Ok(name)
}

/// Without files only the branch is left to keep.
fn preserve_branch(git: &Git, worktree: &Worktree) -> Result<Option<String>, Refusal> {
    let place = admin::common(worktree);
    let Some(tip) = refs::read(git, &place, &worktree.branch)? else { return existing(git, &place, worktree) };
    if kept(git, &place, worktree, &tip)? {
        return existing(git, &place, worktree);
    }
    if let Some(name) = existing(git, &place, worktree)? {
        let contains = git.call(&place).args(["merge-base", "--is-ancestor", tip.as_str(), &name]).holds()?;
        if contains {
            return Ok(Some(name));
        }
    }
    let tree = tree_of(git, &place, &tip)?;
    let checked_out = Some(worktree.branch.clone());
    save(git, &place, worktree, tree.clone(), &tree, None, tip.clone(), Some(tip), checked_out).map(Some)
}

/// What an earlier call kept.
fn existing(git: &Git, place: &Place, worktree: &Worktree) -> Result<Option<String>, Refusal> {
    let name = reference(&worktree.session);
    Ok(refs::read(git, place, &name)?.map(|_| name))
}

/// Whether a commit is reachable from a branch or tag other than the session's own.
pub(super) fn kept(git: &Git, place: &Place, worktree: &Worktree, commit: &Oid) -> Result<bool, Refusal> {
    if git.ages.only_in(Path::new(&worktree.common_dir), &worktree.branch, commit) {
        return Ok(false);
    }
    let containing = format!("--contains={commit}");
    let refs = git
        .call(place)
        .args([
            "for-each-ref",
            "--count=2",
            "--format=%(refname)",
            &containing,
            "refs/heads",
            "refs/remotes",
            "refs/tags",
        ])
        .ok()?;
    Ok(refs.split(|byte| *byte == b'\n').any(|line| !line.is_empty() && line != worktree.branch.as_bytes()))
}

/// A sentence fragment about where removed work is.
pub(super) fn where_kept(name: Option<&str>) -> String {
    name.map_or_else(String::new, |name| format!(" (its work is kept in {})", text::quote(name.as_bytes())))
}
