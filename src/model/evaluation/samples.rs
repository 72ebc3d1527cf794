//! Evaluations, for tests.

use super::*;
use crate::model::Event;
use crate::model::samples::{SESSION, oid};

/// A suite of two evaluators.
pub(crate) fn suite() -> Suite {
    let evaluator = |id: &str, kind, required| Evaluator {
        id: id.to_owned(),
        kind,
        weight: 1,
        required,
        timeout_sec: 600,
        minimum: None,
    };
    let tests = EvaluatorKind::Tests { runner: Some(TestRunner::Cargo), changed: true };
    Suite {
        name: "gates".to_owned(),
        evaluators: vec![evaluator("tests", tests, true), evaluator("secrets", EvaluatorKind::Secrets {}, false)],
        restore: vec!["tests/**".to_owned()],
        prepare: Some(Preparation { command: "npm ci".to_owned(), timeout_sec: 60, network: Some(true) }),
        protected: Protected::Fail,
        limits: Limits::default(),
        digest: "00".repeat(32),
    }
}

/// One that has just begun.
pub(crate) fn evaluation(number: u32) -> Evaluation {
    Evaluation {
        id: EvaluationId(format!("{SESSION}.e{number}")),
        session: SESSION.into(),
        suite: "gates".to_owned(),
        digest: suite().digest,
        commit: oid('c'),
        base: oid('a'),
        merged: None,
        started_at: 7,
        ended_at: None,
        evaluators: 2,
        results: Vec::new(),
        score: None,
        passed: false,
        state: EvaluationState::Running,
        notes: Vec::new(),
    }
}

/// What an evaluator said, with one finding.
pub(crate) fn result(id: &str, outcome: EvaluatorOutcome) -> EvaluatorResult {
    let finding = EvalFinding {
        file: Some("src/lib.rs".to_owned()),
        line: 3,
        column: 0,
        message: "never run".to_owned(),
        severity: Severity::Warning,
    };
    EvaluatorResult {
        id: id.to_owned(),
        kind: "tests".to_owned(),
        outcome,
        score: Some(50),
        required: true,
        weight: 1,
        duration_ms: 12,
        details: "1 passed, 1 failed".to_owned(),
        judge: None,
        spend: crate::model::batch::Spend::default(),
        findings: vec![finding],
    }
}

/// Every event of an evaluation in every form.
pub(crate) fn events() -> Vec<Event> {
    let id = evaluation(1).id;
    let outcomes = [
        EvaluatorOutcome::Passed,
        EvaluatorOutcome::Failed,
        EvaluatorOutcome::Missing { tool: "ruff".to_owned() },
        EvaluatorOutcome::TimedOut,
        EvaluatorOutcome::Errored { reason: "it printed too much".to_owned() },
        EvaluatorOutcome::Cancelled,
    ];
    let states = [
        EvaluationState::Done,
        EvaluationState::Cancelled,
        EvaluationState::Interrupted { reason: "the daemon stopped".to_owned() },
    ];
    let mut events = vec![
        Event::EvaluationStarted(Box::new(evaluation(1))),
        Event::SessionGated { gates: Some(Box::new(suite())) },
        Event::SessionGated { gates: None },
    ];
    events.extend(
        outcomes.map(|outcome| Event::EvaluationResult { id: id.clone(), result: Box::new(result("tests", outcome)) }),
    );
    events.extend(states.map(|state| Event::EvaluationEnded {
        id: id.clone(),
        state,
        score: Some(50),
        passed: false,
        notes: vec!["submodules are empty".to_owned()],
    }));
    events
}
