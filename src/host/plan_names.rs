//! Whether the agents, profiles and MCP servers that a plan names are there, told where it names them: before anything starts.

use std::collections::BTreeSet;

use crate::base::near::near;
use crate::base::yaml::{self, Node, Place, Problems, Value};
use crate::batch::suites;
use crate::host::on_batch::Bases;
use crate::host::port::{Agents, Listing};
use crate::model::plan::Plan;
use crate::model::profile::NONE;
use crate::model::settings::Settings;

/// Names of the configuration that a plan can use.
#[derive(Debug, Default)]
pub(crate) struct Configured {
    profiles: BTreeSet<String>,
    mcp: BTreeSet<String>,
}

impl Configured {
    /// Those of the settings.
    pub(crate) fn of(settings: &Settings) -> Self {
        Self { profiles: settings.profiles.keys().cloned().collect(), mcp: settings.mcp.keys().cloned().collect() }
    }

    /// Tells of profiles and MCP servers that are not configured.
    pub(super) fn require(&self, plan: &Plan, text: &str, problems: &mut Problems) {
        let judges = suites::judges(plan).into_iter().map(|judge| judge.profile.as_ref());
        let profiles: BTreeSet<&str> = plan
            .agents
            .iter()
            .map(|agent| agent.profile.as_ref())
            .chain(judges)
            .flatten()
            .map(String::as_str)
            .filter(|name| *name != NONE && !self.profiles.contains(*name))
            .collect();
        for name in profiles {
            let nearest = near(name, self.profiles.iter().map(String::as_str)).first().copied();
            problems.tell_with(place(text, "profile", name), format!("there is no profile '{name}'"), nearest);
        }
        let servers: BTreeSet<&str> = plan
            .agents
            .iter()
            .flat_map(|agent| agent.mcp_servers.iter().flatten())
            .map(String::as_str)
            .filter(|name| !self.mcp.contains(*name))
            .collect();
        for name in servers {
            let nearest = near(name, self.mcp.iter().map(String::as_str)).first().copied();
            let message = format!("there is no MCP server '{name}' in the configuration");
            problems.tell_with(place(text, "mcp_servers", name), message, nearest);
        }
    }
}

/// Tells of agents, those that judge included, that are defined nowhere: neither in the catalog nor by one of the plan's repositories.
pub(super) fn require_agents(agents: &dyn Agents, plan: &Plan, bases: &Bases, text: &str, problems: &mut Problems) {
    let unknown: BTreeSet<&str> = named(plan).into_iter().filter(|name| agents.find(name).is_err()).collect();
    if unknown.is_empty() {
        return;
    }
    let mut known = catalog(agents);
    for config in bases.values().filter_map(|base| base.as_ref().ok()?.config.as_ref()) {
        known.extend(agents.in_repository(&config.text).unwrap_or_default().into_keys());
    }
    for name in unknown.into_iter().filter(|name| !known.contains(*name)) {
        let nearest = near(name, known.iter().map(String::as_str)).first().copied();
        let message = format!("there is no agent named '{name}': `divisi agents` lists them");
        problems.tell_with(place(text, "agent", name), message, nearest);
    }
}

/// Says which agents cannot be started on this machine, and why.
pub(super) fn absent(agents: &dyn Agents, plan: &Plan) -> Vec<String> {
    // A profile may name another program.
    let own_program = plan.agents.iter().filter(|agent| agent.profile.is_none());
    let names: BTreeSet<&str> = own_program.map(|agent| agent.agent.as_str()).collect();
    let refused: Vec<_> = names.into_iter().filter_map(|name| Some((name, agents.find(name).err()?))).collect();
    if refused.is_empty() {
        return Vec::new();
    }
    // What a repository defines is looked for in its own way, when it starts.
    let known = catalog(agents);
    let refused = refused.into_iter().filter(|(name, _)| known.contains(*name));
    refused.map(|(_, refusal)| crate::host::hinted(&refusal)).collect()
}

fn catalog(agents: &dyn Agents) -> BTreeSet<String> {
    agents.list(&Listing { repository: None, probe: false, set: None }).into_iter().map(|view| view.name).collect()
}

fn named(plan: &Plan) -> BTreeSet<&str> {
    let judges = suites::judges(plan).into_iter().map(|judge| judge.agent.as_str());
    plan.agents.iter().map(|agent| agent.agent.as_str()).chain(judges).collect()
}

/// Where a plan has this value under this key: `matrix` says the same keys of the plan's own names.
fn place(text: &str, key: &str, value: &str) -> Place {
    let mut open: Vec<Node> = yaml::parse(text, &mut Problems::default()).into_iter().collect();
    while let Some(node) = open.pop() {
        match node.value {
            Value::Map(entries) => {
                for (name, node) in &entries {
                    let found = node.items().iter().find(|item| name.name == key && item.text() == Some(value));
                    if let Some(found) = found {
                        return found.at;
                    }
                }
                let inner = entries.into_iter().filter(|(name, _)| name.name != "matrix");
                open.extend(inner.rev().map(|(_, node)| node));
            }
            Value::List(items) => open.extend(items.into_iter().rev()),
            Value::Plain(_) | Value::Quoted(_) | Value::Null => {}
        }
    }
    Place { line: 1, column: 1 }
}
