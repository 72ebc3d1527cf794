//! What keeps an editor from this divisi: another program of the name, a daemon of another version, a configuration that names no server.
//!
//! Only what is set up is looked at; who uses no Helix is told nothing about it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, TableLike};

use crate::model::query::Finding;

/// Where and as what this program runs.
pub(super) struct Surroundings<'a> {
    /// This program, without symbolic links.
    pub(super) program: Option<PathBuf>,
    /// The program that a name means on `PATH`.
    pub(super) find: &'a dyn Fn(&str) -> Option<PathBuf>,
    /// The folder of configurations, `~/.config`.
    pub(super) configurations: &'a Path,
    /// The person's home.
    pub(super) home: Option<&'a Path>,
    /// The daemon's version.
    pub(super) daemon: &'a str,
}

/// This program's version.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Where editors of VS Code's family have their extensions, below the home.
const EXTENSIONS: &[&str] = &[
    ".vscode/extensions",
    ".vscode-oss/extensions",
    ".vscode-server/extensions",
    ".local/share/code-server/extensions",
];

/// What is wrong.
pub(super) fn findings(here: &Surroundings<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    if here.daemon != VERSION {
        found.push(finding(
            "daemon_version",
            format!(
                "the daemon is divisi {}, this program is {VERSION}: editors may show what the other does not know",
                here.daemon
            ),
            None,
            "divisi daemon restart    # agents go on",
        ));
    }
    if let Some(other) = (here.find)("divisi").filter(|other| is_other(here, other)) {
        found.push(finding(
            "other_program",
            format!("editors that start `divisi` from PATH start {}, which is not this program", other.display()),
            Some(&other),
            "put the folder of the one you want first in PATH",
        ));
    }
    helix(here, &here.configurations.join("helix").join("languages.toml"), &mut found);
    extensions(here, &mut found);
    found
}

fn finding(kind: &str, message: String, subject: Option<&Path>, hint: &str) -> Finding {
    Finding {
        kind: kind.to_owned(),
        level: "warning".to_owned(),
        message,
        repository: None,
        subject: subject.map(|path| path.to_string_lossy().into_owned()),
        fix: None,
        hint: Some(hint.to_owned()),
    }
}

fn is_other(here: &Surroundings<'_>, program: &Path) -> bool {
    match (fs::canonicalize(program), &here.program) {
        (Ok(real), Some(this)) => real != *this,
        _ => false,
    }
}

/// Helix starts what its `languages.toml` says, and says nowhere but in its log that it could not.
fn helix(here: &Surroundings<'_>, path: &Path, found: &mut Vec<Finding>) {
    let Ok(text) = fs::read_to_string(path) else { return };
    let mut wrong = |message: String, hint: &str| found.push(finding("helix", message, Some(path), hint));
    let document = match text.parse::<DocumentMut>() {
        Ok(document) => document,
        Err(error) if text.contains("divisi") => {
            let first = error.message().lines().next().unwrap_or_default().to_owned();
            return wrong(format!("Helix cannot read its languages.toml: {first}"), "hx --health says more");
        }
        Err(_) => return,
    };
    let servers = document.get("language-server").and_then(Item::as_table_like);
    let ours: BTreeSet<&str> = servers
        .into_iter()
        .flat_map(TableLike::iter)
        .filter(|(name, server)| *name == "divisi" || command(server).is_some_and(is_named_divisi))
        .map(|(name, _)| name)
        .collect();
    let named = named_servers(&document);
    if ours.is_empty() {
        if named.contains("divisi") {
            wrong(
                "Helix: a language names the server divisi, which is not defined".to_owned(),
                "add [language-server.divisi] with command = \"divisi\" and args = [\"lsp\"] (lsp/helix/languages.toml)",
            );
        }
        return;
    }
    if !ours.iter().any(|name| named.contains(*name)) {
        wrong(
            "Helix: no language names the server divisi, so it is never started".to_owned(),
            "add it to the language-servers of a [[language]] (lsp/helix/languages.toml)",
        );
    }
    for name in ours {
        let server = servers.and_then(|servers| servers.get(name));
        let Some(command) = server.and_then(command) else {
            wrong(format!("Helix: the server {name} has no command"), "command = \"divisi\", args = [\"lsp\"]");
            continue;
        };
        if (here.find)(command).is_none() {
            wrong(
                format!("Helix starts `{}`, which is not on PATH", crate::base::text::visible_line(command, 200)),
                "put its folder in PATH, or name it by its whole path there",
            );
        }
        let arguments = server.and_then(|server| server.get("args")).and_then(Item::as_array);
        if !arguments.is_some_and(|arguments| arguments.iter().any(|argument| argument.as_str() == Some("lsp"))) {
            wrong(format!("Helix: the server {name} is not told to speak LSP"), "args = [\"lsp\"]");
        }
    }
}

fn command(server: &Item) -> Option<&str> {
    server.get("command").and_then(Item::as_str)
}

fn is_named_divisi(command: &str) -> bool {
    Path::new(command).file_name().is_some_and(|name| name == "divisi")
}

/// Every server that a language names, by itself or with the features it is for.
fn named_servers(document: &DocumentMut) -> BTreeSet<&str> {
    let languages = document.get("language").and_then(Item::as_array_of_tables);
    let lists = languages.into_iter().flatten().filter_map(|language| language.get("language-servers")?.as_array());
    lists
        .flatten()
        .filter_map(|server| server.as_str().or_else(|| server.as_inline_table()?.get("name")?.as_str()))
        .collect()
}

/// An extension of another version than this program.
fn extensions(here: &Surroundings<'_>, found: &mut Vec<Finding>) {
    for folder in here.home.into_iter().flat_map(|home| EXTENSIONS.iter().map(|place| home.join(place))) {
        let entries = fs::read_dir(&folder).into_iter().flatten().filter_map(Result::ok);
        for entry in entries {
            let name = entry.file_name().to_string_lossy().into_owned();
            // PUBLISHER.NAME-VERSION, and maybe a platform.
            let Some((_, rest)) = name.split_once('.') else { continue };
            let Some(version) = rest.strip_prefix("divisi-") else { continue };
            let version = version.split('-').next().unwrap_or_default();
            if version != VERSION && version.starts_with(|c: char| c.is_ascii_digit()) {
                found.push(finding(
                    "extension_version",
                    format!("the extension in {} is divisi {version}, this program is {VERSION}", folder.display()),
                    Some(&entry.path()),
                    "install the extension of this version, as lsp/vscode says",
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests;
