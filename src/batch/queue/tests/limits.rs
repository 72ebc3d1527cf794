//! What keeps runs from starting: load, a full disk, tokens, time; and how long they wait before they are tried again.

use std::collections::BTreeSet;

use super::{World, of_tasks};
use crate::batch::queue::{Step, time_limit};
use crate::model::Event;
use crate::model::batch::samples::{plan, task};
use crate::model::batch::{AttemptOutcome, BatchState, Machine, RunQueued, RunState, Spend, StopReason};
use crate::model::plan::{OnFailure, Plan};

#[test]
fn a_loaded_machine_starts_nothing_new() {
    let mut world = World::new(of_tasks(&["a", "b"]));
    world.machine = Machine { load_percent: 801, ..Machine::default() };
    assert_eq!(world.go_on(), [Step::Start(0)]);
    assert_eq!(world.held().as_deref(), Some("the load is 801 % per processor"));
    world.machine.load_percent = 800;
    assert_eq!(world.go_on(), [Step::Start(1)]);
}

#[test]
fn on_a_full_disk_not_even_one_starts() {
    let mut world = World::new(of_tasks(&["a", "b"]));
    world.machine = Machine { disk_mb: 99, ..Machine::default() };
    assert_eq!(world.go_on(), []);
    assert_eq!(world.held().as_deref(), Some("only 99 MiB are free on the disk (the plan wants 100)"));
    world.machine.disk_mb = 100;
    assert_eq!(world.go_on(), [Step::Start(0), Step::Start(1)]);
    assert_eq!(world.held(), None);
}

#[test]
fn what_the_disk_had_no_room_for_counts_for_nothing() {
    let mut plan = of_tasks(&["a"]);
    plan.execution.max_attempts = 1;
    let mut world = World::new(plan);
    world.go_on();
    world.end(0, AttemptOutcome::Failed, Spend::default());
    world.emit(&Event::RunQueued(RunQueued { run: world.runs[0].id.clone() }));
    world.state(BatchState::Paused, Some("the disk is full"));
    assert_eq!(world.go_on(), []);
    world.state(BatchState::Active, None);
    assert_eq!(world.go_on(), [Step::Start(0)]);
    world.end(0, AttemptOutcome::Crashed, Spend::default());
    world.go_on();
    assert_eq!(world.states(), ["failed"], "one attempt was allowed, and only one counted");
    assert_eq!(world.runs[0].attempts.len(), 2);
}

#[test]
fn the_pause_is_the_same_for_the_same_seed_and_differs_between_runs() {
    let pauses = |seed: u64| -> Vec<i64> {
        let mut plan = of_tasks(&["a", "b", "c"]);
        (plan.execution.max_attempts, plan.execution.seed) = (2, seed);
        let mut world = World::new(plan);
        world.go_on();
        for place in 0..3 {
            world.end(place, AttemptOutcome::Crashed, Spend::default());
        }
        world.runs.iter().map(|run| run.not_before.unwrap() - world.now).collect()
    };
    assert_eq!(pauses(1), pauses(1));
    assert_ne!(pauses(1), pauses(2));
    assert_eq!(pauses(3).into_iter().collect::<BTreeSet<_>>().len(), 3);
}

#[test]
fn tokens_are_counted_before_a_start_too() {
    let mut plan = of_tasks(&["a", "b", "c"]);
    plan.execution.budget.tokens = Some(250);
    plan.execution.concurrency = 1;
    let mut world = World::new(plan);
    let hundred = Spend { tokens: 100, usd_micros: None, partial: false };
    world.go_on();
    world.end(0, AttemptOutcome::Done, hundred);
    world.batch.concurrency = 3;
    world.go_on();
    assert_eq!(world.states(), ["passed", "running", "queued"]);
    assert_eq!(world.held().as_deref(), Some("what runs may use up the budget"));
    world.end(1, AttemptOutcome::Done, hundred);
    world.go_on();
    // Nothing runs: one may always begin, and is stopped when the limit is reached.
    assert_eq!(world.states(), ["passed", "passed", "running"]);
    world.used = Spend { tokens: 50, usd_micros: None, partial: false };
    assert_eq!(world.go_on()[0], Step::GiveUp("the budget of 250 tokens is used up (250)".to_owned()));
    assert_eq!(world.runs[2].current().unwrap().stopping, Some(StopReason::Budget));
}

#[test]
fn limits_of_time_are_the_agents_then_the_tasks_then_the_batchs() {
    let mut plan = Plan { tasks: vec![task("a"), task("b")], ..plan() };
    plan.agents[0].timeout_sec = Some(1);
    plan.tasks[0].timeout_sec = Some(2);
    plan.execution.timeout_sec = 3;
    let world = World::new(plan);
    let limits: Vec<i64> = world.runs.iter().map(|run| time_limit(&world.batch, run)).collect();
    let by = |agent: &str, task: &str| {
        world.runs.iter().position(|run| run.agent == agent && run.task == task).map(|place| limits[place])
    };
    assert_eq!(
        [by("one", "a"), by("one", "b"), by("two", "a"), by("two", "b")].map(Option::unwrap),
        [1_000, 1_000, 2_000, 3_000]
    );
}

#[test]
fn who_competes_and_loses_is_no_failure_that_stops_a_plan() {
    let mut plan = Plan { tasks: vec![task("a"), task("b")], ..plan() };
    plan.tasks[0].best_of = Some(1);
    plan.execution.on_failure = OnFailure::Stop;
    plan.execution.concurrency = 3;
    let mut world = World::new(plan);
    world.go_on();
    world.end(0, AttemptOutcome::Failed, Spend::default());
    world.go_on();
    assert_eq!(world.states(), ["failed", "running", "running", "running"]);
    // Nobody can win: that is one.
    world.batch.concurrency = 1;
    world.runs[2].state = RunState::Queued;
    world.runs[2].attempts.clear();
    world.end(1, AttemptOutcome::Failed, Spend::default());
    world.go_on();
    assert_eq!(world.states(), ["failed", "failed", "skipped", "running"]);
}

#[test]
fn ten_thousand_runs_are_decided_quickly() {
    // Each task waits for the one before it, and two agents compete in each.
    let names: Vec<String> = (0..5_000).map(|number| format!("t{number}")).collect();
    let mut plan = Plan { tasks: names.iter().map(|name| task(name)).collect(), ..plan() };
    for number in 1..plan.tasks.len() {
        plan.tasks[number].depends_on = vec![names[number - 1].clone()];
    }
    plan.tasks[0].priority = 1;
    for task in &mut plan.tasks {
        task.best_of = Some(1);
    }
    plan.execution.on_failure = OnFailure::Stop;
    let mut world = World::new(plan);
    assert_eq!(world.runs.len(), 10_000);
    let began = crate::base::clock::instant();
    assert_eq!(world.go_on(), [Step::Start(0), Step::Start(1)]);
    for _ in 0..20 {
        assert_eq!(world.go_on(), []);
    }
    // A look at every run for every other one takes minutes.
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}
