//! `divisi option`: the agent's own options (its mode, its model).

use crate::cli::command::Outcome;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::render;
use crate::cli::render::Style;
use crate::cli::render::table::Table;
use crate::model::command::{Command, SetOption};

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

pub(crate) async fn run(args: Args, context: &Context) -> Outcome {
    let mut door = context.door().await?;
    let view = door.session(&args.session).await?;
    if let (Some(option), Some(value)) = (args.option, args.value) {
        let done = format!("{option} of {} is now {value}", view.name);
        door.submit(Command::SetOption(SetOption { session: view.id, option, value })).await?;
        render::text(&done);
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
