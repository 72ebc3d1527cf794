use std::collections::BTreeSet;

use super::{COMMANDS, CONNECTION, NOTIFICATIONS, QUERIES, all};

const PROTOCOL: &str = include_str!("../../../doc/PROTOCOL.md");

/// The names given by `#[serde(rename = "...")]` in a source file that look like methods (`a/b`) or event types (`a.b`).
fn renamed(source: &'static str, mark: char) -> BTreeSet<&'static str> {
    source
        .split("rename = \"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .filter(|name| name.contains(mark))
        .collect()
}

/// Headings of the form "### `name`".
fn documented(mark: char) -> BTreeSet<&'static str> {
    PROTOCOL
        .lines()
        .filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`'))
        .filter(|name| if mark == '.' { name.contains('.') } else { !name.contains('.') })
        .collect()
}

#[test]
fn names_are_those_of_the_model() {
    let commands: BTreeSet<_> = COMMANDS.iter().copied().collect();
    let queries: BTreeSet<_> = QUERIES.iter().copied().collect();
    assert_eq!(commands, renamed(include_str!("../../model/command.rs"), '/'));
    assert_eq!(queries, renamed(include_str!("../../model/query.rs"), '/'));
    assert_eq!(all().count(), COMMANDS.len() + QUERIES.len() + CONNECTION.len());
}

#[test]
fn every_method_is_documented_and_nothing_else() {
    let known: BTreeSet<_> = all().chain(NOTIFICATIONS.iter().copied()).collect();
    assert_eq!(known, documented('/'), "headings of doc/PROTOCOL.md against the methods");
}

#[test]
fn every_event_is_documented_and_nothing_else() {
    let known = renamed(include_str!("../../model/event.rs"), '.');
    assert!(known.len() > 30, "the event names were found: {known:?}");
    assert_eq!(known, documented('.'), "headings of doc/PROTOCOL.md against the event types");
}
