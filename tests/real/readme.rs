//! The README's table of agents says what these tests show.

use std::collections::BTreeMap;
use std::path::Path;

use divisi::agent::Catalog;
use divisi::host::port::{Agents as _, Listing};
use divisi::model::agent::Protocol;

const README: &str = include_str!("../../README.md");
const AGENTS: &str = include_str!("agents.rs");
/// Tests that are part of every run, as far as they are not ignored.
const USUAL: [&str; 5] = [
    include_str!("claude.rs"),
    include_str!("codex.rs"),
    include_str!("codex_acp.rs"),
    include_str!("gemini.rs"),
    include_str!("daemon.rs"),
];
/// Their own interfaces, named on a command line.
const TERMINALS: &str = include_str!("terminals.rs");
const OTHERS: &str = include_str!("others.rs");

/// The table's rows by the agent's name: protocol and what shows it.
fn rows() -> BTreeMap<String, (String, String)> {
    let table = README.lines().skip_while(|line| !line.starts_with("| agent | protocol |")).skip(2);
    let rows = table.take_while(|line| line.starts_with('|')).map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 5, "{line}");
        (cells[0].trim_matches('`').to_owned(), (cells[1].to_owned(), cells[4].to_owned()))
    });
    rows.collect()
}

fn words(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Shell => "none",
        Protocol::Acp => "ACP",
        Protocol::ClaudeStreamJson => "its own, two-way",
        Protocol::CodexAppServer => "its own, app server",
        Protocol::JsonLines => "JSON lines",
        Protocol::Pty => "terminal",
    }
}

/// Whether a test uses the agent: one that is ignored, or one that is not.
fn is_tested(agent: &str, ignored: bool) -> bool {
    let definition = format!("name: \"{agent}\"");
    let constant = AGENTS.split("pub(super) const ").find(|text| text.contains(&definition));
    let Some(constant) = constant.and_then(|text| text.split(':').next()) else { return false };
    let tests = USUAL.iter().chain(std::iter::once(&OTHERS)).flat_map(|text| text.split("#[test]").skip(1));
    // A function between two tests that starts an agent stands in the text of the test before it: it does not count as a use there, but
    // where it is called.
    let body = |text: &str| text.split("\n}\n").next().unwrap_or_default().to_owned();
    let starters: Vec<String> = USUAL
        .iter()
        .flat_map(|text| text.split("\nfn ").skip(1))
        .filter(|function| {
            function.contains("-> Option<PipeSession>") && body(function).contains(&format!("&{constant},"))
        })
        .filter_map(|function| Some(format!("{}(\"", function.split('(').next()?)))
        .collect();
    let uses = |test: &str| {
        let test = body(test);
        test.contains(&format!("&{constant},")) || starters.iter().any(|starter| test.contains(starter))
    };
    tests.filter(|test| test.trim_start().starts_with("#[ignore") == ignored).any(uses)
}

#[test]
fn the_readme_tells_of_every_agent_what_is_shown() {
    let (catalog, _) = Catalog::load(None, Path::new("/divisi"), "");
    let mut rows = rows();
    for agent in catalog.list(&Listing::default()) {
        let (protocol, shown) = rows.remove(&agent.name).unwrap_or_else(|| panic!("no row for {}", agent.name));
        assert_eq!(protocol, words(agent.protocol), "{}", agent.name);
        match shown.as_str() {
            // Ours: the whole test suite uses them.
            "every run" if matches!(agent.name.as_str(), "shell" | "scripted" | "terminal") => {}
            "every run" if agent.protocol == Protocol::Pty => {
                assert!(TERMINALS.contains(&format!("\"{}\"", agent.name)), "no test uses {}", agent.name);
            }
            "every run" => assert!(is_tested(&agent.name, false), "no test of every run uses {}", agent.name),
            "by hand" => {
                assert!(is_tested(&agent.name, true), "no ignored test uses {}", agent.name);
                assert!(!is_tested(&agent.name, false), "{} is part of every run", agent.name);
            }
            "recordings" | "untried" => {
                assert!(!is_tested(&agent.name, false) && !is_tested(&agent.name, true), "{}", agent.name);
            }
            other => panic!("{}: shown by {other:?}?", agent.name),
        }
    }
    assert!(rows.is_empty(), "no such agents: {rows:?}");
}
