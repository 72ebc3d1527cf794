//! Which programs an evaluator runs, found by what the repository has and what the session changed.

use std::collections::BTreeSet;

use super::changed::Changed;
use crate::model::evaluation::{EvaluatorKind, Linter, OutputFormat, TestRunner};

/// A program to run, or one of several that do the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its name, for messages when it is not there.
    pub tool: String,
    /// Command lines in the order of preference. The first word is a program on the `PATH`, or a path below the checkout.
    pub commands: Vec<Vec<String>>,
    /// What it prints.
    pub prints: Prints,
    /// A file that it writes instead of printing.
    pub report: Option<String>,
}

/// How a program's output is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prints {
    /// Only its exit code counts.
    Nothing,
    /// Tests or findings.
    Report(OutputFormat),
    /// A linter's findings.
    Lints(Linter),
    /// The report is one of coverage.
    Coverage,
}

/// What has to be done for an evaluator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// Run these, one after the other.
    Run(Vec<Run>),
    /// Nothing of the project says with what; the reason.
    Unknown(String),
    /// Nothing to judge: what the session changed is not of that kind.
    Nothing(String),
    /// It is measured without a program.
    Measure,
}

/// Plans an evaluator. `files` are the paths of the commit.
pub fn plan(kind: &EvaluatorKind, files: &BTreeSet<String>, changed: &Changed, base: &str) -> Plan {
    match kind {
        EvaluatorKind::Script { command, format, report } => Plan::Run(vec![Run {
            tool: "/bin/sh".to_owned(),
            commands: vec![words(&["/bin/sh", "-c", command])],
            prints: format.map_or(Prints::Nothing, Prints::Report),
            report: report.clone(),
        }]),
        EvaluatorKind::Coverage { report, command, .. } => {
            // Without a command the report is there already.
            let command = command.as_deref().unwrap_or("true");
            let commands = vec![words(&["/bin/sh", "-c", command])];
            let (tool, report) = ("/bin/sh".to_owned(), Some(report.clone()));
            Plan::Run(vec![Run { tool, commands, prints: Prints::Coverage, report }])
        }
        EvaluatorKind::Tests { runner, changed: only } => {
            let Some(runner) = runner.or_else(|| runner_of(files)) else {
                let known: Vec<&str> = TestRunner::ALL.iter().map(|(name, _)| *name).collect();
                return Plan::Unknown(format!("nothing says what runs its tests; say 'runner': {}", known.join(", ")));
            };
            Plan::Run(vec![tests(runner, files, only.then_some(changed), base)])
        }
        EvaluatorKind::Lint { linter } => {
            let linters: Vec<Linter> = linter.map_or_else(|| linters_of(files, changed), |linter| vec![linter]);
            if linters.is_empty() {
                return Plan::Unknown("no linter is known for what was changed; say 'linter'".to_owned());
            }
            let runs: Vec<Run> = linters.into_iter().filter_map(|linter| lints(linter, files, changed)).collect();
            if runs.is_empty() {
                Plan::Nothing("nothing was changed that it reads".to_owned())
            } else {
                Plan::Run(runs)
            }
        }
        _ => Plan::Measure,
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

pub(super) fn ends_with(path: &str, ends: &[&str]) -> bool {
    path.rsplit_once('.').is_some_and(|(_, end)| ends.contains(&end))
}

/// Changed files that are still there, named so that no program takes them for an option.
fn still<'a>(changed: &'a Changed, files: &'a BTreeSet<String>, ends: &'a [&'a str]) -> impl Iterator<Item = String> {
    let there = changed.files.keys().filter(move |path| files.contains(*path) && ends_with(path, ends));
    there.map(|path| if path.starts_with('-') { format!("./{path}") } else { path.clone() })
}

fn begins(files: &BTreeSet<String>, start: &str) -> bool {
    files.range(start.to_owned()..).next().is_some_and(|path| path.starts_with(start))
}

/// What runs the tests of a repository, by its files.
fn runner_of(files: &BTreeSet<String>) -> Option<TestRunner> {
    let has = |name: &str| files.contains(name);
    let python = ["pytest.ini", "conftest.py", "tests/conftest.py", "tox.ini", "setup.py", "pyproject.toml"];
    Some(match () {
        () if has("Cargo.toml") => TestRunner::Cargo,
        () if has("go.mod") => TestRunner::Go,
        () if begins(files, "vitest.config.") => TestRunner::Vitest,
        () if begins(files, "jest.config.") => TestRunner::Jest,
        () if has("package.json") && has("pnpm-lock.yaml") => TestRunner::Pnpm,
        () if has("package.json") => TestRunner::Npm,
        () if python.iter().any(|name| has(name)) => TestRunner::Pytest,
        () if files.iter().any(|path| is_python_test(path)) => TestRunner::Pytest,
        () if has("CMakeLists.txt") => TestRunner::Ctest,
        () => return None,
    })
}

pub(super) fn is_python_test(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.ends_with("_test.py") || (name.starts_with("test_") && ends_with(name, &["py"]))
}

/// How a runner is run; with `changed` only what the diff touches, where it can.
fn tests(runner: TestRunner, files: &BTreeSet<String>, changed: Option<&Changed>, base: &str) -> Run {
    let mut run = Run { tool: runner.as_str().to_owned(), commands: Vec::new(), prints: Prints::Nothing, report: None };
    match runner {
        TestRunner::Cargo => {
            let mut command = words(&["cargo", "test", "--no-fail-fast", "--message-format", "json"]);
            if let Some(manifest) = changed.and_then(|changed| one_manifest(files, changed)) {
                command.extend(["--manifest-path".to_owned(), manifest]);
            }
            (run.commands, run.prints) = (vec![command], Prints::Report(OutputFormat::Cargo));
        }
        TestRunner::Pytest => {
            // What else was changed may break any test.
            let narrow = |changed: &&Changed| {
                changed.files.keys().all(|path| is_python_test(path) || ends_with(path, &["md", "rst"]))
            };
            let only: Vec<String> =
                changed.filter(narrow).map_or_else(Vec::new, |changed| still(changed, files, &["py"]).collect());
            let options = ["-rA", "--color=no", "-p", "no:cacheprovider"];
            for program in [&["pytest"][..], &["python3", "-m", "pytest"]] {
                let mut command = words(program);
                command.extend(words(&options));
                command.extend(only.iter().cloned());
                run.commands.push(command);
            }
            run.prints = Prints::Report(OutputFormat::Pytest);
        }
        TestRunner::Go => {
            let mut command = words(&["go", "test", "-json"]);
            let packages: BTreeSet<String> = changed.map_or_else(BTreeSet::new, |changed| {
                changed.files.keys().filter_map(|path| go_package(files, path)).collect()
            });
            if packages.is_empty() {
                command.push("./...".to_owned());
            } else {
                command.extend(packages);
            }
            (run.commands, run.prints) = (vec![command], Prints::Report(OutputFormat::Go));
        }
        TestRunner::Vitest | TestRunner::Jest => {
            let (name, options) = match runner {
                TestRunner::Vitest => ("vitest", &["run", "--reporter=json"][..]),
                _ => ("jest", &["--json", "--ci"][..]),
            };
            for program in [format!("node_modules/.bin/{name}"), name.to_owned()] {
                let mut command = vec![program];
                command.extend(words(options));
                if changed.is_some() {
                    let option = if runner == TestRunner::Vitest { "--changed" } else { "--changedSince" };
                    command.push(format!("{option}={base}"));
                }
                run.commands.push(command);
            }
            run.prints = Prints::Report(OutputFormat::Vitest);
        }
        TestRunner::Npm => run.commands = vec![words(&["npm", "test"])],
        TestRunner::Pnpm => run.commands = vec![words(&["pnpm", "test"])],
        TestRunner::Ctest => {
            const REPORT: &str = "build-of-evaluation/report.xml";
            let script = "command -v ctest >/dev/null || exit 127; b=build-of-evaluation; cmake -S . -B $b && cmake --build $b && \
                          ctest --test-dir $b --output-junit report.xml --output-on-failure";
            run.commands = vec![words(&["/bin/sh", "-c", script])];
            (run.prints, run.report) = (Prints::Report(OutputFormat::Junit), Some(REPORT.to_owned()));
        }
    }
    run
}

/// The package of a changed file of Go, as long as there is anything left of it.
fn go_package(files: &BTreeSet<String>, path: &str) -> Option<String> {
    let (dir, start) = path.rsplit_once('/').map_or(("", String::new()), |(dir, _)| (dir, format!("{dir}/")));
    let beside = files.range(start.clone()..).take_while(|other| other.starts_with(&start));
    let mut left = beside.filter(|other| !other[start.len()..].contains('/') && ends_with(other, &["go"]));
    (ends_with(path, &["go"]) && left.next().is_some())
        .then(|| if dir.is_empty() { ".".to_owned() } else { format!("./{dir}") })
}

/// The manifest of the one package that all changed files are in.
fn one_manifest(files: &BTreeSet<String>, changed: &Changed) -> Option<String> {
    let manifest = |path: &String| {
        let mut below = path.as_str();
        while let Some((dir, _)) = below.rsplit_once('/') {
            let named = format!("{dir}/Cargo.toml");
            if files.contains(&named) {
                return Some(named);
            }
            below = dir;
        }
        None
    };
    let mut all = changed.files.keys().map(manifest);
    let first = all.next()??;
    all.all(|other| other.as_ref() == Some(&first)).then_some(first)
}

/// Linters for what was changed.
fn linters_of(files: &BTreeSet<String>, changed: &Changed) -> Vec<Linter> {
    const SCRIPT: &[&str] = &["js", "jsx", "ts", "tsx", "mjs", "cjs", "vue"];
    let touches = |ends: &[&str]| changed.files.keys().any(|path| ends_with(path, ends));
    let mut found = Vec::new();
    let mut add = |linter, wanted: bool| {
        if wanted {
            found.push(linter);
        }
    };
    add(Linter::Clippy, touches(&["rs"]) && files.contains("Cargo.toml"));
    add(Linter::Ruff, touches(&["py"]));
    add(Linter::Eslint, touches(SCRIPT) && (begins(files, "eslint.config.") || begins(files, ".eslintrc")));
    add(Linter::GolangciLint, touches(&["go"]));
    add(Linter::Shellcheck, touches(&["sh", "bash"]));
    found
}

/// How a linter is run; absent when it has nothing to read.
fn lints(linter: Linter, files: &BTreeSet<String>, changed: &Changed) -> Option<Run> {
    let commands = match linter {
        Linter::Clippy => vec![words(&["cargo", "clippy", "--all-targets", "--message-format", "json"])],
        Linter::Ruff => vec![words(&["ruff", "check", "--no-cache", "--output-format", "json", "."])],
        Linter::Eslint => {
            ["node_modules/.bin/eslint", "eslint"].map(|program| words(&[program, "-f", "json", "."])).into()
        }
        Linter::GolangciLint => {
            let script = "command -v golangci-lint >/dev/null || exit 127; case \"$(golangci-lint --version)\" in \
                          *'version 1.'*|*'version v1.'*) golangci-lint run --out-format json ./... ;; \
                          *) golangci-lint run --output.json.path stdout --show-stats=false ./... ;; esac";
            vec![words(&["/bin/sh", "-c", script])]
        }
        Linter::Shellcheck => {
            let files: Vec<String> = still(changed, files, &["sh", "bash"]).collect();
            if files.is_empty() {
                return None;
            }
            let mut command = words(&["shellcheck", "-f", "json1", "--"]);
            command.extend(files);
            vec![command]
        }
    };
    let tool = if linter == Linter::Clippy { "cargo clippy" } else { linter.as_str() };
    Some(Run { tool: tool.to_owned(), commands, prints: Prints::Lints(linter), report: None })
}

#[cfg(test)]
mod tests;
