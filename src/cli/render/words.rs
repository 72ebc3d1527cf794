//! Small words: ages, counts, states.

use crate::base::clock::Millis;
use crate::base::text::visible_line;
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

/// What usage cost: `$1.23` as reported, `~$1.23` when a part is estimated, with `+` when a part has no price, `?` when all of it has
/// none, nothing when nothing was used. `digits` after the point.
pub(crate) fn cost(usage: &Usage, digits: usize) -> String {
    let estimated = usage.cost_source == UsageSource::Estimated;
    match usage.cost_micros {
        Some(micros) => {
            let more = if usage.cost_partial { "+" } else { "" };
            format!("{}{more}", money(micros, usage.currency.as_deref(), estimated, digits))
        }
        None if usage.tokens() == [0; 5] => String::new(),
        None => "?".to_owned(),
    }
}

/// `~$0.12`, `<$0.01`, `3.50 credits`.
pub(crate) fn money(micros: i64, currency: Option<&str>, estimated: bool, digits: usize) -> String {
    let unit = 10_u64.pow(u32::try_from(6_usize.saturating_sub(digits)).unwrap_or(0));
    let units = (micros.unsigned_abs() + unit / 2) / unit;
    let (less, units) = if units == 0 && micros > 0 { ("<", 1) } else { ("", units) };
    let whole = 10_u64.pow(u32::try_from(digits).unwrap_or(0));
    let amount = format!("{}.{:0digits$}", units / whole, units % whole);
    let sign = if estimated { "~" } else { "" };
    match currency {
        None | Some("USD") => format!("{sign}{less}${amount}"),
        Some(other) => format!("{sign}{less}{amount} {}", visible_line(other, 12)),
    }
}

/// How full the context window is, where that is known.
pub(crate) fn context(usage: &Usage) -> String {
    match (usage.context_used, usage.context_size.filter(|size| *size > 0)) {
        (Some(used), Some(size)) => {
            let percent = u128::from(used) * 100 / u128::from(size);
            format!("{percent}% full: {used} of {size} tokens")
        }
        (Some(used), None) => format!("{used} tokens"),
        (None, _) => String::new(),
    }
}

/// A branch as people write it.
pub(crate) fn branch(reference: &str) -> &str {
    reference.strip_prefix("refs/heads/").unwrap_or(reference)
}
