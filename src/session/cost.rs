//! What usage cost: as reported, else estimated from a table of prices, else unknown; never nothing.

use crate::model::price::PriceTable;
use crate::model::session::SessionView;
use crate::model::usage::{Usage, UsageSource};

/// The currency of price tables.
const DOLLARS: &str = "USD";

/// Estimates in a view what its agent did not tell the cost of.
pub fn price(view: &mut SessionView, prices: &PriceTable) {
    estimate(&mut view.usage, prices);
    if let Some(turn) = &mut view.turn {
        estimate(&mut turn.usage, prices);
    }
}

/// Estimates the cost of the models that have a price and no told cost. A sum with such a part is an estimate; one with a part that has
/// no price either is marked as partial. Money that is not counted in dollars is left alone.
pub fn estimate(usage: &mut Usage, prices: &PriceTable) {
    if usage.models.is_empty() && usage.tokens() != [0; 5] {
        usage.models.insert(usage.model.clone().unwrap_or_default(), usage.figures());
    }
    let foreign = usage.currency.as_deref().is_some_and(|currency| currency != DOLLARS);
    let mut estimated = false;
    for (name, model) in &mut usage.models {
        if model.cost_micros.is_some() || model.tokens() == [0; 5] || foreign {
            continue;
        }
        if let Some(price) = prices.price(name) {
            model.cost_micros = Some(price.of(model));
            model.cost_source = UsageSource::Estimated;
            estimated = true;
        }
    }
    let currency = usage.currency.clone().or_else(|| estimated.then(|| DOLLARS.to_owned()));
    usage.add_up();
    usage.currency = currency;
}

#[cfg(test)]
mod tests;
