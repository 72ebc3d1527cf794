//! Port of the store: the truth, in order.

use crate::model::id::{CommandId, Seq, SessionId};
use crate::model::{Envelope, Refusal};

/// A projection table. Each row is keyed text with a JSON document; the engine computes documents, the store only keeps them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// [`crate::model::session::Session`] by session id.
    Sessions,
    /// [`crate::model::worktree::Worktree`] by session id.
    Worktrees,
    /// [`crate::model::turn::Turn`] by turn id.
    Turns,
    /// [`crate::model::agent::ToolCall`] by `<turn id>/<call id>`.
    ToolCalls,
    /// [`crate::model::approval::Approval`] by approval id.
    Approvals,
    /// [`crate::model::landing::Landing`] by landing id.
    Landings,
    /// [`crate::model::usage::Usage`] by turn id, or by session id for the total.
    Usage,
    /// [`crate::model::job::Job`] by job id.
    Jobs,
    /// [`crate::model::approval::Rule`] by the number of the event that added it.
    Rules,
    /// Trusted repository configurations: digest by common directory.
    Trust,
    /// Names ever used, by `<common directory>\n<case-folded name>`: no path is used twice.
    Names,
    /// [`crate::model::command::Receipt`] by command id.
    Receipts,
    /// Patches of rejected hunks by `<session id>/<hunk id>`, so that they can be put back.
    Patches,
    /// [`crate::model::batch::Batch`] by batch id.
    Batches,
    /// [`crate::model::batch::Run`] by run id. They belong to their batch: its id stands where others have their session's.
    Runs,
    /// [`crate::model::contest::Contest`] by `<batch id>.c<number>`; they belong to their batch as runs do.
    Contests,
}

/// A row to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Where.
    pub table: Table,
    /// Its key, unique in the table.
    pub key: String,
    /// The session it belongs to.
    pub session: Option<SessionId>,
    /// Live rows are loaded at start; others only when asked for.
    pub live: bool,
    /// The document, JSON; absent: the row is deleted.
    pub doc: Option<String>,
}

/// What is committed together: all of it or nothing.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// Events, numbered densely after the last batch's.
    pub events: Vec<Envelope>,
    /// Projection rows as they are after these events.
    pub rows: Vec<Row>,
}

/// The live rows of a table, as far as they can be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveRows {
    /// The intact ones, by key.
    pub rows: Vec<Row>,
    /// The damaged ones: what is wrong, one sentence each, naming the row.
    pub damaged: Vec<DamagedRow>,
}

/// A row that is not what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamagedRow {
    /// Its key as it is there now, which may be what is damaged; absent when not even that can be read.
    pub key: Option<String>,
    /// The session it seems to belong to.
    pub session: Option<SessionId>,
    /// What is wrong, naming the row and the table.
    pub what: String,
}

/// An event that is not what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DamagedEvent {
    /// Its number.
    pub seq: Seq,
    /// The session it seems to belong to; what is damaged may be this.
    pub session: Option<SessionId>,
    /// What is wrong, naming the event.
    pub what: String,
}

/// The store. Reading methods block for a moment and are called off the async runtime's workers.
pub trait Store: Send + Sync {
    /// Queues a batch behind all earlier ones. `committed` is called on the writer's thread once it is durable (several batches may
    /// share one disk flush). A batch that cannot be written (disk full, I/O error) stays queued and is tried again; meanwhile
    /// [`Store::blocked`] says why.
    fn append(&self, batch: Batch, committed: Box<dyn FnOnce() + Send>);

    /// The newest committed event's number.
    fn head(&self) -> Seq;

    /// Why nothing can be written at the moment, one sentence; absent when all is well.
    fn blocked(&self) -> Option<String>;

    /// Committed events after a number, oldest first, at most `limit`; with a session only that session's.
    ///
    /// # Errors
    /// When the database cannot be read, or a row's checksum does not match (the message names the event).
    fn events(&self, after: Seq, session: Option<&SessionId>, limit: usize) -> Result<Vec<Envelope>, Refusal>;

    /// The number after which a session's newest `count` events come; 0 when it has no more than that.
    ///
    /// # Errors
    /// When the database cannot be read.
    fn before_last(&self, session: &SessionId, count: u32) -> Result<Seq, Refusal>;

    /// The event for which [`Store::events`] with the same arguments gives an error because it is damaged; absent when the next event is
    /// intact or there is none. Whoever reads on after its number gets what comes behind it.
    ///
    /// # Errors
    /// When the database cannot be read.
    fn damaged_event(&self, after: Seq, session: Option<&SessionId>) -> Result<Option<DamagedEvent>, Refusal>;

    /// Every live row of a table; damaged ones are named, not given.
    ///
    /// # Errors
    /// When the database cannot be read.
    fn live_rows(&self, table: Table) -> Result<LiveRows, Refusal>;

    /// One row, live or not.
    ///
    /// # Errors
    /// When the database cannot be read.
    fn row(&self, table: Table, key: &str) -> Result<Option<Row>, Refusal>;

    /// The newest rows of a table that are not live, at most 1,000, newest first; damaged ones are named, not given.
    ///
    /// # Errors
    /// When the database cannot be read.
    fn ended_rows(&self, table: Table) -> Result<LiveRows, Refusal>;

    /// All rows of a session in a table, by key.
    ///
    /// # Errors
    /// When the database cannot be read.
    fn rows_of(&self, table: Table, session: &SessionId) -> Result<Vec<Row>, Refusal>;

    /// The receipt document of a command that was accepted before.
    ///
    /// # Errors
    /// When the database cannot be read.
    fn receipt(&self, command: &CommandId) -> Result<Option<String>, Refusal> {
        Ok(self.row(Table::Receipts, command.as_str())?.and_then(|row| row.doc))
    }

    /// Reads everything and checks it: one sentence for each thing that is damaged, naming the file and the event or row; empty when all
    /// is well. Takes some seconds per million events.
    ///
    /// # Errors
    /// When the database cannot be opened for reading.
    fn verify(&self) -> Result<Vec<String>, Refusal>;

    /// The database's path, for messages.
    fn path(&self) -> String;
}
