//! `divisi open`: where a session's worktree is.

use std::path::Path;

use crate::cli::command::Outcome;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::prompt::run_editor;
use crate::cli::terminal::detach::DetachKey;
use crate::cli::{render, terminal};
use crate::model::Refusal;
use crate::model::command::{Command, OfSession};

/// Print the path of a session's worktree, open an editor there, or show the agent's own interface
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cd \"$(divisi open parser)\"
  divisi open parser --terminal

--terminal attaches this terminal to the agent's own interface. An agent that divisi speaks to by a protocol is \
moved there between two turns, when it can go on with its conversation: its process ends and its interface \
starts. Once you leave that (not: detach), the next prompt goes by the protocol again. Ctrl-\\ detaches: the \
agent goes on. Several terminals can be attached; the smallest decides the size.")]
pub(crate) struct Args {
    /// The session
    session: String,
    /// Open your editor in it
    #[arg(long)]
    editor: bool,
    /// Attach this terminal to the agent's own interface
    #[arg(long, conflicts_with_all = ["editor", "json"])]
    terminal: bool,
    /// The key that detaches: ctrl-a ... ctrl-z, ctrl-\\, ctrl-], or none
    #[arg(long, value_name = "KEY", default_value = "ctrl-\\", requires = "terminal")]
    detach_key: DetachKey,
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
    if args.terminal {
        if !context.screen.input {
            return Err(Refusal::user(format!(
                "failed to show the terminal of {}: standard input is no terminal",
                view.name
            ))
            .hint(format!("divisi log {}", view.name)));
        }
        door.submit(Command::StartTerminal(OfSession { session: view.id.clone() })).await?;
        return terminal::attach(context, &view, args.detach_key).await;
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
