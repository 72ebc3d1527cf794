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

    /// Every live row of a table.
    ///
    /// # Errors
    /// When the database cannot be read.
    fn live_rows(&self, table: Table) -> Result<Vec<Row>, Refusal>;

    /// One row, live or not.
    ///
    /// # Errors
    /// When the database cannot be read.
    fn row(&self, table: Table, key: &str) -> Result<Option<Row>, Refusal>;

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
