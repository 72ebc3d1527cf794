//! Reviews: comments on lines, rounds that send them to the agent, and which files were looked at.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::diff::{Diff, DiffRange};
use super::id::{CommandId, CommentId, HunkId, Oid, PromptId, SessionId};
use super::part::Parts;

/// What a comment wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommentKind {
    /// Something is wrong and has to change.
    #[default]
    Issue,
    /// Something could be better.
    Suggestion,
    /// Something has to be explained.
    Question,
    /// A trifle.
    Nit,
}

impl CommentKind {
    /// The contract's string.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Issue => "issue",
            Self::Suggestion => "suggestion",
            Self::Question => "question",
            Self::Nit => "nit",
        }
    }
}

/// Which side of the diff a comment's lines are on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommentSide {
    /// The working files.
    #[default]
    New,
    /// The state they are compared with.
    Old,
}

/// What a comment holds on to: content, so that it follows its lines wherever edits move them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Anchor {
    /// The commented lines, at most the first [`Anchor::LINES`], each cut to [`Anchor::WIDTH`] characters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
    /// Up to three lines before them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<String>,
    /// Up to three lines after the kept ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
    /// For the old side: the round against whose baseline it was looked at; 0 is the session's base.
    #[serde(default)]
    pub round: u32,
}

impl Anchor {
    /// Lines that are kept.
    pub const LINES: usize = 20;
    /// Characters of a line that are kept.
    pub const WIDTH: usize = 400;
}

/// A person's comment on lines of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// Its id.
    pub id: CommentId,
    /// The file, as the diff names it.
    pub path: String,
    /// Which side of the diff.
    #[serde(default)]
    pub side: CommentSide,
    /// First line when it was written, one-based; 0 for a comment on the whole file.
    pub first: u32,
    /// Last line, included.
    pub last: u32,
    /// What it wants.
    #[serde(default)]
    pub kind: CommentKind,
    /// What it says, raw.
    pub text: String,
    /// What it holds on to.
    #[serde(default)]
    pub anchor: Anchor,
    /// Who wrote it: a face's client name.
    pub by: String,
    /// When, milliseconds since the epoch.
    pub at: i64,
    /// The round it was sent with; absent: not sent yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round: Option<u32>,
    /// True once the person is satisfied.
    #[serde(default)]
    pub resolved: bool,
}

impl Comment {
    /// Characters of a comment's text, at most.
    pub const LIMIT: usize = 8_000;
    /// Comments of a session, at most.
    pub const MOST: usize = 500;

    /// Whether the next round takes it along.
    pub fn open(&self) -> bool {
        !self.resolved && self.round.is_none()
    }
}

/// A round: what was sent to the agent together, and the state it was about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    /// One-based.
    pub number: u32,
    /// When it was begun, milliseconds since the epoch.
    pub at: i64,
    /// The comments sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub comments: Vec<CommentId>,
    /// The rejected hunks told of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rejected: Vec<HunkId>,
    /// What the person said besides.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// The commit of the worktree as it was; absent while the round is on its way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Oid>,
    /// The prompt that carries it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<PromptId>,
}

/// A change of the working files that a decision asked for and that is being made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applying {
    /// True when the hunk is taken out, false when it is put back.
    pub reverse: bool,
    /// The hunk's patch.
    pub patch: String,
    /// The command that asked for it; its receipt is sent when it is done, by whichever daemon does it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<CommandId>,
}

/// Everything a session's review consists of besides decisions on hunks.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Review {
    /// Comments, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub comments: Vec<Comment>,
    /// Comments so far, for their ids.
    #[serde(default)]
    pub comments_made: u32,
    /// Rounds whose baseline is kept, oldest first, the newest perhaps on its way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rounds: Vec<Round>,
    /// Rounds so far.
    #[serde(default)]
    pub rounds_made: u32,
    /// Rejected hunks that the agent was told of.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub told: BTreeSet<HunkId>,
    /// Files looked at: the content's object id by path.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub viewed: BTreeMap<String, String>,
    /// Accepted parts of hunks, as they were then.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parts: Parts,
    /// Hunks that are being taken out or put back.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub applying: BTreeMap<HunkId, Applying>,
}

impl Review {
    /// Nothing was ever reviewed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The round on its way.
    pub fn sending(&self) -> Option<&Round> {
        self.rounds.last().filter(|round| round.baseline.is_none())
    }

    /// The newest round that was sent and whose baseline is kept; 0 when there is none.
    pub fn last_round(&self) -> u32 {
        self.rounds.iter().rev().find(|round| round.baseline.is_some()).map_or(0, |round| round.number)
    }
}

/// A review in numbers, for lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ReviewCounts {
    /// The newest round sent; 0: none.
    pub round: u32,
    /// Comments the next round takes along.
    pub comments: u32,
    /// Rejected hunks the agent was not told of.
    pub rejected: u32,
}

/// A comment with where its lines are now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacedComment {
    /// The comment.
    #[serde(flatten)]
    pub comment: Comment,
    /// First line now; absent when its lines are gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// True when its lines are gone or changed; it is shown where it was.
    pub outdated: bool,
}

/// A hunk that was taken out of the worktree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedHunk {
    /// Its id.
    pub id: HunkId,
    /// The file.
    pub path: String,
    /// The line of the working file at which its first change was.
    pub line: u32,
    /// Its lines, each with its leading ` `, `+`, `-` or `\`, raw.
    pub lines: Vec<String>,
    /// Whether the agent was told.
    pub told: bool,
}

/// The answer of `review/show`: everything a review is drawn from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewView {
    /// The session.
    pub session: SessionId,
    /// What is compared: the session's base, or the baseline of a round.
    #[serde(flatten)]
    pub range: DiffRange,
    /// The newest round sent; 0: none.
    pub round: u32,
    /// The diff, with decisions and viewed marks.
    pub diff: Diff,
    /// Hunks taken out, by file and line.
    pub rejected: Vec<RejectedHunk>,
    /// Comments, oldest first.
    pub comments: Vec<PlacedComment>,
    /// The message a landing would have.
    pub message: String,
}

/// Parameters of `comment/add`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddComment {
    /// Which session.
    pub session: SessionId,
    /// The file, as the diff names it.
    pub path: String,
    /// Which side of the diff.
    #[serde(default)]
    pub side: CommentSide,
    /// First line, one-based; 0 for the whole file.
    #[serde(default)]
    pub first: u32,
    /// Last line, included; absent: the first.
    #[serde(default)]
    pub last: Option<u32>,
    /// What it wants.
    #[serde(default)]
    pub kind: CommentKind,
    /// What it says.
    pub text: String,
    /// For the old side: the round whose baseline is meant; absent or 0: the session's base.
    #[serde(default)]
    pub round: u32,
}

/// Parameters of `comment/edit`. A comment that was sent is open again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EditComment {
    /// Which session.
    pub session: SessionId,
    /// Which comment.
    pub comment: CommentId,
    /// What it says now.
    pub text: String,
    /// What it wants now; absent: as before.
    #[serde(default)]
    pub kind: Option<CommentKind>,
}

/// Parameters of `comment/remove`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoveComment {
    /// Which session.
    pub session: SessionId,
    /// Which comment.
    pub comment: CommentId,
}

/// Parameters of `comment/resolve`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResolveComment {
    /// Which session.
    pub session: SessionId,
    /// Which comment.
    pub comment: CommentId,
    /// False takes it back.
    #[serde(default = "yes")]
    pub resolved: bool,
}

fn yes() -> bool {
    true
}

/// Parameters of `round/send`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SendRound {
    /// Which session.
    pub session: SessionId,
    /// Something to say besides the comments.
    #[serde(default)]
    pub note: String,
}

/// Parameters of `file/viewed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ViewFile {
    /// Which session.
    pub session: SessionId,
    /// The file, as the diff names it.
    pub path: String,
    /// The content that was looked at, as the diff tells it; absent: not looked at after all.
    #[serde(default)]
    pub content: Option<String>,
}

/// Parameters of `comment/list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListComments {
    /// Which session.
    pub session: SessionId,
}

/// Parameters of `review/show`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShowReview {
    /// Which session.
    pub session: SessionId,
    /// Which states are compared; absent: the session's base with the working files.
    #[serde(default, flatten)]
    pub range: DiffRange,
}

#[cfg(test)]
pub(crate) mod samples;
