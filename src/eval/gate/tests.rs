use super::*;
use crate::eval::suite;
use crate::model::evaluation::{EvaluatorOutcome, EvaluatorResult, MergeResult};

fn oid(digit: char) -> Oid {
    Oid(digit.to_string().repeat(40))
}

fn gates() -> Suite {
    suite::parse("version: 1\nname: g\nevaluators: [{id: a, kind: secrets, required: true}, {id: b, kind: conflicts}]")
        .unwrap()
}

fn judged(commit: char, outcome: EvaluatorOutcome, state: EvaluationState) -> Evaluation {
    let passed = outcome == EvaluatorOutcome::Passed && state == EvaluationState::Done;
    let result = |id: &str, outcome| EvaluatorResult {
        id: id.to_owned(),
        kind: String::new(),
        outcome,
        score: None,
        required: id == "a",
        weight: 1,
        duration_ms: 0,
        details: String::new(),
        judge: None,
        spend: crate::model::batch::Spend::default(),
        findings: Vec::new(),
    };
    Evaluation {
        id: "s.e1".into(),
        session: "s".into(),
        suite: "g".to_owned(),
        digest: gates().digest,
        commit: oid(commit),
        base: oid('0'),
        merged: None,
        started_at: 1,
        ended_at: None,
        evaluators: 2,
        results: vec![result("a", outcome), result("b", EvaluatorOutcome::Failed)],
        score: None,
        passed,
        state,
        notes: Vec::new(),
    }
}

fn standing(kept: Vec<Evaluation>, commit: char, dirty: bool) -> GateStanding {
    let evaluations = Evaluations { made: 1, kept, gates: None };
    on(&evaluations, commit, 'a', false, dirty)
}

/// How it stands before a target with this commit.
fn on(evaluations: &Evaluations, commit: char, target: char, moved: bool, dirty: bool) -> GateStanding {
    let target = oid(target);
    let view = view(&gates(), evaluations, &oid(commit), Target { commit: &target, moved }, dirty);
    assert_eq!(blocker(&view).is_none(), view.standing == GateStanding::Passed);
    view.standing
}

#[test]
fn only_what_passed_at_exactly_this_commit_may_land() {
    let passed = || judged('1', EvaluatorOutcome::Passed, EvaluationState::Done);
    assert_eq!(standing(vec![passed()], '1', false), GateStanding::Passed);
    assert_eq!(standing(vec![passed()], '2', false), GateStanding::Stale);
    assert_eq!(standing(vec![passed()], '1', true), GateStanding::Stale);
    assert_eq!(standing(vec![], '1', false), GateStanding::Unjudged);
    let running = judged('1', EvaluatorOutcome::Passed, EvaluationState::Running);
    assert_eq!(standing(vec![passed(), running], '1', false), GateStanding::Running);
    let cut = judged('1', EvaluatorOutcome::Passed, EvaluationState::Interrupted { reason: "x".to_owned() });
    assert_eq!(standing(vec![passed(), cut], '1', false), GateStanding::Unjudged);
    for outcome in
        [EvaluatorOutcome::Failed, EvaluatorOutcome::Missing { tool: "x".to_owned() }, EvaluatorOutcome::TimedOut]
    {
        let failed = judged('1', outcome, EvaluationState::Done);
        assert_eq!(standing(vec![passed(), failed], '1', false), GateStanding::Failed);
    }
}

#[test]
fn what_is_on_the_target_has_to_be_what_was_judged() {
    let passed = || judged('1', EvaluatorOutcome::Passed, EvaluationState::Done);
    let merged = |onto: char, outcome| Evaluation {
        merged: Some(MergeResult {
            onto: "refs/heads/main".to_owned(),
            onto_commit: oid(onto),
            commit: oid('c'),
            tree: oid('d'),
        }),
        ..judged('1', outcome, EvaluationState::Done)
    };
    let stands = |kept: Vec<Evaluation>, moved| on(&Evaluations { made: 1, kept, gates: None }, '1', 'b', moved, false);
    assert_eq!(stands(vec![passed()], false), GateStanding::Passed);
    assert_eq!(stands(vec![passed()], true), GateStanding::Moved);
    assert_eq!(stands(vec![passed(), merged('a', EvaluatorOutcome::Passed)], true), GateStanding::Moved);
    assert_eq!(stands(vec![passed(), merged('b', EvaluatorOutcome::Passed)], true), GateStanding::Passed);
    assert_eq!(stands(vec![passed(), merged('b', EvaluatorOutcome::Failed)], true), GateStanding::Failed);
    assert_eq!(stands(vec![merged('b', EvaluatorOutcome::Passed)], true), GateStanding::Passed);
}

#[test]
fn another_suite_of_the_same_name_does_not_count() {
    let other =
        Evaluation { digest: "else".to_owned(), ..judged('1', EvaluatorOutcome::Passed, EvaluationState::Done) };
    assert_eq!(standing(vec![other], '1', false), GateStanding::Unjudged);
}

#[test]
fn what_tells_judges_how_to_judge_is_to_be_looked_at_or_fails() {
    let mut one = judged('1', EvaluatorOutcome::Passed, EvaluationState::Done);
    let protected = |required| EvaluatorResult {
        id: "protected".to_owned(),
        kind: "protected".to_owned(),
        outcome: EvaluatorOutcome::Failed,
        required,
        details: "it changed conftest.py\u{1b}".to_owned(),
        ..one.results[0].clone()
    };
    let (asked, failed) = (protected(false), protected(true));
    let seen = |one: &Evaluation| {
        let evaluations = Evaluations { made: 1, kept: vec![one.clone()], gates: None };
        let target = oid('a');
        view(&gates(), &evaluations, &oid('1'), Target { commit: &target, moved: false }, false)
    };
    assert_eq!(seen(&one).asks, None);
    one.results.push(asked);
    let view = seen(&one);
    assert_eq!((view.standing, view.failed.len()), (GateStanding::Passed, 0));
    assert!(view.asks.is_some_and(|asks| asks.starts_with("it changed conftest.py") && !asks.contains('\u{1b}')));
    (one.results[2], one.passed) = (failed, false);
    let view = seen(&one);
    assert_eq!((view.standing, view.failed, view.asks), (GateStanding::Failed, vec!["protected".to_owned()], None));
}
