//! `divisi compare`: what several sessions made of the same task.

use crate::cli::command::Outcome;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::render;
use crate::model::comparison::Comparison;
use crate::model::query::Query;
use crate::model::timeline::CompareSessions;

/// Show what several sessions made, side by side
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  divisi compare one two three
  divisi compare one two --hunks
  divisi combine one two:2f28    # all of one, one hunk of two")]
pub(crate) struct Args {
    /// The sessions
    #[arg(required = true, num_args = 2.., value_name = "SESSION")]
    sessions: Vec<String>,
    /// Every hunk, with whose it is
    #[arg(long)]
    hunks: bool,
    /// Print the comparison as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args, context: &Context) -> Outcome {
    let mut door = context.door().await?;
    let mut sessions = Vec::new();
    for session in &args.sessions {
        sessions.push(door.session(session).await?.id);
    }
    let comparison: Comparison = door.query(Query::CompareSessions(CompareSessions { sessions })).await?;
    if args.json {
        render::json(&comparison);
    } else {
        render::compare::comparison(&context.screen, &comparison, args.hunks);
    }
    Ok(Exit::Done)
}
