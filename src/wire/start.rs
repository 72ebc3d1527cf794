//! Finding the daemon, or starting one: any number of clients at once end up with the same.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;
use tokio::time::{sleep, timeout};

use crate::base::clock;
use crate::base::paths::Paths;
use crate::model::Refusal;
use crate::wire::client::{Caller, Client, ConnectError};
use crate::wire::error::ErrorObject;
use crate::wire::method::DAEMON_STOP;
use crate::wire::socket::prepare_directory;

/// A started daemon says `ready` within this, or it is given up.
const READY_WITHIN: Duration = Duration::from_secs(10);

/// Another client that holds the start lock gets so long; longer than it may take to start.
const LOCK_WITHIN: Duration = Duration::from_secs(15);

/// Daemons in a row that may die while they start before that is said.
const DEATHS: u32 = 3;

/// Between two looks for a daemon while one is started.
const PROBED: Duration = Duration::from_millis(50);

/// What a started daemon writes when it serves.
pub const READY: &str = "ready\n";

/// Starts a daemon process and returns the reading end of a pipe on which it says [`READY`], or `error ` and an error object.
pub type Start<'a> = dyn Fn() -> std::io::Result<OwnedFd> + Send + Sync + 'a;

/// Connects to the daemon; starts one when none runs. A daemon of another protocol is replaced when no agent runs under it.
///
/// # Errors
/// When it cannot be started (the message says where its log is), or another protocol's daemon is in use.
pub async fn connect_or_start(paths: &Paths, caller: &Caller, start: &Start<'_>) -> Result<Client, Refusal> {
    match Client::connect(&paths.socket, caller).await {
        Ok(client) => return Ok(client),
        Err(ConnectError::Refused(refusal)) => return Err(refusal),
        Err(ConnectError::NotRunning | ConnectError::Mismatch(_)) => {}
    }
    prepare_directory(paths)?;
    let lock = start_lock(&paths.start_lock).await?;
    let client = start_locked(paths, caller, start).await;
    drop(lock);
    client
}

async fn start_locked(paths: &Paths, caller: &Caller, start: &Start<'_>) -> Result<Client, Refusal> {
    // Whoever held the lock before may have started it.
    match Client::connect(&paths.socket, caller).await {
        Ok(client) => return Ok(client),
        Err(ConnectError::NotRunning) => {}
        Err(ConnectError::Mismatch(error)) => replace(&paths.socket, caller, &error).await?,
        Err(ConnectError::Refused(refusal)) => return Err(refusal),
    }
    for socket in other_protocols(paths) {
        if let Err(ConnectError::Mismatch(error)) = Client::connect(&socket, caller).await {
            replace(&socket, caller, &error).await?;
        }
    }
    let mut deaths = 0;
    loop {
        match start_once(paths, caller, start).await {
            Ok(client) => return Ok(client),
            // Killed while it started, by whoever killed the one before it, perhaps; the next goes on where it stopped.
            Err(NotStarted::Died(_)) if deaths + 1 < DEATHS => deaths += 1,
            Err(NotStarted::Died(refusal) | NotStarted::Refused(refusal)) => return Err(refusal),
        }
    }
}

/// Why a daemon that was started does not serve.
enum NotStarted {
    /// It is gone and said nothing.
    Died(Refusal),
    /// It said why, or nothing of it is known.
    Refused(Refusal),
}

async fn start_once(paths: &Paths, caller: &Caller, start: &Start<'_>) -> Result<Client, NotStarted> {
    let log = paths.log.display();
    let ready = start()
        .and_then(pipe::Receiver::from_owned_fd)
        .map_err(|error| NotStarted::Refused(Refusal::environment(format!("failed to start the daemon: {error}"))))?;
    let log_path = log.to_string();
    let mut reading = std::pin::pin!(read_ready(ready, &log_path));
    loop {
        tokio::select! {
            said = &mut reading => {
                said?;
                break;
            }
            // Another may be on its way already: begun by somebody who was killed before it was ready, and with that lost the lock.
            () = sleep(PROBED) => if let Ok(client) = Client::connect(&paths.socket, caller).await {
                return Ok(client);
            },
        }
    }
    Client::connect(&paths.socket, caller).await.map_err(|error| {
        let died = matches!(error, ConnectError::NotRunning);
        let why = Refusal::from(error).message;
        let refusal = Refusal::environment(format!("the daemon started but cannot be reached: {why}"))
            .hint(format!("its log: {log}"));
        if died { NotStarted::Died(refusal) } else { NotStarted::Refused(refusal) }
    })
}

async fn read_ready(mut ready: pipe::Receiver, log: &str) -> Result<(), NotStarted> {
    let mut said = Vec::new();
    let reading = async {
        let mut byte = [0_u8; 512];
        while !said.ends_with(b"\n") {
            match ready.read(&mut byte).await {
                Ok(0) | Err(_) => break,
                Ok(read) => said.extend_from_slice(&byte[..read]),
            }
        }
    };
    let in_time = timeout(READY_WITHIN, reading).await.is_ok();
    let said = String::from_utf8_lossy(&said);
    if said == READY {
        return Ok(());
    }
    if let Some(error) = said.strip_prefix("error ").and_then(|text| serde_json::from_str::<ErrorObject>(text).ok()) {
        let refusal = Refusal::from(error);
        let message = format!("failed to start the daemon: {}", refusal.message);
        return Err(NotStarted::Refused(Refusal { message, ..refusal }.hint(format!("its log: {log}"))));
    }
    let why = if in_time {
        "it ended at once".to_owned()
    } else {
        format!("it was not ready within {} s", READY_WITHIN.as_secs())
    };
    let refusal = Refusal::environment(format!("failed to start the daemon: {why}")).hint(format!("its log: {log}"));
    Err(if in_time { NotStarted::Died(refusal) } else { NotStarted::Refused(refusal) })
}

/// The line on which a daemon that cannot serve says why.
pub fn error_line(refusal: Refusal) -> String {
    format!("error {}\n", json!(ErrorObject::from(refusal)))
}

async fn start_lock(path: &Path) -> Result<File, Refusal> {
    let failed =
        |error: std::io::Error| Refusal::environment(format!("failed to take the lock {}: {error}", path.display()));
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .custom_flags(i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0))
        .open(path)
        .map_err(failed)?;
    let until = clock::instant() + LOCK_WITHIN;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if clock::instant() < until => sleep(Duration::from_millis(5)).await,
            Err(TryLockError::WouldBlock) => {
                return Err(Refusal::environment(format!(
                    "failed to start the daemon: another client has been starting one for {} s (it holds {})",
                    LOCK_WITHIN.as_secs(),
                    path.display()
                )));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
    }
}

/// Sockets of daemons that speak other protocols, in the same directory.
fn other_protocols(paths: &Paths) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(&paths.runtime_dir) else { return Vec::new() };
    let mut found: Vec<_> = entries
        .filter_map(Result::ok)
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.strip_prefix("divisi-p")
                .and_then(|rest| rest.strip_suffix(".sock"))
                .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
        })
        .map(|entry| entry.path())
        .filter(|path| *path != paths.socket)
        .collect();
    found.sort();
    found
}

/// Stops a daemon of another protocol when no agent runs under it; otherwise says who has to act.
async fn replace(socket: &Path, caller: &Caller, mismatch: &ErrorObject) -> Result<(), Refusal> {
    let running = mismatch.data.more.get("running").and_then(serde_json::Value::as_u64);
    if running != Some(0) {
        let count =
            running.filter(|count| *count < u64::from(u32::MAX)).map_or("some".to_owned(), |count| count.to_string());
        return Err(Refusal::conflict(format!(
            "{}, and {count} agents run under it, so it was left alone",
            mismatch.message
        ))
        .hint("divisi daemon restart    # agents keep running")
        .hint("or use the divisi that started it until they are done"));
    }
    Client::stop_other(socket, caller).await;
    let until = clock::instant() + READY_WITHIN;
    while !matches!(Client::connect(socket, caller).await, Err(ConnectError::NotRunning)) {
        if clock::instant() >= until {
            return Err(
                Refusal::environment(format!("{}, and it does not stop", mismatch.message)).hint("divisi daemon stop")
            );
        }
        sleep(Duration::from_millis(10)).await;
    }
    tracing::debug!("replaced a daemon of another protocol ({DAEMON_STOP})");
    Ok(())
}
