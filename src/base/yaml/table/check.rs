//! What is wrong with a document by its description alone: what can be told without its reader, in the reader's words.

use super::{KIND, Key, Kind, Table};
use crate::base::yaml::{Fields, Node, Problem, Problems, Value, parse};

/// The problems of a text, in the order of its lines.
pub fn problems(text: &str, table: &'static Table) -> Vec<Problem> {
    let mut problems = Problems::default();
    if let Some(node) = parse(text, &mut problems) {
        mapping(&node, table, &mut problems);
    }
    problems.into_sorted()
}

fn mapping(node: &Node, table: &'static Table, problems: &mut Problems) {
    let Some(mut fields) = Fields::of(node, table.what, problems) else { return };
    let kind = node.at_key(KIND).and_then(Node::text);
    for key in table.keys.iter().filter(|key| key.fits(kind)) {
        if key.required && (key.with.is_empty() || kind.is_some()) {
            fields.require(key.name, problems);
        }
        value(&mut fields, key, problems);
    }
    fields.finish(problems);
}

fn value(fields: &mut Fields<'_>, key: &'static Key, problems: &mut Problems) {
    let name = key.name;
    match key.kind {
        Kind::Text | Kind::Agent | Kind::Ref(_) => drop(fields.text(name, problems)),
        Kind::Word(words) => {
            let words: Vec<(&str, ())> = words.iter().map(|word| (*word, ())).collect();
            fields.choice(name, &words, problems);
        }
        Kind::Words(_) | Kind::Texts | Kind::Refs(_) => drop(fields.texts(name, problems)),
        Kind::Flag => drop(fields.flag(name, problems)),
        Kind::Number(least, most) => drop(fields.number(name, least..=most, problems)),
        Kind::Money => drop(fields.millionths(name, problems)),
        Kind::TextMap => {
            if let Some(node) = fields.node(name) {
                Fields::open(node, &format!("'{name}'"), problems);
            }
        }
        Kind::One(table) => {
            if let Some(node) = fields.node(name) {
                mapping(node, table, problems);
            }
        }
        Kind::Many(table) | Kind::TextOrMany(table) => {
            let bare = matches!(key.kind, Kind::TextOrMany(_));
            let items = fields.node(name).map_or(&[][..], Node::items);
            for item in items.iter().filter(|item| !bare || matches!(item.value, Value::Map(_))) {
                mapping(item, table, problems);
            }
        }
        Kind::Named(table) => {
            let Some(node) = fields.node(name) else { return };
            for (_, node) in Fields::open(node, &format!("'{name}'"), problems) {
                mapping(node, table, problems);
            }
        }
        Kind::Any => drop(fields.node(name)),
    }
}
