//! What models cost per token, for estimates.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::usage::ModelUsage;

/// Tokens a price is for.
const MILLION: u128 = 1_000_000;

/// What a model costs: millionths of a US dollar per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// Input that was not read from a cache.
    pub input: u64,
    /// Input read from a cache.
    pub cache_read: u64,
    /// Input written to a cache.
    pub cache_write: u64,
    /// Output, reasoning included.
    pub output: u64,
}

impl Price {
    /// What so many tokens cost, in millionths of a US dollar, rounded to the nearest.
    pub fn of(&self, usage: &ModelUsage) -> i64 {
        let part = |tokens: u64, price: u64| u128::from(tokens) * u128::from(price);
        let sum = part(usage.input, self.input)
            + part(usage.cache_read, self.cache_read)
            + part(usage.cache_write, self.cache_write)
            + part(usage.output, self.output)
            + part(usage.reasoning, self.output);
        i64::try_from((sum + MILLION / 2) / MILLION).unwrap_or(i64::MAX)
    }
}

/// Prices by model.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PriceTable {
    /// Where they are from.
    pub source: String,
    /// As of when.
    pub date: String,
    /// By the model's name as its provider writes it, lower case.
    pub models: BTreeMap<String, Price>,
}

impl PriceTable {
    /// The price of a model by the name an agent has for it: a provider before a slash, a date or a variant behind it do not count,
    /// nor whether a version is written with dots. Nothing is guessed: a name that is not in the table has no price.
    pub fn price(&self, model: &str) -> Option<&Price> {
        let mut name = plain(model);
        loop {
            let found = self.models.iter().find(|(known, _)| same(known, name.as_str()));
            if let Some((_, price)) = found {
                return Some(price);
            }
            name = without_ending(&name)?.to_owned();
        }
    }

    /// Lays other prices over these.
    pub fn extend(&mut self, other: Self) {
        self.source = if self.source.is_empty() { other.source } else { format!("{}; {}", other.source, self.source) };
        self.date = self.date.clone().max(other.date);
        self.models.extend(other.models);
    }
}

/// `anthropic/Claude-X-1[1m]` is `claude-x-1`.
fn plain(model: &str) -> String {
    let name = model.trim().rsplit('/').next().unwrap_or_default();
    name.split(['[', '(', ':', '@', ' ']).next().unwrap_or_default().to_lowercase()
}

/// The same but for dots: `gpt-5.5` and `gpt-5-5`.
fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).all(|(a, b)| a == b || matches!((a, b), (b'.', b'-') | (b'-', b'.')))
}

/// Without a date (`-20260115`, `-2026-01-15`), `-latest`, or the platform's version (`-v1`).
fn without_ending(name: &str) -> Option<&str> {
    if let Some(rest) = name.strip_suffix("-latest") {
        return Some(rest);
    }
    let (rest, last) = name.rsplit_once('-')?;
    let digits = |text: &str, length: usize| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits(last, 8) || last.strip_prefix('v').is_some_and(|version| digits(version, 1)) {
        return Some(rest);
    }
    let (rest, month) = rest.rsplit_once('-')?;
    let (rest, year) = rest.rsplit_once('-')?;
    (digits(last, 2) && digits(month, 2) && digits(year, 4) && year.starts_with("20")).then_some(rest)
}

#[cfg(test)]
mod tests;
