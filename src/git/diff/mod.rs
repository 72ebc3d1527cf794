//! What a session changed: counts, hunks and patches, untracked files included, without touching the worktree's index.

use std::path::Path;

use crate::model::Refusal;
use crate::model::diff::{Diff, DiffRange, DiffStat};
use crate::model::id::{HunkId, Oid};
use crate::model::worktree::Worktree;

use super::admin;
use super::call::Call;
use super::command::{Git, LONG_DEADLINE, Place};
use super::snapshot::{TempIndex, grown_from, head};
use super::status::{self, CONTEXT};
use super::{refs, round, text, timeline};

mod hunk;
mod parse;

pub(super) use hunk::{apply, is_applied, of_files};
pub(super) use parse::Parsed;

/// Output of one diff that is kept, bytes; files beyond it have counts only.
const LIMIT: usize = 48 * 1024 * 1024;

/// Two states to compare.
enum Sides {
    /// Two commits.
    Commits(Oid, Oid),
    /// A commit and the working files; the index aside knows the untracked ones.
    Files(Oid, Option<TempIndex>),
}

/// Options under which every configuration gives the same patch.
const SHAPE: &[&str] = &[
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--full-index",
    "--find-renames",
    "--unified=3",
    "--inter-hunk-context=0",
    "--diff-algorithm=histogram",
    "--indent-heuristic",
    "--no-relative",
    "--src-prefix=a/",
    "--dst-prefix=b/",
    "--submodule=short",
    "--ignore-submodules=dirty",
    "-O/dev/null",
];

/// The two sides of a range.
fn sides(
    git: &Git,
    worktree: &Worktree,
    range: &DiffRange,
    turn: Option<(&Oid, &Oid)>,
) -> Result<(Place, Sides), Refusal> {
    let whole = admin::presence(worktree) == admin::Presence::Whole;
    let place = if whole { admin::place(worktree) } else { admin::common(worktree) };
    let tip = |git: &Git| -> Result<Oid, Refusal> {
        if whole {
            return head(git, &place, worktree);
        }
        refs::read(git, &place, &worktree.branch)?.ok_or_else(|| {
            Refusal::conflict(format!("neither the worktree nor the branch {} is there any more", worktree.branch))
                .hint(format!("divisi restore {}", worktree.session))
        })
    };
    let sides = match (range, turn) {
        (DiffRange::Turn { .. }, Some((from, to))) => Sides::Commits(from.clone(), to.clone()),
        (DiffRange::Turn { number }, None) => {
            return Err(Refusal::user(format!("turn {number} has no commits to compare")));
        }
        (DiffRange::Checkpoints { from, to }, _) => {
            let from = timeline::full(from)?;
            if let Some(to) = to {
                Sides::Commits(from, timeline::full(to)?)
            } else {
                if !whole {
                    admin::require(worktree)?;
                }
                let index = untracked(git, &place, &from)?;
                Sides::Files(from, index)
            }
        }
        (DiffRange::Session, _) => {
            let tip = tip(git)?;
            let base = grown_from(git, &place, worktree, &tip)?;
            if whole {
                let index = untracked(git, &place, &base)?;
                Sides::Files(base, index)
            } else {
                Sides::Commits(base, tip)
            }
        }
        (DiffRange::Round { number }, _) => {
            if !whole {
                admin::require(worktree)?;
            }
            let baseline = round::baseline(git, &place, worktree, number.unwrap_or(0))?;
            let index = untracked(git, &place, &baseline)?;
            Sides::Files(baseline, index)
        }
        (DiffRange::Uncommitted, _) => {
            if !whole {
                admin::require(worktree)?;
            }
            let tip = tip(git)?;
            let index = untracked(git, &place, &tip)?;
            Sides::Files(tip, index)
        }
    };
    Ok((place, sides))
}

/// An index aside in which every untracked file is an empty one, so that a diff sees it; none when nothing is untracked.
fn untracked(git: &Git, place: &Place, base: &Oid) -> Result<Option<TempIndex>, Refusal> {
    let Place::Worktree { git_dir, .. } = place else { return Ok(None) };
    let status = status::status(git, place)?;
    let blob = if base.as_str().len() == 64 { EMPTY_BLOB_SHA256 } else { EMPTY_BLOB_SHA1 };
    let mut input = Vec::new();
    for path in status.untracked() {
        input.extend_from_slice(format!("100644 {blob} 0\t").as_bytes());
        input.extend_from_slice(path);
        input.push(0);
    }
    if input.is_empty() {
        return Ok(None);
    }
    let index = TempIndex::copy(git_dir)?;
    git.call(place)
        .args(["update-index", "--replace", "-z", "--index-info"])
        .input(input)
        .index(index.path())
        .writes()
        .ok()?;
    Ok(Some(index))
}

const EMPTY_BLOB_SHA1: &str = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";
const EMPTY_BLOB_SHA256: &str = "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813";

/// A call of `git diff` for two sides.
fn call<'a>(git: &'a Git, place: &'a Place, sides: &Sides, options: &[&str]) -> Call<'a> {
    let from = match sides {
        Sides::Commits(from, _) | Sides::Files(from, _) => from,
    };
    // What an agent says in `.gitattributes` hides none of its lines: those of the older side count (git 2.41 or newer).
    let call = git.call(place).variable("GIT_ATTR_SOURCE", from.as_str());
    let mut call = call.arg("diff").args(SHAPE).args(options).deadline(LONG_DEADLINE).limit(LIMIT);
    match sides {
        Sides::Commits(from, to) => call = call.args([from.as_str(), to.as_str()]),
        Sides::Files(from, index) => {
            call = call.arg(from.as_str());
            if let Some(index) = index {
                call = call.index(index.path());
            }
        }
    }
    call.args(["--", ":(top)", &format!(":(top,exclude,literal){CONTEXT}")])
}

/// Counts between two commits.
pub(super) fn stat(git: &Git, place: &Place, from: &Oid, to: &Oid) -> Result<DiffStat, Refusal> {
    let sides = Sides::Commits(from.clone(), to.clone());
    let output = call(git, place, &sides, &["--raw", "--numstat", "-z"]).ok()?;
    Ok(parse::parse(&output, false).diff.stat)
}

/// A diff.
pub(super) fn diff(
    git: &Git,
    worktree: &Worktree,
    range: &DiffRange,
    turn: Option<(&Oid, &Oid)>,
    stat_only: bool,
) -> Result<Diff, Refusal> {
    Ok(parsed(git, worktree, range, turn, stat_only)?.diff)
}

pub(super) fn parsed(
    git: &Git,
    worktree: &Worktree,
    range: &DiffRange,
    turn: Option<(&Oid, &Oid)>,
    stat_only: bool,
) -> Result<Parsed, Refusal> {
    let (place, sides) = sides(git, worktree, range, turn)?;
    let options: &[&str] =
        if stat_only { &["--raw", "--numstat", "-z"] } else { &["--raw", "--numstat", "--patch", "-z"] };
    let call = call(git, &place, &sides, options);
    let shown = call.shown();
    let finished = call.run()?;
    if finished.code != Some(0) && !finished.truncated {
        return Err(super::call::failed(&shown, &finished));
    }
    Ok(parse::parse(&finished.stdout, !stat_only))
}

/// A patch that `git apply` takes.
pub(super) fn patch(
    git: &Git,
    worktree: &Worktree,
    range: &DiffRange,
    turn: Option<(&Oid, &Oid)>,
) -> Result<String, Refusal> {
    let (place, sides) = sides(git, worktree, range, turn)?;
    let output = call(git, &place, &sides, &["--patch", "--binary"]).ok()?;
    String::from_utf8(output).map_err(|_| {
        Refusal::user("the changes hold text that is not UTF-8, which cannot be handed over as a patch").hint(format!(
            "git -C '{}' diff --binary {}",
            text::path(Path::new(&worktree.path)),
            worktree.base.commit
        ))
    })
}

/// A file at the merge base, or at the baseline of a round.
pub(super) fn old_file(git: &Git, worktree: &Worktree, path: &str, number: u32) -> Result<Option<String>, Refusal> {
    let place = if admin::presence(worktree) == admin::Presence::Whole {
        admin::place(worktree)
    } else {
        admin::common(worktree)
    };
    let tip = refs::read(git, &place, "HEAD")?.or(refs::read(git, &place, &worktree.branch)?);
    let base = match tip {
        _ if number > 0 => round::baseline(git, &place, worktree, number)?,
        Some(tip) => grown_from(git, &place, worktree, &tip)?,
        None => worktree.base.commit.clone(),
    };
    let bytes = text::unquote(path);
    if bytes.is_empty() || bytes.contains(&0) || bytes.contains(&b'\n') {
        return Err(Refusal::user("this is not a path of a file in the repository"));
    }
    let mut wanted = format!("{base}:").into_bytes();
    wanted.extend_from_slice(&bytes);
    wanted.push(b'\n');
    let shown = text::quote(&bytes);
    let output = git.call(&place).args(["cat-file", "--batch"]).input(wanted).ok()?;
    let Some(line) = output.iter().position(|byte| *byte == b'\n') else { return Ok(None) };
    let header = String::from_utf8_lossy(&output[..line]).into_owned();
    if header.ends_with(" missing") || header.ends_with(" ambiguous") {
        return Ok(None);
    }
    let mut words = header.rsplit(' ');
    let (Some(size), Some(kind)) = (words.next().and_then(|size| size.parse::<usize>().ok()), words.next()) else {
        return Ok(None);
    };
    if kind != "blob" {
        return Err(Refusal::user(format!("{shown} is not a file there")));
    }
    let content = output.get(line + 1..line + 1 + size).unwrap_or_default();
    if content.contains(&0) {
        return Err(Refusal::user(format!("{shown} is not text at the base")));
    }
    String::from_utf8(content.to_vec())
        .map(Some)
        .map_err(|_| Refusal::user(format!("{shown} is not UTF-8 text at the base")))
}

/// The hunk with an id, or with the only id that begins so, and its patch.
pub(super) fn find_hunk(
    git: &Git,
    worktree: &Worktree,
    range: &DiffRange,
    wanted: &HunkId,
) -> Result<(HunkId, String), Refusal> {
    let parsed = parsed(git, worktree, range, None, false)?;
    hunk::find(&parsed, wanted)
}
