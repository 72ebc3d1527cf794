//! Editors: what an agent in its own interface may ask of the editor in which a person looks at its worktree.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::id::SessionId;

/// How an agent's own interface speaks with an editor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EditorProtocol {
    /// Claude Code's: MCP over a `WebSocket` on loopback, found by a lock file in its configuration directory.
    Claude,
}

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// The line, from 0.
    pub line: u32,
    /// UTF-16 code units before it in the line.
    pub character: u32,
}

/// What is selected in an editor; the same place twice where only a cursor stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// The file, absolute.
    pub path: String,
    /// The selected text.
    pub text: String,
    /// Where it begins.
    pub start: Position,
    /// Where it ends.
    pub end: Position,
}

/// A place that a person hands to the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mention {
    /// The file, absolute.
    pub path: String,
    /// First and last line, from 0; absent: the whole file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lines: Option<(u32, u32)>,
}

/// What an editor is asked. The answer's shape is named with each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EditorQuestion {
    /// Show what a file would become, and let a person decide: [`DiffDecision`]. Answered when they have.
    ReviewDiff {
        /// The file, absolute; it need not exist.
        path: String,
        /// What it would hold.
        text: String,
    },
    /// Show a file: [`ShownFile`].
    OpenFile {
        /// The file, absolute.
        path: String,
        /// Text at which the selection begins.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<String>,
        /// Text at which it ends.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<String>,
        /// Whether the person is to see it now; otherwise it is only loaded.
        front: bool,
    },
    /// What is selected now: a [`Selection`], or null.
    Selection {},
    /// Which files are open: a list of [`OpenEditor`].
    OpenEditors {},
    /// What language servers and linters say: a list of [`FileDiagnostics`].
    Diagnostics {
        /// Of this file only, absolute.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        path: Option<String>,
    },
    /// Whether a file has changes that were not saved: a [`DocumentState`].
    IsDirty {
        /// The file, absolute.
        path: String,
    },
    /// Save a file: a [`DocumentState`].
    Save {
        /// The file, absolute.
        path: String,
    },
}

/// What a person decided of a proposed text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffDecision {
    /// The final text, which they may have edited; absent: refused.
    #[serde(default)]
    pub accepted: Option<String>,
}

/// A file that is shown.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ShownFile {
    /// Its language.
    pub language: String,
    /// Its lines.
    pub lines: u32,
}

/// A file that is open in an editor.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct OpenEditor {
    /// The file, absolute.
    pub path: String,
    /// Its language.
    pub language: String,
    /// The person looks at it.
    pub active: bool,
    /// It has changes that were not saved.
    pub dirty: bool,
}

/// How bad a diagnostic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// An error.
    Error,
    /// A warning.
    Warning,
    /// Something to know.
    Info,
    /// A hint.
    Hint,
}

/// One diagnostic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// What is said.
    pub message: String,
    /// How bad it is.
    pub severity: Severity,
    /// Where it begins.
    pub start: Position,
    /// Where it ends.
    pub end: Position,
    /// Who says so.
    #[serde(default)]
    pub source: Option<String>,
    /// Their word for it.
    #[serde(default)]
    pub code: Option<String>,
}

/// The diagnostics of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDiagnostics {
    /// The file, absolute.
    pub path: String,
    /// What is said of it.
    pub diagnostics: Vec<Diagnostic>,
}

/// How a file stands in an editor.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DocumentState {
    /// It is open.
    pub open: bool,
    /// It has changes that were not saved.
    pub dirty: bool,
    /// Why it could not be saved.
    pub problem: Option<String>,
}

/// Parameters of `editor/places`: what a person sees in an editor.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EditorPlaces {
    /// Sessions whose worktree or terminal some tab of it shows.
    pub sessions: Vec<SessionId>,
    /// The one of the tab that is looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<SessionId>,
}

/// Parameters of `editor/answer`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EditorAnswer {
    /// The question's number, as `editor/asked` gave it.
    pub question: u64,
    /// The answer; its shape is the question's.
    #[serde(default)]
    pub value: Value,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Parameters of `editor/selection`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EditorSelection {
    /// Whose worktree the file is in.
    pub session: SessionId,
    /// What is selected; absent: nothing any more.
    #[serde(default)]
    pub selection: Option<Selection>,
}

/// Parameters of `editor/mention`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EditorMention {
    /// Whose agent it is for.
    pub session: SessionId,
    /// What.
    pub mention: Mention,
}

/// What the daemon tells an editor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToEditor {
    /// A question.
    Asked(Asked),
    /// It needs no answer any more: it was answered elsewhere, or whoever asked is gone.
    Withdrawn {
        /// The question's number.
        question: u64,
    },
    /// Which sessions have an agent that listens to editors now.
    Agents {
        /// These.
        sessions: Vec<SessionId>,
    },
}

/// The notification `editor/asked`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Its number on this connection's daemon.
    pub question: u64,
    /// Whose agent asks.
    pub session: SessionId,
    /// What.
    pub ask: EditorQuestion,
}
