//! Every kind of evaluator, with scripted tools on the `PATH` and with the tool missing.

use super::evaluations::{eval, of};
use super::scene::Scene;
use std::fmt::Write as _;

/// A scene whose `PATH` has these tools first: each a script for `/bin/sh`.
fn with_tools(tools: &[(&str, &str)]) -> Scene {
    let mut scene = Scene::new();
    for (name, body) in tools {
        scene.env.script(format!("tools/{name}"), body);
    }
    let search = std::env::var("PATH").expect("PATH is set");
    scene.env.set("PATH", format!("{}:{search}", scene.env.path("tools").display()));
    scene
}

/// A scene on whose `PATH` is nothing but what a shell and git need.
fn without_tools() -> Scene {
    let mut scene = Scene::new();
    let needed = [
        "sh", "git", "env", "cat", "echo", "touch", "mkdir", "rm", "ls", "sed", "nice", "test", "true", "sleep",
        "dirname", "chmod",
    ];
    let search = std::env::var("PATH").expect("PATH is set");
    let bin = scene.env.path("bin");
    std::fs::create_dir_all(&bin).unwrap();
    for name in needed {
        let found = search.split(':').map(|dir| std::path::Path::new(dir).join(name)).find(|path| path.exists());
        if let Some(found) = found {
            std::os::unix::fs::symlink(found, bin.join(name)).unwrap();
        }
    }
    scene.env.set("PATH", bin);
    scene
}

#[test]
fn a_tool_that_is_not_there_is_missing_and_nothing_passes() {
    let scene = without_tools();
    scene.shell("work", "mkdir -p src tests; echo x > a.sh; echo x > a.py").ok();
    let mut suite = "version: 1\nevaluators:\n  - {id: script, kind: script, command: nosuchtool --check}\n".to_owned();
    for runner in ["cargo", "pytest", "go", "vitest", "jest", "npm", "pnpm", "ctest"] {
        writeln!(suite, "  - {{id: {runner}, kind: tests, runner: {runner}}}").expect("a string takes it");
    }
    for linter in ["clippy", "ruff", "eslint", "golangci-lint", "shellcheck"] {
        writeln!(suite, "  - {{id: {linter}, kind: lint, linter: {linter}}}").expect("a string takes it");
    }
    let (evaluation, code) = eval(&scene, "work", &suite);
    assert_eq!(code, 4, "{evaluation}");
    for result in evaluation["results"].as_array().unwrap() {
        assert_eq!(result["outcome"], "missing", "{result}");
        assert!(result["score"].is_null(), "{result}");
    }
    assert_eq!(of(&evaluation, "script")["tool"], "nosuchtool");
    assert_eq!(of(&evaluation, "clippy")["tool"], "cargo clippy");
    assert_eq!(evaluation["results"].as_array().unwrap().len(), 14);
}

#[test]
fn tests_are_run_by_what_the_repository_has() {
    let cargo = "echo '{\"reason\":\"build-finished\",\"success\":true}'\necho 'test a ... ok'\necho 'test b ... FAILED'\n\
                 echo \"thread 'b' (7) panicked at src/lib.rs:7:5:\"\necho 'test result: FAILED. 1 passed; 1 failed'\nexit 101";
    let scene = with_tools(&[("cargo", cargo)]);
    scene.shell("work", "mkdir -p src; touch src/lib.rs; echo '[package]' > Cargo.toml").ok();
    let (evaluation, code) = eval(&scene, "work", "version: 1\nevaluators: [{id: t, kind: tests}]");
    let result = of(&evaluation, "t");
    assert_eq!((code, result["score"].as_u64()), (4, Some(50)), "{evaluation}");
    let finding = &result["findings"][0];
    assert_eq!((finding["file"].as_str(), finding["line"].as_u64()), (Some("src/lib.rs"), Some(7)), "{evaluation}");
    // No test at all is no pass.
    scene.env.script("tools/cargo", "echo 'test result: ok. 0 passed; 0 failed'");
    let (evaluation, code) = eval(&scene, "work", "version: 1\nevaluators: [{id: t, kind: tests}]");
    assert_eq!(code, 4, "{evaluation}");
    assert!(of(&evaluation, "t")["details"].as_str().unwrap().contains("no test ran"), "{evaluation}");
}

#[test]
fn only_the_tests_that_the_diff_touches_are_run_where_the_runner_can() {
    let scene = with_tools(&[("pytest", "echo \"PASSED $*\"; echo '== 1 passed in 0.1s =='")]);
    scene.shell("work", "mkdir tests; echo x > tests/test_new.py; echo x > helper.py").ok();
    let suite = "version: 1\nevaluators: [{id: t, kind: tests, changed: true}]";
    let (evaluation, code) = eval(&scene, "work", suite);
    assert_eq!(code, 0, "{evaluation}");
    let suite = "version: 1\nevaluators: [{id: t, kind: script, command: 'pytest tests/test_new.py', format: pytest}]";
    assert_eq!(eval(&scene, "work", suite).1, 0);
}

#[test]
fn lint_counts_what_is_on_changed_lines() {
    let ruff = "cat <<'END'\n[{\"filename\":\"'\"$PWD\"'/a.py\",\"location\":{\"row\":1,\"column\":1},\"code\":\"F401\",\"message\":\"unused\"}]\nEND";
    let ruff = ruff.replace("cat <<'END'", "cat <<END").replace("'\"$PWD\"'", "$PWD");
    let scene = with_tools(&[("ruff", &ruff)]);
    scene.env.write("repo/a.py", "import os\nprint(1)\n");
    scene.env.git(&scene.repo, &["add", "--all"]);
    scene.env.git(&scene.repo, &["commit", "--quiet", "--message", "Add a.py"]);
    scene.shell("old", "echo 'print(2)' >> a.py").ok();
    let suite = "version: 1\nevaluators: [{id: l, kind: lint}]";
    let (evaluation, code) = eval(&scene, "old", suite);
    assert_eq!((code, of(&evaluation, "l")["score"].as_u64()), (0, Some(100)), "{evaluation}");
    scene.shell("new", "sed -i 's/import os/import sys/' a.py").ok();
    let (evaluation, code) = eval(&scene, "new", suite);
    assert_eq!((code, of(&evaluation, "l")["score"].as_u64()), (4, Some(95)), "{evaluation}");
    assert_eq!(of(&evaluation, "l")["findings"][0]["file"], "a.py");
    // A minimum says how much is enough.
    let (_, code) = eval(&scene, "new", "version: 1\nevaluators: [{id: l, kind: lint, minimum: 90}]");
    assert_eq!(code, 0);
}

#[test]
fn coverage_is_of_all_and_of_the_changed_lines() {
    let scene = Scene::new();
    scene.shell("work", "sed -i -e 's/line 2$/two/' -e 's/line 3$/three/' lines.txt").ok();
    let report = "printf 'SF:lines.txt\\nDA:1,1\\nDA:2,1\\nDA:3,0\\nDA:4,1\\nend_of_record\\n' > cov.info";
    let suite = |changed: u32| {
        format!(
            "version: 1\nevaluators: [{{id: c, kind: coverage, report: cov.info, minimum: 70, changed: {changed}, command: \"{report}\"}}]"
        )
    };
    let (evaluation, code) = eval(&scene, "work", &suite(50));
    assert_eq!((code, of(&evaluation, "c")["score"].as_u64()), (0, Some(50)), "{evaluation}");
    let (evaluation, code) = eval(&scene, "work", &suite(60));
    assert_eq!((code, of(&evaluation, "c")["findings"][0]["line"].as_u64()), (4, Some(3)), "{evaluation}");
    // A report that was committed says nothing of this commit.
    scene.divisi(&["send", "work", "--wait", &format!("{report}; sed -i s/,0/,9/ cov.info")]).ok();
    let (evaluation, code) =
        eval(&scene, "work", "version: 1\nevaluators: [{id: c, kind: coverage, report: cov.info}]");
    assert_eq!(code, 4);
    assert!(of(&evaluation, "c")["reason"].as_str().unwrap().contains("is committed"), "{evaluation}");
}

#[test]
fn the_diff_is_measured() {
    let scene = Scene::new();
    let block = "for i in 1 2 3 4 5 6 7 8 9; do echo \"let value_$i = compute($i);\"; done";
    scene.shell("base", &format!("{block} > one.rs; sh -c '{block}' > /dev/null")).ok();
    scene.divisi(&["land", "base"]).ok();
    let branches = "echo 'fn knot() {'; for i in 1 2 3 4 5; do echo '  if a { b(); }'; done; echo '}'";
    let key = "echo 'aws = \"AKIA''IOSFODNN7QRSTUVW\"' > key.txt";
    let marker = "printf '<<<<<<< ours\\n' > torn.txt";
    scene.shell("work", &format!("{block} > two.rs; ({branches}) > knot.rs; {key}; {marker}")).ok();
    let suite = "\
version: 1
evaluators:
  - {id: copies, kind: duplication, lines: 6}
  - {id: knots, kind: complexity, maximum: 4}
  - {id: small, kind: diff_size, lines: 5}
  - {id: enough, kind: diff_size, lines: 500, files: 10}
  - {id: secrets, kind: secrets}
  - {id: torn, kind: conflicts}
";
    let (evaluation, code) = eval(&scene, "work", suite);
    assert_eq!(code, 4);
    for (id, file) in [("copies", "two.rs"), ("knots", "knot.rs"), ("secrets", "key.txt"), ("torn", "torn.txt")] {
        let result = of(&evaluation, id);
        assert_eq!(
            (result["outcome"].as_str(), result["findings"][0]["file"].as_str()),
            (Some("failed"), Some(file)),
            "{result}"
        );
    }
    assert_eq!(of(&evaluation, "small")["outcome"], "failed");
    assert_eq!(of(&evaluation, "enough")["outcome"], "passed");
    assert!(!evaluation.to_string().contains("IOSFODNN7QRSTUVW"), "a credential is never quoted");
    scene.shell("clean", "echo 'fn calm() {}' > calm.rs").ok();
    let (evaluation, _) = eval(&scene, "clean", suite);
    assert!(evaluation["passed"].as_bool().unwrap(), "{evaluation}");
}

#[test]
fn conflicts_with_the_base_as_it_is_now_are_found() {
    let scene = Scene::new();
    scene.shell("work", "sed -i 's/line 5/mine/' lines.txt").ok();
    let suite = "version: 1\nevaluators: [{id: c, kind: conflicts}]";
    assert_eq!(eval(&scene, "work", suite).1, 0);
    scene.env.write("repo/lines.txt", "theirs\n");
    scene.env.git(&scene.repo, &["commit", "--quiet", "--all", "--message", "Another"]);
    let (evaluation, code) = eval(&scene, "work", suite);
    assert_eq!((code, of(&evaluation, "c")["findings"][0]["file"].as_str()), (4, Some("lines.txt")), "{evaluation}");
}

#[test]
fn a_runner_that_came_with_the_commit_does_not_judge_it() {
    let scene = without_tools();
    let fake = "mkdir -p node_modules/.bin; printf '#!/bin/sh\\necho {\\\\\"testResults\\\\\":[]}\\n' > node_modules/.bin/vitest; \
                chmod +x node_modules/.bin/vitest; touch vitest.config.js";
    scene.shell("work", fake).ok();
    let (evaluation, code) = eval(&scene, "work", "version: 1\nevaluators: [{id: t, kind: tests}]");
    assert_eq!((code, of(&evaluation, "t")["outcome"].as_str()), (4, Some("missing")), "{evaluation}");
}
