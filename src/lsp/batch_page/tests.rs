use super::*;
use crate::lsp::plans::tests::batch;

#[test]
fn a_batch_is_told_task_by_task_and_nothing_in_it_is_a_control_character() {
    let mut detail = batch("/r/plan.yaml", &[("one", "a", "passed"), ("one", "b", "failed"), ("two", "a", "queued")]);
    detail.view.name = "night\u{1b}[2Jly".to_owned();
    let page = page(Some(&detail), 100_000);
    for line in [
        "runs: 1 passed, 1 failed, 1 queued",
        "## one",
        "- [x] #1 p1 / a: passed, 1m01s, +0 -0",
        "## two",
        "- [ ] #3 p1 / a: queued",
    ] {
        assert!(page.text.lines().any(|text| text == line), "{line}: {}", page.text);
    }
    assert!(!page.text.contains('\u{1b}') && page.text.contains("  it"));
    assert!(page.marked(0, 0).any(|mark| *mark == Mark::Batch("bat00001".into())));
    assert!(super::page(None, 0).text.contains("being read"));
}

#[test]
fn money_is_told_as_far_as_it_is_known() {
    let spend = |usd_micros, partial| Spend { tokens: 1, usd_micros, partial };
    assert_eq!(money(spend(None, false)), None);
    assert_eq!(money(spend(Some(1_234_567), false)).as_deref(), Some("$1.23"));
    assert_eq!(money(spend(Some(20_000), true)).as_deref(), Some("$0.02+"));
}
