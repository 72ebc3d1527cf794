//! Attempts at cases: what is tried again, and whose time counts.

use super::*;
use crate::model::batch::{Attempt, samples};
use crate::model::case::{CaseAttempt, CaseStep, PlanCase};

fn with_case(agent_sec: Option<u64>) -> Batch {
    let mut plan = samples::plan();
    plan.execution.max_attempts = 3;
    plan.tasks[0].prompts[0].case =
        Some(Box::new(PlanCase { group: "acme/anvil".to_owned(), key: "0".to_owned(), iterations: 1, agent_sec }));
    samples::batch(plan)
}

#[test]
fn only_what_says_nothing_of_the_agent_is_tried_again() {
    let mut run = samples::run(1);
    run.attempts.push(samples::attempt(1));
    for outcome in [
        AttemptOutcome::Crashed,
        AttemptOutcome::TimedOut,
        AttemptOutcome::Failed,
        AttemptOutcome::Infrastructure,
        AttemptOutcome::RateLimited,
    ] {
        let (state, _) = after(&with_case(None), &run, outcome, 0, None);
        let again = matches!(outcome, AttemptOutcome::Infrastructure | AttemptOutcome::RateLimited);
        assert_eq!(state == RunState::Queued, again, "{outcome:?}");
    }
    run.attempts = (1..=3).map(samples::attempt).collect();
    let (state, _) = after(&with_case(None), &run, AttemptOutcome::Infrastructure, 0, None);
    assert_eq!(state, RunState::Failed, "as often as the plan says");
}

#[test]
fn only_the_agents_own_time_is_limited() {
    let batch = with_case(Some(10));
    let stopped = |case: &CaseAttempt, now: i64| {
        let mut run = samples::run(1);
        run.state = RunState::Running;
        run.attempts.push(Attempt { case: Some(Box::new(case.clone())), ..samples::attempt(1) });
        let none = |_: usize| Spend::default();
        let facts =
            Facts { now, machine: Machine::default(), used: &none, judges: Spend::default(), landing: &|_| false };
        decide(&batch, &[run], &facts).steps.contains(&Step::Stop(0, StopReason::TimedOut))
    };
    let mut case = CaseAttempt::default();
    assert!(!stopped(&case, 1_000_000), "it is being prepared");
    case.take(&CaseStep::Ready { repository: "/r".to_owned(), prepare_ms: 1 }, 1_000_000);
    assert!(!stopped(&case, 1_009_999));
    assert!(stopped(&case, 1_010_000));
    case.take(&CaseStep::Judging, 1_004_000);
    assert!(!stopped(&case, 9_000_000), "its tests run");
    case.take(&CaseStep::Again, 9_000_000);
    assert!(!stopped(&case, 9_005_999));
    assert!(stopped(&case, 9_006_000), "what it worked before counts");
}
