//! Port of attachments: copies of the files that go with prompts, kept outside of every worktree until their session is removed.

use std::collections::BTreeSet;

use crate::model::Refusal;
use crate::model::attachment::{Attach, Attachment};
use crate::model::id::SessionId;

/// An attachment on its way to an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The file's name.
    pub name: String,
    /// What it is.
    pub media_type: String,
    /// The path of the kept copy, absolute.
    pub path: String,
    /// Its bytes, for images and for texts that are short enough to be told whole; absent otherwise, and when the copy is gone.
    pub bytes: Option<Vec<u8>>,
}

/// Keeps copies of attached files.
pub trait Attachments: Send + Sync {
    /// Copies files for a session and says what they are. All or nothing: after an error nothing is left of this call.
    ///
    /// # Errors
    /// When a path is not absolute, cannot be read, is no plain file, is too large, or is no image although it has to be one.
    fn keep(&self, session: &SessionId, files: &[Attach]) -> Result<Vec<Attachment>, Refusal>;

    /// What an agent is given of a kept file.
    fn load(&self, session: &SessionId, attachment: &Attachment) -> Content;

    /// Deletes everything kept for a session.
    ///
    /// # Errors
    /// When it cannot be deleted.
    fn forget(&self, session: &SessionId) -> Result<(), Refusal>;

    /// Deletes what no session of these has asked to keep: a daemon died between copying and accepting.
    fn sweep(&self, sessions: &BTreeSet<SessionId>);
}

/// What a prompt's text says of a file that the agent's protocol has no place for. What comes before it is the person's own.
pub fn named(name: &str, media_type: &str, path: &str) -> String {
    let name = crate::base::text::visible_line(name, 200);
    format!("\n\n{NAMED} {name} ({media_type}), which is here: {path}")
}

/// What [`named`] begins with.
pub const NAMED: &str = "Attached to this message is the file";
