//! Every recorded log, in both releases: the status map, the report and its bytes are the harness'.

use std::path::Path;

use divisi::eval::swebench::{Compat, Instance, compact, grade, text};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::recorded::{Recorded, Verdict};
use crate::support::skip;

#[test]
fn recorded_logs_are_graded_as_the_harness_does() {
    let recorded = match Recorded::open() {
        Ok(recorded) => recorded,
        Err(reason) => return skip::skip("swebench::corpus::recorded_logs_are_graded_as_the_harness_does", &reason),
    };
    let (instances, logs) = (recorded.instances(), recorded.logs());
    for (compat, release) in [(Compat::V5, "5.0.2"), (Compat::V4, "4.1.0")] {
        let verdicts = recorded.verdicts(release);
        assert_eq!(verdicts.len(), 1123, "{release}");
        let check = |verdict: &Verdict| difference(verdict, &instances[&verdict.instance_id], logs.path(), compat);
        let differences: Vec<String> = std::thread::scope(|scope| {
            let threads: Vec<_> = verdicts
                .chunks(verdicts.len().div_ceil(4))
                .map(|part| scope.spawn(|| part.iter().filter_map(check).collect::<Vec<_>>()))
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
        });
        assert!(differences.is_empty(), "{release}: {} of {}: {differences:#?}", differences.len(), verdicts.len());
    }
}

/// What is not as the harness says, if anything.
fn difference(verdict: &Verdict, instance: &Instance, logs: &Path, compat: Compat) -> Option<String> {
    let log = std::fs::read(logs.join(&verdict.place).join("test_output.txt")).expect("a log");
    let log = text(&log);
    let graded = match grade(instance, Some("x"), &log, compat) {
        Ok(graded) => graded,
        Err(fault) => return Some(format!("{}: {fault}", verdict.place)),
    };
    let mut sorted: Vec<_> = graded.statuses.iter().collect();
    sorted.sort_unstable_by_key(|(test, _)| *test);
    let map: serde_json::Map<String, Value> =
        sorted.into_iter().map(|(test, status)| (test.to_owned(), json!(status.as_str()))).collect();
    let hash = divisi::base::hex::encode(&Sha256::digest(compact(&map)));
    let report = json!(graded.report);
    let bytes = graded.report.file(&verdict.instance_id);
    let wanted = indented(&format!("{{\"{}\": {}}}", verdict.instance_id, verdict.report));
    let differs = [
        ("status map", hash != verdict.said["status_sha256"]),
        ("report", report != verdict.said["report"]),
        ("found", graded.report.patch_successfully_applied != verdict.said["found"]),
        ("bytes", bytes != wanted),
    ];
    let differs: Vec<_> = differs.into_iter().filter(|(_, differs)| *differs).map(|(what, _)| what).collect();
    (!differs.is_empty()).then(|| format!("{}: {differs:?}", verdict.place))
}

/// JSON as Python writes it on one line, laid out as Python does with four spaces; strings stay as they are.
fn indented(json: &str) -> String {
    let mut laid = String::new();
    let (mut depth, mut in_string, mut escaped) = (0, false, false);
    let mut characters = json.chars().peekable();
    let line = |laid: &mut String, depth: usize| laid.extend(["\n", &"    ".repeat(depth)]);
    while let Some(c) = characters.next() {
        if in_string {
            laid.push(c);
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
            continue;
        }
        match c {
            '{' | '[' => {
                laid.push(c);
                if characters.peek().is_some_and(|next| matches!(next, '}' | ']')) {
                    laid.extend(characters.next());
                } else {
                    depth += 1;
                    line(&mut laid, depth);
                }
            }
            '}' | ']' => {
                depth -= 1;
                line(&mut laid, depth);
                laid.push(c);
            }
            ',' => {
                laid.push(c);
                line(&mut laid, depth);
                characters.next_if_eq(&' ');
            }
            _ => {
                in_string = c == '"';
                laid.push(c);
            }
        }
    }
    laid
}
