//! Projection rows: one table of documents per kind, each row under a checksum.

use rusqlite::{Connection, OptionalExtension as _, Row as SqlRow, params};

use crate::host::port::{Row, Table};
use crate::model::id::SessionId;
use crate::store::codec::row_checksum;

/// Every table.
pub(super) const TABLES: [Table; 13] = [
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
pub(super) type Read = Result<Row, String>;

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

/// A session's rows, by key.
pub(super) fn of_session(connection: &Connection, table: Table, session: &SessionId) -> rusqlite::Result<Vec<Read>> {
    let sql = format!("SELECT key, session, live, doc, crc FROM {} WHERE session = ?1 ORDER BY key", name(table));
    connection.prepare_cached(&sql)?.query_map([session.as_str()], |row| from_row(table, row))?.collect()
}

fn from_row(table: Table, row: &SqlRow<'_>) -> rusqlite::Result<Read> {
    let key: String = row.get(0)?;
    let session: Option<String> = row.get(1)?;
    let live: bool = row.get(2)?;
    let doc: String = row.get(3)?;
    let crc: i64 = row.get(4)?;
    if row_checksum(name(table), &key, session.as_deref(), live, &doc) != crc {
        return Ok(Err(format!("row {key:?} of {}: its checksum does not match", name(table))));
    }
    Ok(Ok(Row { table, key, session: session.map(SessionId), live, doc: Some(doc) }))
}
