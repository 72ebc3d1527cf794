//! What changed, file by file and hunk by hunk.

use serde::{Deserialize, Serialize};

use super::id::HunkId;

/// Counts of a diff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DiffStat {
    /// Files touched.
    pub files: u32,
    /// Lines added.
    pub added: u32,
    /// Lines removed.
    pub removed: u32,
}

/// A person's decision about a hunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HunkDecision {
    /// Seen and kept.
    Accepted,
    /// Reverse-applied in the worktree.
    Rejected,
}

/// How a file changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileStatus {
    /// New.
    Added,
    /// Gone.
    Deleted,
    /// Changed in place.
    Modified,
    /// Moved, perhaps changed.
    Renamed,
    /// Only its mode or type changed.
    TypeChanged,
}

/// One hunk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hunk {
    /// Identity by content: stable while its lines move.
    pub id: HunkId,
    /// First line in the old file, one-based; 0 for an addition to an empty file.
    pub old_start: u32,
    /// Lines in the old file.
    pub old_lines: u32,
    /// First line in the new file, one-based.
    pub new_start: u32,
    /// Lines in the new file.
    pub new_lines: u32,
    /// What git shows after the second `@@`.
    pub heading: String,
    /// The lines, each with its leading ` `, `+`, `-` or `\`, raw (a face makes them safe to show).
    pub lines: Vec<String>,
    /// The person's decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<HunkDecision>,
    /// True when it was rejected before and somebody put it back: it waits for a decision again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub returned: bool,
}

/// One file of a diff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDiff {
    /// Path relative to the worktree, in git's C-quoted form when it is not valid UTF-8.
    pub path: String,
    /// Where it was, for a rename.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_path: Option<String>,
    /// How it changed.
    pub status: FileStatus,
    /// True when git calls it binary; it has no hunks then.
    pub binary: bool,
    /// Lines added.
    pub added: u32,
    /// Lines removed.
    pub removed: u32,
    /// Tells the new content apart: its object id (zeros when the file is gone), or its mode when only that or the name changed; absent
    /// when only counts were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Whether exactly this content was looked at.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub viewed: bool,
    /// Its hunks; empty when only counts were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hunks: Vec<Hunk>,
}

/// A diff.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Diff {
    /// Totals.
    pub stat: DiffStat,
    /// The files, in git's order.
    pub files: Vec<FileDiff>,
}

/// Which two states are compared.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "of")]
pub enum DiffRange {
    /// The merge base with the base branch against the working files (untracked files included).
    #[default]
    Session,
    /// One turn: the commit before it against its checkpoint.
    Turn {
        /// The turn's number, one-based.
        number: u32,
    },
    /// The last checkpoint against the working files.
    Uncommitted,
    /// The baseline of a review's round against the working files: the answer to that round.
    Round {
        /// Which; absent: the newest, or the session's base when none was sent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<u32>,
    },
    /// A checkpoint of the timeline against a later one, or against the working files.
    Checkpoints {
        /// The first: a name, a turn's number, or the beginning of a commit.
        from: String,
        /// The second; absent: the working files.
        #[serde(default)]
        to: Option<String>,
    },
}
