//! What attempts at cases took: time, money, tokens, turns, tools.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What one attempt took.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CaseEffort {
    /// How often its tests were run.
    pub iterations: u32,
    /// Calls of tools.
    pub tools: u32,
    /// Milliseconds of preparing checkouts.
    pub prepare_ms: u64,
    /// Milliseconds of the agent.
    pub agent_ms: u64,
    /// Milliseconds of the tests.
    pub test_ms: u64,
    /// Tokens of all kinds; absent when nobody told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Cost in millionths of the currency's unit; absent when it is unknown, which is not nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_micros: Option<i64>,
}

/// What many took.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Effort {
    /// How many.
    pub attempts: usize,
    /// Cost of those whose cost is known, millionths of the currency's unit; absent when none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_micros: Option<i64>,
    /// Of how many the cost is not known.
    pub cost_unknown: usize,
    /// Cost of all of them for each that is resolved; absent when nothing is or a cost is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_per_resolved: Option<i64>,
    /// Tokens.
    pub tokens: u64,
    /// Milliseconds of the agent in the middle one.
    pub agent_ms_median: u64,
    /// Milliseconds that nine of ten agents stayed within.
    pub agent_ms_p90: u64,
    /// Milliseconds of all agents.
    pub agent_ms: u64,
    /// Milliseconds of preparing all checkouts.
    pub prepare_ms: u64,
    /// Milliseconds of all tests.
    pub test_ms: u64,
    /// How often tests were run, on average.
    pub iterations: f64,
    /// Calls of tools, by tool.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tools: BTreeMap<String, u64>,
}

impl Effort {
    /// Of attempts, of which so many are resolved. Tools by name are the caller's to fill in.
    #[expect(clippy::cast_precision_loss, reason = "numbers of attempts are small")]
    pub fn of<'a>(attempts: impl Iterator<Item = &'a CaseEffort>, resolved: usize) -> Self {
        let mut all = Self::default();
        let mut times = Vec::new();
        let mut iterations = 0_u64;
        for one in attempts {
            all.attempts += 1;
            match one.cost_micros {
                Some(cost) => all.cost_micros = Some(all.cost_micros.unwrap_or(0).saturating_add(cost)),
                None => all.cost_unknown += 1,
            }
            all.tokens = all.tokens.saturating_add(one.tokens.unwrap_or(0));
            all.agent_ms += one.agent_ms;
            all.prepare_ms += one.prepare_ms;
            all.test_ms += one.test_ms;
            iterations += u64::from(one.iterations);
            times.push(one.agent_ms);
        }
        times.sort_unstable();
        let at = |share: usize| times.get((times.len() * share).div_ceil(100).saturating_sub(1)).copied().unwrap_or(0);
        (all.agent_ms_median, all.agent_ms_p90) = (at(50), at(90));
        all.iterations = if all.attempts == 0 { 0.0 } else { iterations as f64 / all.attempts as f64 };
        let known = all.cost_micros.filter(|_| all.cost_unknown == 0 && resolved > 0);
        all.cost_per_resolved = known.and_then(|cost| Some(cost / i64::try_from(resolved).ok()?));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn took(agent_ms: u64, cost_micros: Option<i64>) -> CaseEffort {
        CaseEffort { agent_ms, cost_micros, iterations: 2, tokens: Some(10), ..CaseEffort::default() }
    }

    #[test]
    fn what_is_unknown_is_not_nothing() {
        let all = [took(100, Some(30)), took(300, Some(60)), took(200, Some(0))];
        let effort = Effort::of(all.iter(), 2);
        assert_eq!((effort.cost_micros, effort.cost_per_resolved, effort.cost_unknown), (Some(90), Some(45), 0));
        assert_eq!((effort.agent_ms_median, effort.agent_ms_p90, effort.agent_ms), (200, 300, 600));
        assert_eq!((effort.attempts, effort.tokens), (3, 30));
        assert!((effort.iterations - 2.0).abs() < 1e-9);
        assert_eq!(Effort::of(all.iter(), 0).cost_per_resolved, None, "nothing is resolved at any price");
        let partly = [took(1, Some(30)), took(1, None)];
        let effort = Effort::of(partly.iter(), 1);
        assert_eq!((effort.cost_micros, effort.cost_unknown, effort.cost_per_resolved), (Some(30), 1, None));
        assert_eq!(Effort::of([].iter(), 0), Effort::default());
    }
}
