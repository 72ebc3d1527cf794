//! `divisi approvals`: who waits for an answer.

use crate::base::clock;
use crate::cli::command::Outcome;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::render;
use crate::model::approval::Approval;
use crate::model::query::{ListApprovals, ListSessions, Query};
use crate::model::session::SessionView;

/// List open permission requests and questions
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  divisi approvals
  divisi approvals parser --json")]
pub(crate) struct Args {
    /// Only this session's
    session: Option<String>,
    /// Print an array of approvals
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args, context: &Context) -> Outcome {
    let mut door = context.door().await?;
    let session = match &args.session {
        Some(reference) => Some(door.session(reference).await?.id),
        None => None,
    };
    let approvals: Vec<Approval> = door.query(Query::ListApprovals(ListApprovals { session })).await?;
    if args.json {
        render::json(&approvals);
    } else if approvals.is_empty() {
        render::remark("nothing waits for an answer");
    } else {
        let sessions: Vec<SessionView> = door.query(Query::ListSessions(ListSessions::default())).await?;
        render::session::approvals(&context.screen, &approvals, &sessions, clock::now());
    }
    Ok(Exit::Done)
}
