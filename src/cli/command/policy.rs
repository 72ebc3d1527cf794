//! `divisi policy`: what a session does with permission requests.

use crate::cli::command::Outcome;
use crate::cli::command::new::Policy;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::render;
use crate::model::approval::ApprovalPolicy;
use crate::model::command::{Command, SetPolicy};

/// Show or change what a session does with permission requests
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  divisi policy parser auto    # allows everything this session asks for
  divisi policy parser ask")]
pub(crate) struct Args {
    /// The session
    session: String,
    /// The new policy
    #[arg(value_enum)]
    policy: Option<Policy>,
}

pub(crate) async fn run(args: Args, context: &Context) -> Outcome {
    let mut door = context.door().await?;
    let view = door.session(&args.session).await?;
    let policy = match args.policy {
        Some(policy) => {
            let policy = ApprovalPolicy::from(policy);
            door.submit(Command::SetPolicy(SetPolicy { session: view.id, policy })).await?;
            policy
        }
        None => view.policy,
    };
    render::text(match policy {
        ApprovalPolicy::Ask => "ask",
        ApprovalPolicy::Hold => "hold",
        ApprovalPolicy::Auto => "auto",
    });
    Ok(Exit::Done)
}
