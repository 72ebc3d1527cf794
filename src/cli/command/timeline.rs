//! `divisi timeline`: a session's turns and checkpoints.

use crate::base::clock;
use crate::cli::command::Outcome;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::render;
use crate::model::query::Query;
use crate::model::timeline::{TimelineOf, TimelineStep};

/// Show a session's turns and checkpoints
#[derive(Debug, clap::Args)]
#[command(after_help = "The names work with divisi diff --from and --to, divisi rewind, divisi new --from.

Examples:
  divisi timeline parser
  divisi diff parser --from t1
  divisi rewind parser t1")]
pub(crate) struct Args {
    /// The session
    session: String,
    /// Print the steps as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args, context: &Context) -> Outcome {
    let mut door = context.door().await?;
    let session = door.session(&args.session).await?.id;
    let steps: Vec<TimelineStep> = door.query(Query::Timeline(TimelineOf { session })).await?;
    if args.json {
        render::json(&steps);
    } else {
        render::timeline::steps(&context.screen, &steps, clock::now());
    }
    Ok(Exit::Done)
}
