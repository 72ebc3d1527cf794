//! Reading events: what is handed out is what was committed, or an error.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, params};

use crate::host::port::DamagedEvent;
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
    pub(super) damage: Option<DamagedEvent>,
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
            page.damage = Some(missing(expected));
            return Ok(page);
        }
        expected += 1;
        page.events.push(found);
    }
    if page.damage.is_none() && page.events.len() < limit && expected <= head.0 {
        page.damage = Some(missing(expected));
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
            let what = format!("the index of session {session} is wrong after event {last}");
            // A number that does not grow cannot be read on from.
            let seq = found.seq.max(Seq(last.0.saturating_add(1)));
            page.damage = Some(DamagedEvent { seq, session: found.session, what });
            return Ok(page);
        }
        last = found.seq;
        page.events.push(found);
    }
    Ok(page)
}

/// The number of a session's newest event but `count`; 0 when there is none.
pub(super) fn before_last(connection: &Connection, session: &SessionId, count: u32) -> rusqlite::Result<Seq> {
    // Answered from the index alone.
    let sql = "SELECT seq FROM events WHERE session = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2";
    let found = connection.prepare_cached(sql)?.query_row(params![session.as_str(), count], |row| row.get::<_, i64>(0));
    match found {
        Ok(seq) => Ok(Seq(u64::try_from(seq).unwrap_or(0))),
        Err(rusqlite::Error::QueryReturnedNoRows) => Ok(Seq(0)),
        Err(error) => Err(error),
    }
}

fn missing(seq: u64) -> DamagedEvent {
    DamagedEvent { seq: Seq(seq), session: None, what: format!("event {seq} is missing") }
}

/// The next event; at damage none, and the page says what is wrong.
fn next(rows: &mut rusqlite::Rows<'_>, page: &mut Page, expected: Option<u64>) -> rusqlite::Result<Option<Envelope>> {
    let row = match rows.next() {
        Ok(None) => return Ok(None),
        Ok(Some(row)) => row,
        // What was read so far is good; the error comes again, alone, when reading goes on from there.
        Err(error) if !page.events.is_empty() && expected.is_none() => {
            let seq = page.events.last().map_or(Seq(1), |event| Seq(event.seq.0 + 1));
            page.damage = Some(DamagedEvent { seq, session: None, what: error.to_string() });
            return Ok(None);
        }
        Err(error) => {
            let Some(expected) =
                expected.filter(|_| error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseCorrupt))
            else {
                return Err(error);
            };
            let what = format!("event {expected} cannot be read: {error}");
            page.damage = Some(DamagedEvent { seq: Seq(expected), session: None, what });
            return Ok(None);
        }
    };
    // Whose it is and its number may be what is damaged: they only serve to name it and to get past it.
    let number = row.get::<_, i64>(0).ok().and_then(|seq| u64::try_from(seq).ok()).or(expected);
    let session = row.get::<_, Option<String>>(2).ok().flatten().map(SessionId);
    match from_row(row).map_err(|error| error.to_string()).and_then(from_columns) {
        Ok(envelope) => Ok(Some(envelope)),
        Err(what) => {
            let shown = number.map_or_else(|| "?".to_owned(), |number| number.to_string());
            let last = page.events.last().map_or(0, |event| event.seq.0);
            let seq = Seq(number.unwrap_or(last + 1));
            page.damage = Some(DamagedEvent { seq, session, what: format!("event {shown}: {what}") });
            Ok(None)
        }
    }
}

/// A sequence number as `SQLite` knows numbers.
pub(super) fn signed(seq: Seq) -> i64 {
    i64::try_from(seq.0).unwrap_or(i64::MAX)
}
