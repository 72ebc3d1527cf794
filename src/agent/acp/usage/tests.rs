use serde_json::json;

use super::*;

/// (input, `cache_read`, output, reasoning) of a count.
fn parts(value: &Value) -> (u64, u64, u64, u64) {
    let usage = tokens(value, UsageScope::Turn).unwrap();
    assert_eq!(usage.source, UsageSource::Reported);
    (usage.input, usage.cache_read, usage.output, usage.reasoning)
}

#[test]
fn the_total_tells_what_includes_what() {
    // As recorded from claude-agent-acp, codex-acp, opencode, Copilot and Qwen for the same calls.
    let claude = json!({"inputTokens": 600, "outputTokens": 126, "cachedReadTokens": 3000, "cachedWriteTokens": 0, "totalTokens": 3726});
    let codex = json!({"totalTokens": 1242, "inputTokens": 200, "cachedReadTokens": 1000, "outputTokens": 42, "thoughtTokens": 7});
    let opencode = json!({"inputTokens": 200, "outputTokens": 35, "totalTokens": 1242, "thoughtTokens": 7, "cachedReadTokens": 1000});
    let copilot = json!({"inputTokens": 1200, "outputTokens": 42, "totalTokens": 1242, "thoughtTokens": 7, "cachedReadTokens": 1000});
    assert_eq!(parts(&claude), (600, 3000, 126, 0));
    assert_eq!(parts(&codex), (200, 1000, 35, 7));
    assert_eq!(parts(&opencode), (200, 1000, 35, 7));
    assert_eq!(parts(&copilot), (200, 1000, 35, 7));
}

#[test]
fn nonsense_is_not_a_panic() {
    assert_eq!(tokens(&json!(null), UsageScope::Turn), None);
    assert_eq!(tokens(&json!({"inputTokens": 0, "outputTokens": 0}), UsageScope::Turn), None);
    assert_eq!(tokens(&json!({"inputTokens": -4, "outputTokens": "x"}), UsageScope::Turn), None);
    let huge =
        json!({"inputTokens": u64::MAX, "outputTokens": u64::MAX, "cachedReadTokens": u64::MAX, "totalTokens": 5});
    assert_eq!(parts(&huge).0, u64::MAX);
    let lying = json!({"inputTokens": 10, "outputTokens": 2, "cachedReadTokens": 100, "totalTokens": 12});
    assert_eq!(parts(&lying), (0, 100, 2, 0));
}

#[test]
fn the_answer_to_a_prompt_has_it_in_one_of_two_places() {
    let gemini = json!({"stopReason": "end_turn", "_meta": {"quota": {"token_count": {"input_tokens": 1200, "output_tokens": 42}}}});
    assert_eq!(of_prompt(&gemini, UsageScope::Turn).unwrap().input, 1200);
    let failed = json!({"stopReason": "end_turn", "usage": null, "_meta": {"quota": {"token_count": null}}});
    assert_eq!(of_prompt(&failed, UsageScope::Turn), None);
    let both = json!({"usage": {"inputTokens": 5}, "_meta": {"quota": {"token_count": {"inputTokens": 7}}}});
    let usage = of_prompt(&both, UsageScope::Step).unwrap();
    assert_eq!((usage.input, usage.scope), (5, UsageScope::Step));
}

#[test]
fn cost_and_context_are_of_the_session() {
    let usage =
        of_update(&json!({"used": 1200, "size": 200_000, "cost": {"amount": 0.00306, "currency": "credits"}})).unwrap();
    assert_eq!((usage.scope, usage.context_used, usage.context_size), (UsageScope::Session, Some(1200), Some(200_000)));
    assert_eq!((usage.cost_micros, usage.currency.as_deref()), (Some(3060), Some("credits")));
    let plain = of_update(&json!({"used": 1})).unwrap();
    assert_eq!((plain.cost_micros, plain.currency), (None, None));
    assert_eq!(of_update(&json!({"cost": {"amount": 1e300}})), None);
    assert_eq!(of_update(&json!({})), None);
}
