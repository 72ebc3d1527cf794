//! What pytest prints: its short summary (`-rA`), its verbose lines, its last line, and where its tracebacks end.

use std::collections::BTreeMap;

use super::Report;
use super::lines::has_end;

/// Tests whose place is remembered.
const PLACES: usize = 10_000;

pub(super) fn pytest(said: &str) -> Result<Report, String> {
    let mut report = Report { of_tests: true, ..Report::default() };
    let lines: Vec<&str> = said.lines().collect();
    // With `-rA` everything that tests printed stands before the summary, also what looks like results.
    let summary_at = lines.iter().rposition(|line| title(line, '=') == Some("short test summary info"));
    let (before, results) = lines.split_at(summary_at.unwrap_or(0));
    // One test may be told twice, as it runs and in the summary.
    let mut told: BTreeMap<String, (&str, String)> = BTreeMap::new();
    let mut last = None;
    for line in results {
        let line = line.trim();
        let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (name, why) = rest.split_once(" - ").unwrap_or((rest, ""));
        if matches!(first, "PASSED" | "FAILED" | "ERROR" | "SKIPPED" | "XFAIL" | "XPASS") {
            if summary_at.is_some() && !rest.is_empty() || name.contains("::") || has_end(name, "py") {
                told.insert(name.to_owned(), (word(first), why.to_owned()));
            }
        } else if first.contains("::")
            && let outcome = word(rest.split([' ', '[']).next().unwrap_or_default())
            && !outcome.is_empty()
        {
            told.entry(first.to_owned()).or_insert((outcome, String::new()));
        } else if line.contains(" in ") && line.ends_with(['s', '=', ')']) {
            last = summary(line).or(last);
        }
    }
    let places = places(before);
    for (name, (outcome, why)) in &told {
        match *outcome {
            "passed" => report.passed += 1,
            "failed" => {
                let (file, test) = name.split_once("::").unwrap_or((name, ""));
                let line = places.get(test.replace("::", ".").as_str()).filter(|(of, _)| *of == file);
                let file = has_end(file, "py").then(|| file.to_owned());
                report.fail(name, why, file, line.map_or(0, |(_, line)| *line));
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

/// `=== title ===`
fn title(line: &str, sign: char) -> Option<&str> {
    let inner = line.trim().strip_prefix(sign)?.strip_suffix(sign)?;
    Some(inner.trim_matches(sign).trim())
}

/// The last line of its own file in each test's traceback, `path.py:12: AssertionError`.
fn places<'a>(lines: &[&'a str]) -> BTreeMap<&'a str, (&'a str, u32)> {
    let mut places: BTreeMap<&str, (&str, u32)> = BTreeMap::new();
    let mut test = "";
    for line in lines {
        if let Some(name) = title(line, '_').filter(|name| !name.is_empty()) {
            test = name.rsplit(' ').next().unwrap_or(name);
            continue;
        }
        let mut parts = line.splitn(3, ':');
        if let (Some(file), Some(number), Some(_)) = (parts.next(), parts.next(), parts.next())
            && has_end(file, "py")
            && let Ok(number) = number.parse()
            && !test.is_empty()
            // The deepest line may be in the code under test; the test's own is where a person begins.
            && (places.contains_key(test) || places.len() < PLACES)
            && !line.starts_with([' ', '>', 'E'])
        {
            let known = places.entry(test).or_insert((file, number));
            if known.0 == file {
                known.1 = number;
            }
        }
    }
    places
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
