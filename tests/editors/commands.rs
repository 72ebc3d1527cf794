//! The extension's commands: what its manifest offers, what it registers and what the server has are the same, and the palette offers
//! nothing that could only fail.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use divisi::lsp::verbs;
use serde_json::Value;

/// In the palette whatever is so: they need no server.
const ALWAYS: &[&str] = &["divisi.sessions", "divisi.restart", "divisi.output"];
/// Registered in one line for all kinds of comments.
const KINDS: &[&str] = &["issue", "suggestion", "question", "nit"];

fn extension() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("lsp/vscode")
}

fn manifest() -> Value {
    let text = std::fs::read_to_string(extension().join("package.json")).expect("a manifest");
    serde_json::from_str(&text).expect("JSON")
}

/// The contributed commands with their titles.
fn contributed(manifest: &Value) -> BTreeMap<String, String> {
    let commands = manifest["contributes"]["commands"].as_array().expect("commands");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    commands.iter().map(|command| (text(&command["command"]), text(&command["title"]))).collect()
}

/// Names that stand in the sources as keys or arguments.
fn named() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(extension().join("src")).expect("sources") {
        let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("a source");
        for (at, _) in text.match_indices("'divisi.") {
            let rest = &text[at + 1..];
            names.insert(rest[..rest.find('\'').expect("a quote")].to_owned());
        }
    }
    names.extend(KINDS.iter().map(|kind| format!("divisi.comment.{kind}")));
    names
}

#[test]
fn every_command_of_the_server_has_a_title_and_every_title_a_command() {
    let contributed = contributed(&manifest());
    let server: BTreeSet<String> = verbs::names().into_iter().collect();
    let untitled: Vec<&String> = server.iter().filter(|name| !contributed.contains_key(*name)).collect();
    assert_eq!(untitled, [""; 0], "contribute them in lsp/vscode/package.json and register them in src");
    let named = named();
    let unregistered: Vec<&String> = contributed.keys().filter(|name| !named.contains(*name)).collect();
    assert_eq!(unregistered, [""; 0], "nothing in lsp/vscode/src registers them");
    let untold: Vec<_> = contributed.iter().filter(|(_, title)| title.is_empty() || title.contains("divisi")).collect();
    assert!(untold.is_empty(), "the category says divisi already: {untold:?}");
}

#[test]
fn the_palette_offers_each_title_once_and_none_that_could_only_fail() {
    let manifest = manifest();
    let contributed = contributed(&manifest);
    let menus = manifest["contributes"]["menus"].as_object().expect("menus");
    for (menu, entries) in menus {
        for entry in entries.as_array().expect("entries") {
            let command = entry["command"].as_str().expect("a command");
            assert!(contributed.contains_key(command), "{menu}: {command} is no command");
            assert!(entry["when"].is_string(), "{menu}: {command} is always there");
        }
    }
    let palette: BTreeMap<&str, &str> = menus["commandPalette"]
        .as_array()
        .expect("entries")
        .iter()
        .map(|entry| (entry["command"].as_str().expect("a command"), entry["when"].as_str().expect("a condition")))
        .collect();
    let mut seen = BTreeMap::new();
    for (command, title) in &contributed {
        let when = palette.get(command.as_str()).copied();
        match when {
            None => assert!(ALWAYS.contains(&command.as_str()), "{command} is offered without a server"),
            Some("false") => continue,
            // `divisi.here` needs a session that is known, and to build is for those who have no program.
            Some(when) => assert!(
                when.contains("divisi.running") || when == "divisi.here",
                "{command} is offered without a server: {when}"
            ),
        }
        if let Some(other) = seen.insert(title, command) {
            panic!("{other} and {command} are both {title:?} in the palette");
        }
    }
}
