//! divisi's own documents in the editor: what is wrong with them, what can stand where the cursor is, and what it means.
//!
//! Nothing here runs, trusts or even reads anything that a document names: it is text against a description. A kind of document is one
//! entry in `KINDS` (and one in `config::schema::DOCUMENTS` for its JSON Schema): what is wrong with a text comes from its own reader,
//! as [`Problem`]s with byte ranges.

pub mod cursor;
mod toml;
pub mod yaml;

use std::ops::Range;
use std::path::Path;

use gen_lsp_types::{
    Code, CodeAction, CodeActionKind, Diagnostic, DiagnosticSeverity, Message, TextEdit, WorkspaceEdit,
};
use serde_json::{Value, json};

use super::capability::Encoding;
use super::diagnostics::SOURCE;
use super::text;
use super::uri;
use crate::base::schema::check::{Fault, Problem};
use crate::base::text::visible_line;
use crate::model::agent::AgentView;

/// Larger documents are not looked into, bytes.
const LARGEST: usize = 1 << 20;
/// Problems of one document.
const MOST: usize = 100;

/// What is around a document.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// Where it is.
    pub path: &'a Path,
    /// What it says.
    pub text: &'a str,
    /// The user's configuration directory.
    pub config_dir: Option<&'a Path>,
    /// The agents that the daemon knows of; none without one.
    pub agents: &'a [AgentView],
}

/// What could stand at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// What is shown and compared with what was typed.
    pub label: String,
    /// What it means, Markdown.
    pub about: String,
    /// What is put in.
    pub insert: String,
    /// What it takes the place of, bytes.
    pub replaces: Range<usize>,
    /// LSP's kind of it: 10 property, 12 value, 9 module.
    pub kind: u8,
}

/// A command over a line.
#[derive(Debug, Clone, PartialEq)]
pub struct Lens {
    /// The line, zero-based.
    pub line: u32,
    /// Its words.
    pub title: String,
    /// A `divisi.*` command.
    pub command: &'static str,
    /// Its argument.
    pub argument: Value,
}

/// Something in a document that has a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// The name.
    pub name: String,
    /// Where it stands, bytes.
    pub span: Range<usize>,
    /// What is within it.
    pub inner: Vec<Symbol>,
}

/// A kind of document.
pub trait Kind: Sync {
    /// Whether a path is one.
    fn owns(&self, around: &Around<'_>) -> bool;

    /// What is wrong with a text, as its loader sees it.
    fn problems(&self, text: &str, around: &Around<'_>) -> Vec<Problem>;

    /// What could stand at a byte.
    fn complete(&self, text: &str, at: usize, around: &Around<'_>) -> Vec<Suggestion>;

    /// What is meant by what stands at a byte: where it is, and Markdown.
    fn hover(&self, text: &str, at: usize) -> Option<(Range<usize>, String)>;

    /// The daemon's query that says what is wrong, for a kind whose reader is there: method and parameters.
    fn asks(&self, _text: &str, _around: &Around<'_>) -> Option<(&'static str, Value)> {
        None
    }

    /// For such a kind: what can be told while there is no daemon.
    fn alone(&self, _text: &str) -> Vec<yaml::Problem> {
        Vec::new()
    }

    /// What has a name in it.
    fn outline(&self, _text: &str) -> Vec<Symbol> {
        Vec::new()
    }

    /// Commands over lines; none unless a kind has some.
    fn lenses(&self, _text: &str, _around: &Around<'_>) -> Vec<Lens> {
        Vec::new()
    }
}

/// All kinds; the first that owns a path has it.
static KINDS: &[&dyn Kind] = &[&toml::REPOSITORY, &toml::CONFIG, &toml::AGENT, &yaml::PLAN, &yaml::SUITE, &yaml::BENCH];

/// The kind of a document, if it is divisi's own.
pub fn kind(around: &Around<'_>) -> Option<&'static dyn Kind> {
    KINDS.iter().find(|kind| kind.owns(around)).copied()
}

/// The diagnostics of a document.
pub fn diagnostics(kind: &dyn Kind, text: &str, around: &Around<'_>, encoding: Encoding) -> Vec<Diagnostic> {
    if text.len() > LARGEST {
        return Vec::new();
    }
    let told = |problem: Problem| {
        let code = match &problem.fault {
            Fault::Syntax(..) => "syntax",
            Fault::Unknown(_) => "unknown-key",
            Fault::Wrong(_) => "value",
        };
        let meant = match &problem.fault {
            Fault::Unknown(near) => near.first().and_then(|near| beside(near, &problem.key)),
            _ => None,
        };
        Diagnostic {
            range: text::range(text, &problem.span, encoding),
            severity: Some(DiagnosticSeverity::Error),
            code: Some(Code::String(code.to_owned())),
            code_description: None,
            source: Some(SOURCE.to_owned()),
            message: Message::String(visible_line(&problem.to_string(), 500)),
            tags: None,
            related_information: None,
            data: meant.map(|name| json!({ "meant": name })),
        }
    };
    kind.problems(text, around).into_iter().take(MOST).map(told).collect()
}

/// The name alone, when it is one of the same table.
fn beside<'a>(near: &'a str, key: &str) -> Option<&'a str> {
    match (near.rsplit_once('.'), key.rsplit_once('.')) {
        (Some((table, name)), Some((own, _))) if table == own => Some(name),
        (None, None) => Some(near),
        _ => None,
    }
}

/// Corrections of misspelled keys.
pub fn fixes(path: &Path, ours: &[Diagnostic]) -> Vec<CodeAction> {
    let fix = |diagnostic: &Diagnostic| {
        let name = diagnostic.data.as_ref()?["meant"].as_str()?.to_owned();
        let edit = TextEdit { range: diagnostic.range, new_text: name.clone() };
        Some(CodeAction {
            title: format!("Change it to `{name}`"),
            kind: Some(CodeActionKind::QuickFix),
            diagnostics: Some(vec![diagnostic.clone()]),
            is_preferred: Some(true),
            edit: Some(WorkspaceEdit {
                changes: Some([(uri::from_path(path).into(), vec![edit])].into()),
                ..WorkspaceEdit::default()
            }),
            ..CodeAction::default()
        })
    };
    ours.iter().filter_map(fix).collect()
}

/// The answer to `textDocument/completion`.
pub fn completion(kind: &dyn Kind, text: &str, at: usize, around: &Around<'_>, encoding: Encoding) -> Value {
    if text.len() > LARGEST {
        return Value::Null;
    }
    let item = |(number, suggestion): (usize, Suggestion)| {
        let mut item = json!({
            "label": suggestion.label, "kind": suggestion.kind, "sortText": format!("{number:04}"),
            "documentation": { "kind": "markdown", "value": suggestion.about },
            "textEdit": { "range": text::range(text, &suggestion.replaces, encoding), "newText": suggestion.insert },
        });
        if suggestion.insert.contains('\n') {
            // It is indented already.
            item["insertTextMode"] = json!(1);
        }
        item
    };
    kind.complete(text, at, around).into_iter().enumerate().map(item).collect()
}

/// The symbols of a document, nested or in a list.
pub fn symbols(kind: &dyn Kind, text: &str, encoding: Encoding, nested: bool, uri: &str) -> Value {
    fn tree(all: &[Symbol], text: &str, encoding: Encoding) -> Value {
        let one = |symbol: &Symbol| {
            let range = text::range(text, &symbol.span, encoding);
            let children = tree(&symbol.inner, text, encoding);
            json!({ "name": symbol.name, "kind": 20, "range": range, "selectionRange": range, "children": children })
        };
        all.iter().map(one).collect()
    }
    fn list(all: &[Symbol], text: &str, encoding: Encoding, uri: &str, found: &mut Vec<Value>) {
        for symbol in all {
            let location = json!({ "uri": uri, "range": text::range(text, &symbol.span, encoding) });
            found.push(json!({ "name": symbol.name, "kind": 20, "location": location }));
            list(&symbol.inner, text, encoding, uri, found);
        }
    }
    if text.len() > LARGEST {
        return Value::Null;
    }
    let all = kind.outline(text);
    if nested {
        return tree(&all, text, encoding);
    }
    let mut found = Vec::new();
    list(&all, text, encoding, uri, &mut found);
    json!(found)
}

/// The answer to `textDocument/hover`.
pub fn hover(kind: &dyn Kind, text: &str, at: usize, encoding: Encoding) -> Value {
    match kind.hover(text, at) {
        Some((span, said)) if text.len() <= LARGEST => json!({
            "contents": { "kind": "markdown", "value": said }, "range": text::range(text, &span, encoding),
        }),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests;
