use super::*;

fn table() -> PriceTable {
    let price = Price { input: 4_000_000, cache_read: 200_000, cache_write: 5_000_000, output: 20_000_000 };
    let models = ["claude-opus-5-5", "gpt-5.5"].map(|name| (name.to_owned(), price));
    PriceTable { models: models.into(), ..PriceTable::default() }
}

#[test]
fn names_as_agents_write_them_are_found_and_nothing_is_guessed() {
    let table = table();
    for name in [
        "claude-opus-5-5",
        "Claude-Opus-5.5",
        "claude-opus-5-5[1m]",
        "anthropic/claude-opus-5-5",
        "claude-opus-5-5-20260115",
        "claude-opus-5-5-latest",
        "openrouter/openai/gpt-5.5",
        "gpt-5-5-2026-04-23",
        "gpt-5.5 (medium)",
        "us.anthropic/claude-opus-5-5-20260115-v1:0",
    ] {
        assert!(table.price(name).is_some(), "{name}");
    }
    for name in ["", "-", "default", "opus", "claude-opus-5", "claude-opus-5-5-mini", "gpt-5.5-pro", "fake-model"] {
        assert!(table.price(name).is_none(), "{name}");
    }
}

#[test]
fn a_price_is_per_million_tokens_and_reasoning_costs_what_output_costs() {
    let price = *table().price("gpt-5.5").unwrap();
    let usage = ModelUsage::default().with_tokens([600, 3000, 0, 126, 0]);
    assert_eq!(price.of(&usage), 5520);
    assert_eq!(price.of(&ModelUsage::default().with_tokens([0, 0, 1_000_000, 0, 1_000_000])), 25_000_000);
    assert_eq!(price.of(&ModelUsage::default().with_tokens([u64::MAX; 5])), i64::MAX);
    assert_eq!(price.of(&ModelUsage::default()), 0);
}
