//! Who may import whom. The picture is in `doc/ARCHITECTURE.md`; this table is what is enforced.

use super::source::{Finding, Source, is_name, words};

const DOMAIN: &[&str] = &["session", "worktree", "batch", "eval", "workflow", "usage", "toolbox", "migrate", "plugin"];
const DRIVERS: &[&str] = &["store", "git", "process", "agent", "mcp", "wire", "config", "telemetry", "bench", "ide"];
const FACES: &[&str] = &["nvim", "cli", "http", "lsp"];
const COMPOSITION: &[&str] = &["main", "boot", "lib"];

/// Edges inside a layer or across two that are wanted all the same; each with its reason.
const EXTRA: &[(&str, &str)] = &[
    // Agents are processes: a driver of one speaks through the pipes of a job.
    ("agent", "process"),
    // A plan has evaluators in the words of a suite.
    ("batch", "eval::suite"),
    // Its reports say how sure a share of resolved cases is.
    ("batch", "eval::swebench::statistics"),
    // Git is a program too, run to its end.
    ("git", "process::run"),
    // A benchmark prepares cases, runs their tests to the end, and judges by what the domain says.
    ("bench", "eval"),
    ("bench", "process::run"),
    // Containers of runs that are not there any more are removed.
    ("bench", "process::identity"),
    // The wire is the door for programs outside: it carries what comes through the one inside.
    ("wire", "host::handle"),
    ("wire", "host::bus"),
];

pub(super) fn is_domain(layer: &str) -> bool {
    DOMAIN.contains(&layer)
}

pub(super) fn is_face(layer: &str) -> bool {
    FACES.contains(&layer)
}

/// What the files of `layer` may name, as path prefixes below the crate; nothing if the layer is unknown.
fn allowed(layer: &str) -> Option<Vec<&'static str>> {
    let mut allowed = match layer {
        "base" => vec![],
        "model" => vec!["base"],
        "host" => [&["model", "base"], DOMAIN].concat(),
        _ if is_domain(layer) => vec!["model", "base"],
        _ if DRIVERS.contains(&layer) => vec!["model", "base", "host::port"],
        _ if is_face(layer) => vec!["model", "base", "host::handle", "wire", "config"],
        _ => return None,
    };
    allowed.extend(EXTRA.iter().filter(|(from, _)| *from == layer).map(|(_, to)| *to));
    Some(allowed)
}

/// Imports, and paths in code, that no edge allows. Unit tests are held to it too.
pub(super) fn check(source: &Source) -> Vec<Finding> {
    let Some(layer) = source.layer().filter(|layer| source.is_rust() && !COMPOSITION.contains(layer)) else {
        return Vec::new();
    };
    let Some(allowed) = allowed(layer) else {
        let text =
            format!("`{layer}` belongs to no layer; give it one in tests/tidy/layers.rs and doc/ARCHITECTURE.md");
        return vec![source.at(1, text)];
    };
    let may = |path: &str| {
        std::iter::once(&layer)
            .chain(&allowed)
            .any(|prefix| path.strip_prefix(*prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with("::")))
    };
    let refused = paths(source).into_iter().filter(|(_, path)| !may(path));
    let text = |path: &str| {
        let allowed = allowed.join(", ");
        format!(
            "`{layer}` must not import `{path}` (it may: {allowed}); see \"Who may import whom\" in doc/ARCHITECTURE.md"
        )
    };
    refused.map(|(line, path)| source.at(line, text(&path))).collect()
}

/// Every path from the crate's root that the file names, without `crate`, groups spelled out, and the line
/// it starts on. A path through `super` counts when it climbs to the root.
pub(super) fn paths(source: &Source) -> Vec<(usize, String)> {
    let code = source.code.as_str();
    let mut found = Vec::new();
    let mut add = |offset: usize, rest: &str| {
        let line = source.line_of(offset);
        found.extend(tree(rest).0.into_iter().map(|path| (line, path)));
    };
    for root in ["crate", "divisi"] {
        for start in words(code, root) {
            if let Some(rest) = code[start + root.len()..].trim_start().strip_prefix("::") {
                add(start, rest);
            }
        }
    }
    for start in words(code, "super") {
        let (climbed, rest) = climb(&code[start..]);
        let chain_start = !code[..start].trim_end().ends_with("super::");
        if chain_start && climbed >= depth(&source.path) + inline_modules(&code[..start]) {
            add(start, rest);
        }
    }
    found.sort();
    found
}

/// How many `super::` lead the text, and what follows.
fn climb(text: &str) -> (usize, &str) {
    match text.strip_prefix("super").and_then(|rest| rest.trim_start().strip_prefix("::")) {
        Some(rest) => {
            let (more, rest) = climb(rest.trim_start());
            (more + 1, rest)
        }
        None => (0, text),
    }
}

/// How many modules below the crate's root a file is.
fn depth(path: &str) -> usize {
    let inside = path.strip_prefix("src/").unwrap_or(path);
    let parts = inside.split('/').count();
    if inside.ends_with("mod.rs") { parts - 1 } else { parts }
}

/// How many `mod name {` are still open at the end of `code`.
fn inline_modules(code: &str) -> usize {
    let mut open = Vec::new();
    for (at, c) in code.char_indices() {
        if c == '{' {
            let before = code[..at].trim_end().trim_end_matches(is_name);
            open.push(before.trim_end().ends_with("mod") && before.ends_with(char::is_whitespace));
        } else if c == '}' {
            open.pop();
        }
    }
    open.into_iter().filter(|module| *module).count()
}

/// The paths of a use tree (`a::{b, c::d}`), or of a path in code, and what follows it.
fn tree(text: &str) -> (Vec<String>, &str) {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        let mut all = Vec::new();
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
            if rest.is_empty() || rest.starts_with('}') {
                return (all, rest.strip_prefix('}').unwrap_or(rest));
            }
            let (paths, after) = tree(rest);
            all.extend(paths);
            // Over `as name` and whatever else is not ours, to the next branch.
            rest = after.find([',', '}']).map_or("", |end| &after[end..]);
        }
    }
    let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    match rest.trim_start().strip_prefix("::") {
        // `Vec::<T>::new` ends the path at the generic arguments.
        Some(deeper) if !name.is_empty() && !deeper.trim_start().starts_with('<') => {
            let (below, rest) = tree(deeper);
            let join = |path: String| if path.is_empty() { name.to_owned() } else { format!("{name}::{path}") };
            (below.into_iter().map(join).collect(), rest)
        }
        _ => (vec![if name == "self" { String::new() } else { name.to_owned() }], rest),
    }
}
