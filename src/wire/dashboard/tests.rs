use super::*;
use crate::model::batch::samples::{BATCH, attempt, run};
use crate::model::batch::{AttemptOutcome, Candidate, Gates, Statistics};
use crate::model::contest::{ContestState, Decided};
use crate::model::plan::Budget;

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
    assert_eq!(verdict(&one, &BTreeMap::new()), "");
    let mut made = attempt(1);
    made.outcome = Some(AttemptOutcome::TimedOut);
    one.attempts = vec![made.clone()];
    assert_eq!(verdict(&one, &BTreeMap::new()), "timed out");
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
    assert_eq!(verdict(&one, &places(std::slice::from_ref(&ranked))), "2/3 80 #2 landed");
    // Who won the contest that the plan asked for is called so, also when nobody else competed.
    let mut won = ranked;
    won.candidates[0].place = 1;
    assert_eq!(verdict(&one, &places(std::slice::from_ref(&won))), "2/3 80 landed");
    won.contest = Some(Box::new(contest_won_by(&one)));
    assert_eq!(verdict(&one, &places(&[won])), "2/3 80 winner landed");
}

fn contest_won_by(run: &Run) -> Contest {
    Contest {
        number: 1,
        task: "fix".to_owned(),
        prompt: "p1".to_owned(),
        repository: ".".to_owned(),
        candidates: vec![run.id.clone()],
        seed: 0,
        asks: Vec::new(),
        ranking: vec![run.id.clone()],
        decided: Some(Decided::Evidence),
        note: None,
        state: ContestState::Closed,
        landed: false,
        unlanded: None,
        spend: Spend::default(),
    }
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

#[test]
fn a_batch_is_accomplished_when_each_passed_or_somebody_won_and_all_that_should_has_landed() {
    let with = |states: [RunState; 2]| {
        let runs = states.into_iter().zip([1, 2]).map(|(state, number)| {
            let run = Run { state, ..run(number) };
            RunView { run, session_name: None, activity: None, spend: Spend::default() }
        });
        let view = BatchView {
            id: BATCH.into(),
            name: "a plan".to_owned(),
            path: String::new(),
            state: BatchState::Ended,
            reason: None,
            created_at: 0,
            ended_at: Some(1),
            concurrency: 1,
            counts: RunCounts::default(),
            spend: Spend::default(),
            budget: Budget::default(),
            eta: None,
            held: None,
            exports: Vec::new(),
        };
        BatchDetail { view, runs: runs.collect(), ranking: Vec::new(), statistics: Statistics::default() }
    };
    assert!(is_accomplished(&with([RunState::Passed, RunState::Passed])));
    let mut one_failed = with([RunState::Passed, RunState::Failed]);
    assert!(!is_accomplished(&one_failed));
    // Somebody has to lose.
    let mut contest = contest_won_by(&one_failed.runs[0].run);
    let ranked = |contest: &Contest| Ranked {
        task: "fix".to_owned(),
        prompt: "p1".to_owned(),
        repository: ".".to_owned(),
        candidates: Vec::new(),
        contest: Some(Box::new(contest.clone())),
    };
    one_failed.ranking = vec![ranked(&contest)];
    assert!(is_accomplished(&one_failed));
    contest.unlanded = Some("conflicts in a".to_owned());
    one_failed.ranking = vec![ranked(&contest)];
    assert!(!is_accomplished(&one_failed), "the plan wants the winner landed");
    let mut unlanded = with([RunState::Passed, RunState::Passed]);
    unlanded.runs[1].run.reason = Some("passed, not landed: conflicts in a".to_owned());
    assert!(!is_accomplished(&unlanded));
}
