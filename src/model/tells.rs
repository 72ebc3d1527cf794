//! What an agent tells of what it uses: what a budget can count.

use serde::{Deserialize, Serialize};

/// What an agent tells of what it uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tells {
    /// Neither tokens nor a cost.
    Nothing,
    /// Tokens; what they cost is estimated, when the price of its model is known.
    Tokens,
    /// A cost, and tokens.
    Cost,
    /// Nobody knows.
    #[default]
    Unknown,
}

impl Tells {
    /// The words of definitions.
    pub const WORDS: [&'static str; 3] = ["nothing", "tokens", "cost"];
}
