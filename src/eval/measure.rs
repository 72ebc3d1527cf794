//! What is measured without a program: the diff's size, credentials, conflicts, copies, branches.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::changed::Changed;
use super::judge::Judgement;
use super::output::Report;
use crate::model::evaluation::{EvalFinding, Evaluator, EvaluatorKind, EvaluatorOutcome, Severity};

mod branches;
mod credentials;

pub(super) use branches::functions;

/// What measures look at.
#[derive(Debug, Clone, Default)]
pub struct Material {
    /// What the session changed.
    pub changed: Changed,
    /// Texts of the commit's files of the kinds that were changed, by path.
    pub texts: BTreeMap<String, String>,
    /// Paths in conflict with the base as it is now; absent when there is no branch to compare with.
    pub conflicts: Option<Vec<String>>,
}

/// Measures.
pub fn measure(evaluator: &Evaluator, material: &Material) -> Judgement {
    let changed = &material.changed;
    match &evaluator.kind {
        EvaluatorKind::DiffSize { lines, files } => size(evaluator, changed, *lines, *files),
        EvaluatorKind::Secrets {} => {
            let mut report = Report::default();
            for (path, number, line) in added(changed) {
                if let Some(what) = credentials::find(line) {
                    report.find(at(path, number, Severity::Error, format!("this looks like {what}")));
                }
            }
            all_or_nothing(
                evaluator,
                report,
                "no credential was added",
                ["added line looks like a credential", "added lines look like credentials"],
            )
        }
        EvaluatorKind::Conflicts {} => {
            let mut report = Report::default();
            for (path, number, line) in added(changed) {
                if ["<<<<<<< ", ">>>>>>> ", "||||||| "].iter().any(|mark| line.starts_with(mark)) {
                    report.find(at(path, number, Severity::Error, "a conflict's marker was left here".to_owned()));
                }
            }
            for path in material.conflicts.iter().flatten() {
                report.find(at(path, 0, Severity::Error, "it conflicts with the base as it is now".to_owned()));
            }
            all_or_nothing(evaluator, report, "no conflicts", ["place is in conflict", "places are in conflict"])
        }
        EvaluatorKind::Duplication { lines, maximum } => copies(evaluator, material, *lines, *maximum),
        EvaluatorKind::Complexity { maximum } => complexity(evaluator, material, *maximum),
        _ => {
            let reason = "it needs a program".to_owned();
            Judgement::without(EvaluatorOutcome::Errored { reason }, "")
        }
    }
}

fn added(changed: &Changed) -> impl Iterator<Item = (&String, u32, &str)> {
    changed
        .files
        .iter()
        .flat_map(|(path, lines)| lines.iter().map(move |(number, line)| (path, *number, line.as_str())))
}

fn at(path: &str, line: u32, severity: Severity, message: String) -> EvalFinding {
    EvalFinding { file: Some(path.to_owned()), line, column: 0, message, severity }
}

fn all_or_nothing(evaluator: &Evaluator, mut report: Report, good: &str, bad: [&str; 2]) -> Judgement {
    let clean = report.errors == 0;
    report.details =
        if clean { good.to_owned() } else { format!("{} {}", report.errors, bad[usize::from(report.errors != 1)]) };
    Judgement::scored(if clean { 100 } else { 0 }, evaluator.minimum, clean, report)
}

fn size(evaluator: &Evaluator, changed: &Changed, lines: Option<u32>, files: Option<u32>) -> Judgement {
    let touched = changed.stat.added.saturating_add(changed.stat.removed);
    let part = |is: u32, most: Option<u32>| match most {
        Some(most) if is > most => super::score::percent(u64::from(most), u64::from(is)),
        _ => 100,
    };
    let score = part(touched, lines).min(part(changed.stat.files, files));
    let files = changed.stat.files;
    let word = |what: &str, count: u32| format!("{what}{}", if count == 1 { "" } else { "s" });
    let details = format!("{touched} {} in {files} {}", word("line", touched), word("file", files));
    let report = Report { details, ..Report::default() };
    Judgement::scored(score, evaluator.minimum, score == 100, report)
}

/// Lines without what does not tell them apart.
fn plain(line: &str) -> Option<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let text = words.join(" ");
    (text.chars().any(char::is_alphanumeric)).then_some(text)
}

/// Added lines that stand somewhere else too, so many in a row.
fn copies(evaluator: &Evaluator, material: &Material, row: u32, maximum: u32) -> Judgement {
    let row = usize::try_from(row).unwrap_or(usize::MAX);
    // Every row of lines by its hash: where it stands first.
    let mut first: HashMap<u64, (&str, u32)> = HashMap::new();
    let mut rows: Vec<(&str, Vec<(u32, u64)>)> = Vec::new();
    for (path, text) in &material.texts {
        let lines: Vec<(u32, String)> =
            (1_u32..).zip(text.lines()).filter_map(|(at, line)| Some((at, plain(line)?))).collect();
        let hashed = lines.windows(row).map(|window| {
            let mut hasher = DefaultHasher::new();
            for (_, line) in window {
                line.hash(&mut hasher);
            }
            (window[0].0, hasher.finish())
        });
        let hashed: Vec<(u32, u64)> = hashed.collect();
        let is_added = |number: u32| material.changed.has(path, number);
        for (number, hash) in &hashed {
            // What was there before is the original, whichever file comes first.
            let place = first.entry(*hash).or_insert((path, *number));
            if material.changed.has(place.0, place.1) && !is_added(*number) {
                *place = (path, *number);
            }
        }
        rows.push((path, hashed));
    }
    let mut report = Report::default();
    let mut copied = 0_u32;
    for (path, hashed) in rows {
        let numbers: Vec<u32> = hashed.iter().map(|(number, _)| *number).collect();
        let mut lines: BTreeSet<u32> = BTreeSet::new();
        let mut told_until = 0;
        for (at, (number, hash)) in hashed.iter().enumerate() {
            let Some((other, line)) = first.get(hash).filter(|place| **place != (path, *number)) else { continue };
            let last =
                numbers.get(at + row - 1).copied().unwrap_or(number.saturating_add(u32::try_from(row).unwrap_or(0)));
            let added: Vec<u32> = (*number..=last).filter(|line| material.changed.has(path, *line)).collect();
            // Half of it was there before: then it is not the session that copied it.
            if added.len() * 2 <= row {
                continue;
            }
            lines.extend(added);
            if *number > told_until {
                report.find(self::at(path, *number, Severity::Warning, format!("a copy of {other}:{line}")));
            }
            told_until = last;
        }
        copied = copied.saturating_add(u32::try_from(lines.len()).unwrap_or(u32::MAX));
    }
    report.details = format!("{copied} copied lines added");
    let over = copied.saturating_sub(maximum);
    let score = u8::try_from(100_u32.saturating_sub(over)).unwrap_or(0);
    Judgement::scored(score, evaluator.minimum, over == 0, report)
}

fn complexity(evaluator: &Evaluator, material: &Material, maximum: u32) -> Judgement {
    let mut report = Report::default();
    let (mut functions, mut worst) = (0_u32, 0_u32);
    for (path, added) in &material.changed.files {
        let Some(text) = material.texts.get(path) else { continue };
        for function in branches::functions(path, text) {
            if !added.iter().any(|(number, _)| (function.first..=function.last).contains(number)) {
                continue;
            }
            functions += 1;
            worst = worst.max(function.branches);
            if function.branches > maximum {
                let message = format!("{} has a complexity of {}, at most {maximum}", function.name, function.branches);
                report.find(at(path, function.first, Severity::Error, message));
            }
        }
    }
    report.details = format!("{functions} changed functions, the worst has a complexity of {worst}");
    let score =
        super::score::percent(u64::from(functions) - report.errors.min(u64::from(functions)), u64::from(functions));
    let good = report.errors == 0;
    Judgement::scored(score, evaluator.minimum, good, report)
}

#[cfg(test)]
mod tests;
