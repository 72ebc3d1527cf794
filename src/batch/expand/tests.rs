use super::runs;
use crate::model::batch::samples::{plan, task};
use crate::model::id::BatchId;
use crate::model::plan::{Plan, Selector};

fn shown(plan: &Plan) -> Vec<String> {
    let runs = runs(plan, &BatchId("b".to_owned()));
    runs.iter().map(|run| format!("{} {} {} {}", run.id, run.task, run.agent, run.repetition)).collect()
}

#[test]
fn everything_by_everything_in_the_order_of_the_plan() {
    let mut plan = Plan { tasks: vec![task("x"), task("y")], ..plan() };
    plan.tasks[1].repeat = Some(2);
    let all = ["b.r1 x one 1", "b.r2 x two 1", "b.r3 y one 1", "b.r4 y one 2", "b.r5 y two 1", "b.r6 y two 2"];
    assert_eq!(shown(&plan), all);
}

#[test]
fn include_chooses_and_exclude_takes_away() {
    let select = |agent: Option<&str>, task: Option<&str>| Selector {
        agent: agent.map(str::to_owned),
        task: task.map(str::to_owned),
        ..Selector::default()
    };
    let mut plan = Plan { tasks: vec![task("x"), task("y")], ..plan() };
    plan.include = vec![select(Some("one"), None), select(None, Some("y"))];
    plan.exclude = vec![select(Some("two"), Some("y"))];
    assert_eq!(shown(&plan), ["b.r1 x one 1", "b.r2 y one 1"]);
}
