//! `divisi show`: one session in full.

use crate::base::clock;
use crate::cli::command::Outcome;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::render;
use crate::model::command::{Command, OfSession};

/// Show a session
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  divisi show parser
  divisi show parser --json | jq .stat")]
pub(crate) struct Args {
    /// The session: its name, id, or the beginning of its id
    session: String,
    /// Print the session as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args, context: &Context) -> Outcome {
    let mut door = context.door().await?;
    let view = door.session(&args.session).await?;
    if args.json {
        render::json(&view);
    } else {
        render::session::show(&context.screen, &view, clock::now());
        // A program that reads JSON has not looked; a person has.
        if view.unread && !view.removed {
            door.submit(Command::ReadSession(OfSession { session: view.id })).await?;
        }
    }
    Ok(Exit::Done)
}
