//! `divisi review`: how far a review is, and sending it as a round.

use crate::cli::command::Outcome;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::{follow, render};
use crate::model::Refusal;
use crate::model::command::{Command, Outcome as Came};
use crate::model::diff::DiffRange;
use crate::model::event::{Envelope, Event};
use crate::model::query::Query;
use crate::model::review::{ReviewView, SendRound, ShowReview};

/// Show how far the review of a session is, or send it to the agent as a round
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  divisi review parser
  divisi review parser --round        # only what changed since the last round
  divisi review parser --send         # open comments and rejected hunks, as one message
  divisi review parser --send 'close, but handle empty input too'")]
pub(crate) struct Args {
    /// The session
    session: String,
    /// Send open comments and rejected hunks; NOTE is said besides
    #[arg(long, value_name = "NOTE", num_args = 0..=1, default_missing_value = "", conflicts_with = "round")]
    send: Option<String>,
    /// Only what changed since the last round (or since round N)
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "0")]
    round: Option<u32>,
    /// Print the review as JSON
    #[arg(long, conflicts_with = "send")]
    json: bool,
}

pub(crate) async fn run(args: Args, context: &Context) -> Outcome {
    let mut door = context.door().await?;
    let view = door.session(&args.session).await?;
    if let Some(note) = args.send {
        let before = door.head();
        let receipt = door.submit(Command::SendRound(SendRound { session: view.id.clone(), note })).await?;
        let Came::Round { number, comments, rejected } = receipt.outcome else {
            return Err(Refusal::internal("a round was sent and its receipt is of something else"));
        };
        follow::until(context, &door, &view.id, before, "round", |event| sent(event, number)).await?;
        let words = |count: u32, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
        render::text(&format!(
            "round {number} sent to {}: {}, {}",
            view.name,
            words(comments, "comment"),
            words(rejected, "rejected hunk")
        ));
        return Ok(Exit::Done);
    }
    let range = match args.round {
        None => DiffRange::Session,
        Some(0) => DiffRange::Round { number: None },
        number => DiffRange::Round { number },
    };
    let review: ReviewView = door.query(Query::ShowReview(ShowReview { session: view.id, range })).await?;
    if args.json {
        render::json(&review);
    } else {
        render::review::overview(&context.screen, &review);
    }
    Ok(Exit::Done)
}

/// How a round ended.
fn sent(event: &Envelope, wanted: u32) -> Option<Result<(), Refusal>> {
    match &event.event {
        Event::RoundSent { number, .. } if *number == wanted => Some(Ok(())),
        Event::RoundFailed { number, reason } if *number == wanted => {
            Some(Err(Refusal::conflict(format!("round {number} was not sent: {reason}"))))
        }
        _ => follow::fault(event).map(Err),
    }
}
