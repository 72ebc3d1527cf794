//! What can be wrong with a configuration.

use std::io;
use std::path::PathBuf;

use crate::model::Refusal;

/// What can be wrong with a configuration file or with a change to it.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read or written.
    #[error("failed to {doing} {}: {source}", path.display())]
    File {
        /// `read` or `write`.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not TOML.
    #[error("{file}:{line}: not valid TOML: {message}")]
    Syntax {
        /// The file as shown.
        file: String,
        /// One-based.
        line: usize,
        /// The parser's words, one line.
        message: String,
    },
    /// A key nobody knows.
    #[error("{file}:{line}: unknown key `{key}`")]
    Unknown {
        /// The file as shown.
        file: String,
        /// One-based.
        line: usize,
        /// The dotted key.
        key: String,
        /// Keys it may have been meant to be.
        near: Vec<String>,
    },
    /// A value of the wrong type or out of range.
    #[error("{file}:{line}: `{key}` {message}")]
    Value {
        /// The file as shown.
        file: String,
        /// One-based.
        line: usize,
        /// The dotted key.
        key: String,
        /// What it has to be and what it is.
        message: String,
    },
    /// A key given to `config get` or `config set` that nobody knows.
    #[error("there is no setting `{key}`")]
    NoSuchKey {
        /// The dotted key.
        key: String,
        /// Keys it may have been meant to be.
        near: Vec<String>,
    },
    /// A value given to `config set` that does not fit.
    #[error("failed to set `{key}`: it {message}")]
    BadValue {
        /// The dotted key.
        key: String,
        /// What it has to be and what it is.
        message: String,
    },
}

impl From<ConfigError> for Refusal {
    fn from(error: ConfigError) -> Self {
        let refusal = match &error {
            ConfigError::File { .. } => Self::environment(error.to_string()),
            _ => Self::user(error.to_string()),
        };
        match error {
            ConfigError::Unknown { near, .. } | ConfigError::NoSuchKey { near, .. } => {
                let refusal =
                    near.iter().fold(refusal, |refusal, name| refusal.hint(format!("did you mean `{name}`?")));
                refusal.hint("divisi config list    # every setting with its value")
            }
            ConfigError::Syntax { .. } | ConfigError::Value { .. } => {
                refusal.hint("divisi config path    # the file to edit")
            }
            ConfigError::BadValue { .. } | ConfigError::File { .. } => refusal,
        }
    }
}
