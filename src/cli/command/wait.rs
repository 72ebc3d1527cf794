//! `divisi wait`: until sessions have come to rest.

use crate::cli::command::Outcome;
use crate::cli::command::new::say_end;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::follow;
use crate::cli::render;

/// Wait until sessions stop working: exit 0, 4 when an agent failed, 5 when one waits for a person
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  divisi wait parser docs; echo $?    # 0 done, 4 one failed, 5 one waits for an answer")]
pub(crate) struct Args {
    /// The sessions
    #[arg(required = true)]
    sessions: Vec<String>,
    /// Print an array of the sessions
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args, context: &Context) -> Outcome {
    let mut door = context.door().await?;
    let mut ids = Vec::new();
    for reference in &args.sessions {
        ids.push(door.session(reference).await?.id);
    }
    let (views, end): (_, Exit) = follow::until_settled(context, &mut door, &ids).await?;
    if args.json {
        render::json(&views);
    } else {
        for view in &views {
            say_end(context, view);
        }
    }
    Ok(end)
}
