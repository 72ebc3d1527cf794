//! Usage: Codex tells the total of the conversation and that of the last model call; input includes the cache, output the reasoning.

use serde_json::Value;

use crate::model::usage::{Usage, UsageScope, UsageSource};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Tokens {
    input: u64,
    cached: u64,
    cache_write: u64,
    output: u64,
    reasoning: u64,
}

impl Tokens {
    fn of(value: &Value) -> Self {
        let number = |name: &str| value.get(name).and_then(Value::as_u64).unwrap_or_default();
        Self {
            input: number("inputTokens"),
            cached: number("cachedInputTokens"),
            cache_write: number("cacheWriteInputTokens"),
            output: number("outputTokens"),
            reasoning: number("reasoningOutputTokens"),
        }
    }

    fn minus(self, earlier: Self) -> Self {
        Self {
            input: self.input.saturating_sub(earlier.input),
            cached: self.cached.saturating_sub(earlier.cached),
            cache_write: self.cache_write.saturating_sub(earlier.cache_write),
            output: self.output.saturating_sub(earlier.output),
            reasoning: self.reasoning.saturating_sub(earlier.reasoning),
        }
    }
}

/// What was counted before.
#[derive(Debug, Clone, Default)]
pub(super) struct Counter {
    total: Option<Tokens>,
}

impl Counter {
    /// Reads `tokenUsage` of `thread/tokenUsage/updated`: one step, unless it only repeats what is known. Outside of a turn (after a
    /// resume) it only tells where the count stands.
    pub(super) fn step(&mut self, told: &Value, in_turn: bool) -> Option<Usage> {
        let total = Tokens::of(told.get("total")?);
        let last = told.get("last").map(Tokens::of).unwrap_or_default();
        let added = match self.total.replace(total) {
            Some(earlier) => total.minus(earlier),
            None => last,
        };
        if !in_turn || added == Tokens::default() {
            return None;
        }
        Some(Usage {
            scope: UsageScope::Step,
            source: UsageSource::Reported,
            input: added.input.saturating_sub(added.cached).saturating_sub(added.cache_write),
            cache_read: added.cached,
            cache_write: added.cache_write,
            output: added.output.saturating_sub(added.reasoning),
            reasoning: added.reasoning,
            context_used: told.pointer("/last/totalTokens").and_then(Value::as_u64),
            context_size: told.get("modelContextWindow").and_then(Value::as_u64),
            ..Usage::default()
        })
    }
}
