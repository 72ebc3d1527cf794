//! `divisi queue`: prompts that wait.

use clap::Subcommand;

use crate::cli::command::Outcome;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::prompt::PromptArgs;
use crate::cli::render;
use crate::cli::render::Style;
use crate::cli::render::table::Table;
use crate::model::Refusal;
use crate::model::command::{CancelPrompt, Command, EditPrompt};
use crate::model::id::PromptId;
use crate::model::session::SessionView;
use crate::model::turn::QueuedPrompt;

/// List, change or take back prompts that wait for their turn
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  divisi queue list parser
  divisi queue edit parser p3 'something else'
  divisi queue cancel parser p3")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the prompts that wait
    List {
        /// The session
        session: String,
        /// Print an array of prompts
        #[arg(long)]
        json: bool,
    },
    /// Change a waiting prompt; without a new text an editor opens
    Edit {
        /// The session
        session: String,
        /// The prompt: its id or the part after the dot
        id: String,
        #[command(flatten)]
        prompt: PromptArgs,
    },
    /// Take a waiting prompt back
    Cancel {
        /// The session
        session: String,
        /// The prompt: its id or the part after the dot
        id: String,
    },
}

pub(crate) async fn run(args: Args, context: &Context) -> Outcome {
    let mut door = context.door().await?;
    match args.action {
        Action::List { session, json } => {
            let view = door.session(&session).await?;
            if json { render::json(&view.queue) } else { list(&view, context) }
        }
        Action::Edit { session, id, prompt } => {
            let view = door.session(&session).await?;
            let old = waiting(&view, &id)?;
            let text = prompt.read(context, &old.text)?;
            let edit = EditPrompt { session: view.id.clone(), prompt: old.id.clone(), text };
            door.submit(Command::EditPrompt(edit)).await?;
            render::text(&format!("changed {}", old.id));
        }
        Action::Cancel { session, id } => {
            let view = door.session(&session).await?;
            let prompt = waiting(&view, &id)?.id.clone();
            door.submit(Command::CancelPrompt(CancelPrompt { session: view.id.clone(), prompt: prompt.clone() }))
                .await?;
            render::text(&format!("took {prompt} back"));
        }
    }
    Ok(Exit::Done)
}

fn list(view: &SessionView, context: &Context) {
    if view.queue.is_empty() {
        render::remark("no prompt waits");
        return;
    }
    let mut table = Table::new(&["PROMPT", "TEXT"]);
    for prompt in &view.queue {
        table.row(vec![(Style::Plain, prompt.id.0.clone()), (Style::Plain, prompt.text.clone())]);
    }
    table.write(&context.screen);
}

fn waiting<'a>(view: &'a SessionView, reference: &str) -> Result<&'a QueuedPrompt, Refusal> {
    let whole = PromptId(format!("{}.{reference}", view.id));
    view.queue.iter().find(|prompt| prompt.id.as_str() == reference || prompt.id == whole).ok_or_else(|| {
        Refusal::conflict(format!("no prompt `{reference}` waits in {}", view.name))
            .hint(format!("divisi queue list {}", view.name))
    })
}
