//! Terminals: an agent whose own interface is shown instead of being spoken to by a protocol.

use serde::{Deserialize, Serialize};

/// The smallest terminal a program gets: below this many of them misbehave.
const SMALLEST: TerminalSize = TerminalSize { columns: 10, rows: 4 };
/// The largest: a screen is memory.
const LARGEST: TerminalSize = TerminalSize { columns: 500, rows: 200 };

/// How large a terminal is, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TerminalSize {
    /// Characters in a row.
    pub columns: u16,
    /// Rows.
    pub rows: u16,
}

impl Default for TerminalSize {
    /// What a terminal has while nobody looks at it.
    fn default() -> Self {
        Self { columns: 100, rows: 30 }
    }
}

impl TerminalSize {
    /// The nearest size that is served.
    #[must_use]
    pub fn within_limits(self) -> Self {
        Self {
            columns: self.columns.clamp(SMALLEST.columns, LARGEST.columns),
            rows: self.rows.clamp(SMALLEST.rows, LARGEST.rows),
        }
    }

    /// What fits into both.
    #[must_use]
    pub fn smaller(self, other: Self) -> Self {
        Self { columns: self.columns.min(other.columns), rows: self.rows.min(other.rows) }
    }
}

/// The kind of tool call under which a program on a terminal asks a person: it can be answered in that terminal only.
pub const ASKS_ON_TERMINAL: &str = "terminal";

/// What a turn is called that a person began in the terminal, without a prompt that divisi knows.
pub const TYPED_IN_TERMINAL: &str = "(typed in the terminal)";

/// That a job shows its own interface on a terminal, and how it was begun.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OnTerminal {
    /// The turn whose prompt it was started with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompted: Option<super::id::TurnId>,
}

/// Parameters of `terminal/open`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenTerminal {
    /// Which session.
    pub session: super::id::SessionId,
    /// Characters in a row of the viewer's terminal.
    pub columns: u16,
    /// Its rows.
    pub rows: u16,
}

impl OpenTerminal {
    /// The viewer's size.
    pub fn size(&self) -> TerminalSize {
        TerminalSize { columns: self.columns, rows: self.rows }
    }
}
