//! Reading a journal as it grows.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::watch;

use super::blocking;
use super::connection::{Connection, Progress};
use crate::host::port::{JournalReader, Record};
use crate::model::Refusal;
use crate::process::journal::JournalFile;

/// So much was written a moment ago and is in the memory of the system: reading it is quicker than asking another thread to. Bytes.
const TAIL: u64 = 64 * 1024;

/// Keeps no position: a read that is given up lost nothing.
pub(super) struct Reader {
    journal: Arc<JournalFile>,
    /// While the shim lives. The connection is held so that the shim goes on telling.
    live: Option<(watch::Receiver<Progress>, Arc<Connection>)>,
}

impl Reader {
    /// Of a job that runs.
    pub(super) fn live(journal: JournalFile, connection: Arc<Connection>) -> Self {
        Self { journal: Arc::new(journal), live: Some((connection.progress(), connection)) }
    }

    /// Of a job whose shim is gone.
    pub(super) fn finished(journal: JournalFile) -> Self {
        Self { journal: Arc::new(journal), live: None }
    }
}

#[async_trait]
impl JournalReader for Reader {
    async fn read(&mut self, offset: u64) -> Result<Vec<Record>, Refusal> {
        loop {
            // Looked at before the file is: what is written after that look will be told.
            let seen = self.live.as_mut().map(|(progress, _)| progress.borrow_and_update().clone());
            let new = match &seen {
                // Zero until the shim has said it for the first time.
                Some(Progress::Length(length)) if *length > 0 => Some(length.saturating_sub(offset)),
                _ => None,
            };
            let journal = Arc::clone(&self.journal);
            let records = match new {
                Some(bytes) if bytes <= TAIL => journal.read(offset)?,
                _ => blocking(move || journal.read(offset).map_err(Refusal::from)).await?,
            };
            if !records.is_empty() {
                return Ok(records);
            }
            match seen {
                None | Some(Progress::Gone) => return Ok(records),
                Some(Progress::Broken(refusal)) => return Err(refusal),
                Some(Progress::Length(_)) => {}
            }
            if let Some((progress, _)) = &mut self.live
                && progress.changed().await.is_err()
            {
                return Err(Refusal::internal("the reader's connection is no longer looked after"));
            }
        }
    }
}
