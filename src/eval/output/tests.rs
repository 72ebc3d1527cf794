use proptest::prelude::*;

use super::*;
use crate::model::evaluation::Linter;

mod hostile;
mod real;

fn counts(format: OutputFormat, text: &str) -> (u64, u64, u64) {
    let report = parse(format, text).unwrap_or_else(|error| panic!("{error}: {text}"));
    (report.passed, report.failed, report.skipped)
}

#[test]
fn junit_tells_of_cases_with_their_places() {
    let text = r#"<?xml version="1.0"?><testsuites><testsuite name="s">
        <testcase classname="a" name="good"/>
        <testcase classname="a" name="bad" file="t.py" line="7"><failure message="1 &lt; 2&#10;more">trace</failure></testcase>
        <testcase name="worse"><error/></testcase>
        <testcase name="left"><skipped/></testcase></testsuite></testsuites>"#;
    let report = parse(OutputFormat::Junit, text).unwrap();
    assert_eq!((report.passed, report.failed, report.skipped), (1, 2, 1));
    assert_eq!((report.findings[0].message.as_str(), report.findings[0].line), ("a.bad: 1 < 2", 7));
}

#[test]
fn xml_that_is_none_or_grows_is_refused() {
    let laughs =
        "<!DOCTYPE x [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">]><testsuite><testcase name=\"&b;\"/></testsuite>";
    assert_eq!(counts(OutputFormat::Junit, laughs), (1, 0, 0));
    for text in ["", "no", "<a>", "<testsuite><testcase name='x'>", "<html/>"] {
        assert!(parse(OutputFormat::Junit, text).is_err(), "{text}");
    }
    assert!(parse(OutputFormat::Junit, &"<a>".repeat(100_000)).is_err());
}

#[test]
fn tap_counts_its_plan() {
    assert_eq!(counts(OutputFormat::Tap, "1..3\nok 1 - a\nnot ok 2 - b # TODO later\nok 3 # SKIP x\n"), (1, 0, 2));
    assert_eq!(counts(OutputFormat::Tap, "1..2\nok 1\n"), (1, 1, 0));
    assert_eq!(counts(OutputFormat::Tap, "not ok 1 - a\nBail out! broken\n"), (0, 2, 0));
    assert!(parse(OutputFormat::Tap, "okay\nnothing").is_err());
}

#[test]
fn pytest_is_read_by_summary_lines_and_verbose_ones() {
    let text = "t.py::a PASSED  [ 50%]\nt.py::b FAILED [100%]\nFAILED t.py::b - assert 1 == 2\n= 1 failed, 1 passed, 2 skipped in 0.12s =\n";
    assert_eq!(counts(OutputFormat::Pytest, text), (1, 1, 2));
    let report = parse(OutputFormat::Pytest, text).unwrap();
    assert_eq!(report.findings[0].message, "t.py::b: assert 1 == 2");
    assert_eq!(counts(OutputFormat::Pytest, "== 1 error in 0.1s =="), (0, 1, 0));
    assert_eq!(counts(OutputFormat::Pytest, "== no tests ran in 0.01s =="), (0, 0, 0));
    assert!(parse(OutputFormat::Pytest, "Traceback").is_err());
}

#[test]
fn go_and_vitest_tell_of_tests() {
    let text = "{\"Action\":\"output\",\"Package\":\"p\",\"Test\":\"TestB\",\"Output\":\"    b_test.go:9: no\\n\"}\n\
                {\"Action\":\"pass\",\"Package\":\"p\",\"Test\":\"TestA\"}\n{\"Action\":\"fail\",\"Package\":\"p\",\"Test\":\"TestB\"}\n\
                {\"Action\":\"fail\",\"Package\":\"p\"}\n";
    let report = parse(OutputFormat::Go, text).unwrap();
    assert_eq!((report.passed, report.failed), (1, 1));
    assert_eq!((report.findings[0].file.as_deref(), report.findings[0].line), (Some("p/b_test.go"), 9));
    // A package that does not build has no test that could fail.
    assert_eq!(counts(OutputFormat::Go, "{\"Action\":\"fail\",\"Package\":\"p\"}"), (0, 1, 0));
    let text = "noise {\"testResults\":[{\"name\":\"a.ts\",\"status\":\"failed\",\"assertionResults\":[{\"status\":\"passed\",\"fullName\":\"x\"},\
                {\"status\":\"failed\",\"fullName\":\"y\",\"failureMessages\":[\"no\\nmore\"]},{\"status\":\"pending\"}]},\
                {\"name\":\"b.ts\",\"status\":\"failed\",\"message\":\"syntax\",\"assertionResults\":[]}]}";
    assert_eq!(counts(OutputFormat::Vitest, text.trim_start_matches("noise ")), (1, 2, 1));
}

#[test]
fn sarif_and_own_reports_are_read_strictly() {
    let sarif = r#"{"runs":[{"results":[{"ruleId":"r","level":"error","message":{"text":"bad"},
        "locations":[{"physicalLocation":{"artifactLocation":{"uri":"a.c"},"region":{"startLine":4,"startColumn":2}}}]},
        {"kind":"pass","message":{"text":"fine"}},{"message":{"text":"so"}}]}]}"#;
    let report = parse(OutputFormat::Sarif, sarif).unwrap();
    assert_eq!((report.errors, report.findings.len()), (1, 2));
    assert_eq!((report.findings[0].line, report.findings[0].message.as_str()), (4, "bad (r)"));
    let own = parse(
        OutputFormat::Json,
        r#"{"score": 99.9, "passed": false, "findings": [{"file": "./a", "line": 1, "message": "m"}]}"#,
    );
    let own = own.unwrap();
    assert_eq!((own.score, own.verdict, own.findings[0].file.as_deref()), (Some(99), Some(false), Some("a")));
    for text in ["{}", "[]", "7", "{\"score\": 101}", "{\"score\": \"9\"}", "{\"passed\": 1}", "{\"score\": 1} more"] {
        assert!(parse(OutputFormat::Json, text).is_err(), "{text}");
    }
}

#[test]
fn linters_are_read_and_an_answer_that_is_none_is_no_clean_one() {
    let clippy = "{\"reason\":\"compiler-message\",\"message\":{\"level\":\"warning\",\"message\":\"m\",\"code\":{\"code\":\"c\"},\
                  \"spans\":[{\"is_primary\":true,\"file_name\":\"a.rs\",\"line_start\":2,\"column_start\":3}]}}\n{\"reason\":\"build-finished\"}";
    assert_eq!(lint_findings(Linter::Clippy, clippy).unwrap().findings[0].message, "m (c)");
    let eslint =
        r#"[{"filePath":"/x/a.js","messages":[{"ruleId":"r","severity":2,"message":"m","line":1,"column":1}]}]"#;
    assert_eq!(lint_findings(Linter::Eslint, eslint).unwrap().errors, 1);
    let golangci = r#"{"Issues":[{"FromLinter":"l","Text":"t","Pos":{"Filename":"a.go","Line":3}}]}"#;
    assert_eq!(lint_findings(Linter::GolangciLint, golangci).unwrap().errors, 1);
    let shell = r#"{"comments":[{"file":"a.sh","line":1,"column":2,"level":"warning","code":2086,"message":"q"}]}"#;
    assert_eq!(lint_findings(Linter::Shellcheck, shell).unwrap().findings[0].message, "q (SC2086)");
    for (_, linter) in Linter::ALL {
        for text in ["", "error", "null", "7"] {
            assert!(lint_findings(*linter, text).is_err(), "{linter:?} {text:?}");
        }
    }
}

#[test]
fn a_flood_of_findings_is_counted_and_control_characters_are_shown() {
    let many = "not ok 1 - \u{1b}[2J\n".repeat(EvalFinding::MOST + 5);
    let report = parse(OutputFormat::Tap, &many).unwrap();
    assert_eq!((report.findings.len(), report.more), (EvalFinding::MOST, 5));
    assert!(!report.findings[0].message.contains('\u{1b}'));
}

proptest! {
    #[test]
    fn no_output_is_too_strange(text in any::<String>(), at in 0..OutputFormat::ALL.len(), linter in 0..Linter::ALL.len()) {
        let _ = parse(OutputFormat::ALL[at].1, &text);
        let _ = lint_findings(Linter::ALL[linter].1, &text);
        let _ = crate::eval::coverage::parse(&text);
    }

    #[test]
    fn nor_is_any_mixture_of_what_is_nearly_right(
        parts in prop::collection::vec(prop::sample::select(vec![
            "<testsuite>", "<testcase name=\"a\">", "</testcase>", "<failure message='x'/>", "&#0;", "<![CDATA[", "]]>", "ok 1", "1..9",
            "\n", "{\"Action\":\"fail\"}", "{\"runs\":[{}]}", "{", "}", "[", "]", "test a ... ", "FAILED", "thread 'a' panicked at b:1:", " in ",
            "== 1 failed", "DA:1,", "SF:x", "18446744073709551616", "::", " PASSED", "\u{feff}", "é",
        ]), 0..40),
        at in 0..OutputFormat::ALL.len(),
    ) {
        let text = parts.concat();
        let _ = parse(OutputFormat::ALL[at].1, &text);
        let _ = crate::eval::coverage::parse(&text);
    }
}
