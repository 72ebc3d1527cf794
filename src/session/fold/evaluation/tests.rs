use super::*;
use crate::model::evaluation::EvaluatorOutcome;
use crate::model::evaluation::samples::{evaluation, result, suite};
use crate::model::samples::session;
use crate::session::fold;

fn after(events: &[Event]) -> Session {
    let mut session = session();
    for (at, event) in (10..).zip(events) {
        fold::apply(&mut session, event, &Cause::Host, at);
    }
    session
}

fn started(number: u32) -> Event {
    Event::EvaluationStarted(Box::new(evaluation(number)))
}

fn said(number: u32, id: &str, outcome: EvaluatorOutcome) -> Event {
    Event::EvaluationResult { id: evaluation(number).id, result: Box::new(result(id, outcome)) }
}

#[test]
fn an_evaluation_is_followed_to_its_end() {
    let state = EvaluationState::Done;
    let ended =
        Event::EvaluationEnded { id: evaluation(1).id, state, score: Some(50), passed: false, notes: Vec::new() };
    let running = after(&[started(1), said(1, "tests", EvaluatorOutcome::Passed)]);
    assert_eq!(running.evaluations.running().map(|one| one.results.len()), Some(1));
    let summary = summary(&running).unwrap();
    assert_eq!((summary.good, summary.ended, summary.evaluators, summary.passed), (1, 1, 2, false));
    let session = after(&[
        started(1),
        said(1, "tests", EvaluatorOutcome::Passed),
        said(1, "secrets", EvaluatorOutcome::Failed),
        ended,
        // What comes after the end of another evaluation changes nothing.
        said(9, "tests", EvaluatorOutcome::Failed),
    ]);
    let newest = session.evaluations.newest().unwrap();
    assert!(session.evaluations.running().is_none() && session.unread);
    assert_eq!((newest.results.len(), newest.score, newest.ended_at), (2, Some(50), Some(13)));
}

#[test]
fn history_is_bounded_and_earlier_findings_are_let_go() {
    let mut events = Vec::new();
    for number in 1..=30 {
        events.push(started(number));
        events.push(said(number, "tests", EvaluatorOutcome::Failed));
    }
    let session = after(&events);
    let kept = &session.evaluations.kept;
    assert_eq!((session.evaluations.made, kept.len()), (30, Evaluation::KEPT));
    assert!(kept[..kept.len() - 1].iter().all(|one| one.results[0].findings.is_empty()));
    assert_eq!(kept[kept.len() - 1].results[0].findings.len(), 1);
}

#[test]
fn gates_are_set_and_taken_back() {
    let set = Event::SessionGated { gates: Some(Box::new(suite())) };
    assert_eq!(after(std::slice::from_ref(&set)).evaluations.gates.as_deref(), Some(&suite()));
    assert!(after(&[set, Event::SessionGated { gates: None }]).evaluations.is_empty());
}
