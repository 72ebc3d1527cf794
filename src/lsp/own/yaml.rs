//! The YAML documents: plans of batches, suites of evaluators, suites of benchmarks. What they may say is a description that their
//! readers share; what is wrong beyond that is asked of the daemon, whose readers these are.

use std::ops::Range;

use gen_lsp_types::{Code, Diagnostic, DiagnosticSeverity, Message};
use serde_json::{Value, json};

use super::{Around, Kind, Suggestion};
use crate::base::schema::check::Problem as Fault;
use crate::base::text::visible_line;
pub use crate::base::yaml::Problem;
use crate::base::yaml::table::{self, KIND, Key, Table, check};
use crate::lsp::capability::Encoding;
use crate::lsp::diagnostics::SOURCE;
use crate::lsp::text;
use crate::model::schema::{cases, definition, plan, suite};

pub mod scan;

use scan::{Cursor, Scan, Spot, Step};

/// How far mappings and lists are put in.
const STEP: usize = 2;

/// A kind of YAML document.
#[derive(Debug)]
pub struct Yaml {
    /// What it is called: in `# divisi: NAME` on its first line, and by `divisi schema`.
    pub name: &'static str,
    table: &'static Table,
    /// Files that are called so, or `something.NAME.yaml`, are one when they say nothing against it.
    called: &'static [&'static str],
    /// Keys that only such a document has at its top: it is one that has all of them.
    all: &'static [&'static str],
    /// The daemon's query for what is wrong.
    method: &'static str,
}

/// A batch's plan.
pub static PLAN: Yaml = Yaml {
    name: "plan",
    table: &plan::PLAN,
    called: &["plan", "batch"],
    all: &["version", "agents", "tasks"],
    method: "plan/check",
};

/// A suite of evaluators.
pub static SUITE: Yaml = Yaml {
    name: "suite",
    table: &suite::SUITE,
    called: &["suite", "gates"],
    all: &["version", "evaluators"],
    method: "evaluation/check",
};

/// A benchmark's cases.
pub static BENCH: Yaml = Yaml {
    name: "bench",
    table: &cases::CASES,
    called: &["bench", "suite"],
    all: &["version", "cases"],
    method: "bench/check",
};

/// Which of them a document is.
pub fn of(path: &std::path::Path, text: &str) -> Option<&'static Yaml> {
    let extension = path.extension()?.to_str()?;
    if !["yaml", "yml", "json"].contains(&extension) {
        return None;
    }
    let all = [&PLAN, &SUITE, &BENCH];
    let first = text.lines().next().unwrap_or_default();
    if let Some(name) = first.strip_prefix('#').and_then(|rest| rest.trim().strip_prefix("divisi:")) {
        return all.into_iter().find(|kind| kind.name == name.trim());
    }
    let top = tops(text);
    let has = |name: &&str| top.iter().any(|key| key == name);
    if let Some(kind) = all.into_iter().find(|kind| kind.all.iter().all(has)) {
        return Some(kind);
    }
    let stem = path.file_stem()?.to_str()?;
    let word = stem.rsplit(['.', '-', '_']).next().unwrap_or(stem);
    let alike = all.into_iter().filter(|kind| kind.called.contains(&word));
    let own = |kind: &&Yaml| kind.all.iter().skip(1).any(has);
    let mut alike: Vec<&Yaml> = alike.filter(|kind| top.is_empty() || own(kind)).collect();
    if top.is_empty() && !text.trim().is_empty() && text.lines().any(|line| !line.trim_start().starts_with('#')) {
        // Something is being written that has no key yet.
        alike.retain(|_| text.trim().len() < 40);
    }
    alike.first().copied().and_then(|kind| all.into_iter().find(|known| known.name == kind.name))
}

/// The keys at the top: told without reading all of a file that is none of divisi's.
fn tops(text: &str) -> Vec<String> {
    if text.trim_start().starts_with('{') {
        let entries = scan::scan(text, 0).entries;
        return entries.into_iter().filter(|entry| entry.path.is_empty()).map(|entry| entry.key).collect();
    }
    let keys = text.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_alphabetic()));
    keys.filter_map(|line| line.split_once(':')).map(|(key, _)| key.trim_end().to_owned()).collect()
}

impl Yaml {
    /// What is wrong as far as the description tells.
    pub fn faults(&self, text: &str) -> Vec<Problem> {
        // What an older version of plans says is only known to its reader.
        let old = self.name == "plan" && scan::scan(text, 0).value(&[], "version").is_some_and(|word| word != "3");
        if old { Vec::new() } else { check::problems(text, self.table) }
    }

    fn root(&self) -> table::Kind {
        table::Kind::One(self.table)
    }

    /// What a path leads to.
    fn at(&self, path: &[Step], read: &Scan) -> Option<(Option<&'static Key>, table::Kind)> {
        let mut here = (None, self.root());
        for (number, step) in path.iter().enumerate() {
            here = match step {
                Step::Key(name) => here.1.under(name, read.value(&path[..number], KIND))?,
                Step::Item(_) => (here.0, here.1.item()?),
            };
        }
        Some(here)
    }

    fn keys(table: &'static Table, cursor: &Cursor, read: &Scan) -> Vec<Suggestion> {
        let kind = read.value(&cursor.path, KIND);
        let standing: Vec<&str> = read
            .entries
            .iter()
            .filter(|entry| entry.path == cursor.path && entry.span != cursor.span)
            .map(|entry| entry.key.as_str())
            .collect();
        let free = |key: &&Key| key.fits(kind) && !standing.contains(&key.name);
        let mut found: Vec<Suggestion> = table.keys.iter().filter(free).map(|key| suggested(key, cursor)).collect();
        found.dedup_by(|one, other| one.label == other.label);
        found
    }

    fn words(key: Option<&'static Key>, kind: table::Kind, read: &Scan, around: &Around<'_>) -> Vec<(String, String)> {
        let about = key.map_or("", |key| key.says).to_owned();
        let plain = |words: Vec<&str>| words.iter().map(|word| ((*word).to_owned(), about.clone())).collect();
        match kind {
            table::Kind::Word(words) | table::Kind::Words(words) => plain(words.to_vec()),
            table::Kind::Flag => plain(vec!["true", "false"]),
            table::Kind::Number(least, most) if least == most => plain(vec![least.to_string().as_str()]),
            table::Kind::Ref(list) | table::Kind::Refs(list) => plain(read.ids(list))
                .into_iter()
                .map(|(word, about): (String, String)| (visible_line(&word, 80), about))
                .collect(),
            table::Kind::Agent => {
                let known = around.agents.iter();
                let told = known.map(|agent| (visible_line(&agent.name, 64), visible_line(&agent.description, 200)));
                let mut told: Vec<(String, String)> = told.collect();
                for name in definition::BUILT_IN {
                    if !told.iter().any(|(known, _)| known == name) {
                        told.push(((*name).to_owned(), "a built-in agent".to_owned()));
                    }
                }
                told
            }
            _ => Vec::new(),
        }
    }
}

/// The diagnostics of problems with a text.
pub fn diagnostics(text: &str, problems: &[Problem], encoding: Encoding) -> Vec<Diagnostic> {
    let told = |problem: &Problem| {
        let span = span_of(text, problem);
        let word = &text[span.clone()];
        // A correction is offered only for what stands there.
        let meant = problem.suggestion.as_deref().map(|word| word.trim_matches('\''));
        let meant = meant.filter(|_| !word.is_empty() && problem.message.contains(&format!("'{word}'")));
        let hint = problem.suggestion.as_ref().map_or_else(String::new, |near| format!(" (did you mean {near}?)"));
        let code = if problem.message.contains(" has no '") { "unknown-key" } else { "value" };
        Diagnostic {
            range: text::range(text, &span, encoding),
            severity: Some(DiagnosticSeverity::Error),
            code: Some(Code::String(code.to_owned())),
            code_description: None,
            source: Some(SOURCE.to_owned()),
            message: Message::String(visible_line(&format!("{}{hint}", problem.message), 500)),
            tags: None,
            related_information: None,
            data: meant.map(|name| json!({ "meant": name })),
        }
    };
    problems.iter().take(super::MOST).map(told).collect()
}

/// What stands at a problem's place: a word, without quotes.
fn span_of(text: &str, problem: &Problem) -> Range<usize> {
    let mut start = 0;
    for _ in 1..problem.line {
        start = text[start..].find('\n').map_or(text.len(), |at| start + at + 1);
    }
    let line = text[start..].lines().next().unwrap_or_default();
    let column = usize::try_from(problem.column.saturating_sub(1)).unwrap_or(usize::MAX);
    let at = start + line.char_indices().nth(column).map_or(line.len(), |(at, _)| at);
    let rest = &text[at..start + line.len()];
    if let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        let inner = &rest[1..];
        return at + 1..at + 1 + inner.find(quote).unwrap_or(inner.len());
    }
    let word = rest.find([' ', ':', ',', '}', ']', '#', '\t']).unwrap_or(rest.len());
    at..at + word
}

impl Kind for Yaml {
    fn owns(&self, around: &Around<'_>) -> bool {
        of(around.path, around.text).is_some_and(|kind| std::ptr::eq(kind, self))
    }

    fn problems(&self, _text: &str, _around: &Around<'_>) -> Vec<Fault> {
        Vec::new()
    }

    fn asks(&self, text: &str, around: &Around<'_>) -> Option<(&'static str, Value)> {
        Some(match self.method {
            "evaluation/check" => (self.method, json!({ "text": text })),
            method => (method, json!({ "text": text, "path": around.path.to_string_lossy() })),
        })
    }

    fn alone(&self, text: &str) -> Vec<Problem> {
        self.faults(text)
    }

    fn complete(&self, text: &str, at: usize, around: &Around<'_>) -> Vec<Suggestion> {
        let read = scan::scan(text, at);
        let Some(cursor) = &read.cursor else { return Vec::new() };
        let Some((key, kind)) = self.at(&cursor.path, &read) else { return Vec::new() };
        if let (Spot::Key, table::Kind::One(table)) = (cursor.spot, kind) {
            return Self::keys(table, cursor, &read);
        }
        // A list whose first item is not there yet.
        if let (Spot::Key, Some(table::Kind::One(table))) = (cursor.spot, kind.item())
            && !cursor.flow
        {
            let first = Self::keys(table, cursor, &read).into_iter().filter(|found| {
                table.keys.iter().any(|key| key.name == found.label && (key.required || key.name == "id"))
            });
            return first.map(|found| Suggestion { insert: format!("- {}", found.insert), ..found }).collect();
        }
        let quote = text[cursor.span.clone()].chars().next().filter(|c| matches!(c, '"' | '\''));
        let behind_colon = text[..cursor.span.start].ends_with(':');
        let dash = cursor.spot == Spot::Key && !cursor.flow && !matches!(cursor.path.last(), Some(Step::Item(_)));
        let insert = |word: &str| {
            let word = match quote {
                Some(quote) => format!("{quote}{word}{quote}"),
                None if word.is_empty() || word.contains([':', '#', ' ', ',', '{', '[']) => {
                    serde_json::to_string(word).unwrap_or_default()
                }
                None => word.to_owned(),
            };
            format!("{}{}{word}", if behind_colon { " " } else { "" }, if dash { "- " } else { "" })
        };
        let words = Self::words(key, kind, &read, around).into_iter();
        words
            .map(|(word, about)| Suggestion {
                insert: insert(&word),
                label: word,
                about,
                replaces: cursor.span.clone(),
                kind: 12,
            })
            .collect()
    }

    fn hover(&self, text: &str, at: usize) -> Option<(Range<usize>, String)> {
        let read = scan::scan(text, at);
        let cursor = read.cursor.as_ref()?;
        let mut path = cursor.path.clone();
        if cursor.spot == Spot::Key {
            let word = text.get(cursor.span.clone())?.trim_matches(['"', '\'']);
            path.push(Step::Key(word.to_owned()));
        }
        let (key, kind) = self.at(&path, &read)?;
        let key = key?;
        let named: Vec<String> = path
            .iter()
            .filter_map(|step| match step {
                Step::Key(name) => Some(visible_line(name, 60)),
                Step::Item(_) => None,
            })
            .collect();
        let needed = if key.required { "; it has to be there" } else { "" };
        let said = format!("**`{}`**\n\n{}\n\n{}{needed}", named.join(".").replace('`', "'"), key.says, kind.words());
        Some((cursor.span.clone(), said))
    }

    fn outline(&self, text: &str) -> Vec<super::Symbol> {
        symbols(text)
    }
}

/// A key as it is put in, with the beginning of what follows it.
fn suggested(key: &'static Key, cursor: &Cursor) -> Suggestion {
    let (pad, item) = (" ".repeat(cursor.indent + STEP), " ".repeat(cursor.indent + STEP));
    let insert = match key.kind {
        _ if cursor.flow => format!("{}: ", key.name),
        table::Kind::One(_) | table::Kind::Named(_) | table::Kind::TextMap => format!("{}:\n{pad}", key.name),
        table::Kind::Many(_) | table::Kind::TextOrMany(_) | table::Kind::Texts | table::Kind::Refs(_) => {
            format!("{}:\n{item}- ", key.name)
        }
        _ => format!("{}: ", key.name),
    };
    let about = format!("{}\n\n{}", key.says, key.kind.words());
    Suggestion { label: key.name.to_owned(), about, insert, replaces: cursor.span.clone(), kind: 10 }
}

/// The keys at the top, and below them the items of their lists by id.
fn symbols(text: &str) -> Vec<super::Symbol> {
    let read = scan::scan(text, 0);
    let mut found: Vec<super::Symbol> = Vec::new();
    for entry in &read.entries {
        match entry.path.as_slice() {
            [] => found.push(super::Symbol {
                name: visible_line(&entry.key, 80),
                span: entry.span.clone(),
                inner: Vec::new(),
            }),
            [Step::Key(_), Step::Item(_)] if entry.key == "id" && !entry.value.is_empty() => {
                let symbol =
                    super::Symbol { name: visible_line(&entry.value, 80), span: entry.span.clone(), inner: Vec::new() };
                if let Some(last) = found.last_mut() {
                    last.inner.push(symbol);
                }
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests;
