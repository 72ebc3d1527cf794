//! What events of evaluations do to a session.

use crate::base::text::visible_line;
use crate::model::evaluation::{Evaluation, EvaluationState, EvaluationSummary, EvaluatorResult};
use crate::model::event::{Cause, Event};
use crate::model::session::Session;

/// Findings of the newest evaluation that are kept with the session, which is written with each of its events; the events have all.
const FINDINGS: usize = 300;
/// Characters of an earlier evaluation's details that are kept.
const DETAILS: usize = 200;

/// Applies an event of an evaluation; others change nothing.
pub(super) fn apply(session: &mut Session, event: &Event, cause: &Cause, time: i64) {
    let evaluations = &mut session.evaluations;
    match event {
        Event::EvaluationStarted(started) => {
            evaluations.made = evaluations.made.max(super::number_in(started.id.as_str(), 'e'));
            evaluations.kept.iter_mut().for_each(shorten);
            evaluations.kept.push((**started).clone());
            let over = evaluations.kept.len().saturating_sub(Evaluation::KEPT);
            evaluations.kept.drain(..over);
        }
        Event::EvaluationResult { id, result } => {
            if let Some(running) = evaluations.kept.last_mut().filter(|newest| newest.id == *id) {
                let known: usize = running.results.iter().map(|result| result.findings.len()).sum();
                let mut result: EvaluatorResult = (**result).clone();
                result.findings.truncate(FINDINGS.saturating_sub(known));
                let known = running.results.len();
                running.results.retain(|earlier| earlier.id != result.id);
                if result.is_of_protected() && known == running.results.len() {
                    // No evaluator of the suite said it, and so nobody had counted it.
                    running.evaluators = running.evaluators.saturating_add(1);
                }
                running.results.push(result);
            }
        }
        Event::EvaluationEnded { id, state, score, passed, notes } => {
            if let Some(ended) = evaluations.kept.iter_mut().find(|one| one.id == *id) {
                ended.state = state.clone();
                ended.score = *score;
                ended.passed = *passed;
                ended.notes.clone_from(notes);
                ended.ended_at = Some(time);
                super::news(session, cause);
            }
        }
        Event::SessionGated { gates } => evaluations.gates.clone_from(gates),
        _ => {}
    }
}

fn shorten(earlier: &mut Evaluation) {
    for result in &mut earlier.results {
        result.findings.clear();
        result.details = visible_line(&result.details, DETAILS);
    }
}

/// The newest evaluation in a few words.
pub(crate) fn summary(session: &Session) -> Option<EvaluationSummary> {
    let newest = session.evaluations.newest()?;
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Some(EvaluationSummary {
        id: newest.id.clone(),
        suite: newest.suite.clone(),
        digest: newest.digest.clone(),
        commit: newest.commit.clone(),
        good: count(newest.results.iter().filter(|result| result.passed()).count()),
        ended: count(newest.results.len()),
        evaluators: newest.evaluators,
        score: newest.score,
        passed: newest.passed && newest.state == EvaluationState::Done,
        state: newest.state.clone(),
        started_at: newest.started_at,
    })
}

#[cfg(test)]
mod tests;
