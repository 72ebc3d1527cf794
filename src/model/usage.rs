//! Tokens and money, as reported.

use serde::{Deserialize, Serialize};

/// What a usage figure covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageScope {
    /// One step (model call) of a turn; steps are added.
    Step,
    /// One turn.
    #[default]
    Turn,
    /// The whole conversation so far; the newest replaces the earlier.
    Session,
}

/// Where a figure comes from. Never mixed, always shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageSource {
    /// The agent said so.
    Reported,
    /// Computed from a price table.
    Estimated,
    /// Nobody said.
    #[default]
    Unknown,
}

/// Tokens and cost.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// What it covers.
    pub scope: UsageScope,
    /// Where it comes from.
    pub source: UsageSource,
    /// Input tokens that were not read from a cache.
    #[serde(default)]
    pub input: u64,
    /// Input tokens read from a cache.
    #[serde(default)]
    pub cache_read: u64,
    /// Input tokens written to a cache.
    #[serde(default)]
    pub cache_write: u64,
    /// Output tokens, reasoning excluded where the agent tells them apart.
    #[serde(default)]
    pub output: u64,
    /// Reasoning tokens.
    #[serde(default)]
    pub reasoning: u64,
    /// Cost in millionths of the currency's unit, when reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_micros: Option<i64>,
    /// ISO code, or another unit such as `credits`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Tokens in the context window now, when reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_used: Option<u64>,
    /// Size of the context window, when reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_size: Option<u64>,
}
