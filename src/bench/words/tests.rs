use super::*;

#[test]
fn of_many_lines_the_one_that_tells_why_is_shown() {
    for (said, line) in [
        (
            "pyenv: python3.9: command not found\n\nThe `python3.9' command exists in these Python versions:\n  3.9.18\n\n\
             Note: See 'pyenv help global' for tips on allowing both\n      python2 and python3 to be found.\n",
            "pyenv: python3.9: command not found",
        ),
        (
            "Resolved 3 packages\n  × No solution found when resolving dependencies:\n  ╰─▶ Because nothing has x==9, \
             it cannot be used.\n\n      hint: Packages were unavailable\n",
            "No solution found when resolving dependencies: Because nothing has x==9, it cannot be used.",
        ),
        ("error: Failed to fetch: `x`\n  Caused by: dns error\n  Caused by: nobody\n", "error: Failed to fetch: `x`"),
        (
            "rm: old: No such file or directory\nWARNING: could not ask\nsh: 3: npm: not found\nnothing was made\n",
            "sh: 3: npm: not found",
        ),
        ("+ echo error: not this\nall\nis\nwell\n\n", "well"),
        ("\n \n", "it said nothing"),
        ("\u{1b}[31merror: red\u{1b}[0m\n", "\u{241b}[31merror: red\u{241b}[0m"),
    ] {
        assert_eq!(telling(said.as_bytes()), line);
    }
}

#[test]
fn a_runner_that_is_missing_is_told_from_a_program_that_a_case_asks_for() {
    let of = |said: &str| missing_runner(said.as_bytes());
    for line in [
        "/tmp/x/eval.sh: line 12: pytest: command not found",
        "sh: 1: jest: not found",
        "/usr/bin/env: \u{2018}node\u{2019}: No such file or directory",
        "/x/venv/bin/python3.9: No module named pytest",
    ] {
        assert_eq!(of(&format!("begin\n{line}\nend\n")).as_deref(), Some(line));
    }
    for line in [
        "sh: 1: greet: not found",
        "sh: 1: ./pytest: not found",
        "ModuleNotFoundError: No module named 'pytest'",
        "tests: No module named pytest",
        "grep: pytest: No such file or directory",
    ] {
        assert_eq!(of(line), None, "{line}");
    }
    // What the script says before and after its tests is not theirs.
    let log = |line: &str| {
        format!(
            "x: pytest: command not found\n+ : '>>>>> Start Test Output'\n{line}\n+ : '>>>>> End Test Output'\nx: npm: command not found\n"
        )
    };
    assert_eq!(of_tests(&log("FAILED x")), "FAILED x\n");
    assert_eq!(of_tests("+ : '>>>>> Start Test Output'\n+ : '>>>>> End Test Output'\n"), "");
    assert_eq!(of(&log("FAILED x")), None);
    assert_eq!(of(&log("x: tox: command not found")).as_deref(), Some("x: tox: command not found"));
}
