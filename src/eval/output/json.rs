//! Reports in JSON: divisi's own, SARIF, vitest and jest, and those of linters.

use serde_json::Value;

use super::Report;
use crate::model::evaluation::{EvalFinding, Linter, Severity};

/// One value and nothing else: of two reports one may have been printed by what is judged.
fn read(text: &str) -> Result<Value, String> {
    serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| not_json(&error))
}

/// The first value; some linters say a word after their report.
fn read_first(text: &str) -> Result<Value, String> {
    let mut reader = serde_json::Deserializer::from_str(text.trim_start_matches('\u{feff}'));
    serde::de::Deserialize::deserialize(&mut reader).map_err(|error| not_json(&error))
}

fn not_json(error: &serde_json::Error) -> String {
    format!("it is not JSON: {error}")
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn number(value: &Value, key: &str) -> u32 {
    value.get(key).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok()).unwrap_or(0)
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn severity(word: &str) -> Severity {
    match word.to_ascii_lowercase().as_str() {
        "error" | "fatal" | "critical" | "high" => Severity::Error,
        "note" | "info" | "information" | "style" | "hint" | "none" => Severity::Note,
        _ => Severity::Warning,
    }
}

fn file(name: &str) -> Option<String> {
    (!name.is_empty()).then(|| name.strip_prefix("./").unwrap_or(name).to_owned())
}

/// `{"score", "passed", "details", "findings"}`.
pub(super) fn own(said: &str) -> Result<Report, String> {
    let value = read(said)?;
    if !value.is_object() {
        return Err("it is no object with 'score' or 'passed'".to_owned());
    }
    let mut report = Report { details: text(&value, "details").to_owned(), ..Report::default() };
    match value.get("score") {
        None | Some(Value::Null) => {}
        Some(score) => {
            let score = score.as_f64().filter(|score| (0.0..=100.0).contains(score));
            let score = score.ok_or("'score' has to be a number from 0 to 100")?;
            // Within 0 to 100, rounded down: 99.9 is not all of it.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 100")]
            let score = score.floor() as u8;
            report.score = Some(score);
        }
    }
    match value.get("passed") {
        None | Some(Value::Null) => {}
        Some(passed) => report.verdict = Some(passed.as_bool().ok_or("'passed' has to be true or false")?),
    }
    if report.score.is_none() && report.verdict.is_none() {
        return Err("it has neither 'score' nor 'passed'".to_owned());
    }
    for finding in list(&value, "findings") {
        report.find(EvalFinding {
            file: file(text(finding, "file")),
            line: number(finding, "line"),
            column: number(finding, "column"),
            message: text(finding, "message").to_owned(),
            severity: severity(text(finding, "severity")),
        });
    }
    Ok(report)
}

/// SARIF 2.1.0.
pub(super) fn sarif(said: &str) -> Result<Report, String> {
    let value = read(said)?;
    let Some(runs) = value.get("runs").and_then(Value::as_array) else {
        return Err("it has no 'runs'".to_owned());
    };
    let mut report = Report::default();
    for run in runs {
        let failed = |of: &Value| of.get("executionSuccessful").and_then(Value::as_bool) == Some(false);
        if list(run, "invocations").iter().any(failed) {
            return Err("it says that its tool did not come to its end".to_owned());
        }
        let rules = run.pointer("/tool/driver").map_or(&[][..], |driver| list(driver, "rules"));
        for result in list(run, "results").iter().filter(|result| is_told(result)) {
            sarif_result(&mut report, rules, result);
        }
    }
    Ok(report)
}

/// Whether a result is something that was found, and that nobody decided to live with.
fn is_told(result: &Value) -> bool {
    let accepted = |one: &Value| matches!(text(one, "status"), "" | "accepted");
    let suppressed = list(result, "suppressions").iter().any(accepted);
    let found = !matches!(text(result, "kind"), "pass" | "notApplicable" | "informational");
    found && !suppressed && text(result, "baselineState") != "absent"
}

fn sarif_result(report: &mut Report, rules: &[Value], result: &Value) {
    let place = list(result, "locations").first().and_then(|place| place.get("physicalLocation"));
    let uri = place.and_then(|place| place.pointer("/artifactLocation/uri")).and_then(Value::as_str);
    let region = place.and_then(|place| place.get("region")).unwrap_or(&Value::Null);
    let message = result.pointer("/message/text").and_then(Value::as_str).unwrap_or_default();
    let index = result.get("ruleIndex").or(result.pointer("/rule/index")).and_then(Value::as_u64);
    let named = |id: &str| rules.iter().find(|rule| !id.is_empty() && text(rule, "id") == id);
    let rule = index.and_then(|at| rules.get(usize::try_from(at).ok()?)).or_else(|| named(text(result, "ruleId")));
    let id = match text(result, "ruleId") {
        "" => rule.map_or("", |rule| text(rule, "id")),
        id => id,
    };
    let usual = rule.and_then(|rule| rule.pointer("/defaultConfiguration/level")).and_then(Value::as_str);
    report.find(EvalFinding {
        file: file(&unescaped(uri.unwrap_or_default().trim_start_matches("file://"))),
        line: number(region, "startLine"),
        column: number(region, "startColumn"),
        message: if id.is_empty() { message.to_owned() } else { format!("{message} ({id})") },
        severity: match text(result, "level") {
            "" => usual.map_or(Severity::Warning, severity),
            level => severity(level),
        },
    });
}

/// A URI's path, as the file is named.
fn unescaped(uri: &str) -> String {
    let mut bytes = Vec::with_capacity(uri.len());
    let mut rest = uri.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| byte == b'%').and_then(|digits| std::str::from_utf8(digits).ok());
        if let Some(code) = code.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            bytes.push(code);
            rest = &after[2..];
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The line of a file that a stack names first; 0: none.
fn line_in(stack: &str, file: &str) -> u32 {
    let Some((_, after)) = stack.split_once(&format!("{file}:")) else { return 0 };
    let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
    after[..digits].parse().unwrap_or(0)
}

/// The last object that begins a line and has a key: what tests print stands before what their runner says at its end.
fn last_with(said: &str, key: &str) -> Option<Value> {
    /// Lines that begin like one and are looked at.
    const TRIES: usize = 20;
    let begins = |at: &usize| *at == 0 || said.as_bytes().get(at - 1) == Some(&b'\n');
    let starts = said.rmatch_indices('{').map(|(at, _)| at).filter(begins).take(TRIES);
    starts.filter_map(|at| read_first(&said[at..]).ok()).find(|value| value.get(key).is_some_and(Value::is_array))
}

/// `vitest --reporter=json` and `jest --json`.
pub(super) fn vitest(said: &str) -> Result<Report, String> {
    let value = last_with(said, "testResults").ok_or("it has no JSON with 'testResults'")?;
    let files = list(&value, "testResults");
    let mut report = Report { of_tests: true, ..Report::default() };
    for suite in files {
        let tests = list(suite, "assertionResults");
        let name = file(text(suite, "name"));
        for test in tests {
            match text(test, "status") {
                "passed" => report.passed += 1,
                "failed" => {
                    let said = list(test, "failureMessages").first().and_then(Value::as_str).unwrap_or_default();
                    let line = test.get("location").map_or_else(
                        || name.as_deref().map_or(0, |name| line_in(said, name)),
                        |place| number(place, "line"),
                    );
                    report.fail(text(test, "fullName"), said.lines().next().unwrap_or_default(), name.clone(), line);
                }
                _ => report.skipped += 1,
            }
        }
        if tests.iter().all(|test| text(test, "status") != "failed") && text(suite, "status") == "failed" {
            report.fail("the file could not be run", text(suite, "message"), name, 0);
        }
    }
    Ok(report)
}

/// What a linter found, in its own JSON.
pub(crate) fn lint_findings(linter: Linter, said: &str) -> Result<Report, String> {
    let mut report = Report { whole: true, ..Report::default() };
    let value = match linter {
        Linter::Clippy => return super::lines::cargo_lints(said),
        // An empty answer of golangci-lint and shellcheck is no answer.
        _ => read_first(said)?,
    };
    match linter {
        Linter::Clippy => {}
        Linter::Ruff => {
            for one in value.as_array().ok_or("it is no list")? {
                let place = one.get("location").unwrap_or(&Value::Null);
                let code = text(one, "code");
                report.find(EvalFinding {
                    file: file(text(one, "filename")),
                    line: number(place, "row"),
                    column: number(place, "column"),
                    message: format!("{} ({code})", text(one, "message")),
                    // What breaks a program, and what does not parse, is an error.
                    severity: match code {
                        code if code.is_empty() || code == "invalid-syntax" || code.starts_with(['F']) => {
                            Severity::Error
                        }
                        code if code.starts_with("E9") => Severity::Error,
                        _ => Severity::Warning,
                    },
                });
            }
        }
        Linter::Eslint => {
            for one in value.as_array().ok_or("it is no list")? {
                for message in list(one, "messages") {
                    report.find(EvalFinding {
                        file: file(text(one, "filePath")),
                        line: number(message, "line"),
                        column: number(message, "column"),
                        message: format!("{} ({})", text(message, "message"), text(message, "ruleId")),
                        severity: if number(message, "severity") >= 2 { Severity::Error } else { Severity::Warning },
                    });
                }
            }
        }
        Linter::GolangciLint => {
            if !value.is_object() {
                return Err("it is no object".to_owned());
            }
            for one in list(&value, "Issues") {
                let place = one.get("Pos").unwrap_or(&Value::Null);
                report.find(EvalFinding {
                    file: file(text(place, "Filename")),
                    line: number(place, "Line"),
                    column: number(place, "Column"),
                    message: format!("{} ({})", text(one, "Text"), text(one, "FromLinter")),
                    severity: match text(one, "Severity") {
                        "" => Severity::Error,
                        word => severity(word),
                    },
                });
            }
        }
        Linter::Shellcheck => {
            let comments = value.get("comments").and_then(Value::as_array).or(value.as_array());
            for one in comments.ok_or("it has no comments")? {
                report.find(EvalFinding {
                    file: file(text(one, "file")),
                    line: number(one, "line"),
                    column: number(one, "column"),
                    message: format!("{} (SC{})", text(one, "message"), number(one, "code")),
                    severity: severity(text(one, "level")),
                });
            }
        }
    }
    Ok(report)
}
