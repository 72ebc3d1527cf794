use serde_json::json;

use super::*;
use crate::model::id::BatchId;

const TEXT: &str = "version: 3\nmetadata: {name: nightly}\nexecution:\n  budget: {usd: 1}\nagents: [{id: a, agent: x}, {id: b, agent: y}]\n\
tasks:\n  - id: one\n    prompts: [p]\n  - id: two\n    prompts: [q]\nmatrix:\n  exclude: [{agent: b, task: two}, {agent: a, prompt: p}]\n";

/// A batch of that plan, with runs in these states.
pub(in crate::lsp) fn batch(path: &str, runs: &[(&str, &str, &str)]) -> BatchDetail {
    let made: Vec<serde_json::Value> = runs
        .iter()
        .zip(1..)
        .map(|((task, agent, state), number)| {
            let attempt = json!({ "number": 1, "session": format!("s{number}"), "started_at": 1, "ended_at": 61_001, "outcome": "failed" });
            json!({
                "id": format!("bat00001.r{number}"), "number": number, "task": task, "prompt": "p1", "agent": agent,
                "repository": ".", "repetition": 1, "state": state, "reason": if *state == "failed" { Some("it\u{1b}[31m broke") } else { None },
                "attempts": if *state == "queued" { json!([]) } else { json!([attempt]) }, "spend": { "tokens": 10 },
            })
        })
        .collect();
    let list: Vec<RunView> = made.into_iter().map(|run| serde_json::from_value(run).unwrap()).collect();
    let plain: Vec<_> = list.iter().map(|run| run.run.clone()).collect();
    let counts = crate::model::batch::RunCounts::of(&plain);
    let ended = counts.queued + counts.running == 0;
    let mut detail: BatchDetail = serde_json::from_value(json!({
        "id": "bat00001", "name": "nightly", "path": path, "state": if ended { "ended" } else { "active" }, "reason": null,
        "created_at": 5, "ended_at": null, "concurrency": 2, "counts": counts, "spend": { "tokens": 100 }, "budget": {},
        "eta": null, "runs": [],
    }))
    .unwrap();
    detail.runs = list;
    detail
}

fn state(batch: BatchDetail) -> State {
    let mut state = State { connected: true, ..State::default() };
    state.batches.insert(batch.view.id.clone(), batch);
    state
}

#[test]
fn a_plan_is_read_as_far_as_it_is_written() {
    let sketch = Sketch::of(TEXT);
    assert_eq!((sketch.name.as_deref(), sketch.budget), (Some("nightly"), Some(3)));
    let ids = |all: &[Named]| all.iter().map(|one| (one.id.clone(), one.line)).collect::<Vec<_>>();
    assert_eq!(ids(&sketch.agents), [("a".to_owned(), 4), ("b".to_owned(), 4)]);
    assert_eq!(ids(&sketch.tasks), [("one".to_owned(), 6), ("two".to_owned(), 8)]);
    assert!(sketch.runs("one", "b") && !sketch.runs("two", "b"));
    assert!(sketch.runs("one", "a"), "only one of its prompts is left out");
    assert_eq!(Sketch::of("tasks:\n  - id: x\n    pro").tasks.len(), 1);
}

#[test]
fn lenses_say_what_can_be_done_now() {
    let path = Path::new("/r/plan.yaml");
    let commands = |state: &State| over_plan(state, path, TEXT).iter().map(|lens| lens.command).collect::<Vec<_>>();
    assert_eq!(commands(&State::default()), ["divisi.batch.run"]);
    let going = state(batch("/r/plan.yaml", &[("one", "a", "passed"), ("two", "a", "running")]));
    let lenses = over_plan(&going, path, TEXT);
    assert_eq!(lenses[0].title, "runs: 1 passed, 1 running");
    assert_eq!(
        commands(&going),
        ["divisi.batch.open", "divisi.batch.pause", "divisi.batch.cancel", "divisi.batch.open", "divisi.batch.open"]
    );
    assert_eq!((lenses[3].line, lenses[3].title.as_str()), (6, "1 passed"));
    let ended = state(batch("/r/plan.yaml", &[("one", "a", "failed")]));
    assert_eq!(
        commands(&ended),
        ["divisi.batch.run", "divisi.batch.open", "divisi.batch.retry", "divisi.batch.export", "divisi.batch.open"]
    );
    assert_eq!(over_plan(&ended, Path::new("/r/other.yaml"), TEXT).len(), 1);
}

#[test]
fn what_failed_is_told_at_its_task_until_nobody_wants_to_know() {
    let path = Path::new("/r/plan.yaml");
    let mut known =
        state(batch("/r/plan.yaml", &[("one", "a", "failed"), ("one", "b", "failed"), ("two", "a", "passed")]));
    let found = diagnostics(&known, path, TEXT);
    assert_eq!(found.len(), 1);
    let told = json!(found[0]);
    assert_eq!((&told["range"]["start"]["line"], &told["code"]), (&json!(6), &json!("run-failed")));
    let words = told["message"].as_str().unwrap();
    assert!(words.starts_with("one: 2 runs failed\n#1 a: it"), "{words}");
    assert!(!words.contains('\u{1b}'));
    assert_eq!(told["data"]["runs"], json!([1, 2]));
    known.dismissed.insert(BatchId("bat00001".to_owned()));
    assert_eq!(diagnostics(&known, path, TEXT), []);
}

#[test]
fn a_budget_that_is_used_up_is_told_at_its_line() {
    let mut used = batch("/r/plan.yaml", &[("one", "a", "passed"), ("two", "a", "skipped")]);
    assert_eq!(over_budget(&used), None);
    used.view.budget.tokens = Some(100);
    used.view.budget.usd_micros = Some(1_000_000);
    used.view.spend.usd_micros = Some(1_250_000);
    let found = json!(diagnostics(&state(used), Path::new("/r/plan.yaml"), TEXT));
    assert_eq!(found[0]["range"]["start"]["line"], 3);
    assert_eq!(
        found[0]["message"],
        "the budget of nightly is used up: $1.25 of $1.00, 100 of 100 tokens; 1 run will not be run"
    );
}
