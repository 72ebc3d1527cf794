use super::*;

fn judged(verdict: Outcome) -> CaseStep {
    CaseStep::Judged { verdict, turns: 1, prepare_ms: 5, test_ms: 7, patch_sha256: "00".to_owned(), validity: None }
}

#[test]
fn only_the_agents_own_time_counts() {
    let mut case = CaseAttempt::default();
    assert_eq!(case.activity(), Some("preparing the case"));
    case.take(&CaseStep::Ready { repository: "/r".to_owned(), prepare_ms: 3 }, 1_000);
    assert_eq!((case.working_since, case.activity()), (Some(1_000), None));
    case.take(&CaseStep::Judging, 1_400);
    assert_eq!((case.working_since, case.worked_ms, case.activity()), (None, 400, Some("the case's tests run")));
    case.take(&judged(Outcome::Unresolved), 9_000);
    case.take(&CaseStep::Again, 9_000);
    case.take(&CaseStep::Judging, 9_100);
    case.take(&judged(Outcome::Resolved), 10_000);
    assert_eq!((case.worked_ms, case.iterations, case.prepare_ms, case.test_ms), (500, 2, 13, 14));
    assert_eq!((case.words().as_deref(), case.reason()), (Some("resolved"), None));
}

#[test]
fn a_case_that_is_worth_nothing_is_never_told_silently() {
    let mut case = CaseAttempt { validity: Some(Validity::NullPasses), ..CaseAttempt::default() };
    case.verdict = Some(Outcome::Resolved);
    assert_eq!(case.words().as_deref(), Some("resolved (not counted: the case passes with nothing done)"));
    assert_eq!(case.reason().as_deref(), Some("not counted: the case passes with nothing done"));
    case.validity = Some(Validity::Valid);
    case.verdict = Some(Outcome::ApplyFailed("error: corrupt patch".to_owned()));
    assert_eq!(case.reason().as_deref(), Some("apply failed: error: corrupt patch"));
}
