//! How sure a batch's results are: chances within several attempts, and two agents beside each other on what both worked on.

use std::collections::BTreeMap;

use crate::eval::swebench::statistics::{chances, is_done, mcnemar, share, variance};
use crate::model::attempt::Outcome;
use crate::model::batch::{AgentStatistics, AttemptOutcome, Batch, Pair, Repeated, Run, RunState, Statistics};

/// Agents that are compared with each other at most: of more there are too many pairs to read.
const COMPARED: usize = 16;

/// What an agent worked on: task, prompt and repository.
type Place<'a> = (&'a str, &'a str, &'a str);

/// Attempts that count, and how many of them succeeded.
type Count = (usize, usize);

/// The statistics of a batch.
pub fn of(batch: &Batch, runs: &[Run]) -> Statistics {
    let mut counts: BTreeMap<&str, BTreeMap<Place<'_>, Count>> = BTreeMap::new();
    let mut repeated: Vec<(Place<'_>, &str)> = Vec::new();
    for run in runs {
        let Some(passed) = passed(run) else { continue };
        let place = (run.task.as_str(), run.prompt.as_str(), run.repository.as_str());
        let count = counts.entry(&run.agent).or_default().entry(place).or_default();
        *count = (count.0 + 1, count.1 + usize::from(passed));
        if count.0 == 2 {
            repeated.push((place, &run.agent));
        }
    }
    let ids = batch.plan.agents.iter().map(|agent| agent.id.as_str());
    let known: Vec<(&str, &BTreeMap<Place<'_>, Count>)> =
        ids.filter_map(|agent| Some((agent, counts.get(agent)?))).collect();
    let compared = &known[..known.len().min(COMPARED)];
    let pairs = compared.iter().enumerate().flat_map(|(at, one)| compared[at + 1..].iter().map(move |two| (one, two)));
    Statistics {
        agents: known.iter().filter_map(|(agent, counts)| agent_statistics(agent, counts)).collect(),
        repeated: repeated
            .iter()
            .filter_map(|(place, agent)| {
                let (attempts, passed) = *counts.get(agent)?.get(place)?;
                Some(Repeated {
                    task: place.0.to_owned(),
                    prompt: place.1.to_owned(),
                    repository: place.2.to_owned(),
                    agent: (*agent).to_owned(),
                    attempts,
                    passed,
                    variance: variance(attempts, passed)?,
                })
            })
            .collect(),
        pairs: pairs.filter_map(|(one, other)| pair(*one, *other)).collect(),
    }
}

/// Whether a run passed; absent when it says nothing of its agent.
fn passed(run: &Run) -> Option<bool> {
    let last = run.attempts.last()?;
    if let Some(case) = &last.case {
        let verdict = case.verdict.as_ref().filter(|verdict| verdict.counts() && case.flaw().is_none())?;
        return Some(*verdict == Outcome::Resolved);
    }
    match (run.state, last.outcome) {
        (RunState::Failed, Some(AttemptOutcome::NotStarted | AttemptOutcome::Infrastructure)) => None,
        (RunState::Passed, _) => Some(true),
        (RunState::Failed, _) => Some(false),
        _ => None,
    }
}

fn agent_statistics(agent: &str, counts: &BTreeMap<Place<'_>, Count>) -> Option<AgentStatistics> {
    let each: Vec<Count> = counts.values().copied().collect();
    let (counted, passed) = each.iter().fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1));
    let is_repeated = each.iter().any(|(attempts, _)| *attempts > 1);
    Some(AgentStatistics {
        agent: agent.to_owned(),
        counted,
        passed,
        share: share(passed, counted)?,
        pass_at: if is_repeated { chances(&each) } else { Vec::new() },
    })
}

fn pair(
    (one, first): (&str, &BTreeMap<Place<'_>, Count>),
    (other, second): (&str, &BTreeMap<Place<'_>, Count>),
) -> Option<Pair> {
    let mut pair = Pair {
        one: one.to_owned(),
        other: other.to_owned(),
        common: 0,
        both: 0,
        neither: 0,
        only_one: 0,
        only_other: 0,
        p_value: 1.0,
    };
    for (place, one) in first {
        let Some(other) = second.get(place) else { continue };
        pair.common += 1;
        *match (is_done(one.0, one.1), is_done(other.0, other.1)) {
            (true, true) => &mut pair.both,
            (false, false) => &mut pair.neither,
            (true, false) => &mut pair.only_one,
            (false, true) => &mut pair.only_other,
        } += 1;
    }
    pair.p_value = mcnemar(pair.only_other, pair.only_one);
    (pair.common > 0).then_some(pair)
}

#[cfg(test)]
mod tests;
