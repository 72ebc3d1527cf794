use super::*;

fn instance(fail_to_pass: &[&str], pass_to_pass: &[&str]) -> Instance {
    let own = |tests: &[&str]| tests.iter().map(|test| (*test).to_owned()).collect();
    Instance {
        instance_id: "o__r-1".to_owned(),
        repo: "pytest-dev/pytest".to_owned(),
        fail_to_pass: own(fail_to_pass),
        pass_to_pass: own(pass_to_pass),
        log_parser: Some("parse_log_pytest".to_owned()),
        eval_type: Some("pass_and_fail".to_owned()),
        ..Instance::default()
    }
}

fn log(output: &str) -> String {
    format!("+ : '>>>>> Start Test Output'\n{output}\n+ : '>>>>> End Test Output'\n")
}

fn outcome(instance: &Instance, log: &str, compat: Compat) -> Outcome {
    grade(instance, Some("x"), log, compat).unwrap().outcome
}

#[test]
fn all_some_or_none_of_what_is_expected() {
    let instance = instance(&["a", "b"], &["c"]);
    let graded = |output: &str| outcome(&instance, &log(output), Compat::V5);
    assert_eq!(graded("PASSED a\nXFAIL b\nPASSED c"), Outcome::Resolved);
    assert_eq!(graded("PASSED a\nFAILED b - no\nPASSED c"), Outcome::Partial);
    assert_eq!(graded("PASSED a\nPASSED b\nFAILED c"), Outcome::Unresolved);
    assert_eq!(graded("FAILED a\nFAILED b\nPASSED c"), Outcome::Unresolved);
    assert_eq!(graded("PASSED a\nPASSED c"), Outcome::Partial, "a test that is not named failed");
}

#[test]
fn nothing_expected_of_one_kind_holds() {
    assert_eq!(outcome(&instance(&[], &["c"]), &log("PASSED c"), Compat::V5), Outcome::Resolved);
    assert_eq!(outcome(&instance(&["a"], &[]), &log("PASSED a"), Compat::V5), Outcome::Resolved);
}

#[test]
fn a_skipped_test_is_no_fix_and_no_damage() {
    let log = log("SKIPPED a\nPASSED b\nSKIPPED c");
    let report =
        |compat| grade(&instance(&["a", "b"], &["c"]), Some("x"), &log, compat).unwrap().report.tests_status.unwrap();
    let (v5, v4) = (report(Compat::V5), report(Compat::V4));
    assert_eq!((v5.fail_to_pass.failure, v5.pass_to_pass.success), (vec!["a".to_owned()], vec!["c".to_owned()]));
    assert!(v4.fail_to_pass.failure.is_empty() && v4.pass_to_pass.is_empty(), "v4 puts it into no list");
}

#[test]
fn an_id_that_was_cut_off_stands_for_those_that_agree() {
    let instance = instance(&["t[log(a"], &[]);
    let graded = |output: &str, compat| outcome(&instance, &log(output), compat);
    assert_eq!(graded("PASSED t[log(a-1]\nXFAIL t[log(a-2]", Compat::V5), Outcome::Resolved);
    assert_eq!(graded("PASSED t[log(a-1]\nFAILED t[log(a-2]", Compat::V5), Outcome::Unresolved);
    assert_eq!(graded("PASSED t[log(a-1]", Compat::V4), Outcome::Unresolved);
    assert_eq!(graded("PASSED t[log(b]\nPASSED t[log(a", Compat::V5), Outcome::Resolved);
}

#[test]
fn an_exit_code_that_no_failure_explains_makes_a_log_worthless() {
    // Also so when the test command has a time limit of its own and reaches it after every test passed: axios-4738.
    let spoofed = format!("{}>>>>> Test Exit Code: 124\n", log("PASSED a"));
    let instance = instance(&["a"], &[]);
    assert_eq!(outcome(&instance, &spoofed, Compat::V5), Outcome::NotGradable);
    assert_eq!(outcome(&instance, &spoofed, Compat::V4), Outcome::Resolved);
    let honest = format!("{}>>>>> Test Exit Code: 1\n", log("PASSED a\nFAILED z"));
    assert_eq!(outcome(&instance, &honest, Compat::V5), Outcome::Resolved);
    let fine = format!("{}>>>>> Test Exit Code: 0\n", log("PASSED a"));
    assert_eq!(outcome(&instance, &fine, Compat::V5), Outcome::Resolved);
}

#[test]
fn marks_decide_whether_a_log_counts() {
    let instance = instance(&["a"], &[]);
    let graded = |log: &str| outcome(&instance, log, Compat::V5);
    assert_eq!(graded("PASSED a\n"), Outcome::NotGradable);
    assert_eq!(graded(">>>>> Start Test Output\nPASSED a\n"), Outcome::NotGradable);
    assert_eq!(graded(&format!("{}>>>>> Tests Errored", log("PASSED a"))), Outcome::NotGradable);
    assert_eq!(graded(&format!("{}>>>>> Patch Apply Failed", log("PASSED a"))), Outcome::ApplyFailed);
    assert_eq!(graded("x\n\nTimeout error: 60 seconds exceeded."), Outcome::TimedOut);
    assert_eq!(graded("Cannot allocate memory"), Outcome::Infrastructure { reason: "out_of_memory".to_owned() });
    assert_eq!(graded("Cannot find module 'x'"), Outcome::Ambiguous { reason: "missing_module".to_owned() });
    // Outside of the marks only when nothing is between them.
    assert_eq!(graded(&format!("PASSED a\n{}", log(""))), Outcome::Resolved);
    assert_eq!(graded(&format!("PASSED a\n{}", log("FAILED b"))), Outcome::Unresolved);
}

#[test]
fn an_empty_log_needs_a_sign_that_tests_ran() {
    let mut chart = instance(&["a"], &[]);
    chart.log_parser = Some("parse_log_chart_js".to_owned());
    chart.eval_type = Some("fail_only".to_owned());
    for (output, expected) in [
        ("Executed 3 of 3", Outcome::Resolved),
        ("Executed 0 of 0", Outcome::NotGradable),
        ("12 passing", Outcome::Resolved),
        ("0 passing", Outcome::NotGradable),
        ("Test Suites: 1 failed, 20 total", Outcome::Resolved),
        ("x # tests 3", Outcome::NotGradable),
        ("# tests 3", Outcome::Resolved),
        ("a': ok", Outcome::Resolved),
        ("", Outcome::NotGradable),
    ] {
        assert_eq!(outcome(&chart, &log(output), Compat::V5), expected, "{output:?}");
    }
    let failed = log("Chrome 1.0 (Linux) a FAILED");
    chart.fail_to_pass = vec!["a ".to_owned()];
    assert_eq!(outcome(&chart, &failed, Compat::V5), Outcome::Unresolved);
}

#[test]
fn what_nobody_can_read_is_a_fault() {
    let mut odd = instance(&["a"], &[]);
    odd.log_parser = Some("parse_log_of_mars".to_owned());
    assert!(grade(&odd, Some("x"), "", Compat::V5).is_err());
    odd.log_parser = None;
    assert!(grade(&odd, Some("x"), &log("PASSED a"), Compat::V5).is_ok(), "the project has a reader");
    odd.eval_type = Some("other".to_owned());
    assert!(grade(&odd, Some("x"), &log("PASSED a"), Compat::V5).is_err());
}

#[test]
fn without_a_patch_the_log_is_not_looked_at() {
    let log = log("PASSED a");
    let graded = grade(&instance(&["a"], &[]), None, &log, Compat::V5).unwrap();
    assert_eq!(graded.outcome, Outcome::EmptyPatch);
    let expected = "{\n    \"o__r-1\": {\n        \"patch_is_None\": true,\n        \"patch_exists\": false,\n        \
                    \"patch_successfully_applied\": false,\n        \"resolved\": false,\n        \"infra_failure\": false\n    }\n}";
    assert_eq!(graded.report.file("o__r-1"), expected);
}

#[test]
fn reports_are_written_in_pythons_bytes() {
    let log = log("PASSED b");
    let graded = grade(&instance(&["é\u{1f600}\u{7f}\t/\"\\"], &[]), Some("x"), &log, Compat::V4).unwrap();
    let file = graded.report.file("o__r-1");
    assert!(file.contains(r#""\u00e9\ud83d\ude00\u007f\t/\"\\""#), "{file}");
    assert!(file.contains("\"success\": [],\n"), "{file}");
    assert!(!file.contains("infra_failure") && !file.ends_with('\n'));
}
