//! Numbers that say how sure a result is.

use crate::model::bench::{PassAt, Share};

/// 95 %, two-sided.
const Z: f64 = 1.959_963_984_540_054;

/// An interval of shares, each from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// Wilson's interval of a share at 95 %; absent when there is nothing to have a share of.
#[expect(clippy::cast_precision_loss, reason = "numbers of cases are small")]
pub fn wilson(successes: usize, total: usize) -> Option<Interval> {
    if total == 0 {
        return None;
    }
    let (n, share) = (total as f64, successes as f64 / total as f64);
    let middle = share + Z * Z / (2.0 * n);
    let spread = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    let low = if successes == 0 { 0.0 } else { ((middle - spread) / scale).max(0.0) };
    let high = if successes == total { 1.0 } else { ((middle + spread) / scale).min(1.0) };
    Some(Interval { low, high })
}

/// The chance that at least one of `k` attempts succeeds, estimated without bias from `attempts` of which `successes` did; absent when
/// there are fewer attempts than `k`.
#[expect(clippy::cast_precision_loss, reason = "numbers of attempts are small")]
pub fn pass_at_k(attempts: usize, successes: usize, k: usize) -> Option<f64> {
    if k == 0 || attempts < k || successes > attempts {
        return None;
    }
    let failures = attempts - successes;
    if failures < k {
        return Some(1.0);
    }
    Some(
        1.0 - ((failures - k + 1)..=failures)
            .zip(attempts - k + 1..)
            .map(|(f, a)| f as f64 / a as f64)
            .product::<f64>(),
    )
}

/// The chance that all of `k` attempts succeed, likewise.
#[expect(clippy::cast_precision_loss, reason = "numbers of attempts are small")]
pub fn pass_hat_k(attempts: usize, successes: usize, k: usize) -> Option<f64> {
    if k == 0 || attempts < k || successes > attempts {
        return None;
    }
    if successes < k {
        return Some(0.0);
    }
    Some(((successes - k + 1)..=successes).zip(attempts - k + 1..).map(|(s, a)| s as f64 / a as f64).product())
}

/// `McNemar`'s exact test: how likely changes are to be at least this lopsided if both runs are equally good. `gained` and `lost` count
/// cases in which they differ.
#[expect(clippy::cast_precision_loss, reason = "numbers of cases are small")]
pub fn mcnemar(gained: usize, lost: usize) -> f64 {
    let changes = gained + lost;
    if changes == 0 {
        return 1.0;
    }
    let fewer = gained.min(lost);
    // The tail of a binomial distribution at one half, in logarithms, so that large numbers do not vanish.
    let mut log_choose = 0.0_f64;
    let mut tail = 0.0_f64;
    let log_half = changes as f64 * 0.5_f64.ln();
    for k in 0..=fewer {
        if k > 0 {
            log_choose += ((changes - k + 1) as f64).ln() - (k as f64).ln();
        }
        tail += (log_choose + log_half).exp();
    }
    (2.0 * tail).min(1.0)
}

/// The variance of a case's outcomes over its attempts (0 or 1 each), 0 to 0.25; absent without attempts.
#[expect(clippy::cast_precision_loss, reason = "numbers of attempts are small")]
pub fn variance(attempts: usize, successes: usize) -> Option<f64> {
    let share = (attempts > 0).then(|| successes as f64 / attempts as f64)?;
    Some(share * (1.0 - share))
}

/// The chances of success within 1, 2, ... attempts: the mean over all cases that have as many. A case is its attempts and how many of
/// them succeeded.
#[expect(clippy::cast_precision_loss, reason = "numbers of cases are small")]
pub fn chances(cases: &[(usize, usize)]) -> Vec<PassAt> {
    let mean = |of: Vec<f64>| (!of.is_empty()).then(|| of.iter().sum::<f64>() / of.len() as f64);
    let most = cases.iter().map(|(attempts, _)| *attempts).max().unwrap_or(0);
    let pass_at = (1..=most).filter_map(|k| {
        let over = |estimate: fn(usize, usize, usize) -> Option<f64>| {
            mean(cases.iter().filter_map(|(attempts, successes)| estimate(*attempts, *successes, k)).collect())
        };
        Some(PassAt { k, any: over(pass_at_k)?, all: over(pass_hat_k)? })
    });
    pass_at.collect()
}

/// Whether a case counts as done: of several attempts the greater part decides.
pub fn is_done(attempts: usize, successes: usize) -> bool {
    2 * successes > attempts
}

/// A share of so many with its interval at 95 %; absent when there is nothing to have a share of.
#[expect(clippy::cast_precision_loss, reason = "numbers of cases are small")]
pub fn share(successes: usize, total: usize) -> Option<Share> {
    let interval = wilson(successes, total)?;
    Some(Share { share: successes as f64 / total as f64, low: interval.low, high: interval.high })
}

#[cfg(test)]
mod tests;
