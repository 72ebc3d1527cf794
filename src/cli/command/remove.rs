//! `divisi remove`: a session's process, worktree and branch go; unlanded work is kept under a ref.

use crate::cli::command::Outcome;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::follow;
use crate::cli::render;
use crate::model::Event;
use crate::model::command::{Command, RemoveSession};

/// Remove sessions with their worktrees and branches
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Refused when work would be lost. With --discard it is removed all the same, and what was not landed
stays under refs/divisi/preserved/: divisi restore SESSION brings it back."
)]
pub(crate) struct Args {
    /// The sessions
    #[arg(required = true)]
    sessions: Vec<String>,
    /// Remove although there is unlanded work
    #[arg(long)]
    discard: bool,
}

pub(crate) async fn run(args: Args, context: &Context) -> Outcome {
    let mut door = context.door().await?;
    for reference in &args.sessions {
        let view = door.session(reference).await?;
        let before = door.client().welcome().head;
        door.submit(Command::RemoveSession(RemoveSession { session: view.id.clone(), discard: args.discard })).await?;
        let doing = format!("removing {}", view.name);
        let preserved = follow::until(context, &door, &view.id, before, &doing, |event| match &event.event {
            Event::SessionRemoved { preserved } => Some(Ok(preserved.clone())),
            _ => follow::fault(event).map(Err),
        })
        .await?;
        render::text(&format!("removed {}", view.name));
        if let Some(reference) = preserved {
            render::text(&format!("  what was not landed is kept as {reference}"));
            render::text(&format!("  divisi restore {}", view.id));
        }
    }
    Ok(Exit::Done)
}
