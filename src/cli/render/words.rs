//! Small words: ages, counts, states.

use crate::base::clock::Millis;
use crate::cli::render::Style;
use crate::model::diff::DiffStat;
use crate::model::session::{SessionState, SessionView, Settled};
use crate::model::usage::{Usage, UsageSource};

/// How long ago, in one unit.
pub(crate) fn age(then: Millis, now: Millis) -> String {
    let seconds = (now - then).max(0) / 1000;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// `3 files +10 -2`, or nothing.
pub(crate) fn stat(stat: DiffStat) -> String {
    if stat == DiffStat::default() {
        return String::new();
    }
    format!("{} file{} +{} -{}", stat.files, if stat.files == 1 { "" } else { "s" }, stat.added, stat.removed)
}

/// A state with why it waits.
pub(crate) fn state(view: &SessionView) -> String {
    match (&view.waiting_for, view.removed) {
        (_, true) => "removed".to_owned(),
        (Some(what), _) => format!("{} ({what})", view.state.as_str()),
        (None, _) => view.state.as_str().to_owned(),
    }
}

/// The colour of a state.
pub(crate) fn state_style(state: SessionState) -> Style {
    match state.settled() {
        None => Style::Accent,
        Some(Settled::Waiting) => Style::Attention,
        Some(Settled::Failed) => Style::Bad,
        Some(Settled::Done) => Style::Good,
    }
}

/// Tokens and cost with their source, or nothing.
pub(crate) fn usage(usage: &Usage) -> String {
    let tokens = usage.input + usage.cache_read + usage.cache_write + usage.output + usage.reasoning;
    let mut parts = Vec::new();
    if tokens > 0 {
        parts.push(format!("{tokens} tokens"));
    }
    if let Some(micros) = usage.cost_micros {
        let whole = micros / 1_000_000;
        let cents = (micros % 1_000_000).abs() / 100;
        parts.push(format!("{whole}.{cents:04} {}", usage.currency.as_deref().unwrap_or("")).trim_end().to_owned());
    }
    if parts.is_empty() {
        return String::new();
    }
    let source = match usage.source {
        UsageSource::Reported => "reported",
        UsageSource::Estimated => "estimated",
        UsageSource::Unknown => "source unknown",
    };
    format!("{} ({source})", parts.join(", "))
}

/// A branch as people write it.
pub(crate) fn branch(reference: &str) -> &str {
    reference.strip_prefix("refs/heads/").unwrap_or(reference)
}
