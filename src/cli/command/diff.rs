//! `divisi diff`: what a session changed.

use crate::cli::command::Outcome;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::render;
use crate::model::diff::{Diff, DiffRange};
use crate::model::query::{DiffSession, Query};

/// Show what a session changed, hunk by hunk
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  divisi diff parser
  divisi diff parser --turn 2 --stat
  divisi diff parser --round          # the answer to the last round of a review
  divisi diff parser --from t1 --to t3
  divisi diff parser --patch | git apply")]
#[expect(clippy::struct_excessive_bools, reason = "flags of the command line")]
pub(crate) struct Args {
    /// The session
    session: String,
    /// Only counts
    #[arg(long, conflicts_with_all = ["name_only", "patch"])]
    stat: bool,
    /// Only paths
    #[arg(long, conflicts_with = "patch")]
    name_only: bool,
    /// Only what one turn changed
    #[arg(long, value_name = "N", conflicts_with_all = ["uncommitted", "round"])]
    turn: Option<u32>,
    /// Only what changed since the last round of the review (or since round N)
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "0", conflicts_with = "uncommitted")]
    round: Option<u32>,
    /// What changed since a checkpoint (divisi timeline names them)
    #[arg(long, value_name = "CHECKPOINT", conflicts_with_all = ["turn", "uncommitted"])]
    from: Option<String>,
    /// With --from: up to this checkpoint instead of the files as they are
    #[arg(long, value_name = "CHECKPOINT", requires = "from")]
    to: Option<String>,
    /// Only what is not in a checkpoint yet
    #[arg(long)]
    uncommitted: bool,
    /// A patch that git apply takes
    #[arg(long, conflicts_with = "json")]
    patch: bool,
    /// Print the diff as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args, context: &Context) -> Outcome {
    let mut door = context.door().await?;
    let session = door.session(&args.session).await?.id;
    let range = match (args.turn, args.round, args.uncommitted, args.from) {
        (Some(number), ..) => DiffRange::Turn { number },
        (None, Some(0), ..) => DiffRange::Round { number: None },
        (None, number @ Some(_), ..) => DiffRange::Round { number },
        (None, None, true, _) => DiffRange::Uncommitted,
        (None, None, false, Some(from)) => DiffRange::Checkpoints { from, to: args.to },
        (None, None, false, None) => DiffRange::Session,
    };
    let asked = DiffSession { session, range, stat_only: args.stat || args.name_only };
    if args.patch {
        let answer: Patch = door.query(Query::PatchSession(asked)).await?;
        render::verbatim(&answer.patch);
        return Ok(Exit::Done);
    }
    let diff: Diff = door.query(Query::DiffSession(asked)).await?;
    if args.json {
        render::json(&diff);
    } else if args.name_only {
        for file in &diff.files {
            render::text(&file.path);
        }
    } else if args.stat {
        render::diff::stat(&context.screen, &diff);
    } else {
        render::diff::hunks(&context.screen, &diff);
    }
    Ok(Exit::Done)
}

/// The answer of `session/patch`.
#[derive(serde::Deserialize)]
pub(crate) struct Patch {
    pub(crate) patch: String,
}
