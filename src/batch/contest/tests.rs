use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{Contests, decided, is_open, orders, settle, to_open};
use crate::batch::fold::{self, Touched};
use crate::model::Event;
use crate::model::batch::samples::{BATCH, attempt, batch, plan, run};
use crate::model::batch::{
    AttemptOutcome, Batch, BatchChange, BatchChanged, BatchState, Run, RunQueued, RunState, Spend,
};
use crate::model::contest::{Answer, Ask, Contest, ContestState, Decided};
use crate::model::diff::DiffStat;
use crate::model::id::RunId;
use crate::model::judge::Judge;
use crate::model::samples::oid;

fn candidate(number: u32, state: RunState, added: u32) -> Run {
    let mut made = attempt(1);
    made.outcome = Some(AttemptOutcome::Done);
    made.head = Some(oid('b'));
    made.stat = DiffStat { files: u32::from(added > 0), added, removed: 0 };
    Run { state, attempts: vec![made], agent: format!("agent {number}"), ..run(number) }
}

fn competing(judged: bool) -> Batch {
    let mut plan = plan();
    plan.tasks[0].best_of = Some(1);
    plan.tasks[0].judge = judged.then(|| Judge {
        agent: "claude".to_owned(),
        model: None,
        mode: None,
        profile: None,
        rubric: String::new(),
        wait_sec: 60,
    });
    batch(plan)
}

fn id(number: u32) -> RunId {
    RunId(format!("{BATCH}.r{number}"))
}

fn ids(numbers: &[u32]) -> Vec<RunId> {
    numbers.iter().map(|number| id(*number)).collect()
}

fn answered(order: &[u32], said: &[u32]) -> Ask {
    let answer = Answer::Ranked { order: ids(said), reason: "because".to_owned() };
    Ask { answer: Some(answer), ..Ask::of(ids(order)) }
}

#[test]
fn a_contest_opens_when_all_are_done_and_ranks_who_passed_by_evidence() {
    let batch = competing(true);
    let mut runs = vec![
        candidate(1, RunState::Passed, 50),
        candidate(2, RunState::Failed, 1),
        candidate(3, RunState::Passed, 5),
        candidate(4, RunState::Passed, 0),
        candidate(5, RunState::Running, 0),
    ];
    assert!(to_open(&batch, &runs).is_empty() && !is_open(&batch, &runs));
    runs[4].state = RunState::Cancelled;
    let opened = to_open(&batch, &runs);
    assert_eq!(opened[0].candidates, ids(&[3, 1]), "who changed nothing has nothing to offer");
    assert_eq!((opened[0].number, opened[0].asks.len(), opened[0].state), (1, 2, ContestState::Judging));
    assert!(is_open(&batch, &runs), "the batch waits for it");
    assert!(decided(&opened[0], true).is_none(), "nobody answered");
    // Without a judge, or with one candidate, nobody is asked.
    let unjudged = &to_open(&competing(false), &runs)[0];
    let won = decided(unjudged, true).unwrap();
    assert_eq!((won.winner(), won.decided, won.state), (Some(&id(3)), Some(Decided::Evidence), ContestState::Landing));
    runs.truncate(2);
    assert!(to_open(&batch, &runs)[0].asks.is_empty());
    // A batch that is being cancelled opens nothing.
    let mut cancelled = competing(true);
    cancelled.state = BatchState::Cancelling;
    assert!(to_open(&cancelled, &runs).is_empty() && !is_open(&cancelled, &runs));
}

#[test]
fn a_judge_that_prefers_the_first_place_decides_nothing() {
    // It says A, whoever that is.
    let asks = [answered(&[1, 2], &[1, 2]), answered(&[2, 1], &[2, 1])];
    let (ranking, by, note) = settle(&ids(&[2, 1]), &asks);
    assert_eq!((ranking, by), (ids(&[2, 1]), Decided::Tie));
    assert_eq!(note.as_deref(), Some("run 1 in one order, run 2 in the other"));
}

#[test]
fn a_judge_that_says_the_same_in_both_orders_decides() {
    let asks = [answered(&[1, 2, 3], &[3, 1, 2]), answered(&[3, 2, 1], &[3, 2, 1])];
    let (ranking, by, note) = settle(&ids(&[1, 2, 3]), &asks);
    // Between the others it did not say the same: evidence.
    assert_eq!((ranking, by, note.as_deref()), (ids(&[3, 1, 2]), Decided::Judge, Some("because")));
}

#[test]
fn a_judge_that_breaks_the_format_decides_nothing() {
    let mut asks = [answered(&[1, 2], &[2, 1]), answered(&[2, 1], &[2, 1])];
    asks[1].answer = Some(Answer::Errored { reason: "no verdict".to_owned() });
    let (ranking, by, note) = settle(&ids(&[1, 2]), &asks);
    assert_eq!((ranking, by, note.as_deref()), (ids(&[1, 2]), Decided::NoAnswer, Some("no verdict")));
}

#[test]
fn what_depends_on_a_contest_waits_for_its_winner() {
    let mut batch = competing(false);
    let runs = vec![candidate(1, RunState::Passed, 5), candidate(2, RunState::Failed, 5)];
    let is_settled = |batch: &Batch, run: &Run| Contests::of(batch).is_settled(run);
    assert!(
        !is_settled(&batch, &runs[0]) && Contests::of(&batch).hopeless(&runs).is_none(),
        "a loser is no failure of the task"
    );
    let mut contest = decided(&to_open(&batch, &runs)[0], true).unwrap();
    assert!(!is_settled(&batch, &runs[0]));
    contest.state = ContestState::Closed;
    contest.landed = true;
    let mut folded = runs.clone();
    let change = BatchChange::Contest { contest: Box::new(contest) };
    let event = Event::BatchChanged(BatchChanged { batch: BATCH.into(), change });
    let touched = fold::apply(&mut batch, &mut folded, &event, 9);
    assert_eq!(touched, Touched { run: Some(0), contest: Some(1), ..Touched::default() });
    assert!(folded[0].attempts[0].landed && is_settled(&batch, &folded[1]));
    let failed = vec![candidate(1, RunState::Failed, 5), candidate(2, RunState::Passed, 0)];
    assert_eq!(Contests::of(&competing(false)).hopeless(&failed), Some(&failed[0]), "nobody can win");
    // Who competes again is compared again, unless the winner has landed.
    fold::apply(&mut batch, &mut folded, &Event::RunQueued(RunQueued { run: id(2) }), 9);
    assert_eq!(batch.contests.len(), 1);
    batch.contests[0].landed = false;
    fold::apply(&mut batch, &mut folded, &Event::RunQueued(RunQueued { run: id(2) }), 9);
    assert!(batch.contests.is_empty());
}

fn orders_of(count: u32) -> impl Strategy<Value = (Vec<u32>, Vec<u32>, Vec<u32>)> {
    let all: Vec<u32> = (1..=count).collect();
    (Just(all.clone()).prop_shuffle(), Just(all.clone()).prop_shuffle(), Just(all).prop_shuffle())
}

proptest! {
    /// Whatever is said: nobody is lost or doubled, what is said both times holds, the answers' order does not matter, and who both
    /// times comes first wins.
    #[test]
    fn a_decision_keeps_to_what_was_said_twice((evidence, one, other) in (1_u32..6).prop_flat_map(orders_of)) {
        let contest = |asks: Vec<Ask>| Contest {
            number: 1,
            task: String::new(),
            prompt: String::new(),
            repository: String::new(),
            candidates: ids(&evidence),
            seed: 0,
            asks,
            ranking: Vec::new(),
            decided: None,
            note: None,
            state: ContestState::Judging,
            landed: false,
            unlanded: None,
            spend: Spend::default(),
        };
        let (first, second) = (answered(&one, &one), answered(&other, &other));
        let there = decided(&contest(vec![first.clone(), second.clone()]), true).unwrap();
        let back = decided(&contest(vec![second, first]), true).unwrap();
        prop_assert_eq!(&there.ranking, &back.ranking);
        prop_assert_eq!(there.decided, back.decided);
        let place = |order: &[u32], run: u32| order.iter().position(|known| *known == run).unwrap();
        let ranking: Vec<u32> = there.ranking.iter().map(|run| run.0.rsplit_once('r').unwrap().1.parse().unwrap()).collect();
        prop_assert_eq!(ranking.iter().collect::<BTreeSet<_>>(), evidence.iter().collect::<BTreeSet<_>>());
        prop_assert_eq!(ranking.len(), evidence.len());
        for a in &ranking {
            for b in &ranking {
                if place(&one, *a) < place(&one, *b) && place(&other, *a) < place(&other, *b) {
                    prop_assert!(place(&ranking, *a) < place(&ranking, *b));
                }
            }
        }
        let agreed = one[0] == other[0];
        prop_assert_eq!(there.decided, Some(if agreed { Decided::Judge } else { Decided::Tie }));
        prop_assert!(!agreed || ranking[0] == one[0]);
        // Decided once, decided for good.
        prop_assert!(decided(&there, true).is_none());
    }

    /// The two orders are each other's reverse, hold everybody, and depend on the seed and on who competes only.
    #[test]
    fn the_orders_are_drawn_by_the_seed(count in 1_u32..10, seed in any::<u64>()) {
        let all: Vec<u32> = (1..=count).collect();
        let [one, mut other] = orders(&ids(&all), seed);
        let mut shuffled = ids(&all);
        shuffled.reverse();
        prop_assert_eq!(&orders(&shuffled, seed)[0], &one, "the evidence does not show in the order");
        other.reverse();
        prop_assert_eq!(&one, &other);
        prop_assert_eq!(one.iter().cloned().collect::<BTreeSet<_>>().len(), all.len());
    }
}
