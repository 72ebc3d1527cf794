//! Baselines of review rounds: the worktree as it was when a round was sent, kept under a ref of its own.

use std::io;
use std::path::Path;

use crate::model::Refusal;
use crate::model::id::{Oid, SessionId};
use crate::model::worktree::Worktree;

use super::beneath::Beneath;
use super::command::{Git, Place};
use super::snapshot::{Signature, TempIndex, commit, head};
use super::status::{stage, status};
use super::{admin, refs, text};

/// A file that is commented on, bytes.
const FILE_LIMIT: u64 = 8 * 1024 * 1024;

/// The ref of a round's baseline.
fn reference(session: &SessionId, number: u32) -> String {
    format!("refs/divisi/{session}/round/{number}")
}

/// The commit of a round's baseline.
pub(super) fn baseline(git: &Git, place: &Place, worktree: &Worktree, number: u32) -> Result<Oid, Refusal> {
    refs::read(git, place, &reference(&worktree.session, number))?.ok_or_else(|| {
        Refusal::conflict(format!("the baseline of round {number} is not there (any more)"))
            .hint("divisi diff SESSION compares with the base")
    })
}

/// Keeps the working files, untracked ones included, as the baseline of a round. Neither the branch nor the index moves. When the
/// round has one already, that one stays.
pub(super) fn snapshot(git: &Git, worktree: &Worktree, number: u32) -> Result<Oid, Refusal> {
    if !admin::valid_id(worktree.session.as_str()) {
        return Err(Refusal::internal("this is not a session's id"));
    }
    let place = admin::require(worktree)?;
    let name = reference(&worktree.session, number);
    if let Some(made) = refs::read(git, &place, &name)? {
        return Ok(made);
    }
    let head = head(git, &place, worktree)?;
    let status = status(git, &place)?;
    let aside = TempIndex::copy(&admin::git_dir(worktree))?;
    stage(git, &place, &status, Some(aside.path()))?;
    let tree = aside.tree(git, &place)?;
    let message = format!("divisi review of {}, round {number}\n", worktree.session);
    let made = commit(git, &place, &tree, &[&head], message.as_bytes(), &Signature::default())?;
    if refs::create(git, &place, &name, &made)? {
        return Ok(made);
    }
    refs::read(git, &place, &name)?.ok_or_else(|| Refusal::conflict(format!("{name} cannot be made")))
}

/// Where the names of a session's baselines begin.
pub(super) fn prefix(worktree: &Worktree) -> String {
    format!("refs/divisi/{}/round/", worktree.session)
}

/// A working file's text; `None` when there is none. Links are not followed.
pub(super) fn working_file(worktree: &Worktree, path: &str) -> Result<Option<String>, Refusal> {
    let bytes = text::unquote(path);
    let shown = text::quote(&bytes);
    let read = Beneath::open(Path::new(&worktree.path)).and_then(|root| root.read(&bytes, FILE_LIMIT));
    match read {
        Ok(Some(content)) if !content.contains(&0) => {
            String::from_utf8(content).map(Some).map_err(|_| Refusal::user(format!("{shown} is not UTF-8 text")))
        }
        Ok(Some(_)) => Err(Refusal::user(format!("{shown} is not text"))),
        Ok(None) => Err(Refusal::user(format!("{shown} is larger than {} MiB", FILE_LIMIT >> 20))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Refusal::user(format!("failed to read {shown} in the worktree: {error}"))),
    }
}
