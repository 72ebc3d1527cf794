//! `divisi rewind`: a session's files as they were at a checkpoint.

use crate::cli::command::Outcome;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::follow;
use crate::cli::render::{self, Line, Style};
use crate::model::command::Command;
use crate::model::timeline::RewindSession;
use crate::model::{Envelope, Event, Refusal};

/// Bring a session's files back to a checkpoint
#[derive(Debug, clap::Args)]
#[command(after_help = "What the files are now is kept as a checkpoint first, so this can be undone the same way.

Examples:
  divisi timeline parser
  divisi rewind parser t1
  divisi rewind parser c1    # and back again")]
pub(crate) struct Args {
    /// The session
    session: String,
    /// The checkpoint: its name, a turn's number, or the beginning of its commit
    checkpoint: String,
    /// Print the session as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args, context: &Context) -> Outcome {
    let mut door = context.door().await?;
    let session = door.session(&args.session).await?.id;
    let rewind = RewindSession { session: session.clone(), checkpoint: args.checkpoint };
    let before = door.head();
    door.submit(Command::RewindSession(rewind)).await?;
    let marks = std::cell::RefCell::new(Vec::new());
    follow::until(context, &door, &session, before, "bringing the files back", |event| ended(event, &marks)).await?;
    if args.json {
        render::json(&door.session(session.as_str()).await?);
    } else {
        for (name, what) in marks.into_inner() {
            render::line(&context.screen, &Line::new().add(Style::Bold, &name).add(Style::Plain, &format!("  {what}")));
        }
    }
    Ok(Exit::Done)
}

/// Notes the checkpoints that are made on the way; ends with the end.
fn ended(event: &Envelope, marks: &std::cell::RefCell<Vec<(String, String)>>) -> Option<Result<(), Refusal>> {
    match &event.event {
        Event::SessionCheckpointed { mark: Some(mark), .. } => {
            marks.borrow_mut().push((mark.name.clone(), mark.what.clone()));
            None
        }
        Event::RewindEnded { reason: None } => Some(Ok(())),
        Event::RewindEnded { reason: Some(reason) } => {
            Some(Err(Refusal::conflict(format!("the files stay as they are: {reason}"))))
        }
        _ => None,
    }
}
