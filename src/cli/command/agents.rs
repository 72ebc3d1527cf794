//! `divisi agents`: the catalog.

use crate::cli::command::Outcome;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::render;
use crate::cli::render::Style;
use crate::cli::render::table::Table;
use crate::model::agent::AgentView;
use crate::model::query::Query;

/// List the agents that can be used
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  divisi agents
  divisi agents --json | jq -r .[].name")]
pub(crate) struct Args {
    /// Print an array of agents
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args, context: &Context) -> Outcome {
    let mut door = context.door().await?;
    let agents: Vec<AgentView> = door.query(Query::ListAgents {}).await?;
    if args.json {
        render::json(&agents);
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["AGENT", "HERE", "DESCRIPTION"]);
    for agent in &agents {
        let (style, here) = if agent.installed { (Style::Good, "yes") } else { (Style::Dim, "no") };
        let words = match &agent.install_hint {
            Some(hint) if !agent.installed => format!("{} ({hint})", agent.description),
            _ => agent.description.clone(),
        };
        table.row(vec![(Style::Bold, agent.name.clone()), (style, here.to_owned()), (Style::Plain, words)]);
    }
    table.write(&context.screen);
    Ok(Exit::Done)
}
