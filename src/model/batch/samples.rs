//! Batches for tests.

use super::{
    Attempt, AttemptEnd, AttemptOutcome, Batch, BatchChange, BatchState, NewBatch, Run, RunState, Spend, StopReason,
};
use super::{BatchChanged, RunEnded, RunQueued, RunSettled, RunStarted, RunStopping};
use crate::model::Event;
use crate::model::case::{CaseChange, CaseStep};
use crate::model::diff::DiffStat;
use crate::model::id::{BatchId, RunId};
use crate::model::plan::{
    Budget, Execution, Keep, OnFailure, Plan, PlanAgent, PlanPrompt, PlanRepository, PlanTask, Selector,
};
use crate::model::samples::{SESSION, oid};

/// The id of the sample.
pub(crate) const BATCH: &str = "bababababa";

/// Two agents on one task with one prompt in one repository, four at a time.
pub(crate) fn plan() -> Plan {
    let agent = |id: &str| PlanAgent {
        id: id.to_owned(),
        agent: "shell".to_owned(),
        model: None,
        mode: None,
        profile: None,
        environment: std::collections::BTreeMap::new(),
        mcp_servers: None,
        concurrency: None,
        timeout_sec: None,
        evaluators: Vec::new(),
    };
    Plan {
        name: "a plan".to_owned(),
        description: String::new(),
        execution: Execution {
            concurrency: 4,
            per_repository: None,
            timeout_sec: 60,
            max_attempts: 1,
            backoff_ms: 1_000,
            repeat: 1,
            budget: Budget::default(),
            on_failure: OnFailure::Continue,
            keep: Keep::All,
            seed: 0,
            min_memory_percent: 5,
            max_load_percent: 800,
            min_disk_mb: 100,
        },
        agents: vec![agent("one"), agent("two")],
        tasks: vec![task("fix")],
        suite: None,
        land: false,
        include: Vec::new(),
        exclude: vec![Selector { agent: Some("three".to_owned()), ..Selector::default() }],
        collection: Vec::new(),
        exports: Vec::new(),
        notes: Vec::new(),
    }
}

/// A task with one prompt in one repository.
pub(crate) fn task(id: &str) -> PlanTask {
    PlanTask {
        id: id.to_owned(),
        prompts: vec![PlanPrompt {
            id: "p1".to_owned(),
            text: "true".to_owned(),
            file: None,
            follow_ups: Vec::new(),
            case: None,
        }],
        repositories: vec![PlanRepository {
            path: ".".to_owned(),
            base: None,
            absolute: "/r".to_owned(),
            commit: Some(oid('a')),
        }],
        priority: 0,
        depends_on: Vec::new(),
        timeout_sec: None,
        repeat: None,
        evaluators: Vec::new(),
        restore: Vec::new(),
        best_of: None,
        judge: None,
        cases: None,
    }
}

/// A batch of a plan that has just been created.
pub(crate) fn batch(plan: Plan) -> Batch {
    Batch {
        id: BatchId(BATCH.to_owned()),
        concurrency: plan.execution.concurrency,
        plan,
        path: "/r/plan.yaml".to_owned(),
        created_at: 1,
        ended_at: None,
        state: BatchState::Active,
        reason: None,
        contests: Vec::new(),
        opened: 0,
        earlier: Spend::default(),
        summary: None,
    }
}

/// A run that waits.
pub(crate) fn run(number: u32) -> Run {
    Run {
        id: RunId(format!("{BATCH}.r{number}")),
        number,
        task: "fix".to_owned(),
        prompt: "p1".to_owned(),
        agent: "one".to_owned(),
        repository: ".".to_owned(),
        repetition: 1,
        state: RunState::Queued,
        reason: None,
        not_before: None,
        discounted: 0,
        attempts: Vec::new(),
    }
}

/// An attempt that has begun.
pub(crate) fn attempt(number: u32) -> Attempt {
    Attempt {
        number,
        session: SESSION.into(),
        started_at: 5,
        ended_at: None,
        stopping: None,
        outcome: None,
        reason: None,
        head: None,
        stat: DiffStat::default(),
        turns: 0,
        spend: Spend::default(),
        score: None,
        gates: None,
        landed: false,
        case: None,
    }
}

fn case(step: CaseStep) -> BatchChange {
    BatchChange::Case { case: Box::new(CaseChange { run: run(1).id, step }) }
}

/// One of each event.
pub(crate) fn of_batches() -> Vec<Event> {
    let run = || run(1);
    let end = AttemptEnd {
        outcome: AttemptOutcome::TimedOut,
        reason: Some("it took too long".to_owned()),
        head: Some(oid('b')),
        stat: DiffStat { files: 1, added: 2, removed: 3 },
        turns: 1,
        spend: Spend { tokens: 5, usd_micros: Some(7), partial: true },
        score: Some(80),
        gates: Some(crate::model::batch::Gates { passed: 2, all: 3 }),
        landed: true,
        verdict: None,
        state: RunState::Queued,
        retry_at: Some(9),
    };
    vec![
        Event::BatchCreated(Box::new(NewBatch { batch: batch(plan()), runs: vec![run()] })),
        Event::BatchChanged(BatchChanged {
            batch: BATCH.into(),
            change: BatchChange::State { state: BatchState::Ended, reason: Some("cancelled".to_owned()) },
        }),
        Event::BatchChanged(BatchChanged { batch: BATCH.into(), change: BatchChange::Concurrency { concurrency: 2 } }),
        Event::BatchChanged(BatchChanged { batch: BATCH.into(), change: case(CaseStep::Judging) }),
        Event::BatchChanged(BatchChanged {
            batch: BATCH.into(),
            change: case(CaseStep::Judged {
                verdict: crate::model::attempt::Outcome::ApplyFailed("error: no such file".to_owned()),
                turns: 2,
                prepare_ms: 3,
                test_ms: 4,
                patch_sha256: "00".to_owned(),
                validity: Some(crate::model::attempt::Validity::NullPasses),
            }),
        }),
        Event::RunStarted(RunStarted { run: run().id, attempt: attempt(1) }),
        Event::RunStopping(RunStopping { run: run().id, why: StopReason::Budget }),
        Event::RunEnded(RunEnded { run: run().id, end }),
        Event::RunQueued(RunQueued { run: run().id }),
        Event::RunSettled(RunSettled { run: run().id, state: RunState::Skipped, reason: "no more money".to_owned() }),
    ]
}
