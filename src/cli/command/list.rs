//! `divisi list`: all sessions, what needs attention first.

use crate::base::clock;
use crate::cli::command::Outcome;
use crate::cli::context::Context;
use crate::cli::context::{here, path_text};
use crate::cli::exit::Exit;
use crate::cli::render;
use crate::model::query::{ListSessions, Query};
use crate::model::session::SessionView;

/// List sessions, what needs attention first
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  divisi list
  divisi list --here
  divisi list --json | jq -r .[].name")]
pub(crate) struct Args {
    /// Only sessions of the repository around the current directory
    #[arg(long)]
    here: bool,
    /// Removed sessions too
    #[arg(long)]
    removed: bool,
    /// Print an array of sessions
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args, context: &Context) -> Outcome {
    let repository = if args.here { Some(path_text(&here()?)?) } else { None };
    let mut door = context.door().await?;
    let list = ListSessions { repository, removed: args.removed };
    let sessions: Vec<SessionView> = door.query(Query::ListSessions(list)).await?;
    if args.json {
        render::json(&sessions);
    } else if sessions.is_empty() {
        render::remark("no sessions");
        render::remark("  try: divisi new 'what to do'");
    } else {
        render::session::list(&context.screen, &sessions, clock::now());
    }
    Ok(Exit::Done)
}
