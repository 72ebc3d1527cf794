//! Batches in words: what every face says of a batch and its runs. Pure; text from plans and agents is made safe to show by whoever
//! shows it.

use std::collections::{BTreeMap, HashMap};

use crate::base::date;
use crate::model::batch::{BatchDetail, BatchState, BatchView, Ranked, Run, RunCounts, RunState, RunView, Spend};
use crate::model::contest::Contest;
use crate::model::diff::DiffStat;
use crate::model::id::RunId;

/// What a piece of text means; a face has a colour for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tone {
    /// Nothing special.
    Plain,
    /// A name.
    Name,
    /// Less important.
    Quiet,
    /// It is as it should be.
    Good,
    /// It is not.
    Bad,
    /// Somebody should look.
    Attention,
    /// It is under way.
    Working,
}

/// The tone of a run's state.
pub fn tone(state: RunState) -> Tone {
    match state {
        RunState::Queued | RunState::Skipped => Tone::Quiet,
        RunState::Running => Tone::Working,
        RunState::Passed => Tone::Good,
        RunState::Failed => Tone::Bad,
        RunState::Cancelled => Tone::Attention,
    }
}

/// A run's state in one character that every font has.
pub fn sign(state: RunState) -> &'static str {
    match state {
        RunState::Queued => "…",
        RunState::Running => "▸",
        RunState::Passed => "✓",
        RunState::Failed => "✗",
        RunState::Cancelled => "■",
        RunState::Skipped => "-",
    }
}

/// `$1.20`, rounded, with `+` when it is at least that; `?` when tokens were used and nobody knows what they cost.
pub fn money(spend: Spend) -> String {
    match spend.usd_micros {
        Some(usd) => {
            let cents = usd.saturating_add(5_000) / 10_000;
            let (less, cents) = if cents == 0 && usd > 0 { ("<", 1) } else { ("", cents) };
            format!("{less}${}.{:02}{}", cents / 100, cents % 100, if spend.partial { "+" } else { "" })
        }
        None if spend.tokens > 0 => "?".to_owned(),
        None => String::new(),
    }
}

/// `3 files +10 -2`, or nothing.
pub fn changed(stat: DiffStat) -> String {
    if stat == DiffStat::default() {
        return String::new();
    }
    format!("{} file{} +{} -{}", stat.files, if stat.files == 1 { "" } else { "s" }, stat.added, stat.removed)
}

fn by_state(counts: RunCounts) -> [(u32, RunState); 6] {
    [
        (counts.passed, RunState::Passed),
        (counts.failed, RunState::Failed),
        (counts.cancelled, RunState::Cancelled),
        (counts.skipped, RunState::Skipped),
        (counts.running, RunState::Running),
        (counts.queued, RunState::Queued),
    ]
}

/// `12 passed`, `1 failed`, `3 running`, `4 queued`: only what there is.
pub fn counts(counts: RunCounts) -> Vec<(Tone, String)> {
    let there_is = by_state(counts).into_iter().filter(|(count, _)| *count > 0);
    there_is.map(|(count, state)| (tone(state), format!("{count} {}", state.as_str()))).collect()
}

/// Runs that are over.
pub fn over(counts: RunCounts) -> u32 {
    counts.total() - counts.queued - counts.running
}

/// A bar of so many columns, in ASCII: `#` passed, `x` failed, `-` cancelled or skipped, `>` running, `.` queued. What there is of
/// any state is seen, if there are columns enough.
pub fn bar(counts: RunCounts, columns: usize) -> Vec<(Tone, String)> {
    let shares: Vec<(u32, RunState)> = by_state(counts).into_iter().filter(|(count, _)| *count > 0).collect();
    let total = counts.total() as usize;
    if total == 0 || columns == 0 {
        return vec![(Tone::Quiet, ".".repeat(columns))];
    }
    let mut widths: Vec<usize> = shares.iter().map(|(count, _)| (*count as usize * columns / total).max(1)).collect();
    // What rounding left over or took too much belongs to the widest.
    while let Some(widest) = (0..widths.len()).max_by_key(|at| widths[*at]) {
        let sum: usize = widths.iter().sum();
        match sum.cmp(&columns) {
            std::cmp::Ordering::Less => widths[widest] += columns - sum,
            std::cmp::Ordering::Greater if widths[widest] > 0 => widths[widest] -= 1,
            _ => break,
        }
    }
    let drawn = shares.iter().zip(widths).map(|((_, state), width)| {
        let character = match state {
            RunState::Passed => "#",
            RunState::Failed => "x",
            RunState::Cancelled | RunState::Skipped => "-",
            RunState::Running => ">",
            RunState::Queued => ".",
        };
        (tone(*state), character.repeat(width))
    });
    drawn.collect()
}

/// `3 at once, 2 min so far, about 5 min left, $1.20 of $20.00`, and why it does not go on.
pub fn progress(view: &BatchView, now: i64) -> String {
    let mut parts = vec![format!("{} at once", view.concurrency)];
    parts.push(date::length(view.ended_at.unwrap_or(now).saturating_sub(view.created_at)));
    // What is due already takes longer than the others did: nobody knows how much.
    if let Some(eta) = view.eta.filter(|eta| view.state == BatchState::Active && *eta >= now.saturating_add(1_000)) {
        parts.push(format!("about {} left", date::length(eta.saturating_sub(now))));
    }
    let spent = money(view.spend);
    let began = over(view.counts) > 0;
    match view.budget.usd_micros {
        Some(limit) => {
            let limit = money(Spend { usd_micros: Some(limit), ..Spend::default() });
            // Who tells no cost has not worked for nothing.
            let nothing = if began { "cost unknown" } else { "$0.00" };
            let spent = if matches!(spent.as_str(), "" | "?") { nothing } else { &spent };
            parts.push(format!("{spent} of {limit}"));
        }
        None if !spent.is_empty() => parts.push(spent),
        None => {}
    }
    if let Some(limit) = view.budget.tokens {
        let untold = began && view.spend.tokens == 0;
        let tokens = if untold { "unknown".to_owned() } else { view.spend.tokens.to_string() };
        parts.push(format!("{tokens} of {limit} tokens"));
    } else if view.spend.tokens > 0 {
        parts.push(format!("{} tokens", view.spend.tokens));
    }
    match (&view.reason, &view.held) {
        (Some(why), _) => parts.push(why.clone()),
        (None, Some(why)) => parts.push(format!("no more start now: {why}")),
        (None, None) => {}
    }
    parts.join(", ")
}

/// How an attempt at a case came out, in a few words; `?` says that such a case says nothing on this machine.
fn of_case(run: &Run) -> Option<String> {
    let case = run.attempts.last()?.case.as_ref()?;
    let flaw = if case.flaw().is_some() { "?" } else { "" };
    Some(format!("{}{flaw}", case.verdict.as_ref()?.word()))
}

/// Where a run stands among the candidates for the same thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It won the contest that the plan asked for.
    Winner,
    /// At this place.
    Place(u32),
}

/// Where candidates for the same thing stand, by their runs; where all are equal a place says nothing.
pub fn places(ranking: &[Ranked]) -> BTreeMap<&RunId, Standing> {
    let standing = |ranked: &Ranked, run: &RunId, place: u32| {
        let is_told = ranked.candidates.iter().any(|candidate| candidate.place > 1);
        if ranked.has_won(run) { Some(Standing::Winner) } else { is_told.then_some(Standing::Place(place)) }
    };
    let all = ranking.iter().flat_map(|ranked| ranked.candidates.iter().map(move |candidate| (ranked, candidate)));
    all.filter_map(|(ranked, one)| Some((&one.run, standing(ranked, &one.run, one.place)?))).collect()
}

/// What was said of the newest attempt of a run: how its case came out, evaluators that passed of how many, their score, its place among the candidates for
/// the same thing; else how it ended when that says more than the run's state.
pub fn verdict(run: &Run, places: &BTreeMap<&RunId, Standing>) -> String {
    let mut parts = Vec::new();
    let last = run.attempts.last();
    parts.extend(of_case(run));
    if let Some(gates) = last.and_then(|attempt| attempt.gates) {
        parts.push(format!("{}/{}", gates.passed, gates.all));
    }
    if let Some(score) = last.and_then(|attempt| attempt.score) {
        parts.push(score.to_string());
    }
    if parts.is_empty()
        && let Some(outcome) = last.and_then(|attempt| attempt.outcome)
        && !matches!(outcome.words(), "done" | "failed" | "cancelled")
    {
        parts.push(outcome.words().to_owned());
    }
    match places.get(&run.id) {
        Some(Standing::Winner) => parts.push("winner".to_owned()),
        Some(Standing::Place(place)) => parts.push(format!("#{place}")),
        None => {}
    }
    if last.is_some_and(|attempt| attempt.landed) {
        parts.push("landed".to_owned());
    }
    parts.join(" ")
}

/// Whether a batch that has ended accomplished what its plan asks for: every run passed, or somebody it competed with won; and what
/// was to be landed is on its target.
pub fn is_accomplished(detail: &BatchDetail) -> bool {
    let contests = detail.ranking.iter().filter_map(|ranked| ranked.contest.as_deref());
    let key = |contest: &'_ Contest| (contest.task.clone(), contest.prompt.clone(), contest.repository.clone());
    let contests: HashMap<_, &Contest> = contests.map(|contest| (key(contest), contest)).collect();
    let contest = |run: &Run| contests.get(&(run.task.clone(), run.prompt.clone(), run.repository.clone()));
    // A run that passed has a reason only when it could not be landed.
    let alone = |run: &Run| run.state == RunState::Passed && run.reason.is_none();
    detail.runs.iter().all(|RunView { run, .. }| match contest(run) {
        Some(contest) => contest.winner().is_some() && contest.unlanded.is_none(),
        None => alone(run),
    })
}

/// What a run does now, what it changed, or why it ended as it did.
pub fn what(view: &RunView, now: i64) -> String {
    let run = &view.run;
    let why = match run.state {
        RunState::Running => view.activity.clone(),
        RunState::Queued => {
            let again = run.not_before.filter(|at| *at > now).map(|at| format!("again in {}", date::length(at - now)));
            Some([again, run.reason.clone()].into_iter().flatten().collect::<Vec<_>>().join(": "))
        }
        // The verdict says it already.
        _ => run.reason.clone().filter(|why| of_case(run).is_none_or(|verdict| verdict != *why)),
    };
    let changed = run.attempts.last().map(|attempt| changed(attempt.stat)).unwrap_or_default();
    let why = why.unwrap_or_default();
    // What is cut on a narrow screen is what matters less.
    let parts = if run.state == RunState::Passed { [changed, why] } else { [why, changed] };
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ")
}

#[cfg(test)]
mod tests;
