//! `divisi remove`: a session's process, worktree and branch go; unlanded work is kept under a ref.

use crate::cli::command::Outcome;
use crate::cli::context::{Context, Door};
use crate::cli::exit::Exit;
use crate::cli::follow;
use crate::cli::render;
use crate::model::command::{Command, RemoveSession};
use crate::model::session::SessionView;
use crate::model::{Event, Refusal};

/// Remove sessions with their worktrees and branches
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Refused when work would be lost. With --discard it is removed all the same, and what was not landed \
stays under refs/divisi/preserved/: divisi restore SESSION brings it back.

Examples:
  divisi remove parser
  divisi remove parser docs --discard"
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
        let preserved = one(context, &mut door, &view, args.discard).await?;
        render::text(&format!("removed {}", view.name));
        if let Some(reference) = preserved {
            render::text(&format!("  its work is kept as {reference}"));
            render::text(&format!("  divisi restore {}", view.id));
        }
    }
    Ok(Exit::Done)
}

/// Removes one; returns the reference under which its work is kept.
pub(crate) async fn one(
    context: &Context,
    door: &mut Door<'_>,
    view: &SessionView,
    discard: bool,
) -> Result<Option<String>, Refusal> {
    let before = door.client().welcome().head;
    door.submit(Command::RemoveSession(RemoveSession { session: view.id.clone(), discard })).await?;
    let doing = format!("removing {}", view.name);
    follow::until(context, door, &view.id, before, &doing, |event| match &event.event {
        Event::SessionRemoved { preserved } => Some(Ok(preserved.clone())),
        _ => follow::fault(event).map(Err),
    })
    .await
}
