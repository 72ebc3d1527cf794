//! Usage, normalised from what agents report in five different ways.

use serde_json::Value;

use crate::model::usage::{Usage, UsageScope, UsageSource};

fn number(value: &Value, names: &[&str]) -> u64 {
    names.iter().find_map(|name| value.get(name).and_then(Value::as_u64)).unwrap_or_default()
}

/// Reads a count of tokens; nothing when it has none.
///
/// Whether input includes the cache and output the reasoning differs from agent to agent. The total tells: it is the sum of exactly
/// the parts that do not include each other. Without a usable total the parts are taken as apart, as the protocol means them.
pub(super) fn tokens(value: &Value, scope: UsageScope) -> Option<Usage> {
    let input = number(value, &["inputTokens", "input_tokens"]);
    let output = number(value, &["outputTokens", "output_tokens"]);
    let cache_read = number(value, &["cachedReadTokens", "cachedInputTokens", "cached_input_tokens"]);
    let cache_write = number(value, &["cachedWriteTokens", "cacheWriteInputTokens"]);
    let reasoning = number(value, &["thoughtTokens", "reasoningOutputTokens", "reasoning_output_tokens"]);
    let total = number(value, &["totalTokens", "total_tokens"]);
    if [input, output, cache_read, cache_write, reasoning].iter().all(|count| *count == 0) {
        return None;
    }
    let cache = cache_read.saturating_add(cache_write);
    let sum = input.saturating_add(output);
    let apart = total == 0 || total == sum.saturating_add(cache).saturating_add(reasoning);
    let (input_has_cache, output_has_reasoning) = if apart {
        (false, false)
    } else if total == sum.saturating_add(cache) {
        (false, true)
    } else if total == sum.saturating_add(reasoning) {
        (true, false)
    } else {
        (total == sum, total == sum)
    };
    Some(Usage {
        scope,
        source: UsageSource::Reported,
        input: if input_has_cache { input.saturating_sub(cache) } else { input },
        cache_read,
        cache_write,
        output: if output_has_reasoning { output.saturating_sub(reasoning) } else { output },
        reasoning,
        ..Usage::default()
    })
}

/// Reads the answer to a prompt: `usage`, else the extension `_meta.quota.token_count`.
pub(super) fn of_prompt(result: &Value, scope: UsageScope) -> Option<Usage> {
    let usage = result.get("usage").and_then(|usage| tokens(usage, scope));
    usage.or_else(|| tokens(result.pointer("/_meta/quota/token_count")?, UsageScope::Turn))
}

/// Reads a `usage_update`: the context window, and the cost of the whole conversation.
pub(super) fn of_update(update: &Value) -> Option<Usage> {
    let context_used = update.get("used").and_then(Value::as_u64);
    let context_size = update.get("size").and_then(Value::as_u64);
    let cost_micros = update.pointer("/cost/amount").and_then(Value::as_f64).and_then(micros);
    if context_used.is_none() && context_size.is_none() && cost_micros.is_none() {
        return None;
    }
    Some(Usage {
        scope: UsageScope::Session,
        source: UsageSource::Reported,
        currency: cost_micros
            .is_some()
            .then(|| update.pointer("/cost/currency").and_then(Value::as_str).unwrap_or("USD").to_owned()),
        cost_micros,
        context_used,
        context_size,
        ..Usage::default()
    })
}

/// Millionths, when the amount is a number one can count.
fn micros(amount: f64) -> Option<i64> {
    let micros = (amount * 1_000_000.0).round();
    #[expect(clippy::cast_possible_truncation, reason = "bounded on the line before; whole after round()")]
    (micros.is_finite() && micros.abs() < 9.0e15).then_some(micros as i64)
}

#[cfg(test)]
mod tests;
