//! Files that tell judges how to judge: which tests there are, which rules hold, what CI does.
//!
//! A session that changes one may have made the judges blind, or may have added a dependency; only a person can tell. The suite says
//! what that means ([`Protected`]).

use super::changed::Changed;
use super::output::cut;
use crate::base::text::visible_line;
use crate::model::batch::Spend;
use crate::model::evaluation::{EvalFinding, EvaluatorOutcome, EvaluatorResult, Protected, Severity, Suite};

/// Files that a note names.
const SHOWN: usize = 8;
/// Characters of a path in a sentence.
const WIDTH: usize = 80;

/// Whether a file tells a runner, a linter or CI what to do.
pub fn tells_judges(path: &str) -> bool {
    const NAMES: &[&str] = &[
        // Python.
        "conftest.py",
        "pytest.ini",
        ".pytest.ini",
        "pytest.toml",
        ".pytest.toml",
        "tox.ini",
        "noxfile.py",
        "setup.cfg",
        "pyproject.toml",
        "sitecustomize.py",
        "usercustomize.py",
        "ruff.toml",
        ".ruff.toml",
        ".coveragerc",
        ".flake8",
        ".pylintrc",
        "mypy.ini",
        ".mypy.ini",
        // JavaScript.
        "package.json",
        ".npmrc",
        ".pnpmfile.cjs",
        ".eslintignore",
        // Rust.
        "clippy.toml",
        ".clippy.toml",
        "rust-toolchain",
        "rust-toolchain.toml",
        "Cargo.toml",
        "nextest.toml",
        // Others.
        ".shellcheckrc",
        "CTestTestfile.cmake",
        "go.work",
        ".gitattributes",
        "Makefile",
        "makefile",
        "GNUmakefile",
        "justfile",
        "Justfile",
        ".justfile",
        // CI.
        ".gitlab-ci.yml",
        ".pre-commit-config.yaml",
        "Jenkinsfile",
        "azure-pipelines.yml",
        ".travis.yml",
        "codecov.yml",
        ".codecov.yml",
        ".divisi.toml",
    ];
    const BEGINNINGS: &[&str] = &[
        "eslint.config.",
        ".eslintrc",
        "vitest.config.",
        "vitest.workspace.",
        "vite.config.",
        "jest.config.",
        ".mocharc",
        "playwright.config.",
        ".golangci.",
    ];
    const BELOW: &[&str] = &[".github/workflows", ".github/actions", ".circleci", ".cargo", ".ci", ".husky"];
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_below = |directory: &str| {
        let rest = path.strip_prefix(directory);
        rest.is_some_and(|rest| rest.starts_with('/')) || path.contains(&format!("/{directory}/"))
    };
    NAMES.contains(&name)
        || BEGINNINGS.iter().any(|start| name.starts_with(start))
        || BELOW.iter().any(|directory| is_below(directory))
}

/// What the checkout takes from the base: what the suite names, and where it says so what tells judges how to judge.
pub fn restored(suite: &Suite, changed: &Changed) -> Vec<String> {
    let mut restore = suite.restore.clone();
    if suite.protected == Protected::Restore {
        restore.extend(found(changed).map(|path| literally(path)));
    }
    restore
}

/// What was changed, or is gone, of what tells judges how to judge.
fn found(changed: &Changed) -> impl Iterator<Item = &String> {
    changed.files.keys().chain(&changed.renamed).filter(|path| tells_judges(path))
}

/// A pattern that means this path and no other.
fn literally(path: &str) -> String {
    let mut pattern = String::new();
    for letter in path.chars() {
        if matches!(letter, '*' | '?' | '[' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern
}

/// What is said of what the session changed of these files, and the result where that is more than a note. `restored` are the files that
/// are judged as the base has them, so nobody is fooled by them.
pub fn said(suite: &Suite, changed: &Changed, restored: &[String]) -> (Option<String>, Option<EvaluatorResult>) {
    let (safe, found): (Vec<&String>, Vec<&String>) = found(changed).partition(|path| restored.contains(path));
    if found.is_empty() {
        let taken = (suite.protected == Protected::Restore && !safe.is_empty())
            .then(|| format!("judged as the base has it, for it tells judges how to judge: {}", named(&safe)));
        return (taken, None);
    }
    let list = named(&found);
    let then = match suite.protected {
        Protected::Ask => "look at it before it lands; nothing lands by itself",
        Protected::Note => "'restore' in the suite takes files from the base",
        Protected::Fail => "the suite does not pass that ('protected: fail')",
        Protected::Restore => "it could not be taken from the base",
    };
    let details = format!("the session changed what tells judges how to judge: {list}");
    let note = format!("{details}; {then}");
    let required = match suite.protected {
        Protected::Note => return (Some(note), None),
        Protected::Ask => false,
        // What should have been restored and was not has not been judged as was asked for.
        Protected::Fail | Protected::Restore => true,
    };
    let finding = |path: &&String| EvalFinding {
        file: Some((*path).clone()),
        line: 0,
        column: 0,
        message: cut("changed by the session, and tells judges how to judge", EvalFinding::WIDTH),
        severity: if required { Severity::Error } else { Severity::Warning },
    };
    let result = EvaluatorResult {
        id: Protected::RESULT.to_owned(),
        kind: Protected::RESULT.to_owned(),
        outcome: EvaluatorOutcome::Failed,
        score: None,
        required,
        weight: 0,
        duration_ms: 0,
        details,
        judge: None,
        spend: Spend::default(),
        findings: found.iter().take(EvalFinding::MOST).map(finding).collect(),
    };
    (Some(note), Some(result))
}

/// Files in a sentence.
pub fn named<T: AsRef<str>>(paths: &[T]) -> String {
    let shown: Vec<String> = paths.iter().take(SHOWN).map(|path| visible_line(path.as_ref(), WIDTH)).collect();
    match paths.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests;
