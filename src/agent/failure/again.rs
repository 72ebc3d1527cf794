//! When a call may be tried again, out of the words of a failure.

/// When.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// At this moment, milliseconds since the epoch.
    At(i64),
    /// After so many milliseconds.
    After(u64),
}

/// Words before a length of time.
const LEADS: [&str; 9] = [
    "try again in ",
    "retry in ",
    "retry after ",
    "retry-after: ",
    "retrying in ",
    "resets in ",
    "reset in ",
    "reset after ",
    "retrydelay\":\"",
];

/// The longest that is believed: more is no time to wait for.
const LONGEST_MS: u64 = 62 * 24 * 60 * 60 * 1000;

impl Again {
    /// Reads `limit reached|1795219200`, `try again in 1h2m`, `retry after 30`, and the like. Times of day are left in the words: whose
    /// they are is not known.
    pub(super) fn in_words(words: &str) -> Option<Self> {
        let lower = words.to_lowercase();
        if let Some((_, last)) = lower.rsplit_once('|')
            && let Ok(seconds) = last.trim().parse::<i64>()
            && (1_500_000_000..5_000_000_000).contains(&seconds)
        {
            return Some(Self::At(seconds * 1000));
        }
        LEADS.iter().find_map(|lead| length(lower.split_once(lead)?.1)).map(Self::After)
    }
}

/// The length of time at the beginning of a text, in milliseconds: `1h2m3.5s`, `5 minutes`, `1 day and 2 hours`, `30`.
fn length(text: &str) -> Option<u64> {
    let mut sum = 0.0;
    let mut rest = text.trim_start().trim_start_matches("about ").trim_start_matches('~');
    let mut found = false;
    loop {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let Ok(number) = rest[..end].trim_end_matches('.').parse::<f64>() else { break };
        let after = rest[end..].trim_start();
        let unit_end = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let unit = match &after[..unit_end] {
            "ms" | "milliseconds" => 1.0,
            "s" | "sec" | "secs" | "second" | "seconds" => 1000.0,
            "m" | "min" | "mins" | "minute" | "minutes" => 60.0 * 1000.0,
            "h" | "hr" | "hrs" | "hour" | "hours" => 3600.0 * 1000.0,
            "d" | "day" | "days" => 24.0 * 3600.0 * 1000.0,
            // A bare number is what the header `retry-after` holds.
            _ if !found => return bounded(number * 1000.0),
            _ => break,
        };
        found = true;
        sum += number * unit;
        rest = after[unit_end..].trim_start_matches([',', ' ']).trim_start_matches("and ").trim_start();
    }
    if found { bounded(sum) } else { None }
}

fn bounded(ms: f64) -> Option<u64> {
    #[expect(clippy::cast_precision_loss, reason = "the bound is small")]
    let longest = LONGEST_MS as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded; whole after ceil()")]
    (ms.is_finite() && ms > 0.0 && ms <= longest).then(|| ms.ceil() as u64)
}

#[cfg(test)]
mod tests;
