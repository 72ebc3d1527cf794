//! `divisi trust`: allow a repository's `.divisi.toml`, exactly as it is now.

use std::io::{BufRead as _, stdin};
use std::path::PathBuf;

use crate::cli::command::Outcome;
use crate::cli::context::Context;
use crate::cli::context::{here, path_text};
use crate::cli::exit::Exit;
use crate::cli::render;
use crate::model::Refusal;
use crate::model::command::{Command, TrustRepository};
use crate::model::query::{OfRepository, Query, RepositoryConfig};

/// Show a repository's .divisi.toml and allow its commands to run, until it changes
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  divisi trust
  divisi trust --repo ../other --yes")]
pub(crate) struct Args {
    /// A directory in the repository
    #[arg(long, value_name = "DIR")]
    repo: Option<PathBuf>,
    /// Trust it without asking, if its SHA-256 is this
    #[arg(long, value_name = "SHA256")]
    digest: Option<String>,
    /// Trust what is printed without asking
    #[arg(long, conflicts_with = "digest")]
    yes: bool,
    /// Only show it and whether it is trusted, as JSON
    #[arg(long, conflicts_with_all = ["digest", "yes"])]
    json: bool,
}

pub(crate) async fn run(args: Args, context: &Context) -> Outcome {
    let repository = path_text(&args.repo.clone().map_or_else(here, Ok)?)?;
    let mut door = context.door().await?;
    let found: RepositoryConfig =
        door.query(Query::ShowRepositoryConfig(OfRepository { repository: repository.clone() })).await?;
    if args.json {
        render::json(&found);
        return Ok(Exit::Done);
    }
    let Some(path) = &found.path else {
        return Err(Refusal::user(format!("there is no .divisi.toml in {repository}")));
    };
    if found.trusted {
        render::text(&format!("{path} is trusted already"));
        return Ok(Exit::Done);
    }
    let digest = if let Some(digest) = args.digest {
        digest
    } else {
        render::text(&found.text);
        render::text(&format!("{path}  sha256 {}", found.digest));
        if !args.yes {
            ask(context, &found.digest)?;
        }
        found.digest.clone()
    };
    door.submit(Command::TrustRepository(TrustRepository { repository, digest })).await?;
    render::text(&format!("trusted {path}"));
    Ok(Exit::Done)
}

fn ask(context: &Context, digest: &str) -> Result<(), Refusal> {
    if !context.screen.input {
        return Err(Refusal::user("nobody is there to confirm").hint(format!("divisi trust --digest {digest}")));
    }
    render::part("trust exactly this? [y/N] ");
    let mut answer = String::new();
    stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|error| Refusal::environment(format!("failed to read the answer: {error}")))?;
    if matches!(answer.trim(), "y" | "Y" | "yes") { Ok(()) } else { Err(Refusal::user("it was not trusted")) }
}
