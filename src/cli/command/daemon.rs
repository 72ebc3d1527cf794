//! `divisi daemon`: the engine's process.

use std::time::Duration;

use clap::Subcommand;
use tokio::time::sleep;

use crate::base::clock;
use crate::cli::command::{Outcome, on_runtime};
use crate::cli::context::{Context, caller};
use crate::cli::daemon;
use crate::cli::exit::Exit;
use crate::cli::render::{self, Line, Style, words};
use crate::model::Refusal;
use crate::model::query::{DaemonStatus, Query};
use crate::wire::client::{Client, ConnectError};

/// A daemon that is asked to stop has this long: it finishes what it is answering and commits.
const STOP_WITHIN: Duration = Duration::from_secs(20);

/// Run, inspect, stop or restart the daemon; agents keep running in any case
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  divisi daemon status
  divisi daemon restart    # agents keep running meanwhile")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Run the daemon in the foreground; any command starts it in the background when it is needed
    Run {
        /// In a session of its own, ready told on standard output
        #[arg(long, hide = true)]
        detached: bool,
    },
    /// Say whether it runs, and how it is
    Status {
        /// Print the status as JSON
        #[arg(long)]
        json: bool,
    },
    /// Stop it; agents keep running
    Stop,
    /// Stop it and start it again; agents keep running
    Restart,
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    match args.action {
        Action::Run { detached } => daemon::run(context, detached),
        Action::Status { json } => on_runtime(status(context, json)),
        Action::Stop => on_runtime(async {
            render::text(if stop(context).await? { "stopped" } else { "no daemon was running" });
            Ok(Exit::Done)
        }),
        Action::Restart => on_runtime(async {
            stop(context).await?;
            let door = context.door().await?;
            render::text(&format!("runs as process {}", door.client().welcome().pid));
            Ok(Exit::Done)
        }),
    }
}

/// Exits 1 when none runs.
async fn status(context: &Context, json: bool) -> Outcome {
    let mut door = context.open_door().await?;
    let status: DaemonStatus = door.query(Query::DaemonStatus {}).await?;
    if json {
        render::json(&status);
        return Ok(Exit::Done);
    }
    let field = |name: &str, text: &str| {
        render::line(&context.screen, &Line::new().add(Style::Dim, &format!("{name:<10}")).add(Style::Plain, text));
    };
    field("running", &format!("process {}, for {}", status.pid, words::age(status.started_at, clock::now())));
    field("version", &format!("{} (protocol {})", status.version, status.protocol));
    field("sessions", &format!("{}, {} with a running agent", status.sessions, status.running));
    field("clients", &status.clients.to_string());
    field("events", &status.head.to_string());
    field("git", &format!("{} processes so far", status.git_processes));
    field("socket", &status.socket);
    field("database", &status.database);
    field("log", &status.log);
    if let Some(why) = &status.blocked {
        field("blocked", why);
    }
    Ok(Exit::Done)
}

/// Whether one was running.
async fn stop(context: &Context) -> Result<bool, Refusal> {
    let socket = &context.paths.socket;
    let owner = daemon::owner(&context.paths)?;
    let until = clock::instant() + STOP_WITHIN;
    // One that begins, ends or is busy may not answer at first: it is asked until it did, or is gone.
    let (mut told, mut why) = (false, None);
    loop {
        if !told {
            match Client::connect(socket, &caller()).await {
                Err(ConnectError::NotRunning) if owner.is_none() => return Ok(false),
                Err(ConnectError::NotRunning) => {}
                Err(ConnectError::Mismatch(_)) => {
                    Client::stop_other(socket, &caller()).await;
                    told = true;
                }
                Err(ConnectError::Refused(refusal)) => why = Some(refusal),
                Ok(client) => match client.stop_daemon().await {
                    Ok(()) => told = true,
                    Err(error) => why = Some(error.into()),
                },
            }
        }
        // Another may follow it at once, when somebody waits for work. It is gone when it has let go of the database, which is a little
        // after it stopped listening.
        let Some(process) = &owner else { return why.filter(|_| !told).map_or(Ok(true), Err) };
        if daemon::owner(&context.paths)?.as_ref() != Some(process) {
            return Ok(true);
        }
        if clock::instant() >= until {
            let why = why.filter(|_| !told).map(|refusal| format!(": {}", refusal.message)).unwrap_or_default();
            let within = STOP_WITHIN.as_secs();
            return Err(Refusal::environment(format!(
                "the daemon (process {process}) did not stop within {within} s{why}"
            ))
            .hint(format!("its log: {}", context.paths.log.display()))
            .hint(format!("kill {process}    # agents keep running, and nothing that was acknowledged is lost")));
        }
        sleep(Duration::from_millis(5)).await;
    }
}
