use super::*;
use crate::model::bench::{PassAt, RepoResult, Share};
use crate::model::effort::CaseEffort;

const HOSTILE: &str = "<script>alert(1)</script>\"'`\u{1b}[31m";

fn case(id: &str, outcome: &str, attempt: u32) -> CaseVerdict {
    CaseVerdict {
        instance_id: id.to_owned(),
        repo: HOSTILE.to_owned(),
        outcome: outcome.to_owned(),
        reason: Some(HOSTILE.to_owned()),
        fail_to_pass: None,
        pass_to_pass: None,
        attempt,
        left_out: outcome == "budget",
        validity: None,
        effort: Some(CaseEffort { cost_micros: Some(250_000), agent_ms: 61_000, ..CaseEffort::default() }),
        artefacts: Some("cases/x".to_owned()),
    }
}

fn run(name: &str, cases: Vec<CaseVerdict>) -> RunSummary {
    let share = Some(Share { share: 0.5, low: 0.2, high: 0.8 });
    let effort = Effort::of(cases.iter().filter_map(|case| case.effort.as_ref()), 1);
    RunSummary {
        run_id: name.to_owned(),
        models: vec![HOSTILE.to_owned()],
        harness: None,
        dataset: Some("suite".to_owned()),
        dataset_sha256: None,
        divisi: None,
        total: cases.len(),
        submitted: cases.len(),
        resolved: 1,
        share,
        outcomes: BTreeMap::from([(HOSTILE.to_owned(), 1)]),
        repos: vec![RepoResult { repo: HOSTILE.to_owned(), resolved: 1, submitted: 2, share, effort: None }],
        cases,
        flagged: 1,
        contained: 1,
        effort: Some(effort),
        pass_at: vec![PassAt { k: 1, any: 0.5, all: 0.5 }],
        unsteady: Vec::new(),
        written: Vec::new(),
    }
}

fn report(runs: Vec<RunSummary>) -> BenchReport {
    BenchReport { runs, comparison: None, pass_at: Vec::new(), unsteady: Vec::new() }
}

fn excerpt(text: &str) -> impl Fn(usize, &CaseVerdict, usize) -> Excerpt {
    move |_, _, room| {
        let text: String = text.chars().cycle().take(room).collect();
        Excerpt { patch: format!("+{text}"), said: text }
    }
}

#[test]
fn nothing_that_was_said_is_markup() {
    let cases = vec![case("a", "resolved", 1), case("a", "unresolved", 2), case(HOSTILE, "budget", 1)];
    let html = page(&report(vec![run("one", cases.clone()), run("two", cases)]), &excerpt(HOSTILE));
    assert!(html.contains("<th>Repository</th><th class='n'>Resolved</th>"), "headings stand where their cells do");
    assert!(!html.contains("<script>alert") && html.contains("&lt;script&gt;alert(1)"));
    assert!(html.contains("default-src 'none'") && !html.contains("http://") && !html.contains("https://"));
    for told in [
        "budget, not counted",
        "$0.2500",
        "within", /* nine of ten within */
        "50.0 %",
        "20.0 to 80.0 %",
        "attempt 2",
    ] {
        assert!(html.contains(told), "{told}");
    }
}

#[test]
fn a_thousand_attempts_fit_into_five_megabytes() {
    let cases: Vec<CaseVerdict> = (0..1000).map(|number| case(&format!("c{number}"), "resolved", 1)).collect();
    // Of this text every character grows.
    let html = page(&report(vec![run("one", cases)]), &excerpt("<&"));
    assert!((2_000_000..11_000_000).contains(&html.len()), "{} bytes", html.len());
    let html = page(
        &report(vec![run("one", (0..1000).map(|n| case(&format!("c{n}"), "resolved", 1)).collect())]),
        &excerpt("text "),
    );
    assert!(html.len() < 5_000_000, "{} bytes", html.len());
}
