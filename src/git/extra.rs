//! What a worktree holds beside tracked and untracked files: ignored files up to a limit, and repositories inside it.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::model::Refusal;
use crate::model::id::Oid;
use crate::model::worktree::Worktree;

use super::admin;
use super::command::{Git, LONG_DEADLINE, Place};
use super::snapshot::TempIndex;
use super::status::is_context;
use super::{include, text};

/// What `.git` is called in a preserved tree.
pub(super) const DOT_GIT: &[u8] = b"dot-git.divisi";

/// A tree of ignored files (whole directories, smallest first, up to the limit) and of the repositories inside; none when there is
/// nothing to keep.
pub(super) fn tree(git: &Git, place: &Place, git_dir: &Path, nested: &[Vec<u8>]) -> Result<Option<Oid>, Refusal> {
    let root = place.directory();
    let mut files = ignored(git, place, git_dir)?;
    for directory in nested {
        // Work of a person or an agent, not something that can be made again: no limit.
        walk(root, directory, &mut |path, _| {
            files.push(path);
            true
        });
    }
    if files.is_empty() {
        return Ok(None);
    }
    let aside = TempIndex::empty(git_dir);
    let mut entries = Vec::new();
    let mut links = Vec::new();
    let mut list = Vec::new();
    let mut plain = Vec::new();
    for path in files {
        let Ok(meta) = root.join(text::os(&path)).symlink_metadata() else { continue };
        if meta.is_symlink() {
            links.push(path);
        } else if meta.is_file() {
            list.extend(text::header("", &path));
            list.push(b'\n');
            plain.push((path, std::os::unix::fs::MetadataExt::mode(&meta) & 0o100 != 0));
        }
    }
    let output = git
        .call(place)
        .args(["hash-object", "-w", "--no-filters", "--stdin-paths"])
        .input(list)
        .writes()
        .deadline(LONG_DEADLINE)
        .text()?;
    let oids: Vec<&str> = output.lines().collect();
    if oids.len() != plain.len() {
        return Err(Refusal::conflict("files changed while they were preserved")
            .hint("try again when nothing runs in the worktree"));
    }
    for ((path, executable), oid) in plain.iter().zip(oids) {
        entries.extend_from_slice(format!("{} {oid}\t", if *executable { "100755" } else { "100644" }).as_bytes());
        entries.extend(renamed(path));
        entries.push(0);
    }
    for path in links {
        let Ok(target) = fs::read_link(root.join(text::os(&path))) else { continue };
        let oid = git
            .call(place)
            .args(["hash-object", "-w", "--stdin"])
            .input(target.as_os_str().as_bytes())
            .writes()
            .text()?;
        entries.extend_from_slice(format!("120000 {oid}\t").as_bytes());
        entries.extend(renamed(&path));
        entries.push(0);
    }
    git.call(place).args(["update-index", "-z", "--index-info"]).input(entries).index(aside.path()).writes().ok()?;
    aside.tree(git, place).map(Some)
}

/// Ignored files that fit under the limit.
fn ignored(git: &Git, place: &Place, git_dir: &Path) -> Result<Vec<Vec<u8>>, Refusal> {
    let root = place.directory();
    let limit = git.settings.preserve_ignored_limit;
    let listed = git
        .call(place)
        .args(["ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory", "--no-empty-directory"])
        .deadline(LONG_DEADLINE)
        .ok()?;
    let untouched = include::untouched(git_dir, root);
    let mut groups = Vec::new();
    for entry in text::nul_list(&listed) {
        let entry = entry.strip_suffix(b"/").unwrap_or(entry);
        if is_context(entry) {
            continue;
        }
        let mut files = Vec::new();
        let mut size = 0;
        walk(root, entry, &mut |path, bytes| {
            if !untouched.contains(&path) {
                size += bytes;
                files.push(path);
            }
            size <= limit
        });
        if size <= limit && !files.is_empty() {
            groups.push((size, files));
        }
    }
    groups.sort();
    let mut total = 0;
    let mut kept = Vec::new();
    for (size, files) in groups {
        total += size;
        if total > limit {
            break;
        }
        kept.extend(files);
    }
    Ok(kept)
}

/// Calls `each` with every file and link at or below a path, and its size, until it says no.
fn walk(root: &Path, path: &[u8], each: &mut dyn FnMut(Vec<u8>, u64) -> bool) -> bool {
    let at = root.join(text::os(path));
    let Ok(meta) = at.symlink_metadata() else { return true };
    if !meta.is_dir() {
        return !(meta.is_file() || meta.is_symlink()) || each(path.to_vec(), meta.len());
    }
    for entry in fs::read_dir(&at).into_iter().flatten().flatten() {
        let mut below = path.to_vec();
        below.push(b'/');
        below.extend_from_slice(entry.file_name().as_bytes());
        if !walk(root, &below, each) {
            return false;
        }
    }
    true
}

/// The path with every `.git` called otherwise.
fn renamed(path: &[u8]) -> Vec<u8> {
    path.split(|byte| *byte == b'/')
        .map(|component| if component.eq_ignore_ascii_case(b".git") { DOT_GIT } else { component })
        .collect::<Vec<_>>()
        .join(&b'/')
}

/// Puts such a tree's files into a worktree, overwriting nothing.
pub(super) fn bring_back(git: &Git, place: &Place, git_dir: &Path, commit: &Oid) -> Result<(), Refusal> {
    let aside = TempIndex::empty(git_dir);
    git.call(place).args(["read-tree", commit.as_str()]).index(aside.path()).writes().ok()?;
    // Exits with 1 when a file is there already, which stays.
    git.call(place).args(["checkout-index", "--all", "--quiet"]).index(aside.path()).writes().run()?;
    let listed = git.call(place).args(["ls-files", "-z"]).index(aside.path()).ok()?;
    let mut directories: Vec<PathBuf> = Vec::new();
    for path in text::nul_list(&listed) {
        let mut at = PathBuf::new();
        for component in Path::new(text::os(path)).components() {
            at.push(component);
            if component.as_os_str().as_bytes() == DOT_GIT && !directories.contains(&at) {
                directories.push(at.clone());
            }
        }
    }
    // Innermost first, so that the outer names stay valid.
    directories.sort_by_key(|directory| std::cmp::Reverse(directory.components().count()));
    for directory in directories {
        let from = place.directory().join(&directory);
        let to = from.with_file_name(".git");
        if to.symlink_metadata().is_err() {
            fs::rename(&from, &to)
                .map_err(|error| Refusal::environment(format!("cannot restore {}: {error}", text::path(&to))))?;
        }
    }
    Ok(())
}

/// Submodules that somebody filled keep their commits in the worktree's administrative directory, which a removal takes away.
pub(super) fn check_submodules(git: &Git, worktree: &Worktree, place: &Place) -> Result<(), Refusal> {
    if !admin::git_dir(worktree).join("modules").is_dir() {
        return Ok(());
    }
    let listed = git.call(place).args(["ls-files", "-z", "--stage"]).ok()?;
    for entry in text::nul_list(&listed).filter(|entry| entry.starts_with(b"160000 ")) {
        let Some(path) = entry.splitn(2, |byte| *byte == b'\t').nth(1) else { continue };
        let directory = Path::new(&worktree.path).join(text::os(path));
        if directory.join(".git").symlink_metadata().is_err() {
            continue;
        }
        let inside = Place::Anywhere(directory);
        let dirty = git.call(&inside).args(["status", "--porcelain", "-z", "--ignore-submodules=dirty"]).ok()?;
        let head = git.call(&inside).args(["rev-parse", "HEAD"]).text()?;
        let pushed = git
            .call(&inside)
            .args(["for-each-ref", "--count=1", &format!("--contains={head}"), "refs/remotes", "refs/tags"])
            .ok()?;
        if !dirty.is_empty() || pushed.is_empty() {
            return Err(Refusal::conflict(format!(
                "the submodule {} in {} has work of its own, which cannot be preserved",
                text::quote(path),
                text::path(Path::new(&worktree.path))
            ))
            .hint("commit and push it there, then try again"));
        }
    }
    Ok(())
}
