//! `divisi config`: settings.

use std::path::PathBuf;

use clap::Subcommand;

use crate::cli::command::Outcome;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::render;
use crate::cli::render::Style;
use crate::cli::render::table::Table;
use crate::config::{edit, prices, profiles};
use crate::model::price::PriceTable;

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
    /// Show what models cost, or take over a file of prices
    #[command(
        after_help = "Costs that no agent tells are estimated with these prices, in US dollars per million tokens. \
A file of prices looks like this; it replaces and adds models:
  source = \"our contract\"
  date = \"2026-11-21\"
  [models]
  some-model-1 = { input = 3, cache_read = 0.3, cache_write = 3.75, output = 15 }

Examples:
  divisi config prices opus
  divisi config prices --update prices.toml"
    )]
    Prices {
        /// Only models whose name contains this
        model: Option<String>,
        /// Take this file over as your own prices, once it is right
        #[arg(long, value_name = "FILE", conflicts_with = "model")]
        update: Option<PathBuf>,
        /// Print the table as JSON, in millionths of a dollar
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
            // Gates count from now on.
            if !key.starts_with("ui.") && key != "evaluation.gates" {
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
        Action::Prices { update: Some(file), .. } => {
            let models = prices::update(&context.paths.config_dir, file)?;
            let place = prices::path(&context.paths.config_dir);
            render::text(&format!("{models} models: {}", place.display()));
            render::remark("a running daemon takes it up at: divisi daemon restart");
        }
        Action::Prices { model, json, .. } => {
            let mut table = prices::load(&context.paths.config_dir)?;
            if let Some(part) = model {
                let part = part.to_lowercase();
                table.models.retain(|name, _| name.contains(&part));
            }
            if *json { render::json(&table) } else { show_prices(&table, context) }
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

fn show_prices(prices: &PriceTable, context: &Context) {
    let mut table = Table::new(&["MODEL", "INPUT", "CACHE READ", "CACHE WRITE", "OUTPUT"]);
    for (name, price) in &prices.models {
        let cells = [price.input, price.cache_read, price.cache_write, price.output]
            .map(|price| (Style::Plain, render::words::money(price.cast_signed(), None, false, 3)));
        table.row(std::iter::once((Style::Bold, name.clone())).chain(cells).collect());
    }
    table.write(&context.screen);
    render::remark(&format!("US dollars per million tokens, as of {}; {}", prices.date, prices.source));
}
