//! What real programs printed (`tests/fixtures/output`): node 20, pytest 9, ruff 0.6, cargo 1.95, vitest 2, go 1.25.

use super::super::{OutputFormat, Report, Tree, parse};

fn read(format: OutputFormat, text: &str) -> Report {
    let mut report = parse(format, text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let files = ["p/test_a.py", "bad.py", "src/lib.rs", "a.test.js", "g_test.go"].map(str::to_owned).into();
    report.place(&Tree { root: "/checkout", files: &files });
    report
}

/// Passed, failed and left out; then the findings with their places.
fn told(report: &Report) -> (u64, u64, u64, Vec<String>) {
    let place = |finding: &crate::model::evaluation::EvalFinding| {
        format!("{}:{} {}", finding.file.as_deref().unwrap_or("-"), finding.line, finding.message)
    };
    (report.passed, report.failed, report.skipped, report.findings.iter().map(place).collect())
}

#[test]
fn node_as_tap() {
    let report = read(OutputFormat::Tap, include_str!("../../../../tests/fixtures/output/node.tap"));
    assert_eq!(told(&report), (2, 1, 1, vec!["-:0 fails".to_owned()]));
}

#[test]
fn node_as_junit() {
    let report = read(OutputFormat::Junit, include_str!("../../../../tests/fixtures/output/node.junit.xml"));
    let found = "-:0 test.fails: Expected values to be strictly equal:2 !== 3".to_owned();
    assert_eq!(told(&report), (2, 1, 1, vec![found]));
}

#[test]
fn pytest() {
    let report = read(OutputFormat::Pytest, include_str!("../../../../tests/fixtures/output/pytest.txt"));
    let (passed, failed, skipped, findings) = told(&report);
    assert_eq!((passed, failed, skipped), (2, 2, 2));
    assert!(findings[0].ends_with("p/test_a.py::test_bad: AssertionError: not the same"), "{findings:?}");
    assert!(findings[0].starts_with("p/test_a.py:5 "), "{findings:?}");
    assert!(findings[1].starts_with("p/test_a.py:14 "), "{findings:?}");
}

#[test]
fn ruff_as_sarif() {
    let report = read(OutputFormat::Sarif, include_str!("../../../../tests/fixtures/output/ruff.sarif"));
    let (_, _, _, findings) = told(&report);
    assert_eq!(findings[0], "bad.py:1 `os` imported but unused (F401)");
    assert_eq!(report.errors, 2);
}

#[test]
fn cargo_test() {
    let report = read(OutputFormat::Cargo, include_str!("../../../../tests/fixtures/output/cargo.txt"));
    let (passed, failed, skipped, findings) = told(&report);
    assert_eq!((passed, failed, skipped), (1, 1, 1));
    assert!(findings[0].starts_with("src/lib.rs:5 bad"), "{findings:?}");
}

#[test]
fn vitest() {
    let report = read(OutputFormat::Vitest, include_str!("../../../../tests/fixtures/output/vitest.json"));
    let found = "a.test.js:3 fails: AssertionError: expected 2 to be 3 // Object.is equality".to_owned();
    assert_eq!(told(&report), (1, 1, 2, vec![found]));
}

#[test]
fn go_test() {
    let report = read(OutputFormat::Go, include_str!("../../../../tests/fixtures/output/go.json"));
    let (passed, failed, skipped, findings) = told(&report);
    assert_eq!((passed, failed, skipped), (2, 3, 1));
    assert!(findings[0].starts_with("g_test.go:8"), "{findings:?}");
    assert!(findings.iter().any(|found| found.starts_with("g_test.go:15")), "{findings:?}");
}
