use super::*;
use crate::eval::suite;
use crate::model::evaluation::OutputFormat;

fn evaluator(rest: &str) -> Evaluator {
    let text = format!("version: 1\nevaluators: [{{id: a, {rest}}}]");
    suite::parse(&text).unwrap_or_else(|problems| panic!("{problems:?}")).evaluators.remove(0)
}

fn ran(code: i32, stdout: &str, stderr: &str) -> Ran {
    Ran { ended: Ended::Exited(code), stdout: stdout.to_owned(), stderr: stderr.to_owned(), report: None }
}

fn judged(evaluator: &Evaluator, prints: Prints, ran: &Ran) -> Judgement {
    let run = Run { tool: "tool".to_owned(), commands: Vec::new(), prints, report: None };
    let files = ["src/a.py".to_owned()].into();
    judge(evaluator, &run, ran, &Tree { root: "/c", files: &files }, &Changed::default())
}

fn script(prints: Prints, ran: &Ran) -> (&'static str, Option<u8>) {
    let judged = judged(&evaluator("kind: script, command: x"), prints, ran);
    (judged.outcome.as_str(), judged.score)
}

#[test]
fn a_program_that_failed_has_failed_whatever_it_says() {
    let tap = Prints::Report(OutputFormat::Tap);
    assert_eq!(script(Prints::Nothing, &ran(0, "", "")), ("passed", Some(100)));
    assert_eq!(script(Prints::Nothing, &ran(3, "", "")), ("failed", Some(0)));
    assert_eq!(script(tap, &ran(0, "1..1\nok 1", "")), ("passed", Some(100)));
    assert_eq!(script(tap, &ran(1, "1..1\nok 1", "")), ("failed", Some(100)));
    assert_eq!(script(tap, &ran(0, "1..2\nok 1\nnot ok 2", "")), ("failed", Some(50)));
    assert_eq!(script(tap, &ran(0, "nothing", "")), ("errored", None));
    assert_eq!(script(Prints::Nothing, &ran(127, "", "/bin/sh: 1: foo: not found")), ("missing", None));
    assert_eq!(script(Prints::Nothing, &ran(127, "", "")), ("failed", Some(0)));
    for (ended, outcome) in [
        (Ended::TimedOut, "timed_out"),
        (Ended::Cancelled, "cancelled"),
        (Ended::Signaled(9), "errored"),
        (Ended::OverLimit("x".to_owned()), "errored"),
    ] {
        assert_eq!(script(tap, &Ran { ended, ..ran(0, "1..1\nok 1", "") }), (outcome, None));
    }
}

#[test]
fn a_minimum_never_makes_failing_tests_pass() {
    let one = evaluator("kind: tests, minimum: 40");
    let report = Prints::Report(OutputFormat::Tap);
    assert_eq!(judged(&one, report, &ran(1, "ok 1\nnot ok 2", "")).outcome, EvaluatorOutcome::Failed);
    assert_eq!(judged(&one, report, &ran(0, "1..0", "")).outcome, EvaluatorOutcome::Failed, "no test ran");
    assert_eq!(judged(&one, report, &ran(0, "ok 1", "")).outcome, EvaluatorOutcome::Passed);
    let own = evaluator("kind: script, command: x, format: json, minimum: 80");
    let json = Prints::Report(OutputFormat::Json);
    assert_eq!(judged(&own, json, &ran(0, "{\"score\": 80}", "")).outcome, EvaluatorOutcome::Passed);
    assert_eq!(judged(&own, json, &ran(0, "{\"score\": 79}", "")).outcome, EvaluatorOutcome::Failed);
    assert_eq!(judged(&own, json, &ran(1, "{\"score\": 100}", "")).outcome, EvaluatorOutcome::Failed);
}

#[test]
fn what_two_programs_cost_adds_up_and_the_worse_end_counts() {
    let of = |outcome: EvaluatorOutcome, score| Judgement { score, ..Judgement::without(outcome, "x") };
    let joined = both(of(EvaluatorOutcome::Passed, Some(90)), of(EvaluatorOutcome::Failed, Some(80)));
    assert_eq!((joined.outcome, joined.score), (EvaluatorOutcome::Failed, Some(70)));
    let missing = EvaluatorOutcome::Missing { tool: "t".to_owned() };
    let joined = both(of(EvaluatorOutcome::Failed, Some(10)), of(missing.clone(), None));
    assert_eq!((joined.outcome, joined.score), (missing, None));
}

#[test]
fn a_report_of_no_test_is_no_passed_gate() {
    let report = |format| Prints::Report(format);
    for (format, text) in [
        (OutputFormat::Junit, "<testsuites/>"),
        (OutputFormat::Tap, "1..0 # SKIP nothing here"),
        (OutputFormat::Go, "{\"Action\":\"pass\",\"Package\":\"p\"}"),
        (OutputFormat::Pytest, "= no tests ran in 0.01s ="),
        (OutputFormat::Cargo, "running 0 tests\n\ntest result: ok. 0 passed; 0 failed; 0 ignored"),
        (OutputFormat::Vitest, "{\"testResults\":[]}"),
    ] {
        assert_eq!(script(report(format), &ran(0, text, "")), ("failed", Some(0)), "{format:?}");
    }
    // A compiler's messages and findings are no tests.
    let clean = "{\"reason\":\"build-finished\",\"success\":true}";
    assert_eq!(script(report(OutputFormat::Cargo), &ran(0, clean, "")), ("passed", Some(100)));
    assert_eq!(script(report(OutputFormat::Sarif), &ran(0, "{\"runs\":[]}", "")), ("passed", Some(100)));
}

#[test]
fn a_finding_leads_nowhere_outside_of_the_tree() {
    let text = r#"{"passed": false, "findings": [{"file": "../../home/me/.bashrc", "line": 3, "message": "m"},
        {"file": "/c/src/a.py", "line": 4, "message": "n"}, {"file": "/etc/\u001b[2Jpasswd", "message": "o"}]}"#;
    let found = judged(
        &evaluator("kind: script, command: x, format: json"),
        Prints::Report(OutputFormat::Json),
        &ran(0, text, ""),
    );
    let places: Vec<_> = found.findings.iter().map(|one| (one.file.as_deref(), one.line, &*one.message)).collect();
    assert_eq!(
        places,
        [(None, 0, "../../home/me/.bashrc:3: m"), (Some("src/a.py"), 4, "n"), (None, 0, "/etc/␛[2Jpasswd: o")]
    );
}
