//! Copies what `.worktreeinclude` names from the main worktree into a new one: untracked files a person wants in every worktree.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::model::Refusal;
use crate::model::worktree::Worktree;

use super::admin;
use super::beneath::{Beneath, Copied};
use super::command::{Git, Place};
use super::text;

/// The file that names them, in gitignore's syntax.
const FILE: &str = ".worktreeinclude";

/// In the administrative directory: what was copied, so that it never counts as the session's work.
const LIST: &str = "divisi-included";

/// Copies what is named; notes about it.
pub(super) fn include(git: &Git, worktree: &Worktree) -> Result<Vec<String>, Refusal> {
    let main = Path::new(&worktree.repository);
    let common_dir = Path::new(&worktree.common_dir);
    let names = main.join(FILE);
    if main == common_dir || !names.symlink_metadata().is_ok_and(|meta| meta.is_file()) {
        return Ok(Vec::new());
    }
    let place =
        Place::Worktree { git_dir: common_dir.to_owned(), common_dir: common_dir.to_owned(), files: main.to_owned() };
    let listed = git.call(&place).args(["ls-files", "-z", "--others", "--ignored"]).arg(exclude_from(&names)).ok()?;
    let failed = |what: &str, error: std::io::Error| {
        Refusal::environment(format!("cannot copy {what} named in {FILE} into the worktree: {error}"))
    };
    let source = Beneath::open(main).map_err(|error| failed("files", error))?;
    let target = Beneath::open(Path::new(&worktree.path)).map_err(|error| failed("files", error))?;
    let roots = worktrees_below(main, worktree);
    let mut copied = Vec::new();
    let mut kept = 0_u32;
    let mut skipped = 0_u32;
    for path in text::nul_list(&listed) {
        if path.ends_with(b"/") || path == FILE.as_bytes() || roots.iter().any(|root| path.starts_with(root)) {
            continue;
        }
        match target.copy_from(&source, path) {
            Ok(Copied::Yes) => copied.push(path.to_vec()),
            Ok(Copied::No) => kept += 1,
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NOSPC.raw_os_error()) => {
                return Err(failed(&text::quote(path), error).hint("free some disk space, then try again"));
            }
            // One unreadable file, or a link in the way, does not cost the session.
            Err(_) => skipped += 1,
        }
    }
    remember(&admin::git_dir(worktree), &target, &copied).map_err(|error| failed("the list of files", error))?;
    let mut notes = Vec::new();
    if !copied.is_empty() {
        let files = if copied.len() == 1 { "file" } else { "files" };
        notes.push(format!("{} {files} named in {FILE} copied", copied.len()));
    }
    if kept > 0 {
        notes.push(format!("{kept} files named in {FILE} are there already and were left as they are"));
    }
    if skipped > 0 {
        notes.push(format!("{skipped} files named in {FILE} could not be copied"));
    }
    Ok(notes)
}

fn exclude_from(names: &Path) -> std::ffi::OsString {
    let mut argument = std::ffi::OsString::from("--exclude-from=");
    argument.push(names);
    argument
}

/// Prefixes, relative to the main worktree, under which other sessions' worktrees are.
fn worktrees_below(main: &Path, worktree: &Worktree) -> Vec<Vec<u8>> {
    let mut roots = vec![b".worktrees/".to_vec()];
    if let Some(root) = Path::new(&worktree.path).parent().and_then(|root| root.strip_prefix(main).ok()) {
        let mut root = root.as_os_str().as_bytes().to_vec();
        root.push(b'/');
        roots.push(root);
    }
    roots
}

/// Writes down what was copied, with size and time, by which an untouched copy is known later.
fn remember(git_dir: &Path, target: &Beneath, copied: &[Vec<u8>]) -> std::io::Result<()> {
    if copied.is_empty() {
        return Ok(());
    }
    let mut list = Vec::new();
    for path in copied {
        let (_, size, time) = target.look(path)?;
        list.extend_from_slice(path);
        list.push(0);
        list.extend_from_slice(format!("{size} {time}\0").as_bytes());
    }
    fs::write(git_dir.join(LIST), list)
}

fn read(git_dir: &Path) -> HashMap<Vec<u8>, Vec<u8>> {
    let Ok(list) = fs::read(git_dir.join(LIST)) else { return HashMap::new() };
    let mut pieces = text::nul_list(&list);
    let mut known = HashMap::new();
    while let (Some(path), Some(mark)) = (pieces.next(), pieces.next()) {
        known.insert(path.to_vec(), mark.to_vec());
    }
    known
}

/// The copied paths.
pub(super) fn names(git_dir: &Path) -> HashSet<Vec<u8>> {
    read(git_dir).into_keys().collect()
}

/// The copied paths that nobody changed since.
pub(super) fn untouched(git_dir: &Path, files: &Path) -> HashSet<Vec<u8>> {
    let Ok(files) = Beneath::open(files) else { return HashSet::new() };
    read(git_dir)
        .into_iter()
        .filter(|(path, mark)| {
            files.look(path).is_ok_and(|(_, size, time)| format!("{size} {time}").as_bytes() == mark.as_slice())
        })
        .map(|(path, _)| path)
        .collect()
}
