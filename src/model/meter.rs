//! What the attempts of a run may use together, and what they have used.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::usage::Usage;

/// What a run may use; absent: as much as it wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Allowance {
    /// Money, millionths of the currency's unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub micros: Option<i64>,
    /// Tokens, all kinds together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
}

impl Allowance {
    /// Whether there is one.
    pub fn is_set(&self) -> bool {
        self.micros.is_some() || self.tokens.is_some()
    }
}

/// Counts what the attempts of a run use, those that work now among them.
#[derive(Debug, Default)]
pub struct Meter {
    allowance: Allowance,
    used: Mutex<BTreeMap<String, Usage>>,
}

impl Meter {
    /// One that has counted nothing yet.
    pub fn new(allowance: Allowance) -> Self {
        Self { allowance, used: Mutex::default() }
    }

    /// Whether anything is to be kept within.
    pub fn is_needed(&self) -> bool {
        self.allowance.is_set()
    }

    /// Takes down what an attempt has used so far in all of its turns; what was taken down of it before is replaced.
    pub fn note(&self, attempt: &str, usage: &Usage) {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).insert(attempt.to_owned(), usage.clone());
    }

    /// What was taken down of an attempt.
    pub fn of(&self, attempt: &str) -> Option<Usage> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).get(attempt).cloned()
    }

    /// Whether something of the allowance is left. Once it is used up, nothing more may begin, and what works ends.
    pub fn is_left(&self) -> bool {
        let used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let micros = used.values().filter_map(|usage| usage.cost_micros).fold(0_i64, i64::saturating_add);
        let tokens = used.values().flat_map(Usage::tokens).fold(0_u64, u64::saturating_add);
        self.allowance.micros.is_none_or(|most| micros < most) && self.allowance.tokens.is_none_or(|most| tokens < most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(micros: i64, output: u64) -> Usage {
        Usage { cost_micros: Some(micros), output, ..Usage::default() }
    }

    #[test]
    fn all_attempts_count_and_each_once() {
        let meter = Meter::new(Allowance { micros: Some(100), tokens: None });
        meter.note("a", &usage(40, 1));
        meter.note("a", &usage(60, 1));
        assert!(meter.is_left());
        meter.note("b", &usage(40, 1));
        assert!(!meter.is_left(), "60 and 40 are all of it");
    }

    #[test]
    fn tokens_count_where_money_is_unknown() {
        let meter = Meter::new(Allowance { micros: Some(100), tokens: Some(10) });
        meter.note("a", &Usage { output: 6, input: 3, ..Usage::default() });
        assert!(meter.is_left());
        meter.note("b", &Usage { cache_read: 1, ..Usage::default() });
        assert!(!meter.is_left());
        let free = Meter::default();
        free.note("a", &usage(i64::MAX, u64::MAX));
        free.note("b", &usage(i64::MAX, u64::MAX));
        assert!(free.is_left() && !free.is_needed());
    }
}
