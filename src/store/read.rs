//! Reading events: what is handed out is what was committed, or an error.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, params};

use crate::model::Envelope;
use crate::model::id::{Seq, SessionId};
use crate::store::codec::{COLUMNS, from_columns, from_row};
use crate::store::open::open_reader;

/// Connections kept open between reads.
const KEPT: usize = 3;

/// Connections that only read, opened when needed.
#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    /// Readers of a database; none is open yet.
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), idle: Mutex::new(Vec::new()) }
    }

    /// Reads on a connection of its own. After an error the connection is not used again.
    pub(super) fn with<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => open_reader(&self.path)?,
        };
        let answer = read(&connection)?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT {
            idle.push(connection);
        }
        Ok(answer)
    }

    /// Closes what is open.
    pub(super) fn close(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// Some events, up to the first damaged one.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// The events, oldest first.
    pub(super) events: Vec<Envelope>,
    /// What is wrong with the one after the last, if something is.
    pub(super) damage: Option<String>,
}

/// Events after a number; `head` is known to be committed, so up to there none may be missing.
pub(super) fn events(connection: &Connection, after: Seq, limit: usize, head: Seq) -> rusqlite::Result<Page> {
    let sql = format!("SELECT {COLUMNS} FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2");
    let mut page = Page::default();
    let mut expected = after.0.saturating_add(1);
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![signed(after), i64::try_from(limit).unwrap_or(i64::MAX)])?;
    while let Some(found) = next(&mut rows, &mut page, Some(expected))? {
        if found.seq.0 != expected {
            page.damage = Some(format!("event {expected} is missing"));
            return Ok(page);
        }
        expected += 1;
        page.events.push(found);
    }
    if page.damage.is_none() && page.events.len() < limit && expected <= head.0 {
        page.damage = Some(format!("event {expected} is missing"));
    }
    Ok(page)
}

/// One session's events after a number.
pub(super) fn events_of(
    connection: &Connection,
    session: &SessionId,
    after: Seq,
    limit: usize,
) -> rusqlite::Result<Page> {
    let sql = format!("SELECT {COLUMNS} FROM events WHERE session = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3");
    let mut page = Page::default();
    let mut statement = connection.prepare_cached(&sql)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![session.as_str(), signed(after), limit])?;
    let mut last = after;
    while let Some(found) = next(&mut rows, &mut page, None)? {
        if found.seq <= last || found.session.as_ref() != Some(session) {
            page.damage = Some(format!("the index of session {session} is wrong after event {last}"));
            return Ok(page);
        }
        last = found.seq;
        page.events.push(found);
    }
    Ok(page)
}

/// The next event; at damage none, and the page says what is wrong.
fn next(rows: &mut rusqlite::Rows<'_>, page: &mut Page, expected: Option<u64>) -> rusqlite::Result<Option<Envelope>> {
    let columns = match rows.next() {
        Ok(None) => return Ok(None),
        Ok(Some(row)) => match from_row(row) {
            Ok(columns) => columns,
            Err(error) => {
                let number = row.get::<_, i64>(0).ok().map(|seq| seq.to_string());
                let number = number.or(expected.map(|seq| seq.to_string())).unwrap_or_else(|| "?".to_owned());
                page.damage = Some(format!("event {number}: {error}"));
                return Ok(None);
            }
        },
        // What was read so far is good; the error comes again, alone, when reading goes on from there.
        Err(error) if !page.events.is_empty() => {
            page.damage = Some(error.to_string());
            return Ok(None);
        }
        Err(error) => {
            let Some(expected) =
                expected.filter(|_| error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseCorrupt))
            else {
                return Err(error);
            };
            page.damage = Some(format!("event {expected} cannot be read: {error}"));
            return Ok(None);
        }
    };
    let seq = columns.seq;
    match from_columns(columns) {
        Ok(envelope) => Ok(Some(envelope)),
        Err(what) => {
            page.damage = Some(format!("event {seq}: {what}"));
            Ok(None)
        }
    }
}

/// A sequence number as `SQLite` knows numbers.
pub(super) fn signed(seq: Seq) -> i64 {
    i64::try_from(seq.0).unwrap_or(i64::MAX)
}
