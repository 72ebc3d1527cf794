//! Best of N: candidates for the same thing, ranked by evidence and nothing else.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use crate::batch::queue::dollars;
use crate::model::batch::{Candidate, Ranked, Run, RunState, Spend};
use crate::model::contest::Contest;

/// Ranks whatever several agents or repetitions worked on and is over for all of them: passed before not passed, then the higher score, then the smaller
/// change, then the lower cost, then the shorter time. Who made it does not count.
///
/// A contest that was decided has the last word on the order of its candidates.
pub fn rank(runs: &[Run], contests: &[Contest]) -> Vec<Ranked> {
    let mut groups: BTreeMap<(&str, &str, &str), Vec<&Run>> = BTreeMap::new();
    for run in runs {
        groups.entry((&run.task, &run.prompt, &run.repository)).or_default().push(run);
    }
    let key = |contest: &Contest| (contest.task.clone(), contest.prompt.clone(), contest.repository.clone());
    let contests: HashMap<_, &Contest> = contests.iter().map(|contest| (key(contest), contest)).collect();
    let mut ranked: Vec<(u32, Ranked)> = groups
        .into_values()
        .filter(|group| {
            group.len() > 1
                && group.iter().all(|run| run.state.is_over())
                && group.iter().any(|run| run.state == RunState::Passed)
        })
        .map(|mut group| {
            let first = group[0];
            let number = first.number;
            let (task, prompt, repository) = (first.task.clone(), first.prompt.clone(), first.repository.clone());
            group.sort_by(|a, b| compare(a, b).then(a.number.cmp(&b.number)));
            let contest = contests.get(&(task.clone(), prompt.clone(), repository.clone())).copied();
            let decided = contest.filter(|contest| contest.decided.is_some());
            if let Some(contest) = decided {
                let place = |run: &Run| contest.ranking.iter().position(|id| *id == run.id).unwrap_or(usize::MAX);
                group.sort_by_key(|run| place(run));
            }
            let mut candidates: Vec<Candidate> = Vec::new();
            for (index, run) in group.iter().enumerate() {
                let ranked = decided.is_some_and(|contest| contest.ranking.contains(&run.id));
                let same = index > 0 && !ranked && compare(group[index - 1], run) == Ordering::Equal;
                let place = match candidates.last() {
                    Some(last) if same => last.place,
                    _ => u32::try_from(index + 1).unwrap_or(u32::MAX),
                };
                candidates.push(Candidate {
                    run: run.id.clone(),
                    agent: run.agent.clone(),
                    place,
                    evidence: evidence(run),
                });
            }
            (number, Ranked { contest: contest.cloned().map(Box::new), task, prompt, repository, candidates })
        })
        .collect();
    ranked.sort_by_key(|(number, _)| *number);
    ranked.into_iter().map(|(_, ranked)| ranked).collect()
}

/// What speaks for one run rather than another: less is better.
pub fn compare(a: &Run, b: &Run) -> Ordering {
    let key = |run: &Run| {
        let last = run.attempts.last();
        let stat = last.map(|attempt| attempt.stat).unwrap_or_default();
        let size = u64::from(stat.added) + u64::from(stat.removed);
        let passed = run.state == RunState::Passed;
        // A candidate that passed without changing anything has nothing to offer.
        let score = u8::MAX - last.and_then(|attempt| attempt.score).unwrap_or(0);
        (!passed, passed && size == 0, score, size, run.spent().usd_micros.unwrap_or(i64::MAX), run.spent().tokens)
    };
    key(a).cmp(&key(b))
}

fn evidence(run: &Run) -> String {
    let last = run.attempts.last();
    let stat = last.map(|attempt| attempt.stat).unwrap_or_default();
    let Spend { usd_micros, tokens, partial } = run.spent();
    let cost = match usd_micros {
        Some(usd) if partial => format!("at least {}", dollars(usd)),
        Some(usd) => dollars(usd),
        None if tokens > 0 => format!("{tokens} tokens, cost unknown"),
        None => "cost unknown".to_owned(),
    };
    let files = if stat.files == 1 { "1 file".to_owned() } else { format!("{} files", stat.files) };
    let score = last.and_then(|attempt| attempt.score).map(|score| format!(", score {score}")).unwrap_or_default();
    let landed = if last.is_some_and(|attempt| attempt.landed) { ", landed" } else { "" };
    // Of a case its tests have the last word: `unresolved` says more than `failed`.
    let verdict = last.and_then(|attempt| attempt.case.as_ref()?.words());
    let state = verdict.unwrap_or_else(|| run.state.as_str().to_owned());
    format!("{state}{score}{landed}, {files} +{} -{}, {cost}", stat.added, stat.removed)
}

#[cfg(test)]
mod tests;
