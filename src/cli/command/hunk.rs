//! `divisi accept`, `reject`, `undo`: decisions on hunks.

use crate::cli::command::Outcome;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::render;
use crate::model::command::{Command, DecideHunk, HunkAction};
use crate::model::id::HunkId;

/// Keep hunks
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  divisi accept parser 2f28")]
pub(crate) struct AcceptArgs {
    #[command(flatten)]
    hunks: Hunks,
}

/// Take hunks out of the worktree; undo puts them back
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  divisi reject parser 2f28 637c
  divisi undo parser 2f28    # puts it back")]
pub(crate) struct RejectArgs {
    #[command(flatten)]
    hunks: Hunks,
}

/// Take decisions on hunks back; rejected hunks are put back
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  divisi undo parser 2f28")]
pub(crate) struct UndoArgs {
    #[command(flatten)]
    hunks: Hunks,
}

#[derive(Debug, clap::Args)]
struct Hunks {
    /// The session
    session: String,
    /// The hunks: ids as divisi diff shows them, or their beginnings
    #[arg(required = true, value_name = "HUNK")]
    hunks: Vec<String>,
}

pub(crate) async fn accept(args: AcceptArgs, context: &Context) -> Outcome {
    decide(args.hunks, HunkAction::Accept, "accepted", context).await
}

pub(crate) async fn reject(args: RejectArgs, context: &Context) -> Outcome {
    decide(args.hunks, HunkAction::Reject, "rejected", context).await
}

pub(crate) async fn undo(args: UndoArgs, context: &Context) -> Outcome {
    decide(args.hunks, HunkAction::Undo, "undone", context).await
}

async fn decide(args: Hunks, action: HunkAction, done: &str, context: &Context) -> Outcome {
    let mut door = context.door().await?;
    let session = door.session(&args.session).await?.id;
    for hunk in args.hunks {
        let decide = DecideHunk { session: session.clone(), hunk: HunkId(hunk.clone()), action, lines: Vec::new() };
        door.submit(Command::DecideHunk(decide)).await?;
        render::text(&format!("{done} {hunk}"));
    }
    Ok(Exit::Done)
}
