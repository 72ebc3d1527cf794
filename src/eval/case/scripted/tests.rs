use super::*;

const PATCH: &str = "diff --git a/tests/t.py b/tests/t.py\n--- a/tests/t.py\n+++ b/tests/t.py\n@@ -1 +1 @@\n-a\n+b\n\
                     diff --git a/gone [1].py b/gone [1].py\ndeleted file mode 100644\n--- a/gone [1].py\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n";

fn instance() -> Instance {
    Instance {
        instance_id: "pallets__flask-1".to_owned(),
        repo: "pallets/flask".to_owned(),
        base_commit: "abc".to_owned(),
        test_patch: PATCH.to_owned(),
        problem_statement: "p".to_owned(),
        ..Instance::default()
    }
}

#[test]
fn the_command_runs_on_the_files_of_the_tests_patch() {
    assert!(swebench::case(&instance(), "/r".to_owned(), None).is_err(), "it has no script");
    let case = case(&instance(), "/r".to_owned(), None, "python -m pytest").unwrap();
    let Grading::Swebench(instance) = &case.grading else { panic!("its log is understood") };
    let script = instance.eval_script.as_deref().unwrap();
    assert!(script.contains("\npython -m pytest tests/t.py\n: '>>>>> End Test Output'\n"), "{script}");
    assert!(script.contains("git apply -v - <<'EOF_114329'\ndiff --git"), "{script}");
    assert_eq!(case.restore, ["tests/t.py", "gone \\[1\\].py"]);
}

#[test]
fn of_a_project_whose_log_nobody_understands_the_commands_end_decides() {
    let unknown = Instance { repo: "acme/anvil".to_owned(), ..instance() };
    let case = case(&unknown, "/r".to_owned(), None, "sh check.sh").unwrap();
    assert_eq!(case.grading, Grading::ExitCode);
    assert!(
        case.test.starts_with("set -e\ngit apply") && case.test.ends_with("\nsh check.sh tests/t.py\n"),
        "{}",
        case.test
    );
    assert!(bring("EOF_114329").contains("<<'EOF_114329_'"));
}
