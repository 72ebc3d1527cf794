//! Parts of hunks: some of a hunk's changes, decided apart from the others.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::id::HunkId;

/// Accepted parts by id.
pub type Parts = BTreeMap<HunkId, Part>;

/// What a part is found again by: its lines, and those around it. Where it stood does not count.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Part {
    /// The file, as the diff names it.
    pub path: String,
    /// From its first change to its last, each line with its leading ` `, `+`, `-` or `\`, changes in pairs of what went and what came.
    pub lines: Vec<String>,
    /// Up to three lines of the new file before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<String>,
    /// Up to three lines of the new file after it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
}

/// A hunk, or a part of one, that was looked up because somebody decides on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundHunk {
    /// Its whole id.
    pub id: HunkId,
    /// It alone as a patch.
    pub patch: String,
    /// Of a part of a hunk: what it is found again by.
    pub part: Option<Part>,
}
