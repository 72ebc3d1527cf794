//! `divisi agents`: the catalog, and what is known of each agent here.

use std::path::PathBuf;

use crate::cli::command::Outcome;
use crate::cli::context::{Context, here, path_text};
use crate::cli::exit::Exit;
use crate::cli::render;
use crate::cli::render::Style;
use crate::cli::render::table::Table;
use crate::model::Refusal;
use crate::model::agent::AgentView;
use crate::model::login::LoginState;
use crate::model::query::{ListAgents, Query};

/// List the agents that can be used: installed or not, version, login, and what to do
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The login is concluded from variables and files; no agent and no server is asked. Versions are asked for once.

Examples:
  divisi agents
  divisi agents --installed
  divisi agents --json | jq -r '.[] | select(.installed).name'"
)]
pub(crate) struct Args {
    /// A directory in the repository whose own agents are shown as well
    #[arg(long, value_name = "DIR")]
    repo: Option<PathBuf>,
    /// Only those that are installed
    #[arg(long)]
    installed: bool,
    /// Print an array of agents
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args, context: &Context) -> Outcome {
    let mut door = context.door().await?;
    let mut agents = match &args.repo {
        Some(repo) => list(&mut door, Some(path_text(repo)?)).await?,
        // Outside of a repository there are the user's agents alone.
        None => match list(&mut door, here().ok().and_then(|dir| path_text(&dir).ok())).await {
            Ok(agents) => agents,
            Err(_) => list(&mut door, None).await?,
        },
    };
    if args.installed {
        agents.retain(|agent| agent.installed);
    }
    if args.json {
        render::json(&agents);
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["AGENT", "HERE", "VERSION", "LOGIN", "PROTOCOL", "DESCRIPTION"]);
    for agent in &agents {
        let (style, here) = if agent.installed { (Style::Good, "yes") } else { (Style::Dim, "no") };
        let version = agent.probe.as_ref().and_then(|probe| probe.version.clone()).unwrap_or_default();
        let bad = agent.probe.as_ref().is_some_and(|probe| !probe.problems.is_empty());
        let login = if agent.installed { agent.login.state.word() } else { "" };
        let login_style = match agent.login.state {
            LoginState::Yes => Style::Good,
            LoginState::No => Style::Attention,
            LoginState::Unknown | LoginState::NotNeeded => Style::Dim,
        };
        table.row(vec![
            (Style::Bold, agent.name.clone()),
            (style, here.to_owned()),
            (if bad { Style::Bad } else { Style::Plain }, if bad { format!("{version} !") } else { version }),
            (login_style, login.to_owned()),
            (Style::Dim, agent.protocol.as_str().to_owned()),
            (Style::Plain, agent.description.clone()),
        ]);
    }
    table.write(&context.screen);
    for (names, note) in together(&agents) {
        render::remark(&format!("  {}: {note}", names.join(", ")));
    }
    Ok(Exit::Done)
}

/// What is to be done, each thing once with all agents that it is about, in the order of the first.
fn together(agents: &[AgentView]) -> Vec<(Vec<String>, String)> {
    let mut together: Vec<(Vec<String>, String)> = Vec::new();
    for agent in agents {
        for note in notes(agent) {
            match together.iter_mut().find(|(_, other)| *other == note) {
                Some((names, _)) => names.push(agent.name.clone()),
                None => together.push((vec![agent.name.clone()], note)),
            }
        }
    }
    together
}

async fn list(door: &mut crate::cli::context::Door<'_>, repository: Option<String>) -> Result<Vec<AgentView>, Refusal> {
    let set = std::env::vars_os().filter(|(_, value)| !value.is_empty());
    let set = set.filter_map(|(name, _)| name.into_string().ok()).collect();
    door.query(Query::ListAgents(ListAgents { repository, probe: true, set: Some(set) })).await
}

/// What is to be done about an agent, one line each.
fn notes(agent: &AgentView) -> Vec<String> {
    let mut notes: Vec<String> = agent.ignored.iter().map(|why| format!("not used: {why}")).collect();
    if !agent.installed {
        if agent.ignored.is_none() {
            notes.extend(agent.install_hint.iter().map(|hint| format!("to install it: {hint}")));
        }
        return notes;
    }
    if let Some(probe) = &agent.probe {
        let version = probe.version.as_deref().unwrap_or_default();
        notes.extend(probe.problems.iter().map(|problem| {
            format!("{version} is known to be bad ({}): {}; try: {}", problem.versions, problem.what, problem.remedy)
        }));
        notes.extend(probe.fault.clone());
    }
    if agent.login.state == LoginState::No {
        notes.extend(agent.login.hint.iter().map(|hint| format!("not logged in: {hint}")));
    }
    notes
}
