use super::*;
use crate::model::batch::samples::{attempt, run as sample};
use crate::model::batch::{AttemptOutcome, Gates, Run, Statistics};
use crate::nvim::board::batch::tests::view;

fn run(number: u32, task: &str, agent: &str, state: RunState) -> Run {
    let mut run = sample(number);
    (run.task, run.agent, run.state) = (task.to_owned(), agent.to_owned(), state);
    run.repository = "/r".to_owned();
    run
}

fn seen(run: Run, usd_micros: Option<i64>) -> RunView {
    let spend = Spend { tokens: 10, usd_micros, partial: false };
    RunView { run, session_name: None, activity: None, spend }
}

fn detail() -> BatchDetail {
    let mut passed = run(1, "errors", "claude", RunState::Passed);
    let mut made = attempt(1);
    (made.outcome, made.gates, made.score) = (Some(AttemptOutcome::Done), Some(Gates { passed: 2, all: 2 }), Some(90));
    passed.attempts = vec![made];
    let mut failed = run(3, "errors", "codex", RunState::Failed);
    failed.repetition = 2;
    let runs = vec![
        seen(passed, Some(120_000)),
        seen(run(2, "errors", "codex", RunState::Running), Some(10_000)),
        seen(failed, Some(10_000)),
        seen(run(4, "do\u{7}cs", "claude", RunState::Queued), None),
    ];
    BatchDetail { view: view(&runs), runs, ranking: Vec::new(), statistics: Statistics::default() }
}

fn texts(lines: &[Line]) -> Vec<String> {
    lines.iter().map(|line| line.cells.iter().map(|(_, text)| text.as_str()).collect()).collect()
}

#[test]
fn a_task_has_a_line_and_an_agent_a_column() {
    let lines = matrix(&detail(), 80, &mut Widths::default(), 60_000);
    let shown = texts(&lines);
    let at = shown.iter().position(|line| line.starts_with("TASK")).unwrap();
    assert!(shown[at].contains("claude") && shown[at].contains("codex"), "{shown:#?}");
    assert!(shown[at + 1].contains("errors  ✓ 2/2 90 $0.12") && shown[at + 1].contains("▸✗"), "{shown:#?}");
    assert!(shown[at + 2].contains("do␇cs   … ?") && shown[at + 2].contains('·'), "{shown:#?}");
    assert!(shown[at + 3].contains("1/2 passed $0.12+") && shown[at + 3].contains("0/2 passed $0.02"), "{shown:#?}");
}

#[test]
fn every_run_stands_where_it_is_said_to_stand() {
    for window in [20, 40, 80, 200] {
        let lines = matrix(&detail(), window, &mut Widths::default(), 60_000);
        let mut found = Vec::new();
        for (line, text) in lines.iter().zip(texts(&lines)) {
            for spot in line.about["runs"].as_array().into_iter().flatten() {
                let [from, to] = [0, 1].map(|at| usize::try_from(spot[at].as_u64().unwrap()).unwrap());
                let (number, said) = (spot[2]["number"].as_u64().unwrap(), &text[from..to]);
                let sign = ["✓", "▸", "✗", "…"][usize::try_from(number).unwrap() - 1];
                assert!(said.starts_with(sign), "{window}: {said:?} in {text:?}");
                found.push(number);
            }
        }
        assert_eq!(found, [1, 2, 3, 4], "{window}");
    }
}
