//! `divisi queue`: prompts that wait.

use clap::Subcommand;

use crate::cli::command::Outcome;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::prompt::{PromptArgs, edited};
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
pub(crate) struct Args {
    /// The session
    session: String,
    /// Print an array of prompts
    #[arg(long)]
    json: bool,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Change a waiting prompt; without a new text an editor opens
    Edit {
        /// The prompt: its id or the part after the dot
        id: String,
        #[command(flatten)]
        prompt: PromptArgs,
    },
    /// Take a waiting prompt back
    Cancel {
        /// The prompt: its id or the part after the dot
        id: String,
    },
}

pub(crate) async fn run(args: Args, context: &Context) -> Outcome {
    let mut door = context.door().await?;
    let view = door.session(&args.session).await?;
    match args.action {
        None if args.json => render::json(&view.queue),
        None => {
            let mut table = Table::new(&["PROMPT", "TEXT"]);
            for prompt in &view.queue {
                table.row(vec![(Style::Plain, prompt.id.0.clone()), (Style::Plain, prompt.text.clone())]);
            }
            if view.queue.is_empty() { render::remark("no prompt waits") } else { table.write(&context.screen) }
        }
        Some(Action::Edit { id, prompt }) => {
            let old = waiting(&view, &id)?;
            let text = if context.screen.input && prompt.is_empty() {
                edited(context, &old.text)?
            } else {
                prompt.read(context, &old.text)?
            };
            let edit = EditPrompt { session: view.id.clone(), prompt: old.id.clone(), text };
            door.submit(Command::EditPrompt(edit)).await?;
            render::text(&format!("changed {}", old.id));
        }
        Some(Action::Cancel { id }) => {
            let prompt = waiting(&view, &id)?.id.clone();
            door.submit(Command::CancelPrompt(CancelPrompt { session: view.id.clone(), prompt: prompt.clone() }))
                .await?;
            render::text(&format!("took {prompt} back"));
        }
    }
    Ok(Exit::Done)
}

fn waiting<'a>(view: &'a SessionView, reference: &str) -> Result<&'a QueuedPrompt, Refusal> {
    let whole = PromptId(format!("{}.{reference}", view.id));
    view.queue.iter().find(|prompt| prompt.id.as_str() == reference || prompt.id == whole).ok_or_else(|| {
        Refusal::conflict(format!("no prompt `{reference}` waits in {}", view.name))
            .hint(format!("divisi queue {}", view.name))
    })
}
