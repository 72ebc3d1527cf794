//! Adding up usage: agents report steps, turns or the whole conversation; both the turn's and the session's sums are kept, by model.
//!
//! What holds after every report: the figures of a sum are the sums over its models, no counter is ever negative, and the session's
//! counters are those of its turns together. So nothing is counted twice, whatever scope a report has.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::id::TurnId;
use crate::model::session::Session;
use crate::model::usage::{ModelUsage, Usage, UsageScope, UsageSource};

/// The most that one report is believed, of tokens as of millionths of money.
const MOST: u64 = 1_000_000_000_000_000;

type Models = BTreeMap<String, ModelUsage>;

/// The counters of a report: five of tokens, then the cost.
const COUNTERS: usize = 6;

/// Takes a report in. A step is added to the turn. A turn's figure replaces what was known of that turn, so that repeated figures are
/// not counted twice. Of a conversation's figure the turn gets what its earlier turns have not used. A report outside of the newest
/// turn goes to the session alone.
pub(super) fn reported(session: &mut Session, turn: Option<&TurnId>, report: &Usage) {
    let Session { usage: total, turn: newest, usage_base: base, .. } = session;
    let mut nobodys = Usage::default();
    let mut newest = newest.as_mut().filter(|newest| turn.is_none_or(|turn| *turn == newest.id));
    let part = match &mut newest {
        Some(turn) => &mut turn.usage,
        None => &mut nobodys,
    };
    seed(total);
    seed(part);
    let report = believed(report, total.currency.as_deref());
    let before = part.models.clone();
    label(part, &report);
    label(total, &report);
    total.scope = UsageScope::Session;
    match report.scope {
        UsageScope::Step => {
            for (model, counts) in parts(&report) {
                add(part.models.entry(model.to_owned()).or_default(), &counts);
            }
        }
        UsageScope::Turn if !report.models.is_empty() => replace(&mut part.models, &report.models),
        UsageScope::Turn => approach(&mut part.models, told(&report), report.model.as_deref().unwrap_or_default()),
        UsageScope::Session => {
            let share = share(&told(&report), total, &before, base);
            approach(&mut part.models, share, report.model.as_deref().unwrap_or_default());
        }
    }
    follow(&mut total.models, &before, &part.models);
    part.add_up();
    total.add_up();
    if report.currency.is_some() {
        part.currency.clone_from(&report.currency);
        total.currency.clone_from(&report.currency);
    }
}

/// The agent begins a new conversation: what it will tell of the whole of it does not include what was before.
pub(super) fn conversation_begins(session: &mut Session) {
    let turn = session.turn.as_ref().filter(|turn| turn.outcome.is_none()).map(|turn| turn.usage.figures());
    session.usage_base = closed(&session.usage.figures(), &turn.unwrap_or_default());
}

/// A sum that an earlier divisi kept has no models.
fn seed(sum: &mut Usage) {
    if sum.models.is_empty() && (sum.tokens() != [0; 5] || sum.cost_micros.is_some()) {
        sum.models.insert(String::new(), sum.figures());
    }
}

/// The report within bounds, in the currency that is counted: money of two kinds has no sum, the first kind goes on being counted.
fn believed(report: &Usage, counted: Option<&str>) -> Usage {
    let mut report = report.clone();
    let foreign = counted.is_some() && report.currency.as_deref() != counted;
    let bound = |counts: ModelUsage| {
        // A price of nothing is what agents tell of models they know no price of.
        let cost = counts.cost_micros.filter(|cost| *cost > 0 && !foreign).map(|cost| cost.min(MOST.cast_signed()));
        let cost_source = if cost.is_some() { report.source } else { UsageSource::Unknown };
        ModelUsage {
            cost_micros: cost,
            cost_source,
            ..counts.clone().with_tokens(counts.tokens().map(|n| n.min(MOST)))
        }
    };
    let figures = bound(report.figures());
    let models: Models = report.models.iter().map(|(name, counts)| (name.clone(), bound(counts.clone()))).collect();
    [report.input, report.cache_read, report.cache_write, report.output, report.reasoning] = figures.tokens();
    report.cost_micros = figures.cost_micros;
    if report.cost_micros.is_none() && models.values().all(|model| model.cost_micros.is_none()) {
        report.currency = None;
    }
    report.models = models;
    report
}

/// A report by model.
fn parts(report: &Usage) -> Vec<(&str, ModelUsage)> {
    if report.models.is_empty() {
        return vec![(report.model.as_deref().unwrap_or_default(), report.figures())];
    }
    report.models.iter().map(|(name, counts)| (name.as_str(), counts.clone())).collect()
}

/// What a report tells: an agent may tell tokens in one place and the cost in another.
fn told(report: &Usage) -> [Option<u64>; COUNTERS] {
    let tokens = report.tokens();
    let any = tokens != [0; 5];
    let mut told = [None; COUNTERS];
    for (told, count) in told.iter_mut().zip(tokens) {
        *told = any.then_some(count);
    }
    told[COUNTERS - 1] = report.cost_micros.map(i64::unsigned_abs);
    told
}

fn counter(usage: &ModelUsage, index: usize) -> Option<u64> {
    usage.tokens().get(index).copied().or_else(|| usage.cost_micros.map(i64::unsigned_abs))
}

fn set_counter(usage: &mut ModelUsage, index: usize, value: u64) {
    let mut tokens = usage.tokens();
    if let Some(place) = tokens.get_mut(index) {
        *place = value;
        *usage = usage.clone().with_tokens(tokens);
    } else {
        usage.cost_micros = Some(value.min(i64::MAX.unsigned_abs()).cast_signed());
        usage.cost_source = UsageSource::Reported;
    }
}

fn add(sum: &mut ModelUsage, counts: &ModelUsage) {
    for index in 0..COUNTERS {
        if let Some(more) = counter(counts, index) {
            set_counter(sum, index, counter(sum, index).unwrap_or(0).saturating_add(more));
        }
    }
}

/// Models' figures in the place of earlier ones, as far as they are told.
fn replace(models: &mut Models, report: &Models) {
    let tokens = report.values().any(|model| model.tokens() != [0; 5]);
    let cost = report.values().any(|model| model.cost_micros.is_some());
    for model in models.values_mut() {
        if tokens {
            *model = model.clone().with_tokens([0; 5]);
        }
        if cost {
            (model.cost_micros, model.cost_source) = (None, UsageSource::Unknown);
        }
    }
    for (name, counts) in report {
        add(models.entry(name.clone()).or_default(), counts);
    }
    models.retain(|_, model| model.tokens() != [0; 5] || model.cost_micros.is_some());
}

/// Brings the sums over the models to what was told: what is new is the named model's, what is too much is taken from it first.
fn approach(models: &mut Models, told: [Option<u64>; COUNTERS], name: &str) {
    for (index, told) in told.into_iter().enumerate() {
        let Some(told) = told else { continue };
        let known = models.values().filter_map(|model| counter(model, index)).fold(0, u64::saturating_add);
        if told > known {
            let model = models.entry(name.to_owned()).or_default();
            set_counter(model, index, counter(model, index).unwrap_or(0).saturating_add(told - known));
        }
        let mut excess = known.saturating_sub(told);
        let order: Vec<String> = std::iter::once(name.to_owned()).chain(models.keys().cloned()).collect();
        for name in order {
            if let Some(model) = models.get_mut(&name).filter(|_| excess > 0)
                && let Some(count) = counter(model, index)
            {
                let less = count.min(excess);
                set_counter(model, index, count - less);
                excess -= less;
            }
        }
    }
}

/// What a report of the whole conversation leaves for this turn. A counter that is lower than what was known before the turn was begun
/// anew, with a new process.
fn share(
    told: &[Option<u64>; COUNTERS],
    total: &Usage,
    turn: &Models,
    base: &mut ModelUsage,
) -> [Option<u64>; COUNTERS] {
    let mut sums = Usage { models: turn.clone(), ..Usage::default() };
    sums.add_up();
    let closed = closed(&total.figures(), &sums.figures());
    let mut share = [None; COUNTERS];
    for (index, share) in share.iter_mut().enumerate() {
        let Some(told) = told[index] else { continue };
        let closed = counter(&closed, index).unwrap_or(0);
        let earlier = closed.saturating_sub(counter(base, index).unwrap_or(0));
        if told < earlier {
            set_counter(base, index, closed);
            *share = Some(told);
        } else {
            *share = Some(told - earlier);
        }
    }
    share
}

/// A session's figures without those of a turn.
fn closed(total: &ModelUsage, turn: &ModelUsage) -> ModelUsage {
    let mut closed = total.clone();
    for index in 0..COUNTERS {
        if let (Some(total), Some(turn)) = (counter(total, index), counter(turn, index)) {
            set_counter(&mut closed, index, total.saturating_sub(turn));
        }
    }
    closed
}

/// Moves the session's models by what became of the turn's.
fn follow(total: &mut Models, before: &Models, after: &Models) {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for name in names {
        let sum = total.entry(name.clone()).or_default();
        for index in 0..COUNTERS {
            let old = before.get(name).and_then(|model| counter(model, index));
            let new = after.get(name).and_then(|model| counter(model, index));
            if old != new {
                let known = counter(sum, index).unwrap_or(0);
                set_counter(sum, index, known.saturating_add(new.unwrap_or(0)).saturating_sub(old.unwrap_or(0)));
            }
        }
    }
    total.retain(|_, model| model.tokens() != [0; 5] || model.cost_micros.is_some_and(|cost| cost > 0));
}

/// Where a sum's figures come from, before the report is counted in: the weakest of its parts. The context window is as the newest
/// report says.
fn label(sum: &mut Usage, report: &Usage) {
    let empty = sum.source == UsageSource::Unknown && sum.tokens() == [0; 5];
    sum.source = match (sum.source, report.source) {
        (_, source) if empty => source,
        (UsageSource::Unknown, _) | (_, UsageSource::Unknown) => UsageSource::Unknown,
        (UsageSource::Estimated, _) | (_, UsageSource::Estimated) => UsageSource::Estimated,
        (UsageSource::Reported, UsageSource::Reported) => UsageSource::Reported,
    };
    sum.context_used = report.context_used.or(sum.context_used);
    sum.context_size = report.context_size.or(sum.context_size);
}

#[cfg(test)]
mod tests;
