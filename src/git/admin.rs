//! A session's registration with git: its administrative directory, the proof of ownership, and the mark of a finished creation.
//!
//! The directory is `<common>/worktrees/divisi-<session>`, so that it is known before it exists and nothing has to be searched for.
//! Its file `locked` carries the reason `divisi session <id>`; its file `divisi`, written last, says that the creation is complete.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::model::Refusal;
use crate::model::id::SessionId;
use crate::model::worktree::Worktree;

use super::command::Place;
use super::text;

/// Written last into the administrative directory.
pub(super) const MARK: &str = "divisi";

/// Before the session's id in lock reasons.
pub(super) const REASON: &str = "divisi session ";

/// The administrative directory of a session's worktree, whether it exists or not.
pub(super) fn git_dir(worktree: &Worktree) -> PathBuf {
    Path::new(&worktree.common_dir).join("worktrees").join(id(&worktree.session))
}

/// The id by which git knows the worktree.
pub(super) fn id(session: &SessionId) -> String {
    format!("divisi-{session}")
}

/// The reason it is locked for.
pub(super) fn reason(session: &SessionId) -> String {
    format!("{REASON}{session}")
}

/// Where calls in the worktree work.
pub(super) fn place(worktree: &Worktree) -> Place {
    Place::Worktree {
        git_dir: git_dir(worktree),
        common_dir: PathBuf::from(&worktree.common_dir),
        files: PathBuf::from(&worktree.path),
    }
}

/// Where calls in its repository work.
pub(super) fn common(worktree: &Worktree) -> Place {
    Place::Common(PathBuf::from(&worktree.common_dir))
}

/// What is on disk of a worktree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    /// Registered, complete, and its directory is there.
    Whole,
    /// Registered for its path, but its creation was interrupted.
    Incomplete,
    /// Registered and complete, but its directory is gone.
    Emptied,
    /// Not registered.
    Absent,
    /// The registration is there but belongs to something else now.
    Foreign,
}

/// Looks at what is on disk. A file `commondir` that an agent changed is put right on the way: by it git would look for refs in
/// another repository, whatever the environment says.
pub(super) fn presence(worktree: &Worktree) -> Presence {
    let git_dir = git_dir(worktree);
    if !git_dir.symlink_metadata().is_ok_and(|meta| meta.is_dir()) {
        return Presence::Absent;
    }
    let complete = marked(&git_dir, &worktree.session);
    if complete && !fs::read(git_dir.join("commondir")).is_ok_and(|content| content.trim_ascii() == b"../..") {
        let mended =
            super::beneath::Beneath::open(&git_dir).and_then(|directory| directory.write("commondir", b"../..\n"));
        if mended.is_err() {
            return Presence::Foreign;
        }
    }
    match target(&git_dir) {
        Some(target) if same(&target, Path::new(&worktree.path)) => {}
        None if !complete => return Presence::Incomplete,
        _ => return Presence::Foreign,
    }
    if !complete {
        return Presence::Incomplete;
    }
    let there = Path::new(&worktree.path).symlink_metadata();
    if there.is_ok_and(|meta| meta.is_dir()) { Presence::Whole } else { Presence::Emptied }
}

/// The place of a whole worktree.
///
/// # Errors
/// When it is not there, not finished, or not this session's.
pub(super) fn require(worktree: &Worktree) -> Result<Place, Refusal> {
    let path = text::path(Path::new(&worktree.path));
    match presence(worktree) {
        Presence::Whole => Ok(place(worktree)),
        Presence::Incomplete => Err(Refusal::conflict(format!("the creation of the worktree {path} was not finished"))
            .hint("divisi doctor --fix")),
        Presence::Emptied => Err(Refusal::conflict(format!("the worktree {path} is gone from the disk"))
            .hint(format!("its commits are on {}", worktree.branch))),
        Presence::Absent => Err(Refusal::conflict(format!("the worktree {path} is not registered with git any more"))
            .hint(format!("its commits, if any, are on {}", worktree.branch))),
        Presence::Foreign => Err(Refusal::conflict(format!(
            "git has the worktree of session {} at another path than {path}",
            worktree.session
        ))
        .hint(format!("move it back: git worktree move -f -f {} '{path}'", id(&worktree.session)))),
    }
}

/// The directory a registration is for.
pub(super) fn target(git_dir: &Path) -> Option<PathBuf> {
    let content = fs::read(git_dir.join("gitdir")).ok()?;
    let content = content.strip_suffix(b"\n").unwrap_or(&content);
    if content.is_empty() {
        return None;
    }
    let file = git_dir.join(text::os(content));
    file.parent().map(Path::to_owned)
}

/// Whether two paths name one directory, also when it does not exist.
pub(super) fn same(a: &Path, b: &Path) -> bool {
    a == b || resolved(a).is_some_and(|a| resolved(b) == Some(a))
}

fn resolved(path: &Path) -> Option<PathBuf> {
    match path.canonicalize() {
        Ok(path) => Some(path),
        Err(_) => Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?)),
    }
}

/// Whether the creation for this session was finished.
pub(super) fn marked(git_dir: &Path, session: &SessionId) -> bool {
    let says = |content: String| content.trim().strip_prefix(REASON).unwrap_or(content.trim()) == session.as_str();
    fs::read_to_string(git_dir.join(MARK)).is_ok_and(says)
}

/// Says that the creation is finished: gives what it is locked for a second name, which stays when somebody unlocks it.
pub(super) fn mark(git_dir: &Path, session: &SessionId) -> io::Result<()> {
    if locked_for(git_dir).as_ref() == Some(session)
        && fs::hard_link(git_dir.join("locked"), git_dir.join(MARK)).is_ok()
    {
        return Ok(());
    }
    // Unlocked already, or a file system without second names.
    let aside = git_dir.join("divisi.new");
    fs::write(&aside, format!("{session}\n"))?;
    fs::rename(aside, git_dir.join(MARK))
}

/// The session a registration is locked for, if it is one of ours.
pub(super) fn locked_for(git_dir: &Path) -> Option<SessionId> {
    let reason = fs::read_to_string(git_dir.join("locked")).ok()?;
    let id = reason.trim().strip_prefix(REASON)?;
    valid_id(id).then(|| SessionId(id.to_owned()))
}

/// Ids become parts of paths and refs.
pub(super) fn valid_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

/// What git is in the middle of in a worktree, in words.
pub(super) fn operation(git_dir: &Path) -> Option<&'static str> {
    [
        ("rebase-merge", "a rebase"),
        ("rebase-apply", "a rebase"),
        ("MERGE_HEAD", "a merge"),
        ("CHERRY_PICK_HEAD", "a cherry-pick"),
        ("REVERT_HEAD", "a revert"),
        ("sequencer", "a sequence of picks"),
        ("BISECT_LOG", "a bisection"),
    ]
    .into_iter()
    .find(|(file, _)| git_dir.join(file).exists())
    .map(|(_, words)| words)
}

/// The content of the file `.git` of a worktree: where it says its administrative directory is.
pub(super) fn pointer(files: &Path) -> Option<PathBuf> {
    let file = files.join(".git");
    if !file.symlink_metadata().ok()?.is_file() {
        return None;
    }
    let content = fs::read(file).ok()?;
    let named = content.strip_prefix(b"gitdir: ")?;
    let named = named.strip_suffix(b"\n").unwrap_or(named);
    Some(files.join(text::os(named)))
}

/// The content of such a file.
pub(super) fn pointer_to(git_dir: &Path) -> Vec<u8> {
    let mut content = b"gitdir: ".to_vec();
    content.extend_from_slice(git_dir.as_os_str().as_bytes());
    content.push(b'\n');
    content
}
