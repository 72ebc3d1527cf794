use super::rank;
use crate::model::batch::samples::{attempt, run};
use crate::model::batch::{AttemptOutcome, Run, RunState, Spend};
use crate::model::diff::DiffStat;

fn candidate(number: u32, state: RunState, score: Option<u8>, added: u32, usd: i64) -> Run {
    let mut made = attempt(1);
    made.outcome = Some(AttemptOutcome::Done);
    made.score = score;
    made.stat = DiffStat { files: u32::from(added > 0), added, removed: 0 };
    made.spend = Spend { tokens: 5, usd_micros: Some(usd), partial: false };
    Run { state, attempts: vec![made], agent: format!("agent {number}"), ..run(number) }
}

#[test]
fn evidence_decides_and_equals_share_a_place() {
    let runs = [
        candidate(1, RunState::Failed, Some(100), 1, 1),
        candidate(2, RunState::Passed, Some(80), 50, 9),
        candidate(3, RunState::Passed, Some(80), 5, 9),
        candidate(4, RunState::Passed, Some(90), 500, 9),
        candidate(5, RunState::Passed, Some(80), 5, 9),
        candidate(6, RunState::Passed, Some(99), 0, 1),
    ];
    let ranked = rank(&runs, &[]);
    let places: Vec<(u32, &str)> =
        ranked[0].candidates.iter().map(|candidate| (candidate.place, candidate.agent.as_str())).collect();
    let expected = [(1, "agent 4"), (2, "agent 3"), (2, "agent 5"), (4, "agent 2"), (5, "agent 6"), (6, "agent 1")];
    assert_eq!(places, expected);
    assert_eq!(ranked[0].candidates[0].evidence, "passed, score 90, 1 file +500 -0, under $0.01");
}

#[test]
fn nothing_is_ranked_before_all_are_over_or_when_none_passed() {
    assert!(rank(&[candidate(1, RunState::Passed, None, 1, 1), run(2)], &[]).is_empty());
    assert!(rank(&[candidate(1, RunState::Passed, None, 1, 1)], &[]).is_empty());
    let failed = |number| candidate(number, RunState::Failed, None, 1, 1);
    assert!(rank(&[failed(1), failed(2)], &[]).is_empty());
}
