//! What sessions used and what it cost, for people.

use crate::cli::render::table::Table;
use crate::cli::render::{Line, Screen, Style, line, words};
use crate::model::query::UsageReport;
use crate::model::usage::{ModelUsage, Usage, UsageSource};

/// Turns that are shown one by one; the older ones are in the sum.
const SHOWN: usize = 20;

/// The table of a session's usage by turn and model, the whole last. Nothing when nothing was used.
pub(crate) fn table(screen: &Screen, report: &UsageReport) {
    let Usage { models, .. } = &report.session;
    if models.is_empty() {
        return;
    }
    let mut table =
        Table::new(&["USAGE", "MODEL", "INPUT", "CACHE READ", "CACHE WRITE", "OUTPUT", "REASONING", "COST"]);
    let hidden = report.turns.len().saturating_sub(SHOWN);
    for turn in &report.turns[hidden..] {
        rows(&mut table, &format!("turn {}", turn.turn), &turn.usage);
    }
    rows(&mut table, "session", &report.session);
    line(screen, &Line::new());
    table.write(screen);
    let say = |text: &str| line(screen, &Line::new().add(Style::Dim, text));
    if hidden > 0 {
        say(&format!("{hidden} earlier turns are not shown: divisi show --json"));
    }
    if report.session.cost_source == UsageSource::Estimated {
        say("~ estimated, no agent told it: divisi config prices");
    }
    if models.values().any(|model| model.cost_micros.is_none()) {
        say("? neither told nor in the price table: divisi config prices --help");
    }
}

fn rows(table: &mut Table, what: &str, usage: &Usage) {
    let currency = usage.currency.as_deref();
    for (name, model) in &usage.models {
        let name = if name.is_empty() { "(not told)" } else { name };
        table.row(row(what, name, model, currency));
    }
    if usage.models.len() > 1 {
        let whole = ModelUsage { cost_micros: None, ..usage.figures() };
        let mut cells = row(what, "all", &whole, currency);
        if let Some(last) = cells.last_mut() {
            *last = (Style::Plain, words::cost(usage, 4));
        }
        table.row(cells);
    }
}

fn row(what: &str, name: &str, model: &ModelUsage, currency: Option<&str>) -> Vec<(Style, String)> {
    let estimated = model.cost_source == UsageSource::Estimated;
    let cost = model.cost_micros.map_or_else(|| "?".to_owned(), |micros| words::money(micros, currency, estimated, 4));
    let head = [(Style::Dim, what.to_owned()), (Style::Plain, name.to_owned())];
    let counts = model.tokens().map(|count| (Style::Plain, count.to_string()));
    head.into_iter().chain(counts).chain([(Style::Plain, cost)]).collect()
}
