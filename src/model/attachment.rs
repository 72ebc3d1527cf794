//! Files and images that go with a prompt.

use serde::{Deserialize, Serialize};

/// The most attachments of one prompt.
pub const MOST: usize = 20;
/// The largest attached file, in bytes.
pub const LARGEST_FILE: u64 = 20 * 1024 * 1024;
/// The largest attached image, in bytes: what models take.
pub const LARGEST_IMAGE: u64 = 5 * 1024 * 1024;
/// All images of one prompt together, in bytes: they travel inside of one message, which is kept in the journal.
pub const IMAGES_TOGETHER: u64 = 10 * 1024 * 1024;

/// A file that a person wants to go with a prompt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attach {
    /// Its path, absolute, as the daemon sees it.
    pub path: String,
    /// Refuse it unless it is an image.
    #[serde(default)]
    pub image: bool,
}

/// An attached file, as it was when its prompt was accepted: the daemon keeps a copy of its own under this digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// The file's name, without its directory.
    pub name: String,
    /// What its content is (`image/png`, `text/plain`, `application/octet-stream`, ...): looked at, never taken from the name.
    pub media_type: String,
    /// Its size in bytes.
    pub size: u64,
    /// SHA-256 of its content, hexadecimal.
    pub digest: String,
}

impl Attachment {
    /// Whether it is an image that models look at.
    pub fn is_image(&self) -> bool {
        self.media_type.starts_with("image/")
    }
}

/// When a prompt is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// When the running turn, if any, is over.
    #[default]
    Free,
    /// Into the running turn, where the agent's protocol can; else before everything else that waits.
    Now,
    /// The running turn is interrupted, then it is the next.
    Interrupt,
}
