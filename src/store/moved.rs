//! What a migration moves from one table to another: rows have checksums, so that statements alone cannot do it.

use rusqlite::Connection;
use serde_json::Value;

use crate::host::port::{Row, Table};
use crate::model::id::SessionId;
use crate::store::rows;

/// Gives every contest that stands in the row of its batch a row of its own. A row that is damaged, or not what was written then, stays as
/// it is: it is made again from the events.
pub(super) fn contests(connection: &Connection) -> rusqlite::Result<()> {
    let keys: Vec<String> = connection
        .prepare("SELECT key FROM batches WHERE instr(doc, '\"contests\"') > 0")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for key in keys {
        let Some(Ok(mut batch)) = rows::one(connection, Table::Batches, &key)? else { continue };
        let Some(Ok(Value::Object(mut document))) = batch.doc.as_deref().map(serde_json::from_str) else { continue };
        let Some(Value::Array(contests)) = document.remove("contests") else { continue };
        let numbered: Option<Vec<(u64, Value)>> =
            contests.into_iter().map(|contest| Some((contest.get("number")?.as_u64()?, contest))).collect();
        let Some(numbered) = numbered else { continue };
        for (number, contest) in numbered {
            let row = Row {
                table: Table::Contests,
                key: format!("{key}.c{number}"),
                session: Some(SessionId(key.clone())),
                live: batch.live,
                doc: Some(contest.to_string()),
            };
            rows::write(connection, &row)?;
        }
        batch.doc = Some(Value::Object(document).to_string());
        rows::write(connection, &batch)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
