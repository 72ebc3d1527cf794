//! Projection rows: one table of documents per kind, each row under a checksum.

use rusqlite::{Connection, OptionalExtension as _, Row as SqlRow, params};

use crate::host::port::{DamagedRow, Row, Table};
use crate::model::id::SessionId;
use crate::store::codec::row_checksum;

/// Every table.
pub(super) const TABLES: [Table; 16] = [
    Table::Sessions,
    Table::Worktrees,
    Table::Turns,
    Table::ToolCalls,
    Table::Approvals,
    Table::Landings,
    Table::Usage,
    Table::Jobs,
    Table::Rules,
    Table::Trust,
    Table::Names,
    Table::Receipts,
    Table::Patches,
    Table::Batches,
    Table::Runs,
    Table::Contests,
];

/// A table's name in SQL.
pub(super) fn name(table: Table) -> &'static str {
    match table {
        Table::Sessions => "sessions",
        Table::Worktrees => "worktrees",
        Table::Turns => "turns",
        Table::ToolCalls => "tool_calls",
        Table::Approvals => "approvals",
        Table::Landings => "landings",
        Table::Usage => "usage",
        Table::Jobs => "jobs",
        Table::Rules => "rules",
        Table::Trust => "trust",
        Table::Names => "names",
        Table::Receipts => "receipts",
        Table::Patches => "patches",
        Table::Batches => "batches",
        Table::Runs => "runs",
        Table::Contests => "contests",
    }
}

/// Writes a row, or deletes it when it has no document.
pub(super) fn write(connection: &Connection, row: &Row) -> rusqlite::Result<()> {
    let table = name(row.table);
    let Some(doc) = &row.doc else {
        connection.prepare_cached(&format!("DELETE FROM {table} WHERE key = ?1"))?.execute([&row.key])?;
        return Ok(());
    };
    let session = row.session.as_ref().map(SessionId::as_str);
    let crc = row_checksum(table, &row.key, session, row.live, doc);
    connection
        .prepare_cached(&format!(
            "INSERT INTO {table} (key, session, live, doc, crc) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (key) DO UPDATE SET session = excluded.session, live = excluded.live, doc = excluded.doc, crc = excluded.crc"
        ))?
        .execute(params![row.key, session, row.live, doc, crc])?;
    Ok(())
}

/// What was read: a row, or which one is damaged.
pub(super) type Read = Result<Row, DamagedRow>;

/// Every live row, by key.
pub(super) fn live(connection: &Connection, table: Table) -> rusqlite::Result<Vec<Read>> {
    let sql = format!("SELECT key, session, live, doc, crc FROM {} WHERE live = 1 ORDER BY key", name(table));
    connection.prepare_cached(&sql)?.query_map([], |row| from_row(table, row))?.collect()
}

/// Every row, by key.
pub(super) fn all(connection: &Connection, table: Table) -> rusqlite::Result<Vec<Read>> {
    let sql = format!("SELECT key, session, live, doc, crc FROM {} ORDER BY rowid", name(table));
    connection.prepare(&sql)?.query_map([], |row| from_row(table, row))?.collect()
}

/// One row.
pub(super) fn one(connection: &Connection, table: Table, key: &str) -> rusqlite::Result<Option<Read>> {
    let sql = format!("SELECT key, session, live, doc, crc FROM {} WHERE key = ?1", name(table));
    connection.prepare_cached(&sql)?.query_row([key], |row| from_row(table, row)).optional()
}

/// Every row of a batch's tables that is not live any more, newest first.
pub(super) fn ended(connection: &Connection, table: Table) -> rusqlite::Result<Vec<Read>> {
    let sql = format!(
        "SELECT key, session, live, doc, crc FROM {} WHERE live = 0 ORDER BY rowid DESC LIMIT 1000",
        name(table)
    );
    connection.prepare_cached(&sql)?.query_map([], |row| from_row(table, row))?.collect()
}

/// A session's rows, by key.
pub(super) fn of_session(connection: &Connection, table: Table, session: &SessionId) -> rusqlite::Result<Vec<Read>> {
    let sql = format!("SELECT key, session, live, doc, crc FROM {} WHERE session = ?1 ORDER BY key", name(table));
    connection.prepare_cached(&sql)?.query_map([session.as_str()], |row| from_row(table, row))?.collect()
}

fn from_row(table: Table, row: &SqlRow<'_>) -> rusqlite::Result<Read> {
    // What is no text or number any more is damaged too, and no reason to give up the rows beside it.
    let read = || -> rusqlite::Result<_> { Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)) };
    let damaged = |key: Option<String>, why: &str| {
        let shown = key.as_deref().unwrap_or("?");
        let what = format!("row {shown:?} of {}: {why}", name(table));
        let session = row.get::<_, Option<String>>(1).ok().flatten().map(SessionId);
        Ok(Err(DamagedRow { key, session, what }))
    };
    let (key, session, live, doc, crc): (String, Option<String>, bool, String, i64) = match read() {
        Ok(columns) => columns,
        Err(error) if error.sqlite_error_code().is_some() => return Err(error),
        Err(error) => return damaged(row.get(0).ok(), &error.to_string()),
    };
    if row_checksum(name(table), &key, session.as_deref(), live, &doc) != crc {
        return damaged(Some(key), "its checksum does not match");
    }
    Ok(Ok(Row { table, key, session: session.map(SessionId), live, doc: Some(doc) }))
}
