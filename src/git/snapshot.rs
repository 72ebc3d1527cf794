//! Indexes and commits made aside, never touching the worktree's own index.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::model::Refusal;
use crate::model::id::Oid;
use crate::model::worktree::Worktree;

use super::call::Call;
use super::command::{Git, Place};
use super::loose::{self, Seen};
use super::{object, refs, text};

/// Begins the names of such indexes in an administrative directory.
pub(super) const PREFIX: &str = "divisi-index-";

static NUMBER: AtomicU64 = AtomicU64::new(0);

/// An index aside; removed when dropped.
#[derive(Debug)]
pub(super) struct TempIndex {
    path: PathBuf,
}

impl TempIndex {
    /// A copy of the worktree's index.
    pub(super) fn copy(git_dir: &Path) -> Result<Self, Refusal> {
        let index = Self::empty(git_dir);
        // Made anew, never through a link that somebody may have put there.
        let _ = fs::remove_file(&index.path);
        let copied = fs::File::open(git_dir.join("index")).and_then(|mut from| {
            let mut to = fs::OpenOptions::new().write(true).create_new(true).open(&index.path)?;
            io::copy(&mut from, &mut to)?;
            // Its age too: git takes a file for unchanged that has the size and the second of its entry, unless the index is no younger
            // than that. A copy that looks younger would hide what was written right after the checkout.
            to.set_modified(from.metadata()?.modified()?)
        });
        match copied {
            Ok(()) => Ok(index),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(index),
            Err(error) => {
                Err(Refusal::environment(format!("cannot copy the index in {}: {error}", text::path(git_dir))))
            }
        }
    }

    /// An index without entries.
    pub(super) fn empty(git_dir: &Path) -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self { path: git_dir.join(format!("{PREFIX}{}-{number}", std::process::id())) }
    }

    /// Its file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes its content as a tree.
    pub(super) fn tree(&self, git: &Git, place: &Place) -> Result<Oid, Refusal> {
        git.call(place).arg("write-tree").index(&self.path).writes().oid()
    }
}

impl Drop for TempIndex {
    fn drop(&mut self) {
        // Not there when nothing was ever put into it.
        let _ = fs::remove_file(&self.path);
        let mut lock = self.path.clone().into_os_string();
        lock.push(".lock");
        let _ = fs::remove_file(lock);
    }
}

/// Who and when, for a commit that is made.
#[derive(Debug, Clone, Default)]
pub(super) struct Signature {
    /// Author's name, email and date, when not the user now.
    pub(super) author: Option<(String, String, String)>,
    /// The committer's date (and the author's, without another author), seconds since the epoch.
    pub(super) at: Option<i64>,
}

/// Makes a commit object; no ref moves.
pub(super) fn commit(
    git: &Git,
    place: &Place,
    tree: &Oid,
    parents: &[&Oid],
    message: &[u8],
    signature: &Signature,
) -> Result<Oid, Refusal> {
    let mut call = git.call(place).args(["commit-tree", tree.as_str()]);
    for parent in parents {
        call = call.args(["-p", parent.as_str()]);
    }
    call = as_somebody(git, place, call)?;
    if let Some(at) = signature.at {
        call = call.variable("GIT_COMMITTER_DATE", format!("@{at} +0000"));
        if signature.author.is_none() {
            call = call.variable("GIT_AUTHOR_DATE", format!("@{at} +0000"));
        }
    }
    if let Some((name, email, date)) = &signature.author {
        call = call
            .variable("GIT_AUTHOR_NAME", name)
            .variable("GIT_AUTHOR_EMAIL", email)
            .variable("GIT_AUTHOR_DATE", date);
    }
    let mut message = message.to_vec();
    if !message.ends_with(b"\n") {
        message.push(b'\n');
    }
    let made = call.args(["-F", "-"]).input(message).writes().oid()?;
    git.trees.remember(&made, tree);
    git.ages.made(&made, parents);
    Ok(made)
}

/// Without a configured user a commit has to be somebody's.
pub(super) fn as_somebody<'a>(git: &Git, place: &Place, call: Call<'a>) -> Result<Call<'a>, Refusal> {
    if git.overrides(place)?.identity {
        return Ok(call);
    }
    let mut call = call;
    for (key, value) in [
        ("GIT_AUTHOR_NAME", "divisi"),
        ("GIT_AUTHOR_EMAIL", "divisi@localhost"),
        ("GIT_COMMITTER_NAME", "divisi"),
        ("GIT_COMMITTER_EMAIL", "divisi@localhost"),
    ] {
        call = call.variable(key, value);
    }
    Ok(call)
}

/// The tree of a commit.
pub(super) fn tree_of(git: &Git, place: &Place, commit: &Oid) -> Result<Oid, Refusal> {
    if let Some(tree) = known_tree(git, place, commit) {
        return Ok(tree);
    }
    let tree = git.call(place).args(["rev-parse", "--verify", "-q", &format!("{commit}^{{tree}}")]).oid()?;
    if is_fixed(place) {
        git.trees.remember(commit, &tree);
    }
    Ok(tree)
}

/// The tree of a commit, when it can be told without git.
pub(super) fn known_tree(git: &Git, place: &Place, commit: &Oid) -> Option<Oid> {
    if !is_fixed(place) {
        return None;
    }
    if let Some(tree) = git.trees.of(commit) {
        return Some(tree);
    }
    let tree = object::tree_of(place.common_dir()?, commit)?;
    git.trees.remember(commit, &tree);
    Some(tree)
}

/// Whether commits have the trees that they name. Only `git replace` gives them others, which nobody uses; who does is answered by git.
fn is_fixed(place: &Place) -> bool {
    matches!(place.common_dir().map(|dir| loose::beginning(dir, "refs/replace/")), Some(Seen::Known(replaced)) if replaced.is_empty())
}

/// The trees of commits that were asked for or made of late. A commit never gets another tree.
#[derive(Debug, Default)]
pub(super) struct Trees(Mutex<HashMap<Oid, Oid>>);

/// How many are remembered: about 100 bytes each.
const REMEMBERED: usize = 4096;

impl Trees {
    fn of(&self, commit: &Oid) -> Option<Oid> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(commit).cloned()
    }

    fn remember(&self, commit: &Oid, tree: &Oid) {
        // An abbreviation may come to stand for another commit.
        if !matches!(commit.as_str().len(), 40 | 64) {
            return;
        }
        let mut trees = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if trees.len() >= REMEMBERED {
            trees.clear();
        }
        trees.insert(commit.clone(), tree.clone());
    }
}

/// The newest commit that a session shares with its base: the start of its own work.
pub(super) fn grown_from(git: &Git, place: &Place, worktree: &Worktree, head: &Oid) -> Result<Oid, Refusal> {
    if *head == worktree.base.commit {
        return Ok(head.clone());
    }
    let tip = match &worktree.base.branch {
        Some(branch) => refs::read(git, place, branch)?,
        None => None,
    };
    let mut call = git.call(place).args(["merge-base", head.as_str(), worktree.base.commit.as_str()]);
    if let Some(tip) = &tip {
        call = call.arg(tip.as_str());
    }
    Ok(call.maybe_oid()?.unwrap_or_else(|| worktree.base.commit.clone()))
}

/// The commit at `HEAD` of a worktree.
pub(super) fn head(git: &Git, place: &Place, worktree: &Worktree) -> Result<Oid, Refusal> {
    refs::read(git, place, "HEAD")?.ok_or_else(|| {
        Refusal::conflict(format!("the branch checked out in {} has no commit", text::path(Path::new(&worktree.path))))
            .hint(format!("git switch {}", worktree.branch.trim_start_matches("refs/heads/")))
    })
}
