//! `divisi preflight`: what a landing would meet.

use crate::cli::command::Outcome;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::render;
use crate::model::landing::Preflight;
use crate::model::query::{PreflightSession, Query};

/// Show what a landing would meet: conflicts with the base and with other sessions
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  divisi preflight parser
  divisi preflight parser --onto release")]
pub(crate) struct Args {
    /// The session
    session: String,
    /// Another local branch to land on
    #[arg(long, value_name = "BRANCH")]
    onto: Option<String>,
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

/// Exits 1 when a landing would be refused.
pub(crate) async fn run(args: Args, context: &Context) -> Outcome {
    let mut door = context.door().await?;
    let session = door.session(&args.session).await?.id;
    let found: Preflight = door.query(Query::PreflightSession(PreflightSession { session, onto: args.onto })).await?;
    if args.json {
        render::json(&found);
    } else {
        render::session::preflight(&context.screen, &found);
    }
    Ok(if found.ready { Exit::Done } else { Exit::Refused })
}
