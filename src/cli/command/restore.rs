//! `divisi restore`: a removed session's worktree comes back.

use crate::cli::command::Outcome;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::follow;
use crate::cli::render;
use crate::model::Event;
use crate::model::command::{Command, OfSession};

/// Bring a removed session's worktree back
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  divisi list --removed
  divisi restore parser")]
pub(crate) struct Args {
    /// The session
    session: String,
}

pub(crate) async fn run(args: Args, context: &Context) -> Outcome {
    let mut door = context.door().await?;
    let view = door.session(&args.session).await?;
    let before = door.head();
    door.submit(Command::RestoreSession(OfSession { session: view.id.clone() })).await?;
    let head = follow::until(context, &door, &view.id, before, "restoring", |event| match &event.event {
        Event::SessionRestored { head } => Some(Ok(head.clone())),
        _ => follow::fault(event).map(Err),
    })
    .await?;
    render::text(&format!("restored {} at {}", view.name, head.short()));
    render::text(&view.worktree.path);
    Ok(Exit::Done)
}
