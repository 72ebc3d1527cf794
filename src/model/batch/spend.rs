//! What agents and judges used.

use serde::{Deserialize, Serialize};

/// Tokens and money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Spend {
    /// Tokens, all kinds together.
    pub tokens: u64,
    /// Millionths of a dollar, reported or estimated; absent: nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usd_micros: Option<i64>,
    /// True when some of it has no known cost: it cost at least that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
}

impl Spend {
    /// Nothing was used.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// What came to something since it was `before`.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        let usd_micros = self.usd_micros.map(|usd| usd.saturating_sub(before.usd_micros.unwrap_or(0)));
        let tokens = self.tokens.saturating_sub(before.tokens);
        Self {
            tokens,
            usd_micros: usd_micros.filter(|usd| *usd > 0 || tokens > 0),
            partial: self.partial && tokens > 0,
        }
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let usd_micros = match (self.usd_micros, other.usd_micros) {
            (None, None) => None,
            (one, two) => Some(one.unwrap_or(0).saturating_add(two.unwrap_or(0))),
        };
        let unknown = |spend: Self| spend.usd_micros.is_none() && spend.tokens > 0;
        let partial = self.partial || other.partial || usd_micros.is_some() && (unknown(self) || unknown(other));
        Self { tokens: self.tokens.saturating_add(other.tokens), usd_micros, partial }
    }
}
