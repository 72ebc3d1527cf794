//! The daemon's life: own the database, serve, stop when asked, tell nobody's agents.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

use crate::base::clock;
use crate::base::path::private_directory;
use crate::base::paths::{PROTOCOL, Paths};
use crate::cli::command::Outcome;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::{Running, log_file, render};
use crate::config::prices;
use crate::model::Refusal;
use crate::wire::idle::stop_when_idle;
use crate::wire::serve::{About, Limits, Server};
use crate::wire::socket::bind;
use crate::wire::start::{READY, error_line};
use crate::wire::stop::Stop;

/// A daemon on its way out has this long to let go of the database.
const OWNER_WITHIN: Duration = Duration::from_secs(5);

/// The engine gets this long to commit what is open at the end.
const SHUTDOWN_WITHIN: Duration = Duration::from_secs(10);

/// Runs a daemon until it is told to stop, or is idle for long enough.
pub(crate) fn run(context: &Context, detached: bool) -> Outcome {
    if detached {
        // Fails only when it leads a process group already: then it is detached enough.
        let _ = rustix::process::setsid();
    }
    let outcome = serve(context, detached);
    if let (Err(refusal), true) = (&outcome, detached) {
        tracing::error!("{}", render::refusal_text(refusal).trim_end());
        // Whoever started us reads this instead of standard error, which is the log.
        render::verbatim(&error_line(refusal.clone()));
    }
    outcome
}

fn serve(context: &Context, detached: bool) -> Outcome {
    let paths = &context.paths;
    let mut config = context.require_config()?;
    private_directory(&paths.state_dir)
        .map_err(|error| Refusal::environment(format!("failed to use {}: {error}", paths.state_dir.display())))?;
    log_file::start(&paths.log, config.log_level, !detached)?;
    config.settings.prices = prices::load(&paths.config_dir).unwrap_or_else(|error| {
        // Without the user's prices an estimate is only less good.
        tracing::warn!(%error, "the prices are not used");
        prices::bundled()
    });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Refusal::environment(format!("failed to start the runtime: {error}")))?;
    let outcome = runtime.block_on(async {
        // Before anything else can be asked to end: a signal from here on is heard.
        let stop = Stop::new();
        stop_on_signals(&stop)?;
        let owner = own(paths).await?;
        let Running { host, stop: stop_engine } = (context.programs.boot)(paths, &config)?;
        let about = About {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            protocol: PROTOCOL,
            pid: std::process::id(),
            generation: crate::wire::client::Client::command_id().0,
        };
        let server = Server::new(bind(paths)?, host.clone(), about, Limits::default(), stop.clone());
        let idle = stop_when_idle(host.clone(), server.clients(), config.settings.idle_exit, stop.clone());
        tokio::spawn(idle);
        tracing::info!(
            "divisi {} serves at {} as process {}",
            env!("CARGO_PKG_VERSION"),
            paths.socket.display(),
            std::process::id()
        );
        say_ready(detached)?;
        server.run().await;
        // The engine waits until nothing refers to its database any more.
        drop(host);
        if tokio::time::timeout(SHUTDOWN_WITHIN, stop_engine).await.is_err() {
            tracing::error!("the engine did not stop within {} s", SHUTDOWN_WITHIN.as_secs());
        }
        tracing::info!("stopped");
        drop(owner);
        Ok(Exit::Done)
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome
}

fn stop_on_signals(stop: &Stop) -> Result<(), Refusal> {
    for kind in [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()] {
        let mut signals =
            signal(kind).map_err(|error| Refusal::environment(format!("failed to listen for signals: {error}")))?;
        let stop = stop.clone();
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                tracing::info!("stopping: signal {}", kind.as_raw_value());
                stop.trigger();
            }
        });
    }
    Ok(())
}

/// Takes the lock that says who owns the database.
async fn own(paths: &Paths) -> Result<File, Refusal> {
    let until = clock::instant() + OWNER_WITHIN;
    loop {
        if let Some(mut file) = try_own(paths)? {
            let written =
                file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{}", std::process::id()));
            written.map_err(|error| lock_failed(paths, &error))?;
            return Ok(file);
        }
        if clock::instant() >= until {
            let pid = std::fs::read_to_string(&paths.owner_lock).unwrap_or_default();
            return Err(Refusal::conflict(format!(
                "another daemon (process {}) owns {}",
                pid.trim(),
                paths.state_dir.display()
            ))
            .hint("divisi daemon status")
            .hint("divisi daemon stop"));
        }
        sleep(Duration::from_millis(10)).await;
    }
}

/// The process that owns the database; absent when none does.
pub(crate) fn owner(paths: &Paths) -> Result<Option<String>, Refusal> {
    if !paths.owner_lock.exists() || try_own(paths)?.is_some() {
        return Ok(None);
    }
    Ok(Some(std::fs::read_to_string(&paths.owner_lock).unwrap_or_default().trim().to_owned()))
}

fn try_own(paths: &Paths) -> Result<Option<File>, Refusal> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .mode(0o600)
        .open(&paths.owner_lock)
        .map_err(|error| lock_failed(paths, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(lock_failed(paths, &error)),
    }
}

fn lock_failed(paths: &Paths, error: &std::io::Error) -> Refusal {
    Refusal::environment(format!("failed to take the lock {}: {error}", paths.owner_lock.display()))
}

/// Tells whoever started us, and lets go of the pipe on which it listens.
fn say_ready(detached: bool) -> Result<(), Refusal> {
    if !detached {
        render::remark("the daemon runs; Ctrl-C stops it, agents keep running");
        return Ok(());
    }
    // Whoever started it may have been killed meanwhile; others are connected, or will be.
    render::whisper(READY);
    let failed = |error: std::io::Error| Refusal::environment(format!("failed to let go of standard output: {error}"));
    let null = OpenOptions::new().write(true).open("/dev/null").map_err(failed)?;
    rustix::stdio::dup2_stdout(&null).map_err(|error| failed(error.into()))
}
