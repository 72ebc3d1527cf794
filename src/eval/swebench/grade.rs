//! From a log to a verdict.

mod suite;

use std::cell::OnceCell;

use super::infra::{self, Tier};
use super::instance::{EvalType, Instance};
use super::outcome::Outcome;
use super::parse::{Fault, Parser, Subject};
use super::report::{Cases, InstanceReport, Resolution, TestsStatus};
use super::status::{Status, StatusMap};
use super::{Compat, python};

const START: &str = ">>>>> Start Test Output";
const END: &str = ">>>>> End Test Output";
const EXIT_CODE: &str = "Test Exit Code";

/// Any of these, anywhere in a log, and it is not graded. All marks begin with `>>>>> `.
const BROKEN: [&str; 4] = ["Patch Apply Failed", "Reset Failed", "Tests Errored", "Tests Timed Out"];

/// What a log tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogReading<'a> {
    /// Tests and their statuses; empty when it cannot be graded.
    pub statuses: StatusMap<'a>,
    /// Whether it can be graded.
    pub gradable: bool,
}

/// A verdict with what it follows from.
#[derive(Debug, Clone, PartialEq)]
pub struct Graded<'a> {
    /// The harness' report.
    pub report: InstanceReport,
    /// What the log says of each test.
    pub statuses: StatusMap<'a>,
    /// How it ended.
    pub outcome: Outcome,
}

/// Where the marks of a log are, found in one pass.
#[derive(Default)]
struct Marks {
    broken: bool,
    /// Where the test output begins and ends: after the first START, before the next START or END.
    output: Option<(usize, usize)>,
    has_end: bool,
    exit_code: Option<bool>,
}

impl Marks {
    fn of(log: &str) -> Self {
        let mut marks = Self::default();
        let mut begin = None;
        for at in memchr::memmem::find_iter(log.as_bytes(), ">>>>> ") {
            let name = &log[at + ">>>>> ".len()..];
            if BROKEN.iter().any(|broken| name.starts_with(broken)) {
                return Self { broken: true, ..Self::default() };
            }
            if name.starts_with(&START[6..]) {
                match begin {
                    None => begin = Some(at + START.len()),
                    Some(begin) if marks.output.is_none() => marks.output = Some((begin, at)),
                    Some(_) => {}
                }
            } else if name.starts_with(&END[6..]) {
                marks.has_end = true;
                if let Some(begin) = begin.filter(|_| marks.output.is_none()) {
                    marks.output = Some((begin, at));
                }
            } else if let Some(code) = name.strip_prefix(EXIT_CODE).and_then(|rest| rest.strip_prefix(':')) {
                marks.exit_code = marks.exit_code.or_else(|| failed(code));
            }
        }
        marks.output = marks.output.or_else(|| begin.map(|begin| (begin, log.len())));
        marks
    }
}

/// Whether an exit code is not zero; absent when there is none.
fn failed(text: &str) -> Option<bool> {
    let text = python::lstrip(text);
    let digits = text.strip_prefix('-').unwrap_or(text);
    let end = digits.find(|c| !python::is_digit(c)).unwrap_or(digits.len());
    (end > 0).then(|| digits[..end].chars().any(|digit| digit != '0'))
}

/// Reads the log of a test run: `log` as [`python::text`] gives it.
///
/// # Errors
/// When the harness breaks off on it.
pub fn read_log<'a>(instance: &Instance, log: &'a str, compat: Compat) -> Result<LogReading<'a>, Fault> {
    let nothing = LogReading { statuses: StatusMap::default(), gradable: false };
    let parser = instance.parser(compat)?;
    let marks = Marks::of(log);
    let Some((begin, end)) = marks.output.filter(|_| marks.has_end && !marks.broken) else {
        return Ok(nothing);
    };
    let subject = Subject { instance_id: &instance.instance_id, version: &instance.version, compat };
    let statuses = read_output(parser, log, (begin, end), &subject)?;
    if compat == Compat::V5 {
        if statuses.is_empty() && !suite::ran(log) {
            return Ok(nothing);
        }
        let failure = || statuses.iter().any(|(_, status)| matches!(status, Status::Failed | Status::Error));
        if marks.exit_code == Some(true) && !statuses.is_empty() && !failure() {
            return Ok(nothing);
        }
    }
    Ok(LogReading { statuses, gradable: true })
}

/// What stands between the marks; when that says nothing, all of it.
fn read_output<'a>(
    parser: &Parser,
    log: &'a str,
    (begin, end): (usize, usize),
    subject: &Subject<'_>,
) -> Result<StatusMap<'a>, Fault> {
    let statuses = parser.read(&log[begin..end], subject)?;
    if statuses.is_empty() { parser.read(log, subject) } else { Ok(statuses) }
}

/// Grades a log. `patch` is the prediction's, which may be none at all; `log` is the text of `test_output.txt`.
///
/// # Errors
/// When the harness breaks off on it.
pub fn grade<'a>(instance: &Instance, patch: Option<&str>, log: &'a str, compat: Compat) -> Result<Graded<'a>, Fault> {
    let mut report = InstanceReport::new(compat);
    if patch.is_none() {
        report.patch_is_none = true;
        return Ok(Graded { report, statuses: StatusMap::default(), outcome: Outcome::EmptyPatch });
    }
    report.patch_exists = true;
    let LogReading { statuses, gradable } = read_log(instance, log, compat)?;
    if !gradable {
        let classified = infra::classify(log);
        if let Some(found) = classified.as_ref().filter(|_| compat == Compat::V5) {
            report.infra_failure = Some(found.tier == Tier::Environment);
            report.infra_failure_reason = Some(found.reason.to_owned());
        }
        let outcome = Outcome::of_ungradable(log, classified);
        return Ok(Graded { report, statuses, outcome });
    }
    report.patch_successfully_applied = true;
    let tests = tests_status(instance, &statuses, compat)?;
    let resolution = tests.resolution();
    report.resolved = resolution == Resolution::Full;
    report.tests_status = Some(tests);
    let outcome = match resolution {
        Resolution::Full => Outcome::Resolved,
        Resolution::Partial => Outcome::Partial,
        Resolution::No => Outcome::Unresolved,
    };
    Ok(Graded { report, statuses, outcome })
}

fn tests_status(instance: &Instance, statuses: &StatusMap<'_>, compat: Compat) -> Result<TestsStatus, Fault> {
    let eval_type = instance.eval_type(compat)?;
    let lookup = Lookup::new(statuses, compat);
    let sort = |cases: &[String], skipped: Skipped| {
        let mut sorted = Cases::default();
        for case in cases {
            let success = match eval_type {
                EvalType::FailOnly => Some(statuses.get(case) != Some(&Status::Failed)),
                EvalType::PassAndFail => lookup.success(case, skipped),
            };
            match success {
                Some(true) => sorted.success.push(case.clone()),
                Some(false) => sorted.failure.push(case.clone()),
                None => {}
            }
        }
        sorted
    };
    let (fail_to_pass, pass_to_pass) = match compat {
        Compat::V4 => (Skipped::Neither, Skipped::Neither),
        Compat::V5 => (Skipped::Failure, Skipped::Success),
    };
    Ok(TestsStatus::new(sort(&instance.fail_to_pass, fail_to_pass), sort(&instance.pass_to_pass, pass_to_pass)))
}

/// What a skipped test counts as.
#[derive(Clone, Copy)]
enum Skipped {
    Success,
    Failure,
    Neither,
}

/// Finds what a log says of an expected test.
struct Lookup<'m> {
    statuses: &'m StatusMap<'m>,
    /// Names in order, with the place of their first mention: for ids that a dataset has cut off.
    sorted: OnceCell<Vec<(&'m str, usize, &'m Status<'m>)>>,
    compat: Compat,
}

impl<'m> Lookup<'m> {
    fn new(statuses: &'m StatusMap<'m>, compat: Compat) -> Self {
        Self { statuses, sorted: OnceCell::new(), compat }
    }

    /// Whether a test did what it should; absent when neither can be said.
    fn success(&self, case: &str, skipped: Skipped) -> Option<bool> {
        match self.find(case) {
            None | Some(Status::Failed | Status::Error) => Some(false),
            Some(Status::Passed | Status::Xfail) => Some(true),
            Some(Status::Skipped) => match skipped {
                Skipped::Success => Some(true),
                Skipped::Failure => Some(false),
                Skipped::Neither => None,
            },
            Some(Status::Other(_)) => None,
        }
    }

    /// Since v5 an id with more brackets opened than closed stands for all that begin with it, if those agree.
    fn find(&self, case: &str) -> Option<&'m Status<'m>> {
        let exact = self.statuses.get(case);
        if exact.is_some() || self.compat == Compat::V4 || !is_cut_off(case) {
            return exact;
        }
        let sorted = self.sorted.get_or_init(|| {
            let mut all: Vec<_> =
                self.statuses.iter().enumerate().map(|(at, (name, status))| (name, at, status)).collect();
            all.sort_unstable_by_key(|(name, ..)| *name);
            all
        });
        let first = sorted.partition_point(|(name, ..)| *name < case);
        let matching = || sorted[first..].iter().take_while(|(name, ..)| name.starts_with(case));
        let agree =
            matching().all(|(_, _, status)| status.passed()) || !matching().any(|(_, _, status)| status.passed());
        matching().min_by_key(|(_, at, _)| *at).filter(|_| agree).map(|(_, _, status)| *status)
    }
}

fn is_cut_off(case: &str) -> bool {
    let count = |bracket| memchr::memchr_iter(bracket, case.as_bytes()).count();
    count(b'[') > count(b']')
}

#[cfg(test)]
mod tests;
