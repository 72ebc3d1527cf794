//! The user's configuration: `config.toml` (sections core, git, agents, security, ui).
//!
//! One file per section under `section/`, each key with its default, type, words and parser. Reading is strict: an unknown key or a
//! wrong type is an error that names the file, the line and the key.

pub mod edit;
pub mod error;
pub mod key;
pub mod load;
mod mcp;
pub mod prices;
pub mod profiles;
pub mod schema;
mod section;

pub use error::ConfigError;
pub use load::{load, load_text};

use crate::base::paths::PathsError;
use crate::model::Refusal;
use crate::model::settings::Settings;

impl From<PathsError> for Refusal {
    fn from(error: PathsError) -> Self {
        Self::user(error.message).hint(error.hint)
    }
}

/// Everything `config.toml` says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// What the engine and its drivers run with.
    pub settings: Settings,
    /// `core.log_level`.
    pub log_level: LogLevel,
    /// What the faces run with.
    pub ui: Ui,
}

/// How much the daemon writes into its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogLevel {
    /// Failures.
    Error,
    /// And what may become one.
    Warn,
    /// And what a person may want to know afterwards.
    #[default]
    Info,
    /// And what a developer may want to know.
    Debug,
    /// And every message.
    Trace,
}

/// Settings of the faces.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ui {
    /// `ui.color`.
    pub color: Color,
    /// `ui.editor`: a command line; absent: `$VISUAL`, `$EDITOR`, then `vi`.
    pub editor: Option<String>,
}

/// When the command line uses colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always, `--json` excepted.
    Always,
    /// Never.
    Never,
}
