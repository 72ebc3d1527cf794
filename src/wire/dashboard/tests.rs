use super::*;
use crate::model::batch::samples::{attempt, run};
use crate::model::batch::{AttemptOutcome, Candidate, Gates};

fn drawn(counts: RunCounts, columns: usize) -> String {
    bar(counts, columns).into_iter().map(|(_, text)| text).collect()
}

#[test]
fn the_bar_shows_every_state_and_is_as_wide_as_asked() {
    let some = RunCounts { passed: 500, failed: 1, running: 4, queued: 495, ..RunCounts::default() };
    assert_eq!(drawn(some, 20), "#########x>.........");
    for columns in 0..40 {
        for counts in [
            some,
            RunCounts::default(),
            RunCounts { passed: 1, failed: 1, cancelled: 1, skipped: 1, running: 1, queued: 1 },
            RunCounts { passed: 7, ..RunCounts::default() },
        ] {
            assert_eq!(drawn(counts, columns).len(), columns, "{counts:?}");
        }
    }
    assert_eq!(drawn(RunCounts { passed: 3, ..RunCounts::default() }, 5), "#####");
}

#[test]
fn a_verdict_says_gates_score_place_and_landing() {
    let mut one = run(1);
    assert_eq!(verdict(&one, &[]), "");
    let mut made = attempt(1);
    made.outcome = Some(AttemptOutcome::TimedOut);
    one.attempts = vec![made.clone()];
    assert_eq!(verdict(&one, &[]), "timed out");
    made.outcome = Some(AttemptOutcome::Done);
    (made.gates, made.score, made.landed) = (Some(Gates { passed: 2, all: 3 }), Some(80), true);
    one.attempts = vec![made];
    let candidate = Candidate { run: one.id.clone(), agent: one.agent.clone(), place: 2, evidence: String::new() };
    let ranked = Ranked {
        task: one.task.clone(),
        prompt: one.prompt.clone(),
        repository: ".".to_owned(),
        candidates: vec![candidate],
        contest: None,
    };
    assert_eq!(verdict(&one, &[ranked]), "2/3 80 #2 landed");
}

#[test]
fn a_run_says_what_it_does_why_it_waits_and_what_it_made() {
    let mut view =
        RunView { run: run(1), session_name: None, activity: Some("edits".to_owned()), spend: Spend::default() };
    assert_eq!(what(&view, 0), "");
    view.run.state = RunState::Running;
    assert_eq!(what(&view, 0), "edits");
    (view.run.state, view.run.not_before, view.run.reason) =
        (RunState::Queued, Some(9_000), Some("crashed".to_owned()));
    assert_eq!(what(&view, 1_000), "again in 8 s: crashed");
    assert_eq!(what(&view, 10_000), "crashed");
    let mut made = attempt(1);
    made.stat = DiffStat { files: 1, added: 2, removed: 3 };
    (view.run.state, view.run.attempts) = (RunState::Failed, vec![made]);
    assert_eq!(what(&view, 0), "crashed  1 file +2 -3");
}
