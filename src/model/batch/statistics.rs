//! How sure a batch's results are.

use serde::{Deserialize, Serialize};

use crate::model::bench::{PassAt, Share};

/// What a batch's runs say of its agents. What says nothing of an agent (cancelled, skipped, the machine failed) is not counted.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Statistics {
    /// In the order of the plan: those of whom something counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agents: Vec<AgentStatistics>,
    /// What one agent tried more than once, in the order of the runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repeated: Vec<Repeated>,
    /// Every two agents that worked on something in common.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pairs: Vec<Pair>,
}

impl Statistics {
    /// Whether nothing counts.
    pub fn is_empty(&self) -> bool {
        self.agents.is_empty()
    }
}

/// A share for people, in per cent.
fn percent(share: f64) -> String {
    format!("{:.0}", share * 100.0)
}

impl Share {
    /// `75 % (30 to 95)`: the share with its interval at 95 %.
    pub fn words(&self) -> String {
        format!("{} % ({} to {})", percent(self.share), percent(self.low), percent(self.high))
    }
}

impl AgentStatistics {
    /// `pass@1 38 %, pass@2 67 %`: the chances of success within so many attempts; nothing when nothing was repeated.
    pub fn chances(&self) -> String {
        let chances = self.pass_at.iter().map(|chance| format!("pass@{} {} %", chance.k, percent(chance.any)));
        chances.collect::<Vec<_>>().join(", ")
    }
}

impl Repeated {
    /// `2 of 4, variance 0.25`.
    pub fn words(&self) -> String {
        format!("{} of {}, variance {:.2}", self.passed, self.attempts, self.variance)
    }
}

impl Pair {
    /// `0.031`: the probability, with as many digits as say something.
    pub fn p_words(&self) -> String {
        if self.p_value < 0.001 { "< 0.001".to_owned() } else { format!("{:.3}", self.p_value) }
    }
}

/// One agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgentStatistics {
    /// Its id in the plan.
    pub agent: String,
    /// Runs that count.
    pub counted: usize,
    /// Of those, that passed; of cases of benchmarks, that were resolved.
    pub passed: usize,
    /// The share of those.
    pub share: Share,
    /// The chances of success within so many attempts, estimated without bias; empty when nothing was repeated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pass_at: Vec<PassAt>,
}

/// Repetitions of one thing by one agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Repeated {
    /// The task's id.
    pub task: String,
    /// The prompt's id.
    pub prompt: String,
    /// The repository as the plan names it.
    pub repository: String,
    /// The agent's id in the plan.
    pub agent: String,
    /// Repetitions that count.
    pub attempts: usize,
    /// Of those, that passed.
    pub passed: usize,
    /// The variance of the outcomes, 0 or 1 each: 0 to 0.25.
    pub variance: f64,
}

/// Two agents on what both worked on. Of several repetitions the greater part decides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// One agent's id in the plan.
    pub one: String,
    /// The other's.
    pub other: String,
    /// Prompts in repositories that both worked on.
    pub common: usize,
    /// Both did it.
    pub both: usize,
    /// Neither did.
    pub neither: usize,
    /// Only the one did.
    pub only_one: usize,
    /// Only the other did.
    pub only_other: usize,
    /// `McNemar`'s exact test: how likely a difference at least as lopsided is if both are equally good.
    pub p_value: f64,
}
