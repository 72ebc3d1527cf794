//! A commit of what several sessions changed: each session's files (or the hunks and files picked of it) as a commit on its own base,
//! merged one after the other. Only objects are made; nothing that anybody sees changes.

use std::path::Path;

use crate::host::port::Part;
use crate::model::Refusal;
use crate::model::diff::DiffRange;
use crate::model::id::Oid;

use super::admin;
use super::command::{Git, Place};
use super::diff::{self, Parsed};
use super::snapshot::{Signature, TempIndex, commit, grown_from, head, tree_of};
use super::status::{stage, status};
use super::{merge, text};

/// Makes the commit; its parent is the first part's base.
pub(super) fn combine(git: &Git, parts: &[Part], message: &str) -> Result<Oid, Refusal> {
    let Some(first) = parts.first() else { return Err(Refusal::user("nothing was picked")) };
    let place = admin::require(&first.worktree)?;
    let fixed = Signature { author: None, at: Some(0) };
    let mut merged: Option<(Oid, Oid)> = None;
    for part in parts {
        let (base, candidate) = candidate(git, part, &fixed)?;
        merged = Some(match merged {
            None => (base, candidate),
            Some((bottom, current)) => {
                let made = merge::pick(git, &place, &base, &candidate, &current)?;
                if !made.conflicts.is_empty() {
                    return Err(Refusal::conflict(format!(
                        "what is taken of '{}' conflicts with what was taken before it in {}",
                        part.name,
                        made.conflicts.join(", ")
                    ))
                    .hint("take other hunks or files of it, or leave it out; nothing was made"));
                }
                let current = commit(git, &place, &made.tree, &[&bottom], b"combined so far", &fixed)?;
                (bottom, current)
            }
        });
    }
    let (bottom, current) = merged.ok_or_else(|| Refusal::internal("nothing was merged"))?;
    let tree = tree_of(git, &place, &current)?;
    if tree == tree_of(git, &place, &bottom)? {
        return Err(Refusal::user("what was picked changes nothing").hint("divisi compare shows what there is"));
    }
    commit(git, &place, &tree, &[&bottom], message.as_bytes(), &Signature::default())
}

/// The base of a part, and a commit on it with what was picked.
fn candidate(git: &Git, part: &Part, fixed: &Signature) -> Result<(Oid, Oid), Refusal> {
    let worktree = &part.worktree;
    let place = admin::require(worktree)?;
    let git_dir = admin::git_dir(worktree);
    let base = grown_from(git, &place, worktree, &head(git, &place, worktree)?)?;
    let index = TempIndex::copy(&git_dir)?;
    let now = status(git, &place)?;
    if let Some(change) = now.unmerged().next() {
        return Err(Refusal::conflict(format!(
            "'{}' has an unresolved conflict in {}",
            part.name,
            text::quote(&change.path)
        )));
    }
    stage(git, &place, &now, Some(index.path()))?;
    let everything = index.tree(git, &place)?;
    let tree = if part.pick.hunks.is_empty() && part.pick.files.is_empty() {
        everything
    } else {
        picked(git, &place, &git_dir, part, &base, &everything)?
    };
    Ok((base.clone(), commit(git, &place, &tree, &[&base], b"picked", fixed)?))
}

/// The base's tree with the picked hunks and files.
fn picked(git: &Git, place: &Place, git_dir: &Path, part: &Part, base: &Oid, all: &Oid) -> Result<Oid, Refusal> {
    let parsed = diff::parsed(git, &part.worktree, &DiffRange::Session, None, false)?;
    let index = TempIndex::empty(git_dir);
    git.call(place).args(["read-tree", base.as_str()]).index(index.path()).writes().ok()?;
    let mut entries = Vec::new();
    for path in &part.pick.files {
        whole_file(git, place, part, &parsed, all, path, &mut entries)?;
    }
    if !entries.is_empty() {
        git.call(place)
            .args(["update-index", "--add", "--replace", "-z", "--index-info"])
            .input(entries)
            .index(index.path())
            .writes()
            .ok()?;
    }
    if !part.pick.hunks.is_empty() {
        let patch = diff::of_files(&parsed, &part.pick.hunks, &part.pick.files)?;
        let applied = git
            .call(place)
            .args(["apply", "--cached", "--whitespace=nowarn", "--no-3way", "-"])
            .input(patch)
            .index(index.path())
            .writes()
            .run()?;
        if applied.code != Some(0) {
            return Err(Refusal::conflict(format!(
                "the hunks of '{}' do not apply by themselves: {}",
                part.name,
                text::said(&applied.stderr)
            ))
            .hint("take the whole file"));
        }
    }
    index.tree(git, place)
}

/// Index entries that make a file what it is in a session: added, changed, moved or gone.
fn whole_file(
    git: &Git,
    place: &Place,
    part: &Part,
    parsed: &Parsed,
    all: &Oid,
    path: &str,
    entries: &mut Vec<u8>,
) -> Result<(), Refusal> {
    let wanted = parsed.diff.files.iter().position(|file| file.path == path);
    let Some(source) = wanted.and_then(|at| parsed.sources.get(at)) else {
        let shown = crate::base::text::visible_line(path, 80);
        return Err(Refusal::user(format!("'{}' did not change {shown}", part.name)).hint("divisi compare"));
    };
    let zero = "0".repeat(all.as_str().len());
    let mut gone = |path: &[u8]| {
        entries.extend_from_slice(format!("0 {zero}\t").as_bytes());
        entries.extend_from_slice(path);
        entries.push(0);
    };
    if source.old_path != source.new_path && !source.old_path.is_empty() {
        gone(&source.old_path);
    }
    if source.new_mode == "000000" {
        gone(&source.new_path);
        return Ok(());
    }
    // `<mode> <type> <oid>\t<path>\0` for exactly this path.
    let listed = git.call(place).args(["ls-tree", "-z", "--full-tree", "-r", all.as_str()]).ok()?;
    let entry = text::nul_list(&listed).find_map(|entry| {
        let tab = entry.iter().position(|byte| *byte == b'\t')?;
        (entry[tab + 1..] == source.new_path[..]).then_some(&entry[..tab])
    });
    let Some(entry) = entry else {
        return Err(Refusal::conflict(format!("{} changed meanwhile", text::quote(&source.new_path))).hint("try again"));
    };
    let words: Vec<&[u8]> = entry.split(|byte| *byte == b' ').collect();
    let [mode, _, oid] = words[..] else { return Err(Refusal::internal("git ls-tree said something odd")) };
    for piece in [mode, b" ", oid, b"\t", &source.new_path, b"\0"] {
        entries.extend_from_slice(piece);
    }
    Ok(())
}
