//! `divisi send`: a follow-up.

use crate::cli::command::Outcome;
use crate::cli::command::new::say_end;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::follow;
use crate::cli::prompt::PromptArgs;
use crate::cli::render;
use crate::cli::variables;
use crate::model::Refusal;
use crate::model::command::{Command, Outcome as Came, SendPrompt};

/// Send a follow-up prompt; while a turn runs it waits its turn
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  divisi send parser 'use the existing helper'
  divisi send parser --wait --from-file review.md")]
pub(crate) struct Args {
    /// The session
    session: String,
    /// Wait until the agent stops or needs a person
    #[arg(long)]
    wait: bool,
    /// A variable of yours for the agent's processes from now on, by its name; it is not stored
    #[arg(long, value_name = "NAME")]
    env: Vec<String>,
    /// Print the receipt (with --wait: the session) as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    prompt: PromptArgs,
}

pub(crate) async fn run(args: Args, context: &Context) -> Outcome {
    let mut door = context.door().await?;
    let view = door.session(&args.session).await?;
    let text = args.prompt.read(context, "")?;
    let given = variables::given(&args.env)?;
    if let Some(name) = given.environment.keys().next() {
        return Err(Refusal::user(format!("failed to read --env {name}=...: a follow-up takes names only"))
            .hint(format!("export {name}=..., then: --env {name}")));
    }
    let caller = variables::values(given.pass.into_iter());
    let receipt = door.submit(Command::SendPrompt(SendPrompt { session: view.id.clone(), text, caller })).await?;
    if args.wait {
        let (views, end) = follow::until_settled(context, &mut door, &[view.id]).await?;
        match views.first() {
            Some(view) if args.json => render::json(view),
            Some(view) => say_end(context, view),
            None => {}
        }
        return Ok(end);
    }
    if args.json {
        render::json(&receipt);
    } else if let Came::Queued { prompt } = receipt.outcome {
        render::text(&format!("sent as {prompt}"));
    }
    Ok(Exit::Done)
}
