//! `divisi stop`: end the running turn.

use crate::cli::command::Outcome;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::render;
use crate::model::command::{Command, OfSession, Outcome as Came};

/// Interrupt what the agent is doing; its session and everything it did are kept
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  divisi stop parser        # what it did is kept; divisi send goes on
  divisi interrupt parser   # the same")]
pub(crate) struct Args {
    /// The sessions
    #[arg(required = true)]
    sessions: Vec<String>,
}

pub(crate) async fn run(args: Args, context: &Context) -> Outcome {
    let mut door = context.door().await?;
    for reference in &args.sessions {
        let view = door.session(reference).await?;
        let receipt = door.submit(Command::StopSession(OfSession { session: view.id })).await?;
        match receipt.outcome {
            Came::Stopping { turn: Some(turn) } => render::text(&format!("stopping {} (turn {turn})", view.name)),
            _ => render::text(&format!("nothing runs in {}", view.name)),
        }
    }
    Ok(Exit::Done)
}
