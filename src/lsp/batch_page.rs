//! A batch as Markdown. Pure.

use super::plans::{over_budget, standing, why};
use super::view::{Mark, Page};
use crate::base::text::visible_line;
use crate::model::batch::{BatchDetail, RunCounts, RunState, RunView, Spend};
use crate::wire::transcript::duration;

/// Runs that are listed.
const MOST: usize = 2_000;

/// Money in words; nothing when nobody knows.
pub fn money(spend: Spend) -> Option<String> {
    let micros = spend.usd_micros?;
    Some(format!("${}.{:02}{}", micros / 1_000_000, micros % 1_000_000 / 10_000, if spend.partial { "+" } else { "" }))
}

/// How many runs are where, those with none left out.
pub fn counted(counts: RunCounts) -> String {
    let all = [
        (counts.passed, "passed"),
        (counts.failed, "failed"),
        (counts.cancelled, "cancelled"),
        (counts.skipped, "skipped"),
        (counts.running, "running"),
        (counts.queued, "queued"),
    ];
    let words: Vec<String> =
        all.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    if words.is_empty() { "no runs".to_owned() } else { words.join(", ") }
}

/// The page; nothing has come yet without a batch.
pub fn page(batch: Option<&BatchDetail>, now: i64) -> Page {
    let mut page = Page::default();
    let Some(batch) = batch else {
        page.line("The batch is being read.");
        return page;
    };
    let view = &batch.view;
    page.line(&format!("# divisi: batch {}", visible_line(&view.name, 80)));
    page.line("");
    page.line(&standing(batch));
    let mut facts = vec![format!("{} at the same time", view.concurrency)];
    if let Some(eta) = view.eta {
        facts.push(format!("about {} more", duration(eta.saturating_sub(now))));
    }
    if let Some(ended) = view.ended_at {
        facts.push(format!("took {}", duration(ended.saturating_sub(view.created_at))));
    }
    if view.spend.tokens > 0 {
        facts.push(format!("{} tokens", view.spend.tokens));
    }
    page.line(&format!("`{}`; {}", view.id, facts.join("; ")));
    if !view.path.is_empty() {
        page.line(&format!("plan: {}", visible_line(&view.path, 300)));
    }
    let held = view.held.as_ref().map(|why| format!("no more start now: {why}"));
    for words in [view.reason.as_ref(), held.as_ref()].into_iter().flatten() {
        page.line(&format!("**{}**", visible_line(words, 300)));
    }
    if let Some(words) = over_budget(batch) {
        page.line(&format!("**{words}**"));
    }
    page.line("");
    page.line("Code actions here: pause, resume, cancel, run again, report; on a run: its session.");
    page.mark(0, Mark::Batch(view.id.clone()));
    let mut task = None;
    for run in batch.runs.iter().take(MOST) {
        if task != Some(&run.run.task) {
            task = Some(&run.run.task);
            page.line("");
            page.line(&format!("## {}", visible_line(&run.run.task, 80)));
            page.line("");
        }
        line_of(run, now, &mut page);
    }
    if batch.runs.len() > MOST {
        page.line("");
        page.line(&format!("{} more.", batch.runs.len() - MOST));
    }
    if !batch.ranking.is_empty() {
        page.line("");
        page.line("## Ranking");
    }
    for ranked in &batch.ranking {
        page.line("");
        page.line(&format!("### {} / {}", visible_line(&ranked.task, 60), visible_line(&ranked.prompt, 60)));
        page.line("");
        for candidate in &ranked.candidates {
            page.line(&format!(
                "{}. {}: {}",
                candidate.place,
                visible_line(&candidate.agent, 60),
                visible_line(&candidate.evidence, 200)
            ));
        }
    }
    page
}

fn line_of(run: &RunView, now: i64, page: &mut Page) {
    let first = page.at();
    let sign = match run.run.state {
        RunState::Passed => "[x]",
        RunState::Failed => "[!]",
        RunState::Running => "[>]",
        RunState::Queued => "[ ]",
        RunState::Cancelled | RunState::Skipped => "[-]",
    };
    let mut words = vec![run.run.state.as_str().to_owned()];
    if run.run.attempts.len() > 1 {
        words.push(format!("attempt {}", run.run.attempts.len()));
    }
    if !run.run.attempts.is_empty() {
        words.push(duration(run.run.duration(now)));
    }
    if let Some(last) = run.run.attempts.last().filter(|last| last.outcome.is_some()) {
        words.extend(last.case.as_ref().and_then(|case| case.words()));
        words.push(format!("+{} -{}", last.stat.added, last.stat.removed));
        words.extend(last.score.map(|score| format!("score {score}")));
        if last.landed {
            words.push("landed".to_owned());
        }
    }
    words.extend(money(run.spend));
    let many = if run.run.repetition > 1 { format!(" ({})", run.run.repetition) } else { String::new() };
    page.line(&format!(
        "- {sign} #{} {} / {}{many}: {}",
        run.run.number,
        visible_line(&run.run.prompt, 60),
        visible_line(&run.run.agent, 60),
        words.join(", ")
    ));
    match run.run.state {
        RunState::Running => {
            if let Some(activity) = &run.activity {
                page.line(&format!("  {}", visible_line(activity, 160)));
            }
        }
        RunState::Failed | RunState::Skipped | RunState::Cancelled => page.line(&format!("  {}", why(run))),
        _ => {}
    }
    if let (Some(_), Some(attempt)) = (&run.session_name, run.run.attempts.last()) {
        page.mark(first, Mark::Session(attempt.session.clone()));
    }
}

#[cfg(test)]
mod tests;
