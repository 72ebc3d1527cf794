//! Reports in XML: `JUnit`'s tests and Cobertura's lines. Entities of a document's own are not expanded, so none can grow.

use std::borrow::Cow;

use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::Report;
use crate::eval::coverage::Lines;

/// Elements within elements at most.
const DEPTH: usize = 200;

fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = element.attributes().flatten().find(|attribute| attribute.key.as_ref() == name)?;
    let raw = found.value.as_ref();
    Some(quick_xml::escape::unescape(raw).map_or_else(|_| raw.to_owned(), Cow::into_owned))
}

fn number(element: &BytesStart<'_>, name: &str) -> u32 {
    attribute(element, name).and_then(|number| number.parse().ok()).unwrap_or(0)
}

struct Case {
    name: String,
    file: Option<String>,
    line: u32,
    /// What was said, when it failed.
    failed: Option<String>,
    skipped: bool,
}

/// `JUnit` XML, as most runners write it.
pub(super) fn junit(text: &str) -> Result<Report, String> {
    let mut report = Report::default();
    let mut case: Option<Case> = None;
    let mut known = false;
    // What a suite says of all that is in it: some writers leave out cases.
    let mut said = 0_u64;
    walk(text, |step| match step {
        Step::Begin(element) => match element.local_name().as_ref() {
            "testsuites" | "testsuite" => {
                known = true;
                said = said.max(u64::from(number(element, "failures")) + u64::from(number(element, "errors")));
            }
            "testcase" => {
                known = true;
                let name = attribute(element, "name").unwrap_or_default();
                let class = attribute(element, "classname").filter(|class| !class.is_empty());
                case = Some(Case {
                    name: class.map_or_else(|| name.clone(), |class| format!("{class}.{name}")),
                    file: attribute(element, "file").filter(|file| !file.is_empty()),
                    line: number(element, "line"),
                    failed: None,
                    skipped: false,
                });
            }
            "failure" | "error" => {
                let said = attribute(element, "message").unwrap_or_default();
                match &mut case {
                    Some(case) => case.failed = Some(said),
                    None if known => report.fail("a suite", &said, None, 0),
                    None => {}
                }
            }
            "skipped" => {
                if let Some(case) = &mut case {
                    case.skipped = true;
                }
            }
            _ => {}
        },
        Step::End("testcase") => {
            if let Some(Case { name, file, line, failed, skipped }) = case.take() {
                match failed {
                    Some(said) => report.fail(&name, said.lines().next().unwrap_or_default(), file, line),
                    None if skipped => report.skipped += 1,
                    None => report.passed += 1,
                }
            }
        }
        Step::End(_) => {}
    })?;
    report.failed = report.failed.max(said);
    report.of_tests = true;
    if known { Ok(report) } else { Err("it has no test suites".to_owned()) }
}

/// Cobertura's lines.
pub(crate) fn cobertura(text: &str) -> Result<Lines, String> {
    let mut lines = Lines::default();
    let mut file: Option<String> = None;
    let mut known = false;
    walk(text, |step| {
        if let Step::Begin(element) = step {
            match element.local_name().as_ref() {
                "coverage" => known = true,
                "class" => file = attribute(element, "filename"),
                "line" => {
                    if let Some(file) = &file {
                        let hits = attribute(element, "hits").and_then(|hits| hits.parse().ok()).unwrap_or(0);
                        lines.hit(file, number(element, "number"), hits);
                    }
                }
                _ => {}
            }
        }
    })?;
    if known { Ok(lines) } else { Err("it has no element 'coverage'".to_owned()) }
}

enum Step<'a, 'b> {
    Begin(&'a BytesStart<'b>),
    End(&'a str),
}

/// Every element's beginning and end, in order.
fn walk(text: &str, mut each: impl FnMut(Step<'_, '_>)) -> Result<(), String> {
    let mut reader = Reader::from_str(text);
    let mut depth = 0_usize;
    loop {
        let event = reader.read_event().map_err(|error| {
            let line = 1 + text
                .as_bytes()
                .iter()
                .take(usize::try_from(reader.error_position()).unwrap_or(0))
                .filter(|byte| **byte == b'\n')
                .count();
            format!("it is not XML: {error} (line {line})")
        })?;
        match event {
            Event::Start(element) => {
                depth += 1;
                if depth > DEPTH {
                    return Err(format!("its elements are nested more than {DEPTH} deep"));
                }
                each(Step::Begin(&element));
            }
            Event::Empty(element) => {
                each(Step::Begin(&element));
                each(Step::End(element.local_name().as_ref()));
            }
            Event::End(element) => {
                depth = depth.saturating_sub(1);
                each(Step::End(element.local_name().as_ref()));
            }
            Event::Eof if depth > 0 => return Err("it is not XML: it ends in the middle".to_owned()),
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}
