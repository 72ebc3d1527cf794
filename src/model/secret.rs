//! Values that are handed over for use and never for keeping: credentials, and whatever else a caller's variables hold.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A value that is not shown: its `Debug` is three stars, and it is part of nothing that is stored. It is serialized as plain text for
/// one purpose: to be handed to the daemon over its socket, which only the user can open.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Words that, as a part of a variable's name, say that its value is a credential.
const MARKS: &[&str] = &[
    "KEY",
    "APIKEY",
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "PASS",
    "PAT",
    "CREDENTIAL",
    "CREDENTIALS",
    "AUTH",
    "COOKIE",
    "BEARER",
];

/// Whether a variable's name says that its value is a credential: one of its parts (at `_`, `-`, `.`) is such a word, with or without
/// a plural's s, or it ends in one (`GITHUBTOKEN`). `MAX_TOKENS` is none: a count, not a value to hide.
pub fn names_a_credential(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    if upper.ends_with("_TOKENS")
        || upper.ends_with("_FILE")
        || upper.ends_with("_PATH")
        || upper.ends_with("_DIR")
        || upper.ends_with("_SOCK")
    {
        return false;
    }
    let part = |part: &str| {
        let part = part.trim_end_matches(|c: char| c.is_ascii_digit());
        MARKS.iter().any(|mark| part == *mark || part.strip_suffix('S') == Some(*mark))
            || ["APIKEY", "TOKEN", "SECRET", "PASSWORD"].iter().any(|mark| part.ends_with(mark))
    };
    upper.split(['_', '-', '.']).any(part)
}

/// A text with the password in a URL's authority replaced by stars: `https://user:***@host`.
pub fn without_userinfo(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://***@{}", &rest[at + 1..]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
