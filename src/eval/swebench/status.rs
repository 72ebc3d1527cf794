//! What a log says of each test.

use std::borrow::Cow;

use indexmap::IndexMap;
use serde::{Serialize, Serializer};

/// What a log says of a test. The harness keeps the word it read, which may be none of its own (`ERROR:`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status<'a> {
    /// `FAILED`
    Failed,
    /// `PASSED`
    Passed,
    /// `SKIPPED`
    Skipped,
    /// `ERROR`
    Error,
    /// `XFAIL`: failed, as expected.
    Xfail,
    /// Another word, which counts as neither passed nor failed.
    Other(Cow<'a, str>),
}

impl<'a> Status<'a> {
    /// The words in the order in which the harness tries them.
    pub(super) const WORDS: [&'static str; 5] = ["FAILED", "PASSED", "SKIPPED", "ERROR", "XFAIL"];

    /// The status that a word stands for.
    pub(super) fn of(word: Cow<'a, str>) -> Self {
        match &*word {
            "FAILED" => Self::Failed,
            "PASSED" => Self::Passed,
            "SKIPPED" => Self::Skipped,
            "ERROR" => Self::Error,
            "XFAIL" => Self::Xfail,
            _ => Self::Other(word),
        }
    }

    /// The word of the harness.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Failed => "FAILED",
            Self::Passed => "PASSED",
            Self::Skipped => "SKIPPED",
            Self::Error => "ERROR",
            Self::Xfail => "XFAIL",
            Self::Other(word) => word,
        }
    }

    /// Whether the test did what it should.
    pub fn passed(&self) -> bool {
        matches!(self, Self::Passed | Self::Xfail)
    }
}

impl Serialize for Status<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Tests and what the log says of them, in the order in which they were first named; the last word counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatusMap<'a>(IndexMap<Cow<'a, str>, Status<'a>>);

impl<'a> StatusMap<'a> {
    pub(super) fn set(&mut self, test: impl Into<Cow<'a, str>>, status: Status<'a>) {
        self.0.insert(test.into(), status);
    }

    /// What is said of a test of exactly this name.
    pub fn get(&self, test: &str) -> Option<&Status<'a>> {
        self.0.get(test)
    }

    /// How many tests are named.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no test is named.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and statuses, in order of first mention.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Status<'a>)> {
        self.0.iter().map(|(test, status)| (&**test, status))
    }
}

impl Serialize for StatusMap<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}
