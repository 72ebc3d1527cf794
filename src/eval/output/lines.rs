//! Reports in lines: cargo, go, pytest, TAP.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Report;
use crate::model::evaluation::{EvalFinding, Severity};

/// Tests whose output is kept while they run.
const OPEN: usize = 1_000;

/// libtest's lines, and the compiler's messages in JSON among them.
pub(super) fn cargo(said: &str) -> Result<Report, String> {
    let mut report = cargo_messages(said, false);
    let mut ended = report.1;
    let report = &mut report.0;
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
            ended = true;
        }
    }
    if !ended && report.passed + report.failed == 0 && report.errors == 0 {
        return Err("it has neither results of tests nor messages of the compiler".to_owned());
    }
    Ok(std::mem::take(report))
}

/// The compiler's messages; nothing to read is an error, so that a build that never began is not taken for a clean one.
pub(super) fn cargo_lints(said: &str) -> Result<Report, String> {
    let (report, finished) = cargo_messages(said, true);
    if finished { Ok(report) } else { Err("cargo did not come to its end".to_owned()) }
}

/// `--message-format json`, and whether the build came to its end.
fn cargo_messages(said: &str, whole: bool) -> (Report, bool) {
    let mut report = Report { whole, ..Report::default() };
    let mut finished = false;
    for line in said.lines().filter(|line| line.starts_with('{')) {
        let Ok(value) = serde_json::from_str::<Value>(line) else { continue };
        match value.get("reason").and_then(Value::as_str) {
            Some("build-finished") => finished = true,
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
    let mut report = Report::default();
    let mut known = false;
    let mut outputs: BTreeMap<(String, String), String> = BTreeMap::new();
    for line in said.lines().filter(|line| line.starts_with('{')) {
        let Ok(value) = serde_json::from_str::<Value>(line) else { continue };
        let word = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let action = word("Action");
        let (package, test) = (word("Package"), word("Test"));
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
            "fail" => {
                let output = outputs.remove(&key).unwrap_or_default();
                if !test.is_empty() {
                    let (file, line, said) = go_place(&output);
                    report.fail(&test, &said, file, line);
                } else if report.failed == 0 {
                    report.fail(&package, output.lines().next().unwrap_or("it could not be built"), None, 0);
                }
            }
            _ => {}
        }
    }
    if known { Ok(report) } else { Err("it has no events of go test -json".to_owned()) }
}

fn has_end(file: &str, end: &str) -> bool {
    file.rsplit_once('.').is_some_and(|(_, last)| last == end)
}

/// `    x_test.go:12: said`.
fn go_place(output: &str) -> (Option<String>, u32, String) {
    for line in output.lines() {
        let mut parts = line.trim().splitn(3, ':');
        if let (Some(file), Some(number), Some(said)) = (parts.next(), parts.next(), parts.next())
            && has_end(file, "go")
            && let Ok(number) = number.parse()
        {
            return (Some(file.to_owned()), number, said.trim().to_owned());
        }
    }
    (None, 0, String::new())
}

/// pytest's short summary (`-rA`), its verbose lines, or its last line.
pub(super) fn pytest(said: &str) -> Result<Report, String> {
    let mut report = Report::default();
    // One test may be told twice, as it runs and in the summary.
    let mut told: BTreeMap<String, (&str, String)> = BTreeMap::new();
    let mut last = None;
    for line in said.lines() {
        let line = line.trim();
        let mut words = line.splitn(2, ' ');
        let (first, rest) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        if matches!(first, "PASSED" | "FAILED" | "ERROR" | "SKIPPED" | "XFAIL" | "XPASS") && !rest.is_empty() {
            let (name, why) = rest.split_once(" - ").unwrap_or((rest, ""));
            told.insert(name.to_owned(), (word(first), why.to_owned()));
        } else if let Some((name, rest)) = line.split_once(' ')
            && name.contains("::")
            && let outcome = word(rest.split([' ', '[']).next().unwrap_or_default())
            && !outcome.is_empty()
        {
            told.entry(name.to_owned()).or_insert((outcome, String::new()));
        } else if line.contains(" in ") && line.ends_with(['s', '=', ')']) {
            last = summary(line).or(last);
        }
    }
    for (name, (outcome, why)) in &told {
        match *outcome {
            "passed" => report.passed += 1,
            "failed" => {
                let file = name.split("::").next().filter(|file| has_end(file, "py")).map(str::to_owned);
                report.fail(name, why, file, 0);
            }
            _ => report.skipped += 1,
        }
    }
    match last {
        // What the run says of itself is what counts; lines may have been left out.
        Some((passed, failed, skipped)) => {
            (report.passed, report.skipped) = (passed, skipped);
            report.failed = report.failed.max(failed);
        }
        None if told.is_empty() => return Err("it has no results of pytest".to_owned()),
        None => {}
    }
    Ok(report)
}

fn word(said: &str) -> &'static str {
    match said {
        "PASSED" | "XPASS" => "passed",
        "FAILED" | "ERROR" => "failed",
        "SKIPPED" | "XFAIL" => "skipped",
        _ => "",
    }
}

/// `== 1 failed, 2 passed, 3 skipped in 0.12s ==`.
fn summary(line: &str) -> Option<(u64, u64, u64)> {
    let (counts, _) = line.trim_matches('=').trim().split_once(" in ")?;
    let mut sums = (0_u64, 0_u64, 0_u64);
    let mut known = counts.trim() == "no tests ran";
    for part in counts.split(", ") {
        let mut words = part.trim().split(' ');
        let Some(number) = words.next().and_then(|number| number.parse::<u64>().ok()) else { continue };
        let sum = match words.next() {
            Some("passed" | "xpassed") => &mut sums.0,
            Some("failed" | "error" | "errors") => &mut sums.1,
            Some("skipped" | "xfailed" | "deselected") => &mut sums.2,
            _ => continue,
        };
        *sum = sum.saturating_add(number);
        known = true;
    }
    known.then_some(sums)
}

/// The Test Anything Protocol, versions 12 to 14; subtests count by their parents.
pub(super) fn tap(said: &str) -> Result<Report, String> {
    let mut report = Report::default();
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
