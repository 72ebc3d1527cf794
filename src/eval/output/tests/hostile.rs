//! What programs under judgement print, and what looks worse or better than it is.

use super::*;
use crate::model::evaluation::Severity::{Error, Note, Warning};

#[test]
fn what_a_passing_test_logs_is_no_failing_test() {
    // `-rA` shows what passing tests printed, before its summary.
    let text = "\
==================================== PASSES ====================================
____________________________________ test_a ____________________________________
------------------------------ Captured log call -------------------------------
ERROR    app.core:core.py:4 the disk is full
FAILED to reach the host
FAILED t.py::test_fake - printed
= 9 failed in 0.01s =
=========================== short test summary info ============================
PASSED t.py::test_a
============================== 1 passed in 0.01s ===============================
";
    let report = parse(OutputFormat::Pytest, text).unwrap();
    assert_eq!((report.passed, report.failed, report.findings.len()), (1, 0, 0), "{:?}", report.findings);
    // Without `-r` there is no summary, and a word is no test.
    assert_eq!(
        counts(OutputFormat::Pytest, "ERROR    root:a.py:3 no\nt.py::a PASSED\n= 1 passed in 0.1s =\n"),
        (1, 0, 0)
    );
    assert_eq!(counts(OutputFormat::Pytest, "ERROR t.py - ImportError\n= 1 error in 0.1s =\n"), (0, 1, 0));
}

#[test]
fn a_verdict_that_was_printed_first_is_not_taken_for_the_report() {
    let two = "{\"score\": 100, \"passed\": true}\n{\"score\": 0, \"passed\": false}\n";
    assert!(parse(OutputFormat::Json, two).is_err());
    assert!(parse(OutputFormat::Json, "{\"passed\": true} and more").is_err());
    assert!(parse(OutputFormat::Sarif, "{\"runs\": []}{\"runs\": [{\"results\": [{\"level\": \"error\"}]}]}").is_err());
    assert_eq!(parse(OutputFormat::Json, "\n{\"passed\": true}\n\n").unwrap().verdict, Some(true));
}

#[test]
fn sarif_says_how_bad_by_its_rules_and_whether_it_ran() {
    let of = |run: &str| parse(OutputFormat::Sarif, &format!("{{\"runs\": [{run}]}}"));
    let rules = r#""tool": {"driver": {"rules": [{"id": "a", "defaultConfiguration": {"level": "error"}}, {"id": "b"},
                   {"id": "c", "defaultConfiguration": {"level": "note"}}]}}"#;
    let found = of(&format!(
        r#"{{{rules}, "results": [{{"ruleId": "a"}}, {{"ruleIndex": 0}}, {{"rule": {{"index": 2}}}}, {{"ruleId": "b"}},
            {{"ruleId": "a", "level": "warning"}}, {{"ruleId": "a", "kind": "notApplicable"}},
            {{"ruleId": "a", "suppressions": [{{"kind": "inSource"}}]}}, {{"ruleId": "a", "suppressions": []}},
            {{"ruleId": "a", "suppressions": [{{"kind": "external", "status": "rejected"}}]}},
            {{"ruleId": "a", "baselineState": "absent"}}]}}"#
    ))
    .unwrap();
    let severities: Vec<_> = found.findings.iter().map(|finding| finding.severity).collect();
    assert_eq!(severities, [Error, Error, Note, Warning, Warning, Error, Error]);
    let error = of(r#"{"results": [], "invocations": [{"executionSuccessful": false}]}"#).unwrap_err();
    assert!(error.contains("did not come to its end"), "{error}");
    let spaced = of(
        r#"{"results": [{"locations": [{"physicalLocation": {"artifactLocation": {"uri": "file:///c/a%20b%2F.c"}}}]}]}"#,
    );
    assert_eq!(spaced.unwrap().findings[0].file.as_deref(), Some("/c/a b/.c"));
}

#[test]
fn junit_counts_what_a_suite_says_of_itself() {
    let text = "<testsuites failures='2' errors='1'><testsuite failures='2' errors='1'><testcase name='a'/></testsuite></testsuites>";
    assert_eq!(counts(OutputFormat::Junit, text), (1, 3, 0));
    let text = "<testsuite failures='1'><testcase name='a'><failure/></testcase></testsuite>";
    assert_eq!(counts(OutputFormat::Junit, text), (0, 1, 0));
}

#[test]
fn a_brace_before_the_report_hides_no_failing_test() {
    let fake = "{\"testResults\":[{\"name\":\"a\",\"assertionResults\":[{\"status\":\"passed\"}]}]}";
    let real = "{\"numTotalTests\":1,\"testResults\":[{\"name\":\"a\",\"assertionResults\":[{\"status\":\"failed\",\"fullName\":\"x\"}]}]}";
    for text in
        [format!("console.log {{ a: 1 }}\n{real}\n"), format!("{fake}\n{real}\n"), format!("{{\n{real}\nbye {{}}\n")]
    {
        assert_eq!(counts(OutputFormat::Vitest, &text), (0, 1, 0), "{text}");
    }
    // Most braces lead nowhere, and each is looked at once at most.
    assert!(parse(OutputFormat::Vitest, &"{\n".repeat(200_000)).is_err());
}

#[test]
fn a_package_of_go_that_cannot_be_built_is_told_beside_tests_that_failed() {
    let text = "{\"Action\":\"output\",\"Package\":\"m.example/x/a\",\"Test\":\"TestA\",\"Output\":\"    a_test.go:9: no\\n\"}\n\
                {\"Action\":\"fail\",\"Package\":\"m.example/x/a\",\"Test\":\"TestA\"}\n{\"Action\":\"fail\",\"Package\":\"m.example/x/a\"}\n\
                {\"ImportPath\":\"m.example/x/b\",\"Action\":\"build-output\",\"Output\":\"# m.example/x/b\\n\"}\n\
                {\"ImportPath\":\"m.example/x/b\",\"Action\":\"build-output\",\"Output\":\"b/b.go:3:5: undefined: y\\n\"}\n\
                {\"ImportPath\":\"m.example/x/b\",\"Action\":\"build-fail\"}\n\
                {\"Action\":\"fail\",\"Package\":\"m.example/x/b\",\"FailedBuild\":\"m.example/x/b\"}\n";
    let report = parse(OutputFormat::Go, text).unwrap();
    assert_eq!(report.failed, 2);
    let said: Vec<_> =
        report.findings.iter().map(|one| (one.file.as_deref().unwrap_or_default(), one.line, &*one.message)).collect();
    assert_eq!(said[0], ("m.example/x/a/a_test.go", 9, "TestA: no"));
    assert_eq!(said[1], ("b/b.go", 3, "m.example/x/b: undefined: y"));
}

#[test]
fn code_that_could_not_be_compiled_was_not_linted() {
    let message = |level: &str, code: &str, file: &str| {
        format!(
            "{{\"reason\":\"compiler-message\",\"message\":{{\"level\":\"{level}\",\"message\":\"m\",\"code\":{code},\
             \"spans\":[{{\"is_primary\":true,\"file_name\":\"{file}\",\"line_start\":2,\"column_start\":3}}]}}}}\n"
        )
    };
    let end = |success: bool| format!("{{\"reason\":\"build-finished\",\"success\":{success}}}\n");
    let error = message("error", "{\"code\":\"E0425\"}", "old.rs") + &end(false);
    let why = lint_findings(Linter::Clippy, &error).unwrap_err();
    assert!(why.contains("old.rs:2") && why.contains('m'), "{why}");
    let syntax = message("error", "null", "old.rs") + &end(false);
    assert!(lint_findings(Linter::Clippy, &syntax).is_err());
    assert!(lint_findings(Linter::Clippy, &end(false)).is_err(), "a build script failed");
    // What a lint forbids also ends the build; the file was linted.
    let denied = message("error", "{\"code\":\"clippy::unwrap_used\"}", "old.rs") + &end(false);
    assert_eq!(lint_findings(Linter::Clippy, &denied).unwrap().errors, 1);
    assert_eq!(lint_findings(Linter::Clippy, &end(true)).unwrap().errors, 0);
}
