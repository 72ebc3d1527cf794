//! `divisi option`: the agent's own options (its mode, its model).

use std::time::Duration;

use crate::cli::command::Outcome;
use crate::cli::context::{Context, Door};
use crate::cli::exit::Exit;
use crate::cli::follow;
use crate::cli::render;
use crate::cli::render::Style;
use crate::cli::render::table::Table;
use crate::model::agent::ConfigOption;
use crate::model::command::{Command, Outcome as Came, SetOption};
use crate::model::session::SessionView;
use crate::model::{Envelope, Event, Refusal};

/// Show or choose what the agent offers: its mode, its model
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  divisi option parser
  divisi option parser mode plan")]
pub(crate) struct Args {
    /// The session
    session: String,
    /// The option: its id, or mode or model
    #[arg(requires = "value")]
    option: Option<String>,
    /// The choice
    value: Option<String>,
    /// Print an array of options
    #[arg(long)]
    json: bool,
}

/// How long an agent may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

async fn choose(context: &Context, door: &mut Door<'_>, view: &SessionView, option: String, value: String) -> Outcome {
    let name = &view.name;
    let by_category = |known: &&ConfigOption| known.id == option || known.category.as_ref() == Some(&option);
    let id = view.options.iter().find(by_category).map_or_else(|| option.clone(), |known| known.id.clone());
    let before = door.head();
    let set = SetOption { session: view.id.clone(), option: option.clone(), value: value.clone() };
    let receipt = door.submit(Command::SetOption(set)).await?;
    if receipt.outcome == Came::Deferred {
        render::text(&format!("{option} of {name} is {value} from its next process on"));
        return Ok(Exit::Done);
    }
    let answered = |event: &Envelope| match &event.event {
        Event::AgentOptionAnswered { option, value: told, refused } if *option == id && *told == value => {
            Some(match refused {
                None => Ok(true),
                Some(why) => Err(Refusal::user(format!("the agent did not set {option} to {value}: {why}"))
                    .hint(format!("divisi option {name}    # what it offers"))),
            })
        }
        Event::JobEnded { .. } => Some(Ok(false)),
        _ => None,
    };
    let answer = follow::until(context, door, &view.id, before, "waiting for the agent's answer", answered);
    let words = match tokio::time::timeout(PATIENCE, answer).await.ok().transpose()? {
        Some(true) => format!("{option} of {name} is now {value}"),
        Some(false) => format!("{option} of {name} is {value} from its next process on: this one ended"),
        None => {
            format!("{option} of {name} was asked to be {value}; the agent has not answered yet (divisi show {name})")
        }
    };
    render::text(&words);
    Ok(Exit::Done)
}

pub(crate) async fn run(args: Args, context: &Context) -> Outcome {
    let mut door = context.door().await?;
    let view = door.session(&args.session).await?;
    if let (Some(option), Some(value)) = (args.option, args.value) {
        return choose(context, &mut door, &view, option, value).await;
    } else if args.json {
        render::json(&view.options);
    } else if view.options.is_empty() {
        render::remark("the agent offers no options (yet)");
    } else {
        let mut table = Table::new(&["OPTION", "NOW", "CHOICES"]);
        for option in &view.options {
            let choices = option.choices.iter().map(|choice| choice.id.as_str()).collect::<Vec<_>>().join(" ");
            table.row(vec![
                (Style::Bold, option.id.clone()),
                (Style::Plain, option.current.clone()),
                (Style::Plain, choices),
            ]);
        }
        table.write(&context.screen);
    }
    Ok(Exit::Done)
}
