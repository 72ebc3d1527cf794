//! Suite files: YAML (or JSON), versioned and strict.
//!
//! ```yaml
//! version: 1
//! name: gates
//! restore: ["tests/**"]
//! limits: {memory_mb: 4096, processes: 256, network: false}
//! evaluators:
//!   - {id: tests, kind: tests, required: true, timeout_sec: 900}
//!   - {id: lint, kind: lint, minimum: 80, weight: 2}
//! ```

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use crate::base::hex;
use crate::base::yaml::{self, Fields, Node, Place, Problem, Problems};
use crate::model::evaluation::{
    Evaluator, EvaluatorKind, Limits, Linter, OutputFormat, Preparation, Protected, Suite, TestRunner,
};
use crate::model::judge::Judge;
use crate::model::schema::suite as schema;

/// The version of suite files that is read.
const VERSION: u64 = 1;
/// The longest time-out, seconds.
const LONGEST: u64 = 24 * 60 * 60;

/// Kinds of evaluators, by their names.
const KINDS: &[(&str, &str)] = &[
    ("script", "script"),
    ("tests", "tests"),
    ("lint", "lint"),
    ("coverage", "coverage"),
    ("complexity", "complexity"),
    ("duplication", "duplication"),
    ("diff_size", "diff_size"),
    ("secrets", "secrets"),
    ("conflicts", "conflicts"),
    ("judge", "judge"),
];

/// Reads a suite.
///
/// # Errors
/// Everything that is wrong with it, each with its place.
pub fn parse(text: &str) -> Result<Suite, Vec<Problem>> {
    let mut problems = Problems::default();
    let suite = yaml::parse(text, &mut problems).and_then(|node| of_node(&node, text, &mut problems));
    match suite {
        Some(suite) if problems.is_empty() => Ok(suite),
        _ => Err(problems.into_sorted()),
    }
}

fn of_node(node: &Node, text: &str, problems: &mut Problems) -> Option<Suite> {
    let mut fields = Fields::described(node, &schema::SUITE, problems)?;
    fields.require("version", problems);
    if let Some(version) = fields.number("version", 0..=u64::MAX, problems)
        && version != VERSION
    {
        problems.tell(fields.at(), format!("version {version} is not known: suites have version {VERSION}"));
    }
    let name = fields.text("name", problems).unwrap_or_else(|| "suite".to_owned());
    let restore = paths(&mut fields, "restore", problems);
    let limits = fields.node("limits").map(|node| limits(node, problems)).unwrap_or_default();
    let evaluators = match fields.require("evaluators", problems) {
        Some(list) => evaluators(list, problems),
        None => Vec::new(),
    };
    let prepare = fields.node("prepare").and_then(|node| preparation(node, problems));
    let protected = fields.choice("protected", Protected::ALL, problems).unwrap_or_default();
    fields.finish(problems);
    Some(Suite { name, evaluators, restore, prepare, protected, limits, digest: hex::encode(&Sha256::digest(text)) })
}

/// A list of evaluators, as in a suite or beside the tasks of a plan. When none is marked as required all of them are: a suite that
/// nothing can fail is no gate.
pub fn evaluators(list: &Node, problems: &mut Problems) -> Vec<Evaluator> {
    if list.items().len() > Suite::MOST {
        problems.tell(list.at, format!("a suite has at most {} evaluators", Suite::MOST));
        return Vec::new();
    }
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for node in list.items() {
        let Some(evaluator) = evaluator(node, problems) else { continue };
        if evaluator.id == Protected::RESULT {
            let message = "the id 'protected' is that of what the key 'protected' finds: name the evaluator otherwise";
            problems.tell(node.at, message);
        }
        if !seen.insert(evaluator.id.clone()) {
            problems.tell(node.at, format!("there are two evaluators '{}'", evaluator.id));
        }
        all.push(evaluator);
    }
    if list.items().is_empty() {
        problems.tell(list.at, "there is no evaluator");
    }
    if !all.iter().any(|evaluator| evaluator.required) {
        for evaluator in &mut all {
            evaluator.required = true;
        }
    }
    all
}

/// What is run before the evaluators, in a suite or a plan.
pub fn preparation(node: &Node, problems: &mut Problems) -> Option<Preparation> {
    let mut fields = Fields::described(node, &schema::PREPARATION, problems)?;
    let command = fields.require_text("command", problems);
    let timeout_sec = fields.number("timeout_sec", 1..=LONGEST, problems).unwrap_or(600);
    let network = fields.flag("network", problems);
    fields.finish(problems);
    Some(Preparation { command: command?, timeout_sec, network })
}

fn limits(node: &Node, problems: &mut Problems) -> Limits {
    let mut limits = Limits::default();
    let Some(mut fields) = Fields::described(node, &schema::LIMITS, problems) else { return limits };
    let mut number = |key, range, into: &mut u64| {
        if let Some(number) = fields.number(key, range, problems) {
            *into = number;
        }
    };
    number("memory_mb", 0..=1_048_576, &mut limits.memory_mb);
    number("cpu_sec", 0..=LONGEST, &mut limits.cpu_sec);
    number("processes", 8..=100_000, &mut limits.processes);
    number("file_mb", 1..=1_048_576, &mut limits.file_mb);
    number("output_kb", 1..=1_048_576, &mut limits.output_kb);
    limits.network = fields.flag("network", problems).unwrap_or(limits.network);
    fields.finish(problems);
    limits
}

fn evaluator(node: &Node, problems: &mut Problems) -> Option<Evaluator> {
    let mut fields = Fields::described(node, &schema::EVALUATOR, problems)?;
    let id = fields.require_text("id", problems);
    if let Some(id) = &id
        && !plain(id)
    {
        problems.tell(node.at, format!("the id '{id}' may only have letters, digits, _ and -, at most 60"));
    }
    fields.require("kind", problems);
    let kind = fields.choice("kind", KINDS, problems);
    let weight = fields.number("weight", 0..=1_000, problems).unwrap_or(1);
    let required = fields.flag("required", problems).unwrap_or(false);
    let timeout_sec = fields.number("timeout_sec", 1..=LONGEST, problems).unwrap_or(600);
    let minimum = fields.number("minimum", 0..=100, problems).and_then(|number| u8::try_from(number).ok());
    let kind = of_kind(kind?, timeout_sec, &mut fields, problems);
    fields.finish(problems);
    let weight = u32::try_from(weight).unwrap_or(1);
    Some(Evaluator { id: id?, kind: kind?, weight, required, timeout_sec, minimum })
}

fn of_kind(kind: &str, timeout_sec: u64, fields: &mut Fields<'_>, problems: &mut Problems) -> Option<EvaluatorKind> {
    let count = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    let whole = 0..=u64::from(u32::MAX);
    Some(match kind {
        "script" => EvaluatorKind::Script {
            format: fields.choice("format", OutputFormat::ALL, problems),
            report: path(fields, "report", problems),
            command: fields.require_text("command", problems)?,
        },
        "tests" => EvaluatorKind::Tests {
            runner: fields.choice("runner", TestRunner::ALL, problems),
            changed: fields.flag("changed", problems).unwrap_or(false),
        },
        "lint" => EvaluatorKind::Lint { linter: fields.choice("linter", Linter::ALL, problems) },
        "coverage" => {
            fields.require("report", problems);
            EvaluatorKind::Coverage {
                command: fields.text("command", problems),
                changed: fields.number("changed", 0..=100, problems).and_then(|number| u8::try_from(number).ok()),
                report: path(fields, "report", problems)?,
            }
        }
        "complexity" => EvaluatorKind::Complexity {
            maximum: fields.number("maximum", 1..=u64::from(u32::MAX), problems).map_or(15, count),
        },
        "duplication" => EvaluatorKind::Duplication {
            lines: fields.number("lines", 3..=1_000, problems).map_or(8, count),
            maximum: fields.number("maximum", whole, problems).map_or(0, count),
        },
        "diff_size" => {
            let lines = fields.number("lines", whole.clone(), problems).map(count);
            let files = fields.number("files", whole, problems).map(count);
            if lines.is_none() && files.is_none() {
                problems.tell(fields.at(), "diff_size needs 'lines' or 'files'");
            }
            EvaluatorKind::DiffSize { lines, files }
        }
        "secrets" => EvaluatorKind::Secrets {},
        "judge" => {
            let rubric = fields.require_text("rubric", problems);
            require_rubric(rubric.as_deref().unwrap_or_default(), fields.at(), problems);
            EvaluatorKind::Judge(Judge {
                model: fields.text("model", problems),
                mode: fields.text("mode", problems),
                profile: fields.text("profile", problems),
                agent: fields.require_text("agent", problems)?,
                rubric: rubric?,
                wait_sec: timeout_sec,
            })
        }
        _ => EvaluatorKind::Conflicts {},
    })
}

/// Tells of a rubric that nobody would read to its end.
pub fn require_rubric(rubric: &str, at: Place, problems: &mut Problems) {
    if rubric.chars().count() > Judge::RUBRIC {
        problems.tell(at, format!("the rubric has more than {} characters", Judge::RUBRIC));
    }
}

fn plain(id: &str) -> bool {
    (1..=60).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// A path below the checkout.
fn path<'a>(fields: &mut Fields<'a>, key: &'a str, problems: &mut Problems) -> Option<String> {
    let node = fields.node(key)?;
    let text = node.require_text(&format!("'{key}'"), problems)?;
    below(text, node, problems).then(|| text.to_owned())
}

fn paths<'a>(fields: &mut Fields<'a>, key: &'a str, problems: &mut Problems) -> Vec<String> {
    below_all(fields.node(key).map_or(&[][..], Node::items), key, problems)
}

/// Paths and globs below a repository.
pub fn below_all(items: &[Node], key: &str, problems: &mut Problems) -> Vec<String> {
    let read = |node: &Node| {
        let text = node.require_text(&format!("what is in '{key}'"), problems)?;
        below(text, node, problems).then(|| text.to_owned())
    };
    items.iter().filter_map(read).collect()
}

fn below(text: &str, node: &Node, problems: &mut Problems) -> bool {
    let parts = || text.split('/');
    let good = !text.is_empty()
        && !text.starts_with(['/', ':'])
        && !text.chars().any(char::is_control)
        && parts().all(|part| part != ".." && part != ".git");
    if !good {
        problems.tell(node.at, format!("'{text}' is not a path below the repository"));
    }
    good
}

#[cfg(test)]
mod tests;
