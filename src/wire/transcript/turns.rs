//! What a turn took: model, tokens, cost, time, on one line beside its heading.

use crate::base::text::visible_line;
use crate::model::agent::ConfigOption;
use crate::model::usage::{Usage, UsageScope, UsageSource};

/// The turn that runs or ran last.
#[derive(Debug, Default)]
pub(super) struct Took {
    model: Option<String>,
    started: i64,
    ended: Option<i64>,
    /// The turn's figures.
    used: Usage,
    /// The conversation's figures when the turn began and now, for agents that report only those.
    before: Usage,
    total: Usage,
}

impl Took {
    /// A turn begins.
    pub(super) fn begin(&mut self, time: i64) {
        (self.started, self.ended) = (time, None);
        self.used = Usage::default();
        self.before = self.total.clone();
    }

    /// It is over.
    pub(super) fn end(&mut self, time: i64) {
        self.ended = Some(time);
    }

    /// The model that was asked for or chosen.
    pub(super) fn model(&mut self, model: Option<&str>) {
        self.model = model.map(str::to_owned).or_else(|| self.model.take());
    }

    /// The options the agent offers; one of them may be the model.
    pub(super) fn options(&mut self, options: &[ConfigOption]) {
        let chosen = options.iter().find(|option| option.category.as_deref() == Some("model") || option.id == "model");
        if let Some(option) = chosen {
            let name = option.choices.iter().find(|choice| choice.id == option.current).map(|choice| &choice.name);
            self.model(Some(name.unwrap_or(&option.current)));
        }
    }

    /// Figures came in.
    pub(super) fn reported(&mut self, report: &Usage) {
        match report.scope {
            UsageScope::Step => add(&mut self.used, report),
            UsageScope::Turn => self.used = report.clone(),
            UsageScope::Session => {
                self.total = report.clone();
                let less = |now: u64, before: u64| now.saturating_sub(before);
                self.used = Usage {
                    input: less(report.input, self.before.input),
                    cache_read: less(report.cache_read, self.before.cache_read),
                    cache_write: less(report.cache_write, self.before.cache_write),
                    output: less(report.output, self.before.output),
                    reasoning: less(report.reasoning, self.before.reasoning),
                    cost_micros: report
                        .cost_micros
                        .map(|cost| cost.saturating_sub(self.before.cost_micros.unwrap_or(0))),
                    ..report.clone()
                };
            }
        }
    }

    /// All of it, as far as it is known; empty while nothing is.
    pub(super) fn summary(&self) -> String {
        let mut parts: Vec<String> = self.model.iter().map(|model| visible_line(model, 40)).collect();
        let read = self.used.input.saturating_add(self.used.cache_read).saturating_add(self.used.cache_write);
        let written = self.used.output.saturating_add(self.used.reasoning);
        if read > 0 || written > 0 {
            parts.push(format!("{}→{} tokens", thousands(read), thousands(written)));
        }
        parts.extend(cost(&self.used));
        if let Some(ended) = self.ended {
            parts.push(duration(ended.saturating_sub(self.started)));
        }
        parts.join(" · ")
    }
}

fn add(sum: &mut Usage, step: &Usage) {
    sum.input = sum.input.saturating_add(step.input);
    sum.cache_read = sum.cache_read.saturating_add(step.cache_read);
    sum.cache_write = sum.cache_write.saturating_add(step.cache_write);
    sum.output = sum.output.saturating_add(step.output);
    sum.reasoning = sum.reasoning.saturating_add(step.reasoning);
    if let Some(cost) = step.cost_micros {
        sum.cost_micros = Some(sum.cost_micros.unwrap_or(0).saturating_add(cost));
    }
    sum.currency.clone_from(&step.currency);
    sum.source = step.source;
}

/// `0.42 USD`, with `~` when it is an estimate and `+` when a part has no price; nothing is said of nothing.
pub fn cost(usage: &Usage) -> Option<String> {
    let micros = usage.cost_micros.filter(|micros| *micros > 0)?;
    let cents = micros.saturating_add(5_000) / 10_000;
    let estimated = [usage.cost_source, usage.source].contains(&UsageSource::Estimated);
    let sign = if estimated { "~" } else { "" };
    let more = if usage.cost_partial { "+" } else { "" };
    let unit = visible_line(usage.currency.as_deref().unwrap_or("USD"), 12);
    Some(match cents {
        0 => format!("{sign}<0.01{more} {unit}"),
        _ => format!("{sign}{}.{:02}{more} {unit}", cents / 100, cents % 100),
    })
}

fn thousands(count: u64) -> String {
    match count {
        0..1_000 => count.to_string(),
        1_000..10_000 => format!("{}.{}k", count / 1_000, count % 1_000 / 100),
        10_000..1_000_000 => format!("{}k", count / 1_000),
        _ => format!("{}.{}M", count / 1_000_000, count % 1_000_000 / 100_000),
    }
}

/// Milliseconds as `4s`, `3m20s`, `2h05m`.
pub fn duration(milliseconds: i64) -> String {
    let seconds = milliseconds.max(0) / 1_000;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3_600, seconds % 3_600 / 60),
    }
}
