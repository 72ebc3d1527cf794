//! Adding up usage: agents report steps, turns or the whole conversation; both the turn's and the session's sums are kept.

use crate::model::id::TurnId;
use crate::model::session::Session;
use crate::model::usage::{Usage, UsageScope, UsageSource};

/// Takes a report in. A step is added to the turn and to the session. A turn's figure replaces what was known of that turn, and the
/// session's sum changes by the difference, so that repeated or late figures are not counted twice. A session's figure replaces the
/// sum, and the turn gets the difference.
pub(super) fn reported(session: &mut Session, turn: Option<&TurnId>, report: &Usage) {
    let current = session.turn.as_mut().filter(|current| turn.is_none_or(|turn| *turn == current.id));
    let total = &mut session.usage;
    let before = total.clone();
    total.scope = UsageScope::Session;
    match report.scope {
        UsageScope::Step => {
            add(total, report);
            if let Some(current) = current {
                add(&mut current.usage, report);
            }
        }
        UsageScope::Turn => match current {
            Some(current) => {
                let known = current.usage.clone();
                replace(&mut current.usage, report);
                label(total, report);
                shift(total, &known, &current.usage);
            }
            None => add(total, report),
        },
        UsageScope::Session => {
            replace(total, report);
            if let Some(current) = current {
                label(&mut current.usage, report);
                shift(&mut current.usage, &before, total);
            }
        }
    }
}

/// The counters of tokens.
fn tokens(usage: &mut Usage) -> [&mut u64; 5] {
    [&mut usage.input, &mut usage.cache_read, &mut usage.cache_write, &mut usage.output, &mut usage.reasoning]
}

fn add(sum: &mut Usage, report: &Usage) {
    label(sum, report);
    shift(sum, &Usage::default(), report);
}

/// Replaces what the report knows: an agent may report tokens in one place and the cost in another.
fn replace(known: &mut Usage, report: &Usage) {
    let mut report = report.clone();
    label(known, &report);
    let new = tokens(&mut report);
    if new.iter().any(|count| **count > 0) {
        for (known, new) in tokens(known).into_iter().zip(new) {
            *known = *new;
        }
    }
    if report.cost_micros.is_some() {
        known.cost_micros = report.cost_micros;
        known.currency = report.currency;
    }
}

/// Moves a sum by the difference between two states of one of its parts.
fn shift(sum: &mut Usage, from: &Usage, to: &Usage) {
    let (mut from, mut to) = (from.clone(), to.clone());
    for ((sum, from), to) in tokens(sum).into_iter().zip(tokens(&mut from)).zip(tokens(&mut to)) {
        *sum = sum.saturating_add(to.saturating_sub(*from)).saturating_sub(from.saturating_sub(*to));
    }
    let Some(cost) = to.cost_micros else { return };
    match (sum.cost_micros, sum.currency == to.currency) {
        (None, _) => {
            sum.cost_micros = Some(cost.saturating_sub(cost_in(&from, &to)));
            sum.currency = to.currency;
        }
        (Some(known), true) => {
            sum.cost_micros = Some(known.saturating_add(cost).saturating_sub(cost_in(&from, &to)));
        }
        // Money of two kinds has no sum; the first kind goes on being counted.
        (Some(_), false) => {}
    }
}

/// A state's cost, when it is in the other's currency.
fn cost_in(usage: &Usage, other: &Usage) -> i64 {
    if usage.currency == other.currency { usage.cost_micros.unwrap_or(0) } else { 0 }
}

/// Where a sum's figures come from, before the report is counted in: the weakest of its parts. The context window is as the newest report says.
fn label(sum: &mut Usage, report: &Usage) {
    let empty = sum.source == UsageSource::Unknown && tokens(&mut sum.clone()).iter().all(|count| **count == 0);
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
