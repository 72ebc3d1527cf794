//! Tokens and money, as reported.

use std::collections::BTreeMap;

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
    /// Cost in millionths of the currency's unit: as reported or, in views, estimated where nobody told it (see `cost_source`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_micros: Option<i64>,
    /// Where a sum's cost comes from: estimated as soon as a part of it is; unknown when there is none.
    #[serde(default)]
    pub cost_source: UsageSource,
    /// True when a part has neither a told nor an estimated cost: the whole costs at least `cost_micros`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cost_partial: bool,
    /// ISO code, or another unit such as `credits`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Tokens in the context window now, when reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_used: Option<u64>,
    /// Size of the context window, when reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_size: Option<u64>,
    /// The model all of it belongs to, in a report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// By model, as its agent names it (empty: nobody said which). In a sum they add up to the figures above.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub models: BTreeMap<String, ModelUsage>,
}

/// What one model was used for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ModelUsage {
    /// As in [`Usage`].
    #[serde(default)]
    pub input: u64,
    /// As in [`Usage`].
    #[serde(default)]
    pub cache_read: u64,
    /// As in [`Usage`].
    #[serde(default)]
    pub cache_write: u64,
    /// As in [`Usage`].
    #[serde(default)]
    pub output: u64,
    /// As in [`Usage`].
    #[serde(default)]
    pub reasoning: u64,
    /// As in [`Usage`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_micros: Option<i64>,
    /// Where the cost comes from; unknown when there is none.
    #[serde(default)]
    pub cost_source: UsageSource,
}

impl ModelUsage {
    /// The counters of tokens: input, cache read, cache write, output, reasoning.
    pub fn tokens(&self) -> [u64; 5] {
        [self.input, self.cache_read, self.cache_write, self.output, self.reasoning]
    }

    /// The same, with these counters of tokens.
    #[must_use]
    pub fn with_tokens(self, [input, cache_read, cache_write, output, reasoning]: [u64; 5]) -> Self {
        Self { input, cache_read, cache_write, output, reasoning, ..self }
    }
}

impl Usage {
    /// The counters of tokens: input, cache read, cache write, output, reasoning.
    pub fn tokens(&self) -> [u64; 5] {
        [self.input, self.cache_read, self.cache_write, self.output, self.reasoning]
    }

    /// The figures above without what they are of.
    pub fn figures(&self) -> ModelUsage {
        let cost_source = if self.cost_micros.is_some() { self.source } else { UsageSource::Unknown };
        ModelUsage { cost_micros: self.cost_micros, cost_source, ..ModelUsage::default() }.with_tokens(self.tokens())
    }

    /// Puts the sums over `models` into the figures above.
    pub fn add_up(&mut self) {
        let mut sums = [0_u64; 5];
        let mut cost: Option<i64> = None;
        self.cost_partial = false;
        for model in self.models.values() {
            for (sum, part) in sums.iter_mut().zip(model.tokens()) {
                *sum = sum.saturating_add(part);
            }
            match model.cost_micros {
                Some(part) => cost = Some(cost.unwrap_or(0).saturating_add(part)),
                None => self.cost_partial |= model.tokens() != [0; 5],
            }
        }
        [self.input, self.cache_read, self.cache_write, self.output, self.reasoning] = sums;
        self.cost_micros = cost;
        self.cost_partial &= cost.is_some();
        let estimated = self.models.values().any(|model| model.cost_source == UsageSource::Estimated);
        self.cost_source = match cost {
            None => UsageSource::Unknown,
            Some(_) if estimated => UsageSource::Estimated,
            Some(_) => UsageSource::Reported,
        };
    }
}
