//! The TOML documents: a repository's settings, the user's, and definitions of agents.

use std::collections::BTreeSet;
use std::ops::Range;

use toml_edit::Document;

use super::cursor::{self, Cursor, Spot};
use super::{Around, Kind, Lens, Suggestion};
use crate::base::schema::check::{Problem, place, problems};
use crate::base::schema::{Field, Shape};
use crate::base::text::visible_line;
use crate::config::schema;
use crate::model::schema::{definition, repository};

/// A TOML document.
pub(super) struct Toml {
    owns: fn(&Around<'_>) -> bool,
    shape: fn() -> Shape,
    /// What else is wrong with one whose form is right.
    more: fn(&str, &Around<'_>) -> Vec<Problem>,
    lenses: fn(&str, &Around<'_>) -> Vec<Lens>,
}

fn none(_: &str, _: &Around<'_>) -> Vec<Lens> {
    Vec::new()
}

pub(super) static REPOSITORY: Toml = Toml {
    owns: |around| around.path.file_name().is_some_and(|name| name == ".divisi.toml"),
    shape: repository::shape,
    more: |text, around| {
        let Ok(document) = Document::parse(text) else { return Vec::new() };
        let agents = document.as_table().get("agents").and_then(|item| item.as_table_like());
        let lacking = agents.into_iter().flat_map(|agents| agents.iter()).filter_map(|(name, item)| {
            let table = item.as_table_like()?;
            let words = lacking(name, |key| table.contains_key(key), around)?;
            let key = format!("agents.{name}");
            let span = place(text, &key).unwrap_or(0..0);
            Some(Problem::wrong(&key, span, words))
        });
        lacking.collect()
    },
    lenses: |text, around| {
        let folder = around.path.parent().map(|folder| folder.to_string_lossy().into_owned());
        let Some(folder) = folder.filter(|_| !text.trim().is_empty()) else { return Vec::new() };
        vec![Lens {
            line: 0,
            title: "divisi: trust this file as it is saved ...".to_owned(),
            command: "divisi.trust",
            argument: serde_json::json!({ "repository": folder }),
        }]
    },
};

pub(super) static CONFIG: Toml = Toml {
    owns: |around| around.config_dir.is_some_and(|dir| around.path == dir.join("config.toml")),
    shape: schema::shape,
    more: |text, _| {
        let told = schema::refused(text).map(|(key, words)| {
            let span = place(text, &key).unwrap_or(0..0);
            Problem::wrong(&key, span, words)
        });
        told.into_iter().collect()
    },
    lenses: none,
};

pub(super) static AGENT: Toml = Toml {
    owns: |around| {
        let folder = around.config_dir.map(|dir| dir.join("agents"));
        around.path.extension().is_some_and(|ext| ext == "toml") && folder.as_deref() == around.path.parent()
    },
    shape: definition::file,
    more: |text, around| {
        let Ok(document) = Document::parse(text) else { return Vec::new() };
        let table = document.as_table();
        let name = table.get("name").and_then(|item| item.as_str()).unwrap_or_default();
        // Another agent of the user's is no help: a file overrides parts of a built-in one only.
        let alone = Around { agents: &[], ..*around };
        let told = lacking(name, |key| table.contains_key(key), &alone).map(|words| {
            let span = place(text, "name").unwrap_or(0..0);
            Problem::wrong("", span, words)
        });
        told.into_iter().collect()
    },
    lenses: none,
};

/// What a definition lacks that no other of its name has.
fn lacking(name: &str, has: impl Fn(&str) -> bool, around: &Around<'_>) -> Option<String> {
    let known = definition::BUILT_IN.contains(&name)
        || around.agents.iter().any(|agent| agent.name == name && agent.ignored.is_none());
    let missing = definition::NEEDED.into_iter().find(|key| !known && !has(key))?;
    Some(definition::missing(missing))
}

impl Kind for Toml {
    fn owns(&self, around: &Around<'_>) -> bool {
        (self.owns)(around)
    }

    fn problems(&self, text: &str, around: &Around<'_>) -> Vec<Problem> {
        let found = problems(text, &(self.shape)());
        if found.is_empty() { (self.more)(text, around) } else { found }
    }

    fn complete(&self, text: &str, at: usize, around: &Around<'_>) -> Vec<Suggestion> {
        let shape = (self.shape)();
        let cursor = cursor::at(text, at);
        let Some((field, here)) = shape.at(cursor.path.iter().map(String::as_str)) else { return Vec::new() };
        match cursor.spot {
            Spot::Nothing => Vec::new(),
            Spot::Value => values(field, here, &cursor, around),
            Spot::Key | Spot::Header => names(here, &cursor, around),
        }
    }

    fn hover(&self, text: &str, at: usize) -> Option<(Range<usize>, String)> {
        let shape = (self.shape)();
        let cursor = cursor::at(text, at);
        let mut path = cursor.path.clone();
        match cursor.spot {
            Spot::Nothing => return None,
            Spot::Value => {}
            Spot::Key | Spot::Header => path.push(text.get(cursor.span.clone())?.to_owned()),
        }
        let (field, here) = shape.at(path.iter().map(String::as_str))?;
        if path.is_empty() {
            return None;
        }
        let name = path.iter().map(|part| visible_line(part, 60)).collect::<Vec<_>>().join(".");
        Some((cursor.span, described(&name, field, here)))
    }

    fn lenses(&self, text: &str, around: &Around<'_>) -> Vec<Lens> {
        (self.lenses)(text, around)
    }
}

fn described(name: &str, field: Option<&Field>, shape: &Shape) -> String {
    let about = field.map_or_else(String::new, |field| format!("\n\n{}", field.about));
    let default = field.and_then(|field| field.default.as_deref());
    let default = default.map_or_else(String::new, |default| format!("; default `{default}`"));
    format!("**`{}`**{about}\n\n{}{default}", name.replace('`', "'"), shape.words())
}

fn names(shape: &Shape, cursor: &Cursor, around: &Around<'_>) -> Vec<Suggestion> {
    let header = cursor.spot == Spot::Header;
    let root = cursor.path.is_empty() && !header && !cursor.in_array;
    let mut found: Vec<Suggestion> = shape
        .fields()
        .iter()
        .filter(|field| !header || is_table(&field.shape))
        .map(|field| {
            let section = is_table(&field.shape);
            let insert = match (header, section, root) {
                (true, ..) => field.name.clone(),
                (false, true, true) if matches!(field.shape.bare(), Shape::Table(_)) => format!("[{}]\n", field.name),
                (false, true, true) => format!("[{}.", field.name),
                _ => format!("{} = ", field.name),
            };
            Suggestion {
                label: field.name.clone(),
                about: described(&field.name, Some(field), &field.shape),
                insert,
                replaces: cursor.span.clone(),
                kind: if section { 9 } else { 10 },
            }
        })
        .collect();
    // The names under `agents` may be any, and those of agents that there are say something.
    if matches!(shape.bare(), Shape::Map { .. }) && cursor.path.iter().any(|part| part == "agents") {
        let insert = |name: &str| if header { name.to_owned() } else { format!("{name} = ") };
        found.extend(agents(around).into_iter().map(|(name, about)| Suggestion {
            insert: insert(&name),
            label: name,
            about,
            replaces: cursor.span.clone(),
            kind: 10,
        }));
    }
    found
}

fn is_table(shape: &Shape) -> bool {
    matches!(shape.bare(), Shape::Table(_) | Shape::Map { .. })
}

/// Agents by name, with one line about each.
fn agents(around: &Around<'_>) -> Vec<(String, String)> {
    let known: BTreeSet<&str> = around.agents.iter().map(|agent| agent.name.as_str()).collect();
    let told = around.agents.iter().map(|agent| (visible_line(&agent.name, 64), visible_line(&agent.description, 200)));
    let built_in = definition::BUILT_IN.iter().filter(|name| !known.contains(**name));
    told.chain(built_in.map(|name| ((*name).to_owned(), "a built-in agent".to_owned()))).collect()
}

fn values(field: Option<&Field>, shape: &Shape, cursor: &Cursor, around: &Around<'_>) -> Vec<Suggestion> {
    let about = field.map_or_else(String::new, |field| field.about.clone());
    let value = |text: String, about: String| Suggestion {
        label: text.clone(),
        about,
        insert: text,
        replaces: cursor.span.clone(),
        kind: 12,
    };
    let names = || agents(around).into_iter().map(|(name, about)| value(format!("\"{name}\""), about)).collect();
    match shape.bare() {
        Shape::Flag => ["true", "false"].map(|text| value(text.to_owned(), about.clone())).into(),
        Shape::Choice(names) => names.iter().map(|name| value(format!("\"{name}\""), about.clone())).collect(),
        Shape::Agent => names(),
        Shape::Texts if cursor.in_array && field.is_some_and(|field| field.name == "agents") => names(),
        _ if cursor.in_array => Vec::new(),
        _ => field.and_then(|field| field.default.clone()).map(|default| value(default, about)).into_iter().collect(),
    }
}
