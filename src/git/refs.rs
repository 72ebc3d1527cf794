//! Refs, moved only by compare-and-swap.

use std::fs;
use std::path::Path;

use crate::model::Refusal;
use crate::model::id::Oid;

use super::command::{Git, Place};
use super::lock::{self, Writer};
use super::loose::{self, Head, Seen};

/// Where a ref points now.
pub(super) fn read(git: &Git, place: &Place, name: &str) -> Result<Option<Oid>, Refusal> {
    if let Seen::Known(found) = loose::read(place, name) {
        return Ok(found);
    }
    git.call(place).args(["rev-parse", "--verify", "-q", "--end-of-options", name]).maybe_oid()
}

/// The ref that is checked out; none when it is a commit.
pub(super) fn checked_out(git: &Git, place: &Place) -> Result<Option<String>, Refusal> {
    match loose::head(place) {
        Seen::Known(Head::Ref(name)) => Ok(Some(name)),
        Seen::Known(Head::Detached(_)) => Ok(None),
        Seen::Unsure => Ok(git.call(place).args(["symbolic-ref", "-q", "HEAD"]).maybe_oid()?.map(|named| named.0)),
    }
}

/// All refs of ours whose names begin so, with where they point.
pub(super) fn beginning(git: &Git, common_dir: &Path, beginning: &str) -> Result<Vec<(String, Oid)>, Refusal> {
    if let Seen::Known(found) = loose::beginning(common_dir, beginning) {
        return Ok(found);
    }
    let place = Place::Common(common_dir.to_owned());
    let directory = beginning.rsplit_once('/').map_or(beginning, |(directory, _)| directory);
    let listed = git.call(&place).args(["for-each-ref", "--format=%(objectname) %(refname)", directory]).text()?;
    Ok(listed
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter(|(_, name)| name.starts_with(beginning))
        .map(|(oid, name)| (name.to_owned(), Oid(oid.to_owned())))
        .collect())
}

/// Several changes of refs, all or none of them.
#[derive(Debug, Default)]
pub(super) struct Changes(String);

impl Changes {
    /// Moves a ref from one commit to another.
    pub(super) fn advance(&mut self, name: &str, to: &Oid, from: &Oid) {
        self.order("update", &[name, to.as_str(), from.as_str()]);
    }

    /// Points a ref of ours somewhere, wherever it was.
    pub(super) fn set(&mut self, name: &str, to: &Oid) {
        self.order("update", &[name, to.as_str(), ""]);
    }

    /// Deletes a ref that is at a commit.
    pub(super) fn delete(&mut self, name: &str, from: &Oid) {
        self.order("delete", &[name, from.as_str()]);
    }

    fn order(&mut self, verb: &str, fields: &[&str]) {
        self.0.push_str(verb);
        self.0.push(' ');
        for field in fields {
            self.0.push_str(field);
            self.0.push('\0');
        }
    }

    /// Makes them; false when one of the refs was not where it had to be, and then nothing was changed.
    pub(super) fn make(self, git: &Git, place: &Place) -> Result<bool, Refusal> {
        if self.0.is_empty() { Ok(true) } else { swap(git, place, self.0) }
    }
}

/// Deletes refs of ours that are where they are said to be, all or none; false when one has moved.
pub(super) fn delete_all(
    git: &Git,
    writer: &Writer<'_>,
    common_dir: &Path,
    refs: &[(String, Oid)],
) -> Result<bool, Refusal> {
    if refs.is_empty() || loose::write::delete(writer, common_dir, refs) {
        return Ok(true);
    }
    let mut changes = Changes::default();
    for (name, at) in refs {
        changes.delete(name, at);
    }
    changes.make(git, &Place::Common(common_dir.to_owned()))
}

/// Makes a ref that must not exist; false when it does (or a ref is in the way of its name).
pub(super) fn create(git: &Git, place: &Place, name: &str, to: &Oid) -> Result<bool, Refusal> {
    // Git looks whether the commit is there.
    let known = git.ages.knows(to);
    if known && place.common_dir().is_some_and(|common_dir| loose::write::create(common_dir, name, to)) {
        return Ok(true);
    }
    swap(git, place, format!("create {name}\0{to}\0"))
}

/// Moves a ref from one commit to another; false when it was not there any more.
pub(super) fn advance(git: &Git, place: &Place, name: &str, to: &Oid, from: &Oid) -> Result<bool, Refusal> {
    swap(git, place, format!("update {name}\0{to}\0{from}\0"))
}

/// Deletes a ref that is at a commit; false when it is elsewhere. One that does not exist is deleted already.
pub(super) fn delete(git: &Git, place: &Place, name: &str, from: &Oid) -> Result<bool, Refusal> {
    match read(git, place, name)? {
        None => Ok(true),
        Some(at) if at != *from => Ok(false),
        Some(_) => swap(git, place, format!("delete {name}\0{from}\0")),
    }
}

/// Points a ref of ours somewhere, wherever it was.
pub(super) fn set(git: &Git, place: &Place, name: &str, to: &Oid) -> Result<(), Refusal> {
    git.call(place).args(["update-ref", "--no-deref", name, to.as_str()]).writes().ok().map(|_| ())
}

fn swap(git: &Git, place: &Place, order: String) -> Result<bool, Refusal> {
    let call = git.call(place).args(["update-ref", "--no-deref", "-z", "--stdin"]).input(order).writes();
    let shown = call.shown();
    let finished = call.run()?;
    if finished.code == Some(0) {
        return Ok(true);
    }
    let said = String::from_utf8_lossy(&finished.stderr);
    let lost = [
        "but expected",
        "reference already exists",
        "exists; cannot create",
        "unable to resolve reference",
        "reference is missing",
    ];
    if lost.iter().any(|words| said.contains(words)) {
        return Ok(false);
    }
    if said.contains("nonexistent object") || said.contains("non-commit object") {
        return Err(unknown_commit());
    }
    Err(super::call::failed(&shown, &finished))
}

/// The refusal for a commit that is not there.
pub(super) fn unknown_commit() -> Refusal {
    Refusal::conflict("the commit is not in the repository (any more)").hint("fetch it, or name another base")
}

/// Removes what a killed git or daemon left beside the branch of a session whose creation was interrupted: the lock file, if nobody
/// holds it, and what was to become the branch. Nobody else ever locks that branch: it was not announced to anyone.
pub(super) fn sweep_lock(common_dir: &Path, name: &str) {
    let _ = fs::remove_file(loose::write::aside(common_dir, name));
    let path = common_dir.join(format!("{name}.lock"));
    if path.symlink_metadata().is_ok_and(|meta| meta.is_file()) && lock::holders(&path).is_empty() {
        let _ = fs::remove_file(&path);
    }
}

/// Removes directories that a ref left empty.
pub(super) fn sweep(common_dir: &Path, name: &str) {
    for base in [common_dir.to_owned(), common_dir.join("logs")] {
        let mut directory = base.join(name);
        // Never above refs/heads/divisi. A directory that is not empty stays, which ends the walk.
        while directory.pop() && directory.starts_with(base.join("refs/heads/divisi")) {
            if fs::remove_dir(&directory).is_err() && directory.exists() {
                break;
            }
        }
    }
}
