use std::collections::BTreeMap;

use super::*;

fn files(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn changed(names: &[&str]) -> Changed {
    let files: BTreeMap<_, _> = names.iter().map(|name| ((*name).to_owned(), vec![(1, String::new())])).collect();
    Changed { files, ..Changed::default() }
}

fn line(kind: &EvaluatorKind, names: &[&str], touched: &[&str]) -> String {
    match plan(kind, &files(names), &changed(touched), "base") {
        Plan::Run(runs) => {
            let lines = runs.iter().map(|run| run.commands[run.commands.len() - 1].join(" "));
            lines.collect::<Vec<_>>().join("; ")
        }
        other => format!("{other:?}"),
    }
}

#[test]
fn the_runner_is_found_by_the_files_and_narrowed_by_the_diff() {
    let tests = |changed| EvaluatorKind::Tests { runner: None, changed };
    for (only, names, touched, expected) in [
        (false, &["Cargo.toml"][..], &[][..], "cargo test --no-fail-fast --message-format json"),
        (true, &["Cargo.toml", "a/Cargo.toml"], &["a/src/x.rs"], "--manifest-path a/Cargo.toml"),
        (true, &["go.mod", "p/x.go", "y.go", "z/a.txt"], &["p/gone.go", "y.go", "z/gone.go"], "go test -json . ./p"),
        (false, &["go.mod"], &["p/x.go"], "go test -json ./..."),
        (
            true,
            &["pytest.ini", "t/test_a.py", "-test.py", "test_-.py"],
            &["t/test_a.py", "NEWS.md", "test_gone.py"],
            "python3 -m pytest -rA --color=no -p no:cacheprovider t/test_a.py",
        ),
        // A changed source may break every test, and pytest does not know which.
        (true, &["pytest.ini", "t/test_a.py", "b.py"], &["t/test_a.py", "b.py"], "-p no:cacheprovider"),
        (true, &["vitest.config.ts", "package.json"], &["a.ts"], "vitest run --reporter=json --changed=base"),
        (false, &["jest.config.js"], &[], "jest --json --ci"),
        (false, &["package.json", "pnpm-lock.yaml"], &[], "pnpm test"),
        (false, &["package.json"], &[], "npm test"),
        (false, &["CMakeLists.txt"], &[], "ctest"),
        (false, &["README"], &[], "Unknown"),
    ] {
        let found = line(&tests(only), names, touched);
        assert!(found.contains(expected), "{names:?}: {found}");
        assert!(!expected.ends_with("cacheprovider") || found.ends_with(expected), "{found}");
    }
}

#[test]
fn linters_follow_what_was_changed_and_no_name_becomes_an_option() {
    let lint = EvaluatorKind::Lint { linter: None };
    assert!(line(&lint, &["Cargo.toml"], &["a.rs"]).starts_with("cargo clippy"));
    assert_eq!(
        line(&lint, &["eslint.config.js"], &["a.py", "b.ts"]),
        "ruff check --no-cache --output-format json .; eslint -f json ."
    );
    assert!(line(&lint, &[], &["a.md"]).starts_with("Unknown"));
    let shell = EvaluatorKind::Lint { linter: Some(Linter::Shellcheck) };
    let there = ["a.sh", "-x.sh", "b.txt"];
    assert_eq!(line(&shell, &there, &["a.sh", "-x.sh", "b.txt", "gone.sh"]), "shellcheck -f json1 -- ./-x.sh a.sh");
    assert!(line(&shell, &[], &["b.txt"]).starts_with("Nothing"));
}
