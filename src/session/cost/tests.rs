use super::*;
use crate::model::price::Price;
use crate::model::usage::ModelUsage;

/// Models with what was told of their cost.
type Models<'a> = &'a [(&'a str, Option<i64>)];

fn prices() -> PriceTable {
    let price = Price { input: 1_000_000, cache_read: 100_000, cache_write: 1_000_000, output: 5_000_000 };
    PriceTable { models: [("known".to_owned(), price)].into(), ..PriceTable::default() }
}

fn priced(models: Models<'_>) -> Usage {
    let tokens = |cost: &Option<i64>| {
        ModelUsage { cost_micros: *cost, ..ModelUsage::default() }.with_tokens([1000, 10_000, 0, 100, 100])
    };
    let models = models.iter().map(|(name, cost)| ((*name).to_owned(), tokens(cost))).collect();
    let mut usage = Usage { source: UsageSource::Reported, models, ..Usage::default() };
    usage.currency = usage.models.values().any(|model| model.cost_micros.is_some()).then(|| "USD".to_owned());
    estimate(&mut usage, &prices());
    usage
}

#[test]
fn what_was_told_stays_and_the_rest_is_estimated_or_unknown_but_never_nothing() {
    let cases: [(Models<'_>, Option<i64>, UsageSource, bool); 5] = [
        (&[("known", Some(7))], Some(7), UsageSource::Reported, false),
        (&[("known", None)], Some(3000), UsageSource::Estimated, false),
        (&[("strange", None)], None, UsageSource::Unknown, false),
        (&[("known", None), ("strange", Some(7))], Some(3007), UsageSource::Estimated, false),
        (&[("known", None), ("strange", None)], Some(3000), UsageSource::Estimated, true),
    ];
    for (models, cost, source, partial) in cases {
        let usage = priced(models);
        assert_eq!((usage.cost_micros, usage.cost_source, usage.cost_partial), (cost, source, partial), "{models:?}");
        assert_eq!(usage.currency.is_some(), cost.is_some());
    }
}

#[test]
fn credits_are_not_mixed_with_dollars_and_a_sum_without_models_is_nobodys() {
    let mut usage =
        Usage { currency: Some("credits".to_owned()), input: 5, model: Some("known".to_owned()), ..Usage::default() };
    estimate(&mut usage, &prices());
    assert_eq!((usage.cost_micros, usage.input), (None, 5));
    let mut old = Usage { input: 5, cost_micros: Some(9), currency: Some("USD".to_owned()), ..Usage::default() };
    estimate(&mut old, &prices());
    assert_eq!((old.cost_micros, old.input, old.models.len()), (Some(9), 5, 1));
    let mut nothing = Usage::default();
    estimate(&mut nothing, &prices());
    assert_eq!(nothing, Usage::default());
}
