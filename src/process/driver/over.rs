//! Acting on a job that was over before anybody could.

use std::time::Duration;

use async_trait::async_trait;

use crate::host::port::JobControl;
use crate::model::Refusal;
use crate::model::id::JobId;
use crate::model::terminal::TerminalSize;

/// Refuses everything.
#[derive(Debug)]
pub(super) struct Over {
    pub(super) job: JobId,
}

impl Over {
    fn refusal(&self) -> Result<(), Refusal> {
        Err(Refusal::conflict(format!("job {} has ended", self.job)))
    }
}

#[async_trait]
impl JobControl for Over {
    async fn write(&self, _key: &str, _bytes: &[u8]) -> Result<(), Refusal> {
        self.refusal()
    }

    async fn type_in(&self, _bytes: &[u8]) -> Result<(), Refusal> {
        self.refusal()
    }

    async fn resize(&self, _size: TerminalSize) -> Result<(), Refusal> {
        self.refusal()
    }

    async fn close_stdin(&self) -> Result<(), Refusal> {
        self.refusal()
    }

    async fn interrupt(&self) -> Result<(), Refusal> {
        self.refusal()
    }

    async fn end_since(&self, _key: &str) -> Result<(), Refusal> {
        self.refusal()
    }

    async fn stop(&self, _grace: Duration) -> Result<(), Refusal> {
        self.refusal()
    }
}
