use proptest::prelude::*;

use super::*;

fn result(outcome: EvaluatorOutcome, score: Option<u8>, weight: u32, required: bool) -> EvaluatorResult {
    EvaluatorResult {
        id: "a".to_owned(),
        kind: "script".to_owned(),
        outcome,
        score,
        required,
        weight,
        duration_ms: 0,
        details: String::new(),
        judge: None,
        spend: crate::model::batch::Spend::default(),
        findings: Vec::new(),
    }
}

#[test]
fn scores_are_weighted_and_what_is_missing_counts_nothing() {
    let missing = EvaluatorOutcome::Missing { tool: "ruff".to_owned() };
    let results = [
        result(EvaluatorOutcome::Passed, Some(100), 3, false),
        result(EvaluatorOutcome::Failed, Some(50), 1, false),
        result(missing.clone(), None, 1, false),
    ];
    assert_eq!(total(&results), Some(70));
    assert_eq!(total(&[result(missing, None, 1, true)]), None);
    assert_eq!(total(&[result(EvaluatorOutcome::Passed, Some(90), 0, true)]), None);
}

proptest! {
    #[test]
    fn only_a_complete_evaluation_whose_required_ones_passed_passes(
        kinds in prop::collection::vec((0..6_u8, any::<bool>()), 0..6), missing in 0..2_u32, state in 0..3_u8,
    ) {
        let outcome = |kind: u8| match kind {
            0 => EvaluatorOutcome::Failed,
            1 => EvaluatorOutcome::Missing { tool: "x".to_owned() },
            2 => EvaluatorOutcome::TimedOut,
            3 => EvaluatorOutcome::Errored { reason: "x".to_owned() },
            4 => EvaluatorOutcome::Cancelled,
            _ => EvaluatorOutcome::Passed,
        };
        let results: Vec<_> =
            kinds.iter().map(|(kind, required)| result(outcome(*kind), Some(100), 1, *required)).collect();
        let state = match state {
            0 => EvaluationState::Done,
            1 => EvaluationState::Cancelled,
            _ => EvaluationState::Interrupted { reason: "x".to_owned() },
        };
        let all = u32::try_from(results.len()).unwrap() + missing;
        let expected = missing == 0 && state == EvaluationState::Done && kinds.iter().all(|(kind, required)| !required || *kind == 5);
        prop_assert_eq!(passed(&state, &results, all), expected);
    }
}
