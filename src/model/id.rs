//! Identifiers. None of them is a position in a list that someone else can change.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! string_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    };
}

string_id!(
    /// One session, from creation to landing or removal: ten characters of lower-case base 32.
    SessionId
);
string_id!(
    /// One prompt and everything until the agent stops: `<session>.t<number>`.
    TurnId
);
string_id!(
    /// A prompt that waits to be delivered: `<session>.p<number>`.
    PromptId
);
string_id!(
    /// A permission request of an agent: ten characters of lower-case base 32.
    ApprovalId
);
string_id!(
    /// One process of an agent, with its shim and its journal: `<session>.j<number>`.
    JobId
);
string_id!(
    /// One attempt to land a session: `<session>.l<number>`.
    LandingId
);
string_id!(
    /// One evaluation of a session: `<session>.e<number>`.
    EvaluationId
);
string_id!(
    /// A command's identity, made by the client; a repeated id gets the first receipt.
    CommandId
);
string_id!(
    /// A hunk's identity by content: path and changed lines, never line numbers. Sixteen hexadecimal digits.
    HunkId
);
string_id!(
    /// A comment of a review: `<session>.c<number>`.
    CommentId
);
string_id!(
    /// One batch: ten characters of lower-case base 32.
    BatchId
);
string_id!(
    /// One run of a batch: `<batch>.r<number>`.
    RunId
);
string_id!(
    /// A full git object id in hexadecimal (40 or 64 digits).
    Oid
);

impl Oid {
    /// The first ten digits, for showing.
    pub fn short(&self) -> &str {
        self.0.get(..10).unwrap_or(&self.0)
    }
}

/// An event's sequence number: dense, starting at 1, assigned by the store's writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(pub u64);

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
