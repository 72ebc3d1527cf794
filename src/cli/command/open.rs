//! `divisi open`: where a session's worktree is.

use std::path::Path;

use crate::cli::command::Outcome;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::prompt::run_editor;
use crate::cli::render;
use crate::model::Refusal;

/// Print the path of a session's worktree, or open an editor there
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  cd \"$(divisi open parser)\"")]
pub(crate) struct Args {
    /// The session
    session: String,
    /// Open your editor in it
    #[arg(long)]
    editor: bool,
    /// Print {\"path\": ...}
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args, context: &Context) -> Outcome {
    let mut door = context.door().await?;
    let view = door.session(&args.session).await?;
    let path = Path::new(&view.worktree.path);
    if view.removed {
        return Err(Refusal::user(format!("failed to open {}: it was removed", view.name))
            .hint(format!("divisi restore {}", view.id)));
    }
    if args.json {
        render::json(&serde_json::json!({ "path": view.worktree.path }));
    } else if args.editor {
        run_editor(context, path, path)?;
    } else {
        render::verbatim(&format!("{}\n", view.worktree.path));
    }
    Ok(Exit::Done)
}
