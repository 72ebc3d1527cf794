//! A look at everything, for `divisi doctor`.

use std::path::Path;

use rusqlite::Connection;

use crate::host::port::Table;
use crate::model::id::Seq;
use crate::store::read::{Page, events};
use crate::store::rows::{TABLES, all, name};

/// Events looked at in one go.
const PAGE: usize = 2000;

/// Findings after which counting goes on but no more are listed.
const LISTED: usize = 200;

/// Lists what is damaged, one sentence each; empty when nothing is.
pub(super) fn verify(connection: &Connection, path: &Path, head: Seq) -> Vec<String> {
    let mut found = Vec::new();
    let mut more = 0_usize;
    let mut report = |what: String| {
        if found.len() < LISTED {
            found.push(format!("{}: {what}", path.display()));
        } else {
            more += 1;
        }
    };
    let mut after = Seq(0);
    while after < head {
        let page = events(connection, after, PAGE, head).unwrap_or_else(|error| Page {
            events: Vec::new(),
            damage: Some(format!("event {} cannot be read: {error}", after.0 + 1)),
        });
        after = page.events.last().map_or(after, |event| event.seq);
        if let Some(damage) = page.damage {
            report(damage);
            // Past the damaged one.
            after = Seq(after.0 + 1);
        }
    }
    for table in TABLES {
        rows_of(connection, table, &mut report);
    }
    match structure(connection) {
        Ok(lines) => lines.into_iter().for_each(&mut report),
        Err(error) => report(error.to_string()),
    }
    if more > 0 {
        found.push(format!("{}: and {more} more", path.display()));
    }
    found
}

fn rows_of(connection: &Connection, table: Table, report: &mut impl FnMut(String)) {
    match all(connection, table) {
        Ok(rows) => rows.into_iter().filter_map(Result::err).for_each(report),
        Err(error) => report(format!("table {}: {error}", name(table))),
    }
}

/// `SQLite`'s own check: pages, indexes, order.
fn structure(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare("PRAGMA integrity_check(50)")?;
    let lines: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    Ok(lines.into_iter().filter(|line| line != "ok").collect())
}
