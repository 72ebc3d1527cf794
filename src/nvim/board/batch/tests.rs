use super::*;
use crate::model::batch::samples::{attempt, batch, plan, run as sample};
use crate::model::batch::{AttemptOutcome, Gates, RunCounts, Spend, Statistics};
use crate::model::plan::Budget;

pub(in crate::nvim::board) fn view(runs: &[RunView]) -> BatchView {
    let batch = batch(plan());
    let runs: Vec<_> = runs.iter().map(|view| view.run.clone()).collect();
    BatchView {
        id: batch.id,
        name: "a\u{1b}[31m name".to_owned(),
        path: "/plan.yaml".to_owned(),
        state: BatchState::Active,
        reason: None,
        created_at: 0,
        ended_at: None,
        concurrency: 2,
        counts: RunCounts::of(&runs),
        spend: Spend { tokens: 5, usd_micros: Some(1_230_000), partial: false },
        budget: Budget { usd_micros: Some(20_000_000), tokens: Some(5_000_000) },
        eta: Some(300_000),
        held: None,
        exports: Vec::new(),
    }
}

fn seen(run: crate::model::batch::Run) -> RunView {
    RunView { run, session_name: None, activity: None, spend: Spend::default() }
}

fn texts(lines: &[Line]) -> Vec<String> {
    lines.iter().map(|line| line.cells.iter().map(|(_, text)| text.as_str()).collect()).collect()
}

#[test]
fn a_batch_fits_a_narrow_window_and_names_what_tells_its_runs_apart() {
    let mut first = sample(1);
    let mut made = attempt(1);
    (made.outcome, made.gates, made.score, made.ended_at) =
        (Some(AttemptOutcome::Failed), Some(Gates { passed: 1, all: 2 }), Some(50), Some(65_005));
    (first.state, first.attempts, first.reason) = (RunState::Failed, vec![made], Some("no\u{7}".to_owned()));
    let mut second = sample(2);
    second.repository = "backend".to_owned();
    second.repetition = 2;
    let runs = vec![seen(first), seen(second)];
    let detail = BatchDetail { view: view(&runs), runs, ranking: Vec::new(), statistics: Statistics::default() };
    let lines = one(&detail, 40, &mut Widths::default(), 60_000);
    let shown = texts(&lines);
    assert!(shown[0].starts_with("a␛[31m name  active  "), "{shown:#?}");
    assert_eq!(shown[1], "[xxxxxxxxxxxx............] 1/2");
    assert_eq!(shown[2], "1 failed, 1 queued");
    // Wrapped where a part would be cut.
    assert_eq!(shown[3..6], ["2 at once, 1 min, about 4 min left", "$1.23 of $20.00, 5 of 5000000 tokens", ""]);
    let task = &detail.runs[0].run.task;
    assert!(
        shown[7].contains(&format!("✗ 1 {task} (1)"))
            && shown[7].contains(" .       1/2 50")
            && shown[7].ends_with("no␇"),
        "{shown:#?}"
    );
    assert!(shown[8].contains(&format!("… 2 {task} (2)")) && shown[8].ends_with("backend"), "{shown:#?}");
    assert_eq!(lines[7].about["again"], true);
    assert_eq!(row(&detail.view)["summary"], "1 failed, 1 queued");
    let page = run(&detail.runs[0], &detail.ranking, 0);
    assert!(
        page.contains(&"- evaluators: 1 of 2 passed".to_owned()) && page.contains(&"- why: no␇".to_owned()),
        "{page:#?}"
    );
}

#[test]
fn no_batches_say_what_to_do() {
    assert!(texts(&all(&[], 60, &mut Widths::default()))[0].contains(":Divisi batch run"));
    let shown = texts(&all(&[view(&[seen(sample(1))])], 60, &mut Widths::default()));
    assert!(shown[1].starts_with("▸ a␛[31m name") && shown[1].ends_with("1 queued"), "{shown:#?}");
}
