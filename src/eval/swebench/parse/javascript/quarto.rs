//! The reader of Quarto's tests, which Deno runs.

use std::collections::HashMap;

use super::{Read, Subject};
use crate::eval::swebench::python::strip;
use crate::eval::swebench::scan::{after_word, before};
use crate::eval::swebench::status::{Status, StatusMap};

/// `[smoke] name ... ok`, with names of temporary files numbered in their order.
#[expect(clippy::unnecessary_wraps, reason = "readers have one signature, and some break off")]
pub(in super::super) fn quarto_cli<'a>(log: &'a str, _: &Subject<'_>) -> Read<'a> {
    let mut map = StatusMap::default();
    let mut numbers = HashMap::new();
    for line in log.split('\n') {
        if line.contains("ERRORS") || line.contains("failures:") {
            break;
        }
        if !line.contains("[smoke]") && !line.contains("[unit]") {
            continue;
        }
        let line = numbered(&numbered(line, ".qmd", &mut numbers), "/", &mut numbers);
        let test = strip(line.split("...").next().unwrap_or(&line));
        let steps = ["passed", "failed", "steps"].into_iter().all(|word| line.contains(word));
        if line.starts_with("test result:") || steps || line.contains("34mINFO") {
            continue;
        }
        let status = if line.contains("32mok") {
            Status::Passed
        } else if line.contains("31mFAILED") || map.get(test).is_none() {
            // A test of which nothing is said failed.
            Status::Failed
        } else {
            continue;
        };
        map.set(test.to_owned(), status);
    }
    Ok(map)
}

/// Replaces every `/tmp/WORD` before `suffix` by `/tmp/N`: the number that the first of them has or now gets.
fn numbered(line: &str, suffix: &str, numbers: &mut HashMap<String, usize>) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut number = None;
    let mut rest = line;
    while let Some(at) = rest.find("/tmp/") {
        let (head, name) = rest.split_at(at + "/tmp/".len());
        plain.push_str(head);
        rest = name;
        let Some(after) = after_word(name).and_then(|after| after.strip_prefix(suffix)) else { continue };
        let number = *number.get_or_insert_with(|| {
            let next = numbers.len();
            *numbers.entry(format!("/tmp/{}", before(name, after))).or_insert(next)
        });
        plain.push_str(&number.to_string());
        rest = after;
    }
    plain + rest
}
