//! Batches in tables: what commands and ends that come at the wrong moment do to them.

use super::*;
use crate::batch::expand;
use crate::host::change::Step;
use crate::host::on_batch::{self, Bases};
use crate::host::on_retry;
use crate::host::registry::LiveBatch;
use crate::model::batch::samples::{BATCH, batch, plan};
use crate::model::batch::{
    BatchChange, BatchChanged, BatchState, Machine, NewBatch, OfBatch, RetryRuns, Run, RunState, RunStopping, Spend,
    StopReason,
};
use crate::model::contest::{Ask, Contest, ContestState, Decided};
use crate::model::diff::DiffStat;
use crate::model::evaluation::{
    Evaluation, EvaluationState, Evaluator, EvaluatorKind, EvaluatorOutcome, EvaluatorResult, Limits, Protected, Suite,
};
use crate::model::id::{BatchId, RunId};
use crate::model::plan::Plan;
use crate::model::session::Setup;
use crate::model::worktree::WorktreeState;

fn id() -> BatchId {
    BATCH.into()
}

fn run(brain: &Brain, number: usize) -> Run {
    brain.registry.batches[&id()].runs[number - 1].clone()
}

/// Decides at a moment, with everything that follows, as the dispatcher does.
fn at(brain: &mut Brain, now: i64, what: impl FnOnce(&mut Change<'_>)) -> Decision {
    let mut change = Change::new(brain, now, Cause::Host);
    what(&mut change);
    on_batch::go_on(&mut change);
    change.finish()
}

/// A brain with a batch of two agents on one task, which runs.
fn begun(change_plan: impl FnOnce(&mut Plan)) -> Brain {
    let mut brain = brain();
    let mut plan = plan();
    for agent in &mut plan.agents {
        agent.agent = "once".to_owned();
    }
    change_plan(&mut plan);
    let batch = batch(plan);
    let runs = expand::runs(&batch.plan, &batch.id);
    brain.batches.bases.insert(id(), Bases::from([(".".to_owned(), Ok(resolved()))]));
    at(&mut brain, 1_000, |change| {
        change.emit(None, Event::BatchCreated(Box::new(NewBatch { batch, runs })));
        change.stirred.insert(id());
    });
    brain
}

fn session(brain: &Brain, number: usize) -> SessionId {
    run(brain, number).attempts.last().unwrap().session.clone()
}

/// The worktree of a run's session is there, and its agent has done its work.
fn work(brain: &mut Brain, number: usize, now: i64) -> Decision {
    let session = session(brain, number);
    let created = CreatedWorktree { head: oid('a'), notes: Vec::new(), stat: None };
    at(brain, now, |change| on_create::on_worktree_created(change, &session, Ok(created)));
    let job = brain.registry.sessions[&session].job.clone().unwrap();
    at(brain, now, |change| on_job::on_started(change, &session, &job, Ok(shim())));
    let turn = brain.registry.sessions[&session].turn.as_ref().unwrap().id.clone();
    let outcome = TurnOutcome::Done { stop_reason: "end_turn".to_owned() };
    at(brain, now, |change| on_agent::on_agent(change, &session, &job, vec![Update::TurnEnded { turn, outcome }]));
    let stat = DiffStat { files: 1, added: 1, removed: 0 };
    let made = super::super::port::Checkpoint { commit: Some(oid('b')), head: oid('b'), turn_stat: stat, stat };
    at(brain, now, |change| on_job::on_checkpoint(change, &session, Ok(made)))
}

fn retry(brain: &mut Brain, runs: &[usize]) -> Result<Decision, Refusal> {
    let runs = runs.iter().map(|number| RunId(format!("{BATCH}.r{number}"))).collect();
    let (request, mut told) = (RetryRuns { batch: id(), runs }, Ok(()));
    let decision = at(brain, 5_000, |change| told = on_retry::on_retry(change, &"c9".into(), &request));
    told.map(|()| decision)
}

/// A contest of both runs as it is now.
fn contest(brain: &mut Brain, contest: Contest) {
    let change_contest = BatchChange::Contest { contest: Box::new(contest) };
    let mut change = Change::new(brain, 4_000, Cause::Host);
    change.emit(None, Event::BatchChanged(BatchChanged { batch: id(), change: change_contest }));
    change.finish();
}

fn competing(plan: &mut Plan) {
    plan.tasks[0].best_of = Some(1);
    plan.land = true;
    plan.suite = Some(Box::new(suite()));
}

fn suite() -> Suite {
    let kind = EvaluatorKind::Script { command: "true".to_owned(), format: None, report: None };
    let good = Evaluator { id: "good".to_owned(), kind, weight: 1, required: true, timeout_sec: 9, minimum: None };
    Suite {
        name: "s".to_owned(),
        evaluators: vec![good],
        restore: Vec::new(),
        prepare: None,
        protected: Protected::default(),
        limits: Limits::default(),
        digest: "d".to_owned(),
    }
}

#[test]
fn who_competes_is_not_run_again_while_the_winner_is_being_landed() {
    let mut brain = begun(competing);
    for number in [1, 2] {
        let end = Event::RunSettled(crate::model::batch::RunSettled {
            run: RunId(format!("{BATCH}.r{number}")),
            state: if number == 1 { RunState::Passed } else { RunState::Failed },
            reason: String::new(),
        });
        let mut change = Change::new(&mut brain, 2_000, Cause::Host);
        change.emit(None, end);
        change.finish();
    }
    let (one, two) = (run(&brain, 1).id, run(&brain, 2).id);
    let mut landing = Contest {
        number: 3,
        task: "fix".to_owned(),
        prompt: "p1".to_owned(),
        repository: ".".to_owned(),
        candidates: vec![one.clone()],
        seed: 0,
        asks: Vec::new(),
        ranking: vec![one.clone()],
        decided: Some(Decided::Evidence),
        note: None,
        state: ContestState::Landing,
        landed: false,
        unlanded: None,
        spend: Spend::default(),
    };
    contest(&mut brain, landing.clone());
    let refused = retry(&mut brain, &[1]).map(|_| ()).unwrap_err();
    assert!(refused.message.contains("is being landed"), "{refused}");
    assert!(retry(&mut brain, &[]).is_err(), "nor with all the others");
    assert_eq!(brain.registry.batches[&id()].batch.contests.len(), 1);
    // Once that is over it may; what the judges used stays counted, and nobody gets the number of the contest that goes.
    let spend = Spend { tokens: 70, usd_micros: Some(9), partial: false };
    (landing.state, landing.unlanded) = (ContestState::Closed, Some("conflicts".to_owned()));
    landing.asks = vec![Ask { spend, ..Ask::of(vec![one, two]) }];
    contest(&mut brain, landing);
    retry(&mut brain, &[2]).unwrap();
    let now = &brain.registry.batches[&id()].batch;
    assert_eq!((now.contests.len(), now.judged(), now.opened), (0, spend, 3));
}

#[test]
fn a_batch_that_was_read_for_a_retry_while_somebody_cancelled_it_stays_cancelled() {
    let mut brain = begun(|_| {});
    let mut loaded: LiveBatch = brain.registry.batches[&id()].clone();
    for run in &mut loaded.runs {
        (run.state, run.attempts) = (RunState::Failed, Vec::new());
    }
    loaded.batch.state = BatchState::Ended;
    let live = brain.registry.batches.remove(&id()).unwrap();
    let asked = retry(&mut brain, &[1]).unwrap();
    let Some(Effect::LoadBatch { ticket, .. }) = asked.effects.into_iter().next() else { panic!("it is read first") };
    // Another retry was quicker, and then it was cancelled.
    brain.registry.batches.insert(id(), live);
    let cancelled = OfBatch { batch: id() };
    at(&mut brain, 5_000, |change| on_batch::on_cancel(change, &"c8".into(), &cancelled.batch).unwrap());
    let read = at(&mut brain, 5_001, |change| on_retry::on_loaded(change, ticket, Ok(loaded)));
    assert!(read.receipts[0].1.is_err(), "{:?}", read.receipts);
    assert_eq!(brain.registry.batches[&id()].batch.state, BatchState::Cancelling);
}

#[test]
fn what_has_used_up_its_budget_is_not_begun_again() {
    let mut brain = begun(|plan| plan.execution.budget.tokens = Some(10));
    let mut loaded: LiveBatch = brain.registry.batches.remove(&id()).unwrap();
    loaded.batch.state = BatchState::Ended;
    loaded.batch.earlier = Spend { tokens: 10, usd_micros: None, partial: false };
    for run in &mut loaded.runs {
        run.state = RunState::Skipped;
    }
    let asked = retry(&mut brain, &[]).unwrap();
    let Some(Effect::LoadBatch { ticket, .. }) = asked.effects.into_iter().next() else { panic!("it is read first") };
    let read = at(&mut brain, 5_001, |change| on_retry::on_loaded(change, ticket, Ok(loaded)));
    let refused = read.receipts[0].1.as_ref().unwrap_err();
    assert!(refused.message.contains("the budget of 10 tokens is used up"), "{refused}");
    assert!(brain.registry.batches.is_empty() && read.events.is_empty());
}

#[test]
fn a_setup_that_runs_is_stopped_with_its_attempt() {
    let mut brain = begun(|_| {});
    let session = session(&brain, 1);
    brain.registry.sessions.get_mut(&session).unwrap().setup = Setup::Running;
    let created = CreatedWorktree { head: oid('a'), notes: Vec::new(), stat: None };
    let made = at(&mut brain, 2_000, |change| on_create::on_worktree_created(change, &session, Ok(created)));
    assert_eq!(effects(&made), ["run setup"]);
    // Its time is over.
    let late = at(&mut brain, 100_000, |change| {
        change.stirred.insert(id());
    });
    assert!(effects(&late).contains(&"stop setup"), "{:?}", effects(&late));
    let ended = at(&mut brain, 100_001, |change| {
        on_create::on_setup_ended(change, &session, Err(("it was stopped".to_owned(), String::new())));
    });
    assert!(events(&ended).contains(&"run.ended".to_owned()));
    let last = run(&brain, 1).attempts[0].clone();
    assert_eq!((last.outcome.unwrap().words(), last.reason.as_deref()), ("timed out", Some("it took too long")));
}

#[test]
fn a_setup_that_a_restart_cut_off_is_nobodys_failure() {
    let mut brain = begun(|_| {});
    let session = session(&brain, 1);
    brain.registry.sessions.get_mut(&session).unwrap().setup = Setup::Running;
    let created = CreatedWorktree { head: oid('a'), notes: Vec::new(), stat: None };
    at(&mut brain, 2_000, |change| on_create::on_worktree_created(change, &session, Ok(created)));
    at(&mut brain, 3_000, |change| {
        let setup = Setup::Failed { reason: Setup::CUT_OFF.to_owned() };
        change.emit(Some(&session), Event::SetupChanged { setup, output: String::new() });
    });
    let again = run(&brain, 1);
    assert_eq!((again.state, again.attempts.len()), (RunState::Running, 2), "{again:#?}");
    assert_ne!(again.attempts[1].session, session, "in a worktree of its own");
    // What a command of the setup did itself is one.
    let session = self::session(&brain, 1);
    brain.registry.sessions.get_mut(&session).unwrap().setup = Setup::Running;
    let created = CreatedWorktree { head: oid('a'), notes: Vec::new(), stat: None };
    at(&mut brain, 4_000, |change| on_create::on_worktree_created(change, &session, Ok(created)));
    let failed = at(&mut brain, 4_500, |change| {
        on_create::on_setup_ended(change, &session, Err(("'x' exited with code 1".to_owned(), String::new())));
    });
    assert!(!events(&failed).contains(&"run.ended".to_owned()), "the disks are being looked at");
    at(&mut brain, 5_000, |change| on_batch::on_machine(change, Machine { disk_mb: 5_000, ..Machine::default() }));
    assert_eq!(run(&brain, 1).state, RunState::Failed);
}

/// The disks were looked at, as a decision wanted.
fn looked(brain: &mut Brain, wanted: &Decision, now: i64, disk_mb: u64) -> Decision {
    assert!(effects(wanted).contains(&"read machine"), "{:?}", effects(wanted));
    at(brain, now, |change| on_batch::on_machine(change, Machine { disk_mb, ..Machine::default() }))
}

/// The agent of the first run fails with these words.
fn fail(brain: &mut Brain, reason: &str) -> Decision {
    let session = session(brain, 1);
    let created = CreatedWorktree { head: oid('a'), notes: Vec::new(), stat: None };
    at(brain, 2_000, |change| on_create::on_worktree_created(change, &session, Ok(created)));
    let job = brain.registry.sessions[&session].job.clone().unwrap();
    at(brain, 2_000, |change| on_job::on_started(change, &session, &job, Ok(shim())));
    let turn = brain.registry.sessions[&session].turn.as_ref().unwrap().id.clone();
    let outcome = TurnOutcome::Failed { reason: reason.to_owned() };
    at(brain, 3_000, |change| on_agent::on_agent(change, &session, &job, vec![Update::TurnEnded { turn, outcome }]));
    let stat = DiffStat::default();
    let made = super::super::port::Checkpoint { commit: None, head: oid('a'), turn_stat: stat, stat };
    at(brain, 3_001, |change| on_job::on_checkpoint(change, &session, Ok(made)))
}

#[test]
fn a_failure_on_a_full_disk_is_not_held_against_the_agent() {
    let mut brain = begun(|_| {});
    let failed = fail(&mut brain, "exit 2");
    assert_eq!(run(&brain, 1).state, RunState::Running, "the disks are looked at first");
    looked(&mut brain, &failed, 3_100, 99);
    let waits = run(&brain, 1);
    assert_eq!((waits.state, waits.discounted, waits.attempts.len()), (RunState::Queued, 1, 1));
    let batch = &brain.registry.batches[&id()].batch;
    assert_eq!(batch.state, BatchState::Paused);
    let reason = batch.reason.clone().unwrap();
    assert!(reason.starts_with("the disk is full: only 99 MiB are free where it ran (exit 2)"), "{reason}");
}

#[test]
fn an_agent_that_speaks_of_a_full_disk_where_there_is_room_has_failed() {
    let mut brain = begun(|_| {});
    let failed = fail(&mut brain, "write: No space left on device");
    looked(&mut brain, &failed, 3_100, 500);
    assert_eq!(run(&brain, 1).state, RunState::Failed);
    assert_eq!(brain.registry.batches[&id()].batch.state, BatchState::Active, "nobody is kept waiting");
    // Where the plan wants nothing to stay free its word is looked into all the same.
    let mut brain = begun(|plan| plan.execution.min_disk_mb = 0);
    let failed = fail(&mut brain, "write: No space left on device");
    looked(&mut brain, &failed, 3_100, 3);
    assert_eq!(
        (run(&brain, 1).state, brain.registry.batches[&id()].batch.state),
        (RunState::Queued, BatchState::Paused)
    );
}

/// What the first run made passed its gates.
fn judged(brain: &mut Brain) {
    let session = session(brain, 1);
    let digest = brain.registry.sessions[&session].evaluations.gates.as_ref().unwrap().digest.clone();
    let evaluation = Evaluation {
        id: format!("{session}.e1").as_str().into(),
        session: session.clone(),
        suite: "s".to_owned(),
        digest,
        commit: oid('b'),
        base: oid('a'),
        merged: None,
        started_at: 2_500,
        ended_at: None,
        evaluators: 1,
        results: Vec::new(),
        score: None,
        passed: false,
        state: EvaluationState::Running,
        notes: Vec::new(),
    };
    let of = evaluation.id.clone();
    let mut change = Change::new(brain, 2_500, Cause::Host);
    change.emit(Some(&session), Event::EvaluationStarted(Box::new(evaluation)));
    let result = EvaluatorResult {
        id: "good".to_owned(),
        kind: "script".to_owned(),
        outcome: EvaluatorOutcome::Passed,
        score: Some(100),
        required: true,
        weight: 1,
        duration_ms: 1,
        details: String::new(),
        judge: None,
        spend: Spend::default(),
        findings: Vec::new(),
    };
    change.emit(Some(&session), Event::EvaluationResult { id: of.clone(), result: Box::new(result) });
    let state = EvaluationState::Done;
    change.emit(
        Some(&session),
        Event::EvaluationEnded { id: of, state, score: Some(100), passed: true, notes: Vec::new() },
    );
    change.finish();
}

#[test]
fn what_passed_and_was_stopped_before_its_landing_says_so_and_stays() {
    let mut brain = begun(|plan| {
        plan.land = true;
        plan.suite = Some(Box::new(suite()));
        plan.execution.keep = crate::model::plan::Keep::Failed;
    });
    work(&mut brain, 1, 2_000);
    let session = session(&brain, 1);
    brain.steps.clear();
    judged(&mut brain);
    at(&mut brain, 2_600, |change| {
        let run = RunId(format!("{BATCH}.r1"));
        change.emit(None, Event::RunStopping(RunStopping { run, why: StopReason::TimedOut }));
        change.touch(Some(&session));
    });
    let over = run(&brain, 1);
    assert_eq!((over.state, over.reason.as_deref()), (RunState::Passed, Some("passed, not landed: it took too long")));
    assert_eq!(brain.registry.sessions[&session].worktree.state, WorktreeState::Ready, "somebody may land it");
}

#[test]
fn who_waits_to_be_landed_is_not_late() {
    let mut brain = begun(|plan| {
        plan.land = true;
        plan.suite = Some(Box::new(suite()));
    });
    work(&mut brain, 1, 2_000);
    brain.steps.clear();
    judged(&mut brain);
    // Somebody else lands in this repository, for longer than the plan's minute.
    let (waits, works) = (session(&brain, 1), session(&brain, 2));
    let common_dir = brain.registry.sessions[&waits].worktree.common_dir.clone();
    assert!(brain.batches.take_lane(&common_dir, &"other".into()));
    at(&mut brain, 2_600, |change| change.touch(Some(&waits)));
    at(&mut brain, 100_000, |change| {
        change.stirred.insert(id());
    });
    assert_eq!(run(&brain, 1).current().unwrap().stopping, None, "it has done its work");
    assert_eq!(run(&brain, 2).attempts[0].stopping, Some(StopReason::TimedOut), "{works} has not");
    // Its turn comes.
    assert!(brain.batches.leave_lane(&"other".into()));
    let lands = at(&mut brain, 100_001, |change| change.touch(Some(&waits)));
    assert!(brain.steps.contains(&(waits, Step::Landing)), "{:?}", effects(&lands));
}

#[test]
fn a_contest_whose_runs_are_queued_again_ends_its_judges_and_leaves_what_they_cost() {
    let mut brain = begun(competing);
    let judge = create(&mut brain, "stays");
    let (one, two) = (run(&brain, 1).id, run(&brain, 2).id);
    for number in [&one, &two] {
        let queued = Event::RunSettled(crate::model::batch::RunSettled {
            run: number.clone(),
            state: RunState::Passed,
            reason: String::new(),
        });
        let mut change = Change::new(&mut brain, 2_000, Cause::Host);
        change.emit(None, queued);
        change.finish();
    }
    brain.registry.sessions.get_mut(&judge).unwrap().usage.input = 40;
    let ask = Ask { session: Some(judge), ..Ask::of(vec![one.clone(), two.clone()]) };
    contest(
        &mut brain,
        Contest {
            number: 1,
            task: "fix".to_owned(),
            prompt: "p1".to_owned(),
            repository: ".".to_owned(),
            candidates: vec![one, two],
            seed: 0,
            asks: vec![ask],
            ranking: Vec::new(),
            decided: None,
            note: None,
            state: ContestState::Judging,
            landed: false,
            unlanded: None,
            spend: Spend::default(),
        },
    );
    retry(&mut brain, &[2]).unwrap();
    let now = &brain.registry.batches[&id()].batch;
    assert_eq!((now.contests.len(), now.judged().tokens), (0, 40));
}
