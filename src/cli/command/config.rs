//! `divisi config`: settings.

use clap::Subcommand;

use crate::cli::command::Outcome;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::render;
use crate::cli::render::Style;
use crate::cli::render::table::Table;
use crate::config::edit;
use crate::config::profiles;

/// Show and change settings
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  divisi config list
  divisi config set agents.default shell
  divisi config get git.landing
  divisi config profiles")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print a setting's value
    Get {
        /// Dotted, as divisi config list shows it
        key: String,
        /// Print it with its default and what it does, as JSON
        #[arg(long)]
        json: bool,
    },
    /// Change a setting; comments in the file are kept
    Set {
        /// Dotted, as divisi config list shows it
        key: String,
        /// The new value
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
    /// Print where the configuration file is
    Path,
    /// List the profiles, where their credentials come from, and whose default they are
    Profiles {
        /// Print an array of profiles
        #[arg(long)]
        json: bool,
    },
    /// List every setting with its value
    List {
        /// Print an array of settings
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    match &args.action {
        Action::Path => render::verbatim(&format!("{}\n", context.paths.config_file.display())),
        Action::Get { key, json } => {
            let setting = edit::get(&context.require_config()?, key)?;
            if *json { render::json(&setting) } else { render::text(setting.value.trim()) }
        }
        Action::Set { key, value } => {
            edit::set(&context.paths.config_file, key, value)?;
            if !key.starts_with("ui.") {
                render::remark("a running daemon takes it up at: divisi daemon restart");
            }
        }
        Action::Profiles { json } => {
            let profiles = profiles::list(&context.require_config()?);
            if *json {
                render::json(&profiles);
            } else if profiles.is_empty() {
                render::text("there are no profiles; a section [profiles.NAME] of the configuration makes one");
                render::remark("  try: divisi config path    # the file to edit");
            } else {
                let mut table = Table::new(&["PROFILE", "AGENTS", "WHAT IT SETS"]);
                for profile in profiles {
                    table.row(vec![
                        (Style::Bold, profile.name.clone()),
                        (Style::Plain, profile.agents_shown()),
                        (Style::Plain, profile.sets_shown()),
                    ]);
                }
                table.write(&context.screen);
            }
        }
        Action::List { json } => {
            let settings = edit::list(&context.require_config()?);
            if *json {
                render::json(&settings);
            } else {
                let mut table = Table::new(&["KEY", "VALUE", "WHAT IT DOES"]);
                for setting in settings {
                    let style = if setting.default { Style::Plain } else { Style::Bold };
                    table.row(vec![
                        (style, setting.key.to_owned()),
                        (style, setting.value),
                        (Style::Dim, setting.about.to_owned()),
                    ]);
                }
                table.write(&context.screen);
            }
        }
    }
    Ok(Exit::Done)
}
