//! `divisi show`: one session in full.

use crate::base::clock;
use crate::cli::command::Outcome;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::render;
use crate::model::command::{Command, OfSession};
use crate::model::query::{Query, TurnUsage, UsageReport};
use crate::model::session::SessionView;

/// Show a session
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  divisi show parser
  divisi show parser --json | jq .usage_by_turn")]
pub(crate) struct Args {
    /// The session: its name, id, or the beginning of its id
    session: String,
    /// Print the session as JSON
    #[arg(long)]
    json: bool,
}

/// A view with what each turn used.
#[derive(Debug, serde::Serialize)]
struct WithTurns<'a> {
    #[serde(flatten)]
    view: &'a SessionView,
    usage_by_turn: &'a [TurnUsage],
}

pub(crate) async fn run(args: Args, context: &Context) -> Outcome {
    let mut door = context.door().await?;
    let view = door.session(&args.session).await?;
    let of_session = OfSession { session: view.id.clone() };
    let usage: UsageReport = door.query(Query::ShowUsage(of_session)).await?;
    if args.json {
        render::json(&WithTurns { view: &view, usage_by_turn: &usage.turns });
    } else {
        render::session::show(&context.screen, &view, clock::now());
        render::usage::table(&context.screen, &usage);
        // A program that reads JSON has not looked; a person has.
        if view.unread && !view.removed {
            door.submit(Command::ReadSession(OfSession { session: view.id })).await?;
        }
    }
    Ok(Exit::Done)
}
