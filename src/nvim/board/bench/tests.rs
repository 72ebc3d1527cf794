use std::path::PathBuf;

use super::*;
use crate::model::bench::Share;

fn case(id: &str, resolved: bool, counts: bool) -> BenchCase {
    BenchCase {
        case: id.to_owned(),
        group: "rust".to_owned(),
        contestant: "claude".to_owned(),
        attempt: 1,
        outcome: if resolved { "resolved" } else { "unresolved" }.to_owned(),
        why: (!counts).then(|| "no\u{1b} cargo".to_owned()),
        resolved,
        counts,
        took_ms: Some(65_000),
        iterations: 1,
        cost_micros: Some(250_000),
        session: None,
        artefacts: None,
    }
}

#[test]
fn a_run_says_how_many_it_resolved_and_what_each_cost() {
    let run = BenchRun {
        id: "mine-claude-1".to_owned(),
        path: PathBuf::from("/runs/mine-claude-1"),
        suite: "mine".to_owned(),
        contestants: vec!["claude".to_owned()],
        begun_at: 1_000_000,
        newest_at: Some(1_120_000),
        attempts: 3,
        counted: 2,
        resolved: 1,
        share: Some(Share { share: 0.5, low: 0.095, high: 0.905 }),
        cost_micros: Some(750_000),
        cost_partial: false,
    };
    let all_runs = table_text(&all(std::slice::from_ref(&run), 60, &mut Widths::default()));
    assert_eq!(all_runs[1], "mine  claude      1/2 50 % $0.75 mine-claude-1");
    let detail =
        BenchRunDetail { run, cases: vec![case("a", true, true), case("b", false, true), case("c", false, false)] };
    let shown = table_text(&one(&detail, 60, &mut Widths::default()));
    assert_eq!(
        shown[..7],
        [
            "mine  by claude  mine-claude-1",
            "resolved 1 of 2: 50.0 % (95 %: 9.5 to 90.5 %)",
            "1 did not count",
            "2 unresolved, 1 resolved",
            "began 1970-01-01 00:16 UTC, 2 min long, $0.75",
            "$0.75 per resolved case",
            "",
        ]
    );
    assert_eq!(shown[8], "✓ a    resolved   1m05s $0.25");
    assert_eq!(shown[10], "■ c    unresolved 1m05s $0.25 no␛ cargo");
    assert!(table_text(&all(&[], 60, &mut Widths::default()))[0].contains(":Divisi bench run"));
}

fn table_text(lines: &[Line]) -> Vec<String> {
    lines.iter().map(|line| line.cells.iter().map(|(_, text)| text.as_str()).collect()).collect()
}
