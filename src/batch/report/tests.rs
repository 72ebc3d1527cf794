use super::{Report, ReportRun, room_for_each, write};
use crate::batch::{expand, rank, statistics, view};
use crate::model::batch::samples::{attempt, batch, plan};
use crate::model::batch::{AttemptOutcome, RunState, Spend};
use crate::model::contest::{Contest, ContestState, Decided};
use crate::model::plan::{ExportFormat, Metric, Plan};

const HOSTILE: &str = "<script>alert(1)</script>\"'`\u{1b}[31m=cmd|' /C calc'!A0";

fn report(plan: Plan, hostile: &str) -> Report {
    let mut batch = batch(plan);
    batch.plan.name = hostile.to_owned();
    batch.reason = Some(hostile.to_owned());
    let mut runs = expand::runs(&batch.plan, &batch.id);
    for run in &mut runs {
        let mut made = attempt(1);
        (made.outcome, made.ended_at) = (Some(AttemptOutcome::Done), Some(2_000));
        made.reason = Some(hostile.to_owned());
        run.state = if run.number % 2 == 0 { RunState::Failed } else { RunState::Passed };
        run.reason = Some(hostile.to_owned());
        run.attempts = vec![made];
    }
    let view = view::view(&batch, &runs, &|_| Spend::default(), 5_000, None);
    let ranking = rank::rank(&runs, &[]);
    let statistics = statistics::of(&batch, &runs);
    let room = room_for_each(runs.len());
    let runs = runs
        .into_iter()
        .map(|run| ReportRun {
            run,
            spend: Spend { tokens: 7, usd_micros: Some(1_250_000), partial: false },
            tools: [("edit".to_owned(), 3), (hostile.to_owned(), 5)].into(),
            diff: format!("+{hostile}\n").repeat(room / 2 / (hostile.len() + 2)),
            log: format!("{hostile}\n").repeat(room / 2 / (hostile.len() + 1)),
        })
        .collect();
    Report { batch, view, runs, ranking, statistics, now: 5_000 }
}

#[test]
fn nothing_hostile_is_markup_or_a_formula() {
    let report = report(plan(), HOSTILE);
    let html = write(&report, ExportFormat::Html);
    assert!(!html.contains("<script>alert"), "markup of an agent is markup");
    assert!(html.contains("&lt;script&gt;alert(1)"));
    assert!(!html.contains('\u{1b}'));
    assert!(html.contains("default-src 'none'"));
    for line in write(&report, ExportFormat::Csv).lines().skip(1) {
        assert!(!line.split(',').any(|cell| cell.starts_with('=')), "{line}");
        assert!(!line.contains('\u{1b}'));
    }
    let markdown = write(&report, ExportFormat::Md);
    assert!(!markdown.contains("<script>") && !markdown.contains('\u{1b}'));
    for line in write(&report, ExportFormat::Jsonl).lines().take(report.runs.len()) {
        let run: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(run["reason"], HOSTILE, "JSON is exact");
        assert_eq!(run["cost_usd_micros"], 1_250_000);
    }
}

#[test]
fn a_thousand_runs_fit_into_five_megabytes() {
    let mut plan = plan();
    plan.execution.repeat = 500;
    // Of the second text every character grows.
    for text in ["let ordinary = text(of, a, program);", "<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<"] {
        let html = write(&report(plan.clone(), text), ExportFormat::Html);
        assert!(html.len() < 5_000_000, "{} bytes", html.len());
        assert!(html.len() > 2_000_000, "there is something in it: {} bytes", html.len());
    }
}

/// What shows a metric in a format: words that are there with it and not without it.
const SIGNS: [(Metric, [&str; 4]); 6] = [
    (Metric::SuccessRate, ["state", "state", "| rate |", "Passed, by agent"]),
    (Metric::AvgIterations, ["turns", ",turns", "turns of a run", "Turns of a run"]),
    (Metric::TokenUsage, ["tokens", ",tokens", "| tokens", ">Tokens</th>"]),
    (
        Metric::CostAnalysis,
        ["cost_usd_micros", ",cost_usd_micros", "$2.50", ">Cost</th></tr></thead><tbody>\n<tr><td>one"],
    ),
    (Metric::ExecutionTime, ["duration_ms", ",duration_ms", "time of a run", "Time of a run"]),
    (Metric::ToolUsageStats, ["tools", ",tools", "(x 10, edit 6)", "(x 10, edit 6)"]),
];

/// Whether a report shows what the sign stands for: of JSON lines it is the key.
fn shows(format: ExportFormat, text: &str, sign: &str) -> bool {
    if format != ExportFormat::Jsonl {
        return text.contains(sign);
    }
    let run: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    run.get(sign).is_some()
}

const FORMATS: [ExportFormat; 4] = [ExportFormat::Jsonl, ExportFormat::Csv, ExportFormat::Md, ExportFormat::Html];

#[test]
fn every_metric_is_in_every_format_and_only_when_the_plan_collects_it() {
    let mut plan = plan();
    plan.execution.repeat = 2;
    for (metric, signs) in SIGNS {
        for (format, sign) in FORMATS.into_iter().zip(signs) {
            plan.collection = vec![metric];
            let with = write(&report(plan.clone(), "x"), format);
            assert!(shows(format, &with, sign), "{metric:?} in {format:?}: {sign} in {with:.3000}");
            plan.collection = Vec::new();
            assert!(
                shows(format, &write(&report(plan.clone(), "x"), format), sign),
                "{metric:?} in {format:?} without a choice"
            );
            plan.collection = SIGNS.map(|(other, _)| other).into_iter().filter(|other| *other != metric).collect();
            let without = write(&report(plan.clone(), "x"), format);
            // Whether a run passed is what every report is about.
            let always = metric == Metric::SuccessRate && matches!(format, ExportFormat::Jsonl | ExportFormat::Csv);
            assert!(always || !shows(format, &without, sign), "{metric:?} is not wanted in {format:?}: {sign}");
        }
    }
}

#[test]
fn a_contest_is_told_in_markdown_too() {
    let mut report = report(plan(), HOSTILE);
    let run = |number: usize| report.runs[number].run.id.clone();
    let contest = Contest {
        number: 1,
        task: "fix".to_owned(),
        prompt: "p1".to_owned(),
        repository: ".".to_owned(),
        candidates: vec![run(0), run(1)],
        seed: 0,
        asks: Vec::new(),
        ranking: vec![run(1), run(0)],
        decided: Some(Decided::Judge),
        note: Some(HOSTILE.to_owned()),
        state: ContestState::Closed,
        landed: true,
        unlanded: None,
        spend: Spend::default(),
    };
    let runs: Vec<_> = report.runs.iter().map(|run| run.run.clone()).collect();
    report.ranking = rank::rank(&runs, &[contest]);
    let markdown = write(&report, ExportFormat::Md);
    assert!(markdown.contains("| fix/p1 | . | 1 (winner) | 2 | two | failed"), "{markdown}");
    let html = write(&report, ExportFormat::Html);
    assert!(html.contains("<h2>Best of several</h2>") && !html.contains("<h2>Side by side</h2>"));
    assert!(html.contains("<td class='n'>1 (winner)</td>"));
    let said = markdown.lines().find(|line| line.starts_with("- fix/p1 in .: run 2 won by the judge")).unwrap();
    assert!(said.contains("both orders, landed; \\<script\\>alert"), "{said}");
    assert!(!markdown.contains("<script>") && !markdown.contains('\u{1b}'));
}

#[test]
fn how_sure_results_are_is_in_every_format_that_has_room() {
    let mut plan = plan();
    plan.execution.repeat = 3;
    let report = report(plan, HOSTILE);
    // Passed and failed in turn: agent one has 2 of 3, agent two 1 of 3.
    let markdown = write(&report, ExportFormat::Md);
    for expected in [
        "| one | 3 | 2 | 67 % (21 to 94) |",
        "| agent | one run (interval at 95 %) | pass@1 | pass@2 | pass@3 |",
        "| one | 67 % \\(21 to 94\\) | 67 % | 100 % | 100 % |",
        "| two | 33 % \\(6 to 79\\) | 33 % | 67 % | 100 % |",
        "| fix/p1 | . | one | 2 of 3 | 0.22 |",
        "| one and two | 1 | 0 | 0 | 1 | 0 | 1.000 |",
    ] {
        assert!(markdown.contains(expected), "{expected} in {markdown}");
    }
    let html = write(&report, ExportFormat::Html);
    for expected in ["<td>67 % (21 to 94)</td><td>67 %</td><td>100 %</td>", "<td>one and two</td>", "<td>0.22</td>"] {
        assert!(html.contains(expected), "{expected}");
    }
    let lines = write(&report, ExportFormat::Jsonl);
    let last: serde_json::Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    assert_eq!(last["summary"]["agents"][0]["pass_at"][1]["any"], 1.0);
    assert_eq!(last["summary"]["pairs"][0]["only_one"], 1);
    assert_eq!((last.get("run"), lines.lines().count()), (None, 7));
}

#[test]
fn who_tells_no_cost_did_not_work_for_nothing() {
    let mut report = report(plan(), "x");
    for run in &mut report.runs {
        run.spend = Spend::default();
    }
    report.runs[1].run.attempts.clear();
    let markdown = write(&report, ExportFormat::Md);
    let lines: Vec<&str> =
        markdown.lines().filter(|line| line.starts_with("| 1 |") || line.starts_with("| 2 |")).collect();
    assert!(lines[0].contains("| unknown |") && lines[1].contains("| - |"), "{lines:?}");
    assert!(!markdown.contains("$0.00"), "{markdown}");
}

#[test]
fn contests_stand_apart_from_what_is_only_side_by_side() {
    let html = write(&report(plan(), "x"), ExportFormat::Html);
    assert!(
        html.contains("<h2>Side by side</h2>") && !html.contains("<h2>Best of several</h2>"),
        "nobody asked for one"
    );
}

#[test]
fn no_cell_is_a_formula_anywhere() {
    for (text, cell) in [
        ("=1+1", "\"'=1+1\""),
        ("  @SUM(A1)", "\"'@SUM(A1)\""),
        ("\u{ff1d}1", "\"'\u{ff1d}1\""),
        ("a;=1+1", "\"a;=1+1\""),
        ("a, \"b\"", "\"a, \"\"b\"\"\""),
        ("plain", "plain"),
    ] {
        assert_eq!(super::cell(&serde_json::json!(text)), cell);
    }
}
