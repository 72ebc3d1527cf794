//! Commits what is staged in a worktree in one call of git: tree, commit, branch and logs.
//!
//! The plumbing for the same is four calls. It stays for what is out of the ordinary: whoever asks gets nothing then, and nothing was
//! changed.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};

use crate::model::Refusal;
use crate::model::diff::DiffStat;
use crate::model::id::Oid;
use crate::model::worktree::Worktree;

use super::command::{Git, LONG_DEADLINE, Place};
use super::snapshot::as_somebody;
use super::{admin, refs};

/// Bytes at the end of a log that hold its last line: two object ids, who and when, and the beginning of a message.
const LAST_LINE: u64 = 16 * 1024;

/// A commit that was made.
#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) commit: Oid,
    /// What git counted on the way. It takes a file that was rewritten for one that went and one that came, so that this is the same as in
    /// a diff only where nothing but new files were committed.
    pub(super) counted: Option<DiffStat>,
}

/// Commits the index on top of `before`, which the session's branch is at and which is checked out; nothing when that is for the plumbing
/// to do: then branch and index are as they were.
///
/// # Errors
/// When the branch moved meanwhile.
pub(super) fn seal(
    git: &Git,
    place: &Place,
    worktree: &Worktree,
    before: &Oid,
    message: &str,
) -> Result<Option<Sealed>, Refusal> {
    let mut input = message.as_bytes().to_vec();
    if !input.ends_with(b"\n") {
        input.push(b'\n');
    }
    let call = git
        .call(place)
        .args(["commit", "--no-verify", "--no-status", "--no-gpg-sign", "--cleanup=verbatim", "--file=-"])
        .input(input)
        .writes()
        .once()
        .deadline(LONG_DEADLINE);
    let finished = as_somebody(git, place, call)?.run()?;
    let made = refs::read(git, place, &worktree.branch)?.filter(|made| made != before);
    // Nothing to commit, or nothing that this can do.
    let Some(made) = made else { return Ok(None) };
    if finished.code == Some(0) && is_on_top(git, place, worktree, before, &made)? {
        git.ages.made(&made, &[before]);
        return Ok(Some(Sealed { commit: made, counted: counted(&finished.stdout) }));
    }
    Err(Refusal::conflict(format!("the branch {} moved while a checkpoint was made", worktree.branch))
        .hint("try again when the agent has stopped"))
}

/// The counts in what `git commit` says: ` 2 files changed, 3 insertions(+), 1 deletion(-)`.
fn counted(said: &[u8]) -> Option<DiffStat> {
    let said = String::from_utf8_lossy(said);
    // The first line has the message's, which says what it likes.
    let line = said.lines().skip(1).find(|line| line.contains(" changed"))?;
    let mut stat = DiffStat::default();
    for part in line.trim_start().split(", ") {
        let (number, what) = part.split_once(' ')?;
        let number = number.parse().ok()?;
        match what {
            "file changed" | "files changed" => stat.files = number,
            "insertion(+)" | "insertions(+)" => stat.added = number,
            "deletion(-)" | "deletions(-)" => stat.removed = number,
            _ => return None,
        }
    }
    Some(stat)
}

/// Whether nobody else committed in between. Repositories may keep no logs: then git is asked.
fn is_on_top(git: &Git, place: &Place, worktree: &Worktree, before: &Oid, made: &Oid) -> Result<bool, Refusal> {
    match moved(worktree) {
        Some((from, to)) if to == *made => Ok(from == *before),
        _ => {
            let line = git.call(place).args(["rev-list", "--parents", "--max-count=1", made.as_str()]).text()?;
            Ok(line == format!("{made} {before}"))
        }
    }
}

/// From where to where the last line of the log of what is checked out says that it moved.
fn moved(worktree: &Worktree) -> Option<(Oid, Oid)> {
    let mut log = File::open(admin::git_dir(worktree).join("logs/HEAD")).ok()?;
    let length = log.metadata().ok()?.len();
    log.seek(SeekFrom::Start(length.saturating_sub(LAST_LINE))).ok()?;
    let mut end = Vec::new();
    log.take(LAST_LINE).read_to_end(&mut end).ok()?;
    let end = String::from_utf8_lossy(&end);
    let mut words = end.lines().next_back()?.split(' ');
    Some((Oid(words.next()?.to_owned()), Oid(words.next()?.to_owned())))
}

#[cfg(test)]
mod tests;
