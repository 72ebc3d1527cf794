//! Finding a job again.

use std::path::Path;
use std::time::Duration;

use super::blocking;
use super::connection::Connection;
use super::remains::{self, Shim};
use crate::base::clock;
use crate::model::Refusal;
use crate::process::journal;
use crate::process::spec::{self, SHIM};

/// A shim that lives but was started a moment ago needs a little to listen.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(20);

/// What was found.
#[derive(Debug)]
pub(super) enum Found {
    Alive(Box<Connection>),
    Gone,
    NeverStarted,
}

/// Finds a job again. What is left of a tree whose shim is gone is ended.
pub(super) async fn attach(directory: &Path) -> Result<Found, Refusal> {
    let deadline = clock::instant() + PATIENCE;
    loop {
        let place = directory.to_owned();
        match blocking(move || remains::clear(&place)).await? {
            Shim::Gone if directory.join(journal::FILE_NAME).exists() => return Ok(Found::Gone),
            Shim::Gone | Shim::NoDirectory => return Ok(Found::NeverStarted),
            Shim::Lives => {}
        }
        let refusal = match spec::who(&directory.join(SHIM)) {
            Ok(who) => match Connection::open(&who, directory).await {
                Ok(connection) => return Ok(Found::Alive(Box::new(connection))),
                Err(refusal) => refusal,
            },
            Err(error) => Refusal::environment(format!("cannot read {SHIM} in {}: {error}", directory.display())),
        };
        if clock::instant() >= deadline {
            return Err(refusal);
        }
        tokio::time::sleep(PAUSE).await;
    }
}
