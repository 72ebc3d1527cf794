//! The definition of an agent: a file in the user's `agents` directory, or a table of a repository's `.divisi.toml`.

use toml_edit::Item;

use super::variable;
use crate::base::schema::{Field, Shape};
use crate::model::agent::Protocol;
use crate::model::tells::Tells;

/// The dialects of the protocol `json_lines`.
pub const DIALECTS: [&str; 8] = ["amp", "claude", "codex", "copilot", "gemini", "opencode", "pi", "qwen"];

/// What it means when no sign of a login is found.
pub const ABSENT: [&str; 3] = ["no", "unknown", "not_needed"];

/// The protocols.
const PROTOCOLS: [Protocol; 6] = [
    Protocol::Shell,
    Protocol::Acp,
    Protocol::ClaudeStreamJson,
    Protocol::CodexAppServer,
    Protocol::JsonLines,
    Protocol::Pty,
];

/// What is needed for an agent that is not built in.
pub const NEEDED: [&str; 3] = ["command", "protocol", "description"];

/// What is said of an agent that is not built in and lacks one of these.
pub fn missing(field: &str) -> String {
    format!("`{field}` is missing (it is needed for an agent that is not built in)")
}

/// The agents that are part of the binary.
pub const BUILT_IN: [&str; 22] = [
    "amp",
    "claude",
    "claude-acp",
    "claude-tui",
    "codex",
    "codex-acp",
    "codex-once",
    "codex-tui",
    "copilot",
    "copilot-once",
    "gemini",
    "gemini-once",
    "gemini-tui",
    "opencode",
    "opencode-once",
    "opencode-tui",
    "pi",
    "qwen",
    "qwen-once",
    "scripted",
    "shell",
    "terminal",
];

/// A name, as a regular expression.
const NAME: &str = "^[a-z0-9_][a-z0-9_.-]{0,63}$";

/// A file of the user's.
pub fn file() -> Shape {
    let mut fields = fields();
    let name = "how it is called; the same name as a built-in agent overrides parts of that one";
    fields.insert(0, Field::new("name", name, Shape::Prose.and(name_rule)).needed());
    Shape::Table(fields)
}

/// The table `agents` of a repository.
pub fn in_repository() -> Shape {
    let mut fields = fields();
    fields.push(Field::new("name", "the same as the table's; better left out", Shape::Prose));
    Shape::map(table_rule, NAME, Shape::Table(fields))
}

fn fields() -> Vec<Field> {
    let protocols: Vec<&str> = PROTOCOLS.iter().map(|protocol| protocol.as_str()).collect();
    let texts = |name: &str, about: &str| Field::new(name, about, Shape::Texts.and(no_nul));
    let prose = |name: &str, about: &str| Field::new(name, about, Shape::Prose);
    let arguments = vec![
        texts("resume", "words for the conversation to go on with; {value} is its id"),
        texts("model", "words for the model; {value} is its name"),
        texts("mode", "words for the mode; {value} is its name"),
        prose("default_mode", "the mode when none is asked for"),
    ];
    let login = vec![
        Field::new("variables", "variables that hold a credential", Shape::Texts),
        prose("directory", "the directory of `files`; ~/ is the home"),
        prose("directory_variable", "a variable that names another directory"),
        Field::new("files", "files that are there, and not empty, once somebody logged in", Shape::Texts),
        Field::new("absent", "what it means when there is none of them", Shape::one_of(&ABSENT)).or("\"unknown\""),
        prose("hint", "how to log in"),
    ];
    let terminal = vec![
        Field::new(
            "command",
            "program and arguments of its own interface; the word {conversation} is the conversation to go on with",
            Shape::Texts.and(goes_on),
        )
        .needed(),
    ];
    vec![
        prose("description", "one line about it"),
        Field::new("protocol", "how divisi talks to it", Shape::one_of(&protocols)),
        Field::new("dialect", "whose events they are, with the protocol json_lines", Shape::one_of(&DIALECTS)),
        Field::new(
            "command",
            "program and arguments; the words {resume}, {model}, {mode}, {mcp} and {prompt} are filled in, {exe} is divisi itself",
            Shape::Texts.and(command),
        ),
        Field::new("literal", "it does what it is told literally: nothing for a prompt in words", Shape::Flag)
            .or("false"),
        Field::new(
            "arguments",
            "how values become arguments, in the place of words in braces",
            Shape::Table(arguments),
        ),
        Field::new("environment", "variables it is given", Shape::map(variable, "", Shape::Prose.and(no_nul))),
        Field::new("pass_environment", "names of your variables that are passed on to it", Shape::Texts.and(variables)),
        Field::new(
            "base_url_variable",
            "the variable that names the server it talks to, for base_url of a profile",
            Shape::Prose.and(one_variable),
        ),
        Field::new(
            "mode_variable",
            "the variable that names its mode, where that is no argument",
            Shape::Prose.and(one_variable),
        ),
        texts("version", "arguments that make its program tell its version; left out: it is not asked"),
        Field::new("login", "where it looks for its credential", Shape::Table(login)),
        Field::new("terminal", "its own interface, for people", Shape::Table(terminal)),
        Field::new("editor", "how its own interface speaks with an editor", Shape::one_of(&["claude"])),
        Field::new(
            "tells",
            "what it tells of what it uses, which is what a budget can count",
            Shape::one_of(&Tells::WORDS),
        ),
        prose("install_hint", "what to do when its program is missing"),
        prose("notes", "what is known about its ways"),
    ]
}

fn is_name(name: &str) -> bool {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
    !name.is_empty() && name.len() <= 64 && name.chars().all(word) && !name.starts_with(['-', '.'])
}

fn name_rule(item: &Item) -> Result<(), String> {
    let name = item.as_str().unwrap_or_default();
    if is_name(name) { Ok(()) } else { Err(format!("is {name:?}: {ALLOWED}")) }
}

const ALLOWED: &str = "at most 64 of the characters a-z 0-9 - _ . are allowed, beginning with a letter or digit";

fn table_rule(name: &str, item: &Item) -> Result<(), String> {
    if !is_name(name) {
        return Err(format!("has a `name` that is {name:?}: {ALLOWED}"));
    }
    match item.get("name").and_then(Item::as_str) {
        Some(other) if other != name => Err(format!("has a `name` that says {other:?}: leave it out")),
        _ => Ok(()),
    }
}

fn words(item: &Item) -> impl Iterator<Item = &str> {
    item.as_array().into_iter().flatten().filter_map(|word| word.as_str())
}

fn no_nul(item: &Item) -> Result<(), String> {
    if words(item).chain(item.as_str()).any(|word| word.contains('\0')) {
        return Err("has a NUL character, which cannot be passed to a program".to_owned());
    }
    Ok(())
}

fn command(item: &Item) -> Result<(), String> {
    no_nul(item)?;
    let program = words(item).next().unwrap_or_default();
    if program.is_empty() {
        return Err("is empty: give the program and its arguments as a list".to_owned());
    }
    if program.contains('/') && !program.starts_with('/') {
        return Err(format!("names the program {program:?}: give a bare name or an absolute path"));
    }
    Ok(())
}

fn goes_on(item: &Item) -> Result<(), String> {
    if words(item).any(|word| word == "{conversation}") {
        return Ok(());
    }
    Err("lacks the word {conversation}: it has to go on with one".to_owned())
}

fn variables(item: &Item) -> Result<(), String> {
    words(item).try_for_each(|name| {
        variable(name, item).map_err(|_| format!("has {name:?}, which names no environment variable"))
    })
}

fn one_variable(item: &Item) -> Result<(), String> {
    variable(item.as_str().unwrap_or_default(), item)
}
