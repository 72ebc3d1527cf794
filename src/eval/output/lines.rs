//! Reports in lines: cargo, go, TAP.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Report;
use crate::model::evaluation::{EvalFinding, Severity};

/// Tests whose output is kept while they run.
const OPEN: usize = 1_000;

/// libtest's lines, and the compiler's messages in JSON among them.
pub(super) fn cargo(said: &str) -> Result<Report, String> {
    let (mut report, end) = cargo_messages(said, false);
    let mut ended = end.is_some();
    let mut panics: BTreeMap<&str, (&str, u32)> = BTreeMap::new();
    for line in said.lines() {
        // `thread 'name' (12) panicked at src/lib.rs:3:5:`
        if let Some((thread, place)) =
            line.trim_start().strip_prefix("thread '").and_then(|rest| rest.split_once(" panicked at "))
            && let Some((name, _)) = thread.split_once('\'')
        {
            let mut parts = place.trim_end_matches(':').rsplitn(3, ':');
            let (_, line, file) = (parts.next(), parts.next(), parts.next());
            if let (Some(line), Some(file)) = (line.and_then(|line| line.parse().ok()), file)
                && panics.len() < OPEN
            {
                panics.insert(name, (file, line));
            }
        }
    }
    for line in said.lines() {
        let line = line.trim();
        if let Some((name, outcome)) = line.strip_prefix("test ").and_then(|rest| rest.rsplit_once(" ... ")) {
            match outcome.split([' ', ',']).next().unwrap_or_default() {
                "ok" => report.passed += 1,
                "FAILED" => {
                    let place = panics.get(name.trim_end_matches(" - should panic"));
                    let file = place.map(|(file, _)| (*file).to_owned());
                    report.fail(name, "", file, place.map_or(0, |(_, line)| *line));
                }
                "ignored" => report.skipped += 1,
                _ => {}
            }
        } else if line.starts_with("test result: ") {
            (ended, report.of_tests) = (true, true);
        }
    }
    if !ended && report.passed + report.failed == 0 && report.errors == 0 {
        return Err("it has neither results of tests nor messages of the compiler".to_owned());
    }
    Ok(report)
}

/// The compiler's messages; nothing to read is an error, so that a build that never began is not taken for a clean one. Neither is one that
/// broke: what could not be compiled was not linted.
pub(super) fn cargo_lints(said: &str) -> Result<Report, String> {
    let (report, end) = cargo_messages(said, true);
    // A lint that is denied ends the build too, but has a name of its own: `dead_code`, `clippy::all`.
    let is_lint = |finding: &EvalFinding| {
        let code = finding.message.rsplit_once(" (").map_or("", |(_, code)| code.trim_end_matches(')'));
        code.starts_with(|c: char| c.is_ascii_lowercase())
    };
    match end {
        None => Err("cargo did not come to its end".to_owned()),
        Some(true) => Ok(report),
        Some(false) if report.errors == 0 => Err("the code could not be built, so it was not linted".to_owned()),
        Some(false) => {
            let broken = report.findings.iter().find(|one| one.severity == Severity::Error && !is_lint(one));
            let Some(EvalFinding { file, line, message, .. }) = broken else { return Ok(report) };
            let place = file.as_deref().unwrap_or("?");
            Err(format!("the code could not be compiled, so it was not linted: {place}:{line} {message}"))
        }
    }
}

/// `--message-format json`, and whether the build succeeded; absent when it did not come to its end.
fn cargo_messages(said: &str, whole: bool) -> (Report, Option<bool>) {
    let mut report = Report { whole, ..Report::default() };
    let mut finished = None;
    for line in said.lines().filter(|line| line.starts_with('{')) {
        let Ok(value) = serde_json::from_str::<Value>(line) else { continue };
        match value.get("reason").and_then(Value::as_str) {
            Some("build-finished") => {
                let success = value.get("success").and_then(Value::as_bool).unwrap_or(true);
                finished = Some(finished.unwrap_or(true) && success);
            }
            Some("compiler-message") => {
                let message = value.get("message").unwrap_or(&Value::Null);
                let word = |key: &str| message.get(key).and_then(Value::as_str).unwrap_or_default();
                let severity = match word("level") {
                    "error" | "error: internal compiler error" => Severity::Error,
                    "warning" => Severity::Warning,
                    _ => continue,
                };
                let spans = message.get("spans").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
                let primary = |span: &&Value| span.get("is_primary").and_then(Value::as_bool) == Some(true);
                let Some(span) = spans.iter().find(primary).or(spans.first()) else {
                    // "aborting due to 2 errors": said by the errors themselves.
                    continue;
                };
                let place = |key: &str| {
                    let number = span.get(key).and_then(Value::as_u64).unwrap_or(0);
                    u32::try_from(number).unwrap_or(0)
                };
                let code = message.pointer("/code/code").and_then(Value::as_str);
                let text = word("message");
                report.find(EvalFinding {
                    file: span.get("file_name").and_then(Value::as_str).map(str::to_owned),
                    line: place("line_start"),
                    column: place("column_start"),
                    message: code.map_or_else(|| text.to_owned(), |code| format!("{text} ({code})")),
                    severity,
                });
            }
            _ => {}
        }
    }
    (report, finished)
}

/// `go test -json`.
pub(super) fn go(said: &str) -> Result<Report, String> {
    let mut report = Report { of_tests: true, ..Report::default() };
    let mut known = false;
    let mut outputs: BTreeMap<(String, String), String> = BTreeMap::new();
    // Packages in which a test was told to have failed.
    let mut told: BTreeSet<String> = BTreeSet::new();
    for line in said.lines().filter(|line| line.starts_with('{')) {
        let Ok(value) = serde_json::from_str::<Value>(line) else { continue };
        let word = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (action, test) = (word("Action"), word("Test"));
        let package = if action.starts_with("build-") { word("ImportPath") } else { word("Package") };
        known |= !action.is_empty();
        let key = (package.clone(), test.clone());
        match action.as_str() {
            "output" | "build-output" if outputs.len() < OPEN || outputs.contains_key(&key) => {
                let kept = outputs.entry(key).or_default();
                if kept.len() < 4_096 {
                    kept.push_str(&word("Output"));
                }
            }
            "pass" if !test.is_empty() => report.passed += 1,
            "skip" if !test.is_empty() => report.skipped += 1,
            "fail" if !test.is_empty() => {
                let (file, line, said) = go_place(&outputs.remove(&key).unwrap_or_default());
                // It is named within its package.
                report.fail(&test, &said, file.map(|file| format!("{package}/{file}")), line);
                told.insert(package);
            }
            "fail" if !told.contains(&package) => {
                let built = (word("FailedBuild"), String::new());
                let output = outputs.remove(&built).or_else(|| outputs.remove(&key)).unwrap_or_default();
                let (file, line, said) = go_place(&output);
                let first = output.lines().find(|line| !line.starts_with('#')).unwrap_or("it could not be built");
                report.fail(&package, if file.is_some() { &said } else { first }, file, line);
            }
            _ => {}
        }
    }
    if known { Ok(report) } else { Err("it has no events of go test -json".to_owned()) }
}

pub(super) fn has_end(file: &str, end: &str) -> bool {
    file.rsplit_once('.').is_some_and(|(_, last)| last == end)
}

/// `    x_test.go:12: said`, or `b/b.go:3:5: said` of the compiler.
fn go_place(output: &str) -> (Option<String>, u32, String) {
    for line in output.lines() {
        let mut parts = line.trim().splitn(3, ':');
        if let (Some(file), Some(number), Some(said)) = (parts.next(), parts.next(), parts.next())
            && has_end(file, "go")
            && let Ok(number) = number.parse()
        {
            let column = said.split_once(':').filter(|(column, _)| column.parse::<u32>().is_ok());
            return (Some(file.to_owned()), number, column.map_or(said, |(_, said)| said).trim().to_owned());
        }
    }
    (None, 0, String::new())
}

/// The Test Anything Protocol, versions 12 to 14; subtests count by their parents.
pub(super) fn tap(said: &str) -> Result<Report, String> {
    let mut report = Report { of_tests: true, ..Report::default() };
    let mut planned = None;
    let mut run = 0_u64;
    for line in said.lines() {
        if let Some(rest) = line.strip_prefix("1..") {
            planned = rest.split([' ', '#']).next().and_then(|number| number.parse::<u64>().ok()).or(planned);
        } else if let Some(reason) = line.strip_prefix("Bail out!") {
            report.fail("bail out", reason, None, 0);
        } else if let Some((good, rest)) = line
            .strip_prefix("not ok")
            .map(|rest| (false, rest))
            .or_else(|| line.strip_prefix("ok").map(|rest| (true, rest)))
            .filter(|(_, rest)| rest.is_empty() || rest.starts_with(' '))
        {
            run += 1;
            let (name, directive) = rest.split_once('#').unwrap_or((rest, ""));
            let directive = directive.trim().to_ascii_lowercase();
            let name = name.trim().trim_start_matches(|c: char| c.is_ascii_digit()).trim().trim_start_matches("- ");
            if directive.starts_with("skip") || directive.starts_with("todo") {
                report.skipped += 1;
            } else if good {
                report.passed += 1;
            } else {
                report.fail(name, "", None, 0);
            }
        }
    }
    match planned {
        None if run == 0 => return Err("it has neither a plan nor tests".to_owned()),
        Some(planned) if planned != run => {
            report.fail("the plan", &format!("{planned} tests were planned, {run} ran"), None, 0);
        }
        _ => {}
    }
    Ok(report)
}
