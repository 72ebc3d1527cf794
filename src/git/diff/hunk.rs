//! Hunks by identity: found, made into a patch of their own, applied.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::model::Refusal;
use crate::model::diff::{FileDiff, Hunk};
use crate::model::id::HunkId;
use crate::model::worktree::Worktree;

use super::parse::{Parsed, Source};
use crate::git::admin;
use crate::git::command::Git;
use crate::git::inspect::hex;
use crate::git::text;

/// The identity of a hunk: path, its lines with their context, and which of several equal ones in the file it is. Line numbers do not
/// count, so it stays while it moves. Context tells equal changes apart, whichever of them is still there; it costs nothing: whoever
/// edits a line of the context makes it part of the hunk.
pub(super) fn identity(source: &Source, lines: &[String], seen: &mut HashMap<String, u32>) -> HunkId {
    let mut digest = Sha256::new();
    digest.update(&source.new_path);
    digest.update([0]);
    for line in lines {
        digest.update(line.as_bytes());
        digest.update(b"\n");
    }
    let content = hex(&digest.clone().finalize());
    let number = seen.entry(content).or_insert(0);
    digest.update([0]);
    digest.update(number.to_le_bytes());
    *number += 1;
    let mut id = hex(&digest.finalize());
    id.truncate(16);
    HunkId(id)
}

/// The hunk with an id, or with the only id that begins so.
pub(super) fn find(parsed: &Parsed, wanted: &HunkId) -> Result<(HunkId, String), Refusal> {
    let shown = crate::base::text::visible_line(wanted.as_str(), 40);
    if wanted.as_str().is_empty() {
        return Err(Refusal::user("no hunk was named"));
    }
    let mut found = Vec::new();
    for (file, source) in parsed.diff.files.iter().zip(&parsed.sources) {
        found.extend(
            file.hunks
                .iter()
                .filter(|hunk| hunk.id.as_str().starts_with(wanted.as_str()))
                .map(|hunk| (file, source, hunk)),
        );
    }
    match found[..] {
        [(file, source, hunk)] => Ok((hunk.id.clone(), patch(file, source, hunk)?)),
        [] => Err(Refusal::conflict(format!("there is no hunk {shown} in the session's changes (any more)"))
            .hint("divisi diff SESSION shows the hunks and their ids")),
        _ => Err(Refusal::user(format!("{} hunks begin with {shown}", found.len())).hint("give more digits")),
    }
}

/// A patch of one hunk alone.
fn patch(file: &FileDiff, source: &Source, hunk: &Hunk) -> Result<String, Refusal> {
    if !source.utf8 {
        return Err(Refusal::user(format!(
            "{} holds text that is not UTF-8, so its hunks cannot be taken one by one",
            file.path
        ))
        .hint("edit the file in the worktree"));
    }
    let added = source.old_mode == "000000";
    let deleted = source.new_mode == "000000";
    let header = |side| String::from_utf8_lossy(&text::header(side, &source.new_path)).into_owned();
    let (old, new) = (header("a/"), header("b/"));
    let mut patch = format!("diff --git {old} {new}\n");
    if added {
        let _ = writeln!(patch, "new file mode {}", source.new_mode);
    }
    if deleted {
        let _ = writeln!(patch, "deleted file mode {}", source.old_mode);
    }
    // A name with a blank needs a tab after it, or its end is not seen.
    let end = if source.new_path.contains(&b' ') && !old.starts_with('"') { "\t" } else { "" };
    let from = if added { "/dev/null".to_owned() } else { format!("{old}{end}") };
    let to = if deleted { "/dev/null".to_owned() } else { format!("{new}{end}") };
    let _ = writeln!(patch, "--- {from}\n+++ {to}");
    let _ = writeln!(patch, "@@ -{},{} +{},{} @@", hunk.old_start, hunk.old_lines, hunk.new_start, hunk.new_lines);
    for line in &hunk.lines {
        patch.push_str(line);
        patch.push('\n');
    }
    Ok(patch)
}

/// Whether a patch was applied already: it does not apply, and the opposite would.
pub(in crate::git) fn is_applied(git: &Git, worktree: &Worktree, patch: &str, reverse: bool) -> Result<bool, Refusal> {
    let place = admin::require(worktree)?;
    let applies = |reverse: bool| -> Result<bool, Refusal> {
        let mut call = git.call(&place).args(["apply", "--check", "--whitespace=nowarn", "--no-3way"]);
        if reverse {
            call = call.arg("--reverse");
        }
        Ok(call.arg("-").input(patch).run()?.code == Some(0))
    };
    Ok(!applies(reverse)? && applies(!reverse)?)
}

/// A patch of several hunks, file by file, their places counted as if nothing else had changed. Hunks of files that are taken whole
/// are left out.
pub(in crate::git) fn of_files(parsed: &Parsed, wanted: &[HunkId], whole: &[String]) -> Result<String, Refusal> {
    let mut chosen = Vec::new();
    for id in wanted {
        chosen.push(find(parsed, id)?.0);
    }
    let mut all = String::new();
    for (file, source) in parsed.diff.files.iter().zip(&parsed.sources) {
        let hunks: Vec<&Hunk> = file.hunks.iter().filter(|hunk| chosen.contains(&hunk.id)).collect();
        if hunks.is_empty() || whole.contains(&file.path) {
            continue;
        }
        if file.old_path.is_some() {
            return Err(Refusal::user(format!("{} was moved, so its hunks cannot be taken one by one", file.path))
                .hint("take the whole file"));
        }
        let mut shift = 0_i64;
        for (number, hunk) in hunks.iter().enumerate() {
            let moved =
                i64::from(hunk.old_start) + shift + i64::from(hunk.old_lines == 0) - i64::from(hunk.new_lines == 0);
            let placed = Hunk { new_start: u32::try_from(moved.max(0)).unwrap_or(0), ..(*hunk).clone() };
            shift += i64::from(hunk.new_lines) - i64::from(hunk.old_lines);
            let one = patch(file, source, &placed)?;
            // Only the first has the file's header.
            let body = one.find("\n@@ ").map_or(0, |at| at + 1);
            all.push_str(if number == 0 { &one } else { &one[body..] });
        }
    }
    Ok(all)
}

/// Applies a patch to the working files of a worktree, all of it or nothing.
pub(in crate::git) fn apply(git: &Git, worktree: &Worktree, patch: &str, reverse: bool) -> Result<(), Refusal> {
    let place = admin::require(worktree)?;
    let mut call = git.call(&place).args(["apply", "--whitespace=nowarn", "--no-3way"]);
    if reverse {
        call = call.arg("--reverse");
    }
    let finished = call.arg("-").input(patch).writes().once().run()?;
    if finished.code == Some(0) {
        return Ok(());
    }
    Err(Refusal::conflict(format!(
        "the patch does not apply to {}: {}",
        text::path(Path::new(&worktree.path)),
        text::said(&finished.stderr)
    ))
    .hint("the file changed since; look at the diff again"))
}
