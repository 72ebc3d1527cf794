//! Driver: `SQLite`. Events are the truth, projection rows are documents beside them; one thread writes, everyone reads.
//!
//! Files, beside the database `state.db`: `state.db-wal` and `state.db-shm` (`SQLite`'s), `state.db.lock` (the owner's lock),
//! `state.db.head` (the newest acknowledged event, to notice a lost log), `state.db.v<N>.bak` (the copy made before an upgrade from
//! version N) and `reserve` (disk space kept back).

mod attachments;
mod checkpoint;
mod codec;
#[cfg(debug_assertions)]
pub mod fault;
mod headmark;
mod lock;
mod moved;
mod open;
mod read;
mod reserve;
mod rows;
mod schema;
mod verify;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use rusqlite::Connection;

use crate::host::port::{Batch, DamagedEvent, LiveRows, Row, Store, Table};
use crate::model::id::{Seq, SessionId};
use crate::model::{Envelope, Refusal};
pub use attachments::AttachmentFiles;
use checkpoint::LogGauge;
use lock::OwnerLock;
use read::Readers;
use reserve::Reserve;
use writer::{Pending, Shared, Writer};

/// The store in an `SQLite` database.
pub struct SqliteStore {
    path: PathBuf,
    shared: Arc<Shared>,
    log: Arc<LogGauge>,
    readers: Readers,
    writer: Option<JoinHandle<()>>,
    checkpointer: Option<JoinHandle<()>>,
    released: Released,
}

/// Tells when a store has let go of its database, so that it can be opened again: after the last reference is dropped, which a callback
/// may do on the writer's own thread, what waits is still written and the files are closed.
#[derive(Debug, Clone)]
pub struct Released(Arc<AtomicBool>);

impl Released {
    /// Whether the database is free.
    pub fn is_free(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl SqliteStore {
    /// Opens a database for its only owner; creates it and its directory when they do not exist, and brings an older one up to date
    /// after copying it to `<path>.v<N>.bak`.
    ///
    /// # Errors
    /// When another process owns it, it is damaged, not a database, another program's or a newer divisi's, or cannot be read or
    /// written. The message names the file, the hints say what to do; the file is left as it is.
    pub fn open(path: &Path) -> Result<Self, Refusal> {
        open::create_directory(path)?;
        let lock = OwnerLock::take(path)?;
        let opened = open::open(path)?;
        let reserve = Reserve::in_directory(path.parent().unwrap_or(Path::new(".")));
        let shared = Shared::new(opened.head);
        let log = Arc::new(LogGauge::new(path));
        let released = Arc::new(AtomicBool::new(false));
        let writer = Writer {
            connection: opened.writer,
            path: path.to_owned(),
            mark: opened.mark,
            reserve: reserve.clone(),
            log: Arc::clone(&log),
            shared: Arc::clone(&shared),
            lock,
            released: Arc::clone(&released),
        };
        let mut store = Self {
            path: path.to_owned(),
            shared,
            log: Arc::clone(&log),
            readers: Readers::new(path),
            writer: None,
            checkpointer: None,
            released: Released(released),
        };
        store.writer = Some(spawn("store-writer", move || writer.run())?);
        let database = path.to_owned();
        store.checkpointer = Some(spawn("store-checkpoint", move || checkpoint::run(&log, &database, &reserve))?);
        Ok(store)
    }

    /// Tells, after this store is gone, when its database is free.
    pub fn released(&self) -> Released {
        self.released.clone()
    }

    fn read<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Refusal> {
        self.readers.with(read).map_err(|error| open::trouble(&self.path, &error))
    }

    fn page(&self, after: Seq, session: Option<&SessionId>, limit: usize) -> Result<read::Page, Refusal> {
        let head = self.head();
        self.read(|connection| match session {
            Some(session) => read::events_of(connection, session, after, limit),
            None => read::events(connection, after, limit, head),
        })
    }

    fn intact(&self, row: rows::Read) -> Result<Row, Refusal> {
        row.map_err(|damaged| open::damaged(&self.path, &damaged.what))
    }
}

impl Store for SqliteStore {
    fn append(&self, batch: Batch, committed: Box<dyn FnOnce() + Send>) {
        self.shared.push(Pending { batch, committed });
    }

    fn head(&self) -> Seq {
        self.shared.head()
    }

    fn blocked(&self) -> Option<String> {
        self.shared.blocked()
    }

    /// Of a page with a damaged event what comes before it is handed out; reading on from there gives the error. Whoever skips the
    /// event (by its number) can read what comes after.
    fn events(&self, after: Seq, session: Option<&SessionId>, limit: usize) -> Result<Vec<Envelope>, Refusal> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let page = self.page(after, session, limit)?;
        match page.damage {
            Some(damage) if page.events.is_empty() => Err(open::damaged(&self.path, &damage.what)),
            _ => Ok(page.events),
        }
    }

    fn before_last(&self, session: &SessionId, count: u32) -> Result<Seq, Refusal> {
        self.read(|connection| read::before_last(connection, session, count))
    }

    fn damaged_event(&self, after: Seq, session: Option<&SessionId>) -> Result<Option<DamagedEvent>, Refusal> {
        let page = self.page(after, session, 1)?;
        Ok(page.damage.filter(|_| page.events.is_empty()))
    }

    fn live_rows(&self, table: Table) -> Result<LiveRows, Refusal> {
        let mut live = LiveRows::default();
        for row in self.read(|connection| rows::live(connection, table))? {
            match row {
                Ok(row) => live.rows.push(row),
                Err(damaged) => live.damaged.push(damaged),
            }
        }
        Ok(live)
    }

    fn ended_rows(&self, table: Table) -> Result<LiveRows, Refusal> {
        let mut ended = LiveRows::default();
        for row in self.read(|connection| rows::ended(connection, table))? {
            match row {
                Ok(row) => ended.rows.push(row),
                Err(damaged) => ended.damaged.push(damaged),
            }
        }
        Ok(ended)
    }

    fn row(&self, table: Table, key: &str) -> Result<Option<Row>, Refusal> {
        self.read(|connection| rows::one(connection, table, key))?.map(|row| self.intact(row)).transpose()
    }

    fn rows_of(&self, table: Table, session: &SessionId) -> Result<Vec<Row>, Refusal> {
        let found = self.read(|connection| rows::of_session(connection, table, session))?;
        found.into_iter().map(|row| self.intact(row)).collect()
    }

    fn verify(&self) -> Result<Vec<String>, Refusal> {
        let head = self.head();
        self.read(|connection| Ok(verify::verify(connection, &self.path, head)))
    }

    fn path(&self) -> String {
        self.path.display().to_string()
    }
}

impl Drop for SqliteStore {
    /// Writes what waits, copies the log into the database and lets go of the lock (the writer does, when it ends: a callback may drop the
    /// last reference on the writer's own thread).
    fn drop(&mut self) {
        self.log.close();
        join(self.checkpointer.take());
        self.readers.close();
        self.shared.close();
        join(self.writer.take());
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Refusal> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .stack_size(512 * 1024)
        .spawn(run)
        .map_err(|error| Refusal::environment(format!("failed to start the thread {name}: {error}")))
}

/// Waits for a thread's end, unless it is the one that drops the store.
fn join(thread: Option<JoinHandle<()>>) {
    if let Some(thread) = thread
        && thread.thread().id() != std::thread::current().id()
    {
        let _ = thread.join();
    }
}

#[cfg(test)]
mod tests;
