use std::collections::BTreeSet;

use crate::model::batch::{BatchChanged, RunEnded, RunQueued, RunSettled, RunStarted, RunStopping};
use proptest::collection::vec;
use proptest::prelude::*;

use super::{Facts, Step, after, decide};
use crate::batch::{expand, fold};
use crate::model::Event;
use crate::model::batch::samples::{BATCH, batch, plan, task};
use crate::model::batch::{
    AttemptEnd, AttemptOutcome, Batch, BatchChange, BatchState, Machine, Run, RunState, Spend, StopReason,
};
use crate::model::diff::DiffStat;
use crate::model::id::{BatchId, SessionId};
use crate::model::plan::{OnFailure, Plan};

mod cases;
mod limits;

const BUSY: Machine = Machine { memory_percent: 1, load_percent: 0, disk_mb: u64::MAX };

/// A batch with its runs, carried out by a world in which sessions end as they are told.
#[derive(Clone)]
struct World {
    batch: Batch,
    runs: Vec<Run>,
    now: i64,
    machine: Machine,
    sessions: u32,
    used: Spend,
}

impl World {
    fn new(plan: Plan) -> Self {
        let batch = batch(plan);
        let runs = expand::runs(&batch.plan, &batch.id);
        Self { batch, runs, now: 100, machine: Machine::default(), sessions: 0, used: Spend::default() }
    }

    fn emit(&mut self, event: &Event) {
        fold::apply(&mut self.batch, &mut self.runs, event, self.now);
    }

    fn state(&mut self, state: BatchState, reason: Option<&str>) {
        let change = BatchChange::State { state, reason: reason.map(str::to_owned) };
        self.emit(&Event::BatchChanged(BatchChanged { batch: BATCH.into(), change }));
    }

    /// Decides and carries out until nothing is left to decide; what was decided.
    fn go_on(&mut self) -> Vec<Step> {
        let mut all = Vec::new();
        for _ in 0..10_000 {
            let used = self.used;
            let of = move |_: usize| used;
            let steps = decide(
                &self.batch,
                &self.runs,
                &Facts {
                    now: self.now,
                    machine: self.machine,
                    used: &of,
                    judges: Spend::default(),
                    landing: &|_| false,
                },
            )
            .steps;
            if steps.is_empty() {
                return all;
            }
            for step in &steps {
                self.carry_out(step);
            }
            all.extend(steps);
        }
        panic!("the queue does not come to rest: {:?}", all.last());
    }

    fn carry_out(&mut self, step: &Step) {
        let event = match step {
            Step::Start(place) => {
                self.sessions += 1;
                let run = &self.runs[*place];
                let mut attempt = crate::model::batch::samples::attempt(u32::try_from(run.attempts.len() + 1).unwrap());
                attempt.session = SessionId(format!("s{}", self.sessions));
                attempt.started_at = self.now;
                Event::RunStarted(RunStarted { run: run.id.clone(), attempt })
            }
            Step::Stop(place, why) => Event::RunStopping(RunStopping { run: self.runs[*place].id.clone(), why: *why }),
            Step::Settle(place, state, reason) => Event::RunSettled(RunSettled {
                run: self.runs[*place].id.clone(),
                state: *state,
                reason: reason.clone(),
            }),
            Step::End(reason) => return self.state(BatchState::Ended, reason.as_deref()),
            Step::GiveUp(reason) => return self.state(BatchState::Cancelling, Some(reason)),
        };
        self.emit(&event);
    }

    /// An attempt that is under way ends.
    fn end(&mut self, place: usize, outcome: AttemptOutcome, spend: Spend) {
        let run = &self.runs[place];
        let outcome = match run.current().expect("it runs").stopping {
            Some(StopReason::TimedOut) => AttemptOutcome::TimedOut,
            Some(StopReason::Cancelled) => AttemptOutcome::Cancelled,
            Some(StopReason::Budget) => AttemptOutcome::Budget,
            None => outcome,
        };
        let (state, retry_at) = after(&self.batch, run, outcome, self.now, None);
        let end = AttemptEnd {
            outcome,
            reason: None,
            head: None,
            stat: DiffStat::default(),
            turns: 1,
            spend,
            score: None,
            gates: None,
            landed: false,
            verdict: None,
            state,
            retry_at,
        };
        self.emit(&Event::RunEnded(RunEnded { run: run.id.clone(), end }));
    }

    fn running(&self) -> Vec<usize> {
        (0..self.runs.len()).filter(|place| self.runs[*place].state == RunState::Running).collect()
    }

    /// Why nothing more starts now.
    fn held(&self) -> Option<String> {
        let used = self.used;
        let of = move |_: usize| used;
        decide(
            &self.batch,
            &self.runs,
            &Facts { now: self.now, machine: self.machine, used: &of, judges: Spend::default(), landing: &|_| false },
        )
        .held
    }

    fn states(&self) -> Vec<&'static str> {
        self.runs.iter().map(|run| run.state.as_str()).collect()
    }
}

fn of_tasks(names: &[&str]) -> Plan {
    Plan { tasks: names.iter().map(|name| task(name)).collect(), agents: plan().agents[..1].to_vec(), ..plan() }
}

#[test]
fn priorities_come_first_and_equals_in_order() {
    let mut plan = of_tasks(&["a", "b", "c"]);
    plan.tasks[2].priority = 5;
    plan.execution.concurrency = 2;
    let mut world = World::new(plan);
    assert_eq!(world.go_on(), [Step::Start(2), Step::Start(0)]);
}

#[test]
fn limits_of_agent_and_repository_hold() {
    let mut plan = Plan { tasks: vec![task("a"), task("b"), task("c")], ..plan() };
    plan.agents[0].concurrency = Some(1);
    plan.execution.concurrency = 10;
    let mut world = World::new(plan.clone());
    world.go_on();
    assert_eq!(world.states(), ["running", "running", "queued", "running", "queued", "running"]);
    plan.execution.per_repository = Some(2);
    let mut world = World::new(plan);
    world.go_on();
    assert_eq!(world.running(), [0, 1]);
}

#[test]
fn a_task_waits_for_those_it_depends_on_and_is_skipped_when_one_fails() {
    let mut plan = of_tasks(&["a", "b", "c"]);
    plan.tasks[1].depends_on = vec!["a".to_owned()];
    plan.tasks[2].depends_on = vec!["b".to_owned()];
    let mut world = World::new(plan);
    assert_eq!(world.go_on(), [Step::Start(0)]);
    let mut failing = world.clone();
    world.end(0, AttemptOutcome::Done, Spend::default());
    assert_eq!(world.go_on(), [Step::Start(1)]);
    failing.end(0, AttemptOutcome::Failed, Spend::default());
    failing.go_on();
    assert_eq!(failing.states(), ["failed", "skipped", "skipped"]);
    assert_eq!(failing.batch.state, BatchState::Ended);
}

#[test]
fn only_what_may_pass_again_is_tried_again_later_and_later() {
    let mut plan = of_tasks(&["a", "b"]);
    plan.execution.max_attempts = 3;
    let mut world = World::new(plan);
    world.go_on();
    world.end(0, AttemptOutcome::Crashed, Spend::default());
    world.end(1, AttemptOutcome::Failed, Spend::default());
    world.go_on();
    assert_eq!(world.states(), ["queued", "failed"]);
    let first = world.runs[0].not_before.unwrap() - world.now;
    assert!((500..=1_500).contains(&first), "{first}");
    world.now += first;
    world.go_on();
    assert_eq!(world.states(), ["running", "failed"]);
    world.end(0, AttemptOutcome::RateLimited, Spend::default());
    let second = world.runs[0].not_before.unwrap() - world.now;
    assert!((1_000..=3_000).contains(&second), "{second}");
    world.now += second;
    world.go_on();
    world.end(0, AttemptOutcome::TimedOut, Spend::default());
    world.go_on();
    assert_eq!(world.states(), ["failed", "failed"]);
    assert_eq!(world.runs[0].attempts.len(), 3);
}

#[test]
fn what_takes_too_long_is_stopped_once() {
    let mut world = World::new(of_tasks(&["a"]));
    world.go_on();
    world.now += 59_999;
    assert_eq!(world.go_on(), []);
    world.now += 1;
    assert_eq!(world.go_on(), [Step::Stop(0, StopReason::TimedOut)]);
    assert_eq!(world.go_on(), []);
}

#[test]
fn a_busy_machine_starts_nothing_new_but_one_always_runs() {
    let mut world = World::new(of_tasks(&["a", "b", "c"]));
    world.machine = BUSY;
    assert_eq!(world.go_on(), [Step::Start(0)]);
    let none = |_: usize| Spend::default();
    let decision = decide(
        &world.batch,
        &world.runs,
        &Facts { now: world.now, machine: BUSY, used: &none, judges: Spend::default(), landing: &|_| false },
    );
    assert_eq!(decision.held.as_deref(), Some("only 1 % of the memory is available"));
    assert_eq!(decision.wake_at, Some(world.now + 1_000));
    world.machine = Machine::default();
    assert_eq!(world.go_on().len(), 2);
}

#[test]
fn the_budget_is_counted_before_a_start_and_stops_what_runs() {
    let mut plan = of_tasks(&["a", "b", "c", "d", "e"]);
    plan.execution.budget.usd_micros = Some(1_000_000);
    plan.execution.concurrency = 1;
    let mut world = World::new(plan);
    let dime = Spend { tokens: 10, usd_micros: Some(400_000), partial: false };
    world.go_on();
    world.end(0, AttemptOutcome::Done, dime);
    world.batch.concurrency = 4;
    world.go_on();
    // One has cost 0.40: another may, a third would be too much.
    assert_eq!(world.states(), ["passed", "running", "queued", "queued", "queued"]);
    world.used = Spend { tokens: 10, usd_micros: Some(600_000), partial: false };
    world.go_on();
    assert_eq!(world.states(), ["passed", "running", "skipped", "skipped", "skipped"]);
    assert_eq!(world.runs[1].current().unwrap().stopping, Some(StopReason::Budget));
    world.end(1, AttemptOutcome::Failed, world.used);
    world.go_on();
    assert_eq!(world.batch.state, BatchState::Ended);
    assert_eq!(world.batch.reason.as_deref(), Some("the budget of $1.00 is used up ($1.00)"));
}

#[test]
fn on_failure_stop_starts_no_more() {
    let mut plan = of_tasks(&["a", "b", "c"]);
    plan.execution.on_failure = OnFailure::Stop;
    plan.execution.concurrency = 2;
    let mut world = World::new(plan);
    world.go_on();
    world.end(0, AttemptOutcome::Failed, Spend::default());
    world.go_on();
    assert_eq!(world.states(), ["failed", "running", "skipped"]);
}

#[test]
fn a_run_of_another_batch_is_nobodys() {
    let runs = expand::runs(&plan(), &BatchId("x".to_owned()));
    assert_eq!(fold::place(&runs, &"y.r1".into()), None);
    assert_eq!(fold::place(&runs, &"x.r0".into()), None);
    assert_eq!(fold::place(&runs, &"x.r3".into()), None);
    assert_eq!(fold::place(&runs, &"x.r2".into()), Some(1));
}

/// What can happen to a batch.
#[derive(Debug, Clone)]
enum Happening {
    End(usize, AttemptOutcome),
    Later(i64),
    Pause,
    Resume,
    Cancel,
    Concurrency(u32),
    Retry(usize),
    Busy(bool),
    Restart,
}

fn happening() -> impl Strategy<Value = Happening> {
    let outcome = prop_oneof![
        Just(AttemptOutcome::Done),
        Just(AttemptOutcome::Failed),
        Just(AttemptOutcome::Crashed),
        Just(AttemptOutcome::RateLimited),
        Just(AttemptOutcome::NotStarted),
    ];
    prop_oneof![
        10 => (any::<usize>(), outcome).prop_map(|(run, outcome)| Happening::End(run, outcome)),
        4 => (1..70_000_i64).prop_map(Happening::Later),
        1 => Just(Happening::Pause),
        2 => Just(Happening::Resume),
        1 => Just(Happening::Cancel),
        1 => (1..9_u32).prop_map(Happening::Concurrency),
        2 => any::<usize>().prop_map(Happening::Retry),
        1 => any::<bool>().prop_map(Happening::Busy),
        2 => Just(Happening::Restart),
    ]
}

fn happen(world: &mut World, what: &Happening) {
    match what {
        Happening::End(run, outcome) => {
            let running = world.running();
            if !running.is_empty() {
                let spend = Spend { tokens: 3, usd_micros: Some(1_000), partial: false };
                world.end(running[run % running.len()], *outcome, spend);
            }
        }
        Happening::Later(millis) => world.now += millis,
        Happening::Pause if world.batch.state == BatchState::Active => world.state(BatchState::Paused, None),
        Happening::Resume if world.batch.state == BatchState::Paused => world.state(BatchState::Active, None),
        Happening::Cancel if world.batch.state != BatchState::Ended => {
            world.state(BatchState::Cancelling, Some("the batch was cancelled"));
        }
        Happening::Concurrency(concurrency) => world.batch.concurrency = *concurrency,
        Happening::Retry(run) if world.batch.state != BatchState::Cancelling => {
            let over: Vec<usize> = (0..world.runs.len())
                .filter(|place| world.runs[*place].state.is_over() && world.runs[*place].state != RunState::Passed)
                .collect();
            if !over.is_empty() {
                if world.batch.state == BatchState::Ended {
                    world.state(BatchState::Active, None);
                }
                let run = world.runs[over[run % over.len()]].id.clone();
                world.emit(&Event::RunQueued(RunQueued { run }));
            }
        }
        Happening::Busy(busy) => world.machine = if *busy { BUSY } else { Machine::default() },
        // Only what was recorded is left.
        Happening::Restart => {
            let kept = serde_json::to_string(&(&world.batch, &world.runs)).unwrap();
            (world.batch, world.runs) = serde_json::from_str(&kept).unwrap();
        }
        _ => {}
    }
}

fn require_sound(world: &World) {
    let mut sessions = BTreeSet::new();
    for run in &world.runs {
        for (index, attempt) in run.attempts.iter().enumerate() {
            assert!(sessions.insert(attempt.session.clone()), "session {} is there twice", attempt.session);
            assert_eq!(attempt.number as usize, index + 1);
            let last = index + 1 == run.attempts.len();
            assert!(attempt.outcome.is_some() || last && run.state == RunState::Running, "{run:?}");
        }
        assert_eq!(run.state == RunState::Running, run.current().is_some(), "{run:?}");
        let passed = run.attempts.iter().filter(|attempt| attempt.outcome == Some(AttemptOutcome::Done)).count();
        assert_eq!(passed, usize::from(run.state == RunState::Passed), "{run:?}");
    }
    assert_eq!(sessions.len(), world.sessions as usize, "a session was lost");
    if world.batch.state == BatchState::Ended {
        assert!(world.runs.iter().all(|run| run.state.is_over()));
    }
}

proptest! {
    #[test]
    fn no_run_is_lost_or_there_twice(
        happenings in vec(happening(), 0..120),
        tasks in 1..5_usize,
        attempts in 1..4_u32,
        dependent in any::<bool>(),
        stops in any::<bool>(),
        limited in any::<bool>(),
    ) {
        let names = ["a", "b", "c", "d", "e"];
        let mut plan = Plan { tasks: names[..tasks].iter().map(|name| task(name)).collect(), ..plan() };
        plan.execution.repeat = 2;
        plan.execution.max_attempts = attempts;
        plan.execution.on_failure = if stops { OnFailure::Stop } else { OnFailure::Continue };
        if dependent && tasks > 1 {
            plan.tasks[1].depends_on = vec!["a".to_owned()];
        }
        if limited {
            plan.execution.budget.usd_micros = Some(12_000);
        }
        let mut world = World::new(plan);
        let count = world.runs.len();
        for what in &happenings {
            let before = world.running().len();
            let limit = world.batch.concurrency as usize;
            happen(&mut world, what);
            let steps = world.go_on();
            require_sound(&world);
            prop_assert!(world.running().len() <= limit.max(before).max(world.batch.concurrency as usize));
            if world.batch.state == BatchState::Paused {
                prop_assert!(!steps.iter().any(|step| matches!(step, Step::Start(_))));
            }
        }
        // Left alone, everything comes to its end.
        happen(&mut world, &Happening::Resume);
        world.machine = Machine::default();
        for _ in 0..10_000 {
            world.go_on();
            if world.batch.state == BatchState::Ended {
                break;
            }
            world.now += 100_000;
            world.go_on();
            if let Some(place) = world.running().first().copied() {
                world.end(place, AttemptOutcome::Done, Spend::default());
            }
        }
        require_sound(&world);
        prop_assert_eq!(world.batch.state, BatchState::Ended);
        prop_assert_eq!(world.runs.len(), count);
    }
}
