//! The agents of a plan, looked at before anything starts: who, and which profile or MCP server of theirs, is unknown, who is not
//! installed, and what of them a budget cannot count.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::near::near;
use crate::base::yaml::{self, Node, Place, Problems, Value};
use crate::batch::suites;
use crate::host::change::Brain;
use crate::host::on_batch::Bases;
use crate::host::port::{AgentDefinition, Agents, Listing, Variant};
use crate::host::profile;
use crate::model::plan::{Budget, Plan};
use crate::model::settings::Settings;
use crate::model::tells::Tells;

/// What is known of agents besides the catalog.
#[derive(Debug, Default, Clone)]
pub(crate) struct Known {
    settings: Settings,
    /// Trusted repository configurations: digest by common directory.
    trust: BTreeMap<String, String>,
}

impl Known {
    /// What the brain knows now.
    pub(crate) fn of(brain: &Brain) -> Self {
        Self { settings: brain.settings.clone(), trust: brain.registry.trust.clone() }
    }
}

/// Somebody whom a plan starts.
struct Wanted<'a> {
    /// How the plan calls it.
    named: String,
    agent: &'a str,
    profile: Option<&'a str>,
    model: Option<&'a str>,
}

/// Looks at everybody whom a plan starts, where its text names them.
pub(super) fn look(
    agents: &dyn Agents,
    known: &Known,
    (plan, text): (&Plan, &str),
    bases: &Bases,
    problems: &mut Problems,
    warnings: &mut Problems,
) {
    let listing = Listing { repository: None, probe: false, set: None };
    let catalog: Vec<String> = agents.list(&listing).into_iter().map(|agent| agent.name).collect();
    let root = yaml::parse(text, &mut Problems::default());
    require_servers(known, plan, root.as_ref(), problems);
    let workers = plan.agents.iter().map(|agent| Wanted {
        named: format!("the agent '{}' of the plan", agent.id),
        agent: &agent.agent,
        profile: agent.profile.as_deref(),
        model: agent.model.as_deref(),
    });
    let judges = suites::judges(plan).into_iter().map(|judge| Wanted {
        named: format!("the judge '{}'", judge.agent),
        agent: &judge.agent,
        profile: judge.profile.as_deref(),
        model: judge.model.as_deref(),
    });
    for wanted in workers.chain(judges) {
        let at = place(root.as_ref(), "agent", wanted.agent);
        let named = &wanted.named;
        let own = match defined(agents, known, wanted.agent, bases) {
            Ok(own) => own,
            Err(why) => {
                problems.tell(at, format!("{named}: {why}"));
                continue;
            }
        };
        if own.is_none() && !catalog.iter().any(|name| name == wanted.agent) {
            let nearest = near(wanted.agent, catalog.iter().map(String::as_str)).first().map(|near| (*near).to_owned());
            let message = format!("{named}: there is no agent '{}'; `divisi agents` lists them", wanted.agent);
            problems.tell_with(at, message, nearest.as_deref());
            continue;
        }
        let chosen = match profile::choose(&known.settings, wanted.profile, wanted.agent) {
            Ok(chosen) => chosen.map(|(_, profile)| profile),
            Err(refusal) => {
                let at = wanted.profile.map_or(at, |profile| place(root.as_ref(), "profile", profile));
                let near = wanted.profile.and_then(|profile| {
                    let nearest = near(profile, known.settings.profiles.keys().map(String::as_str));
                    nearest.first().map(|near| (*near).to_owned())
                });
                problems.tell_with(at, format!("{named}: {}", refusal.message), near.as_deref());
                continue;
            }
        };
        let program = chosen.and_then(|profile| profile.program.as_deref());
        match agents.find_as(wanted.agent, Variant { definition: own.as_deref(), program }) {
            Err(refusal) => {
                let hint = refusal.hints.first().map(|hint| format!("; {hint}")).unwrap_or_default();
                warnings.tell(at, format!("{named}: {}{hint}", refusal.message));
            }
            Ok(found) => {
                let model = wanted.model.or(chosen.and_then(|profile| profile.model.as_deref()));
                for why in uncounted(&plan.execution.budget, &found, model, &known.settings) {
                    warnings.tell(at, format!("{named}: {why}"));
                }
            }
        }
    }
}

/// A trusted repository's own definition of an agent.
fn defined(agents: &dyn Agents, known: &Known, agent: &str, bases: &Bases) -> Result<Option<String>, String> {
    for resolved in bases.values().filter_map(|base| base.as_ref().ok()) {
        let config = resolved.config.as_ref();
        let trusted = config.filter(|config| known.trust.get(&resolved.facts.common_dir) == Some(&config.digest));
        if let Some(config) = trusted {
            let mut defined = agents.in_repository(&config.text).map_err(|refusal| refusal.message)?;
            if let Some(own) = defined.remove(agent) {
                return Ok(Some(own));
            }
        }
    }
    Ok(None)
}

/// Why limits of a budget do not count what an agent uses.
fn uncounted(budget: &Budget, agent: &AgentDefinition, model: Option<&str>, settings: &Settings) -> Vec<String> {
    let mut why = Vec::new();
    if budget.usd_micros.is_some() {
        let priced = model.is_some_and(|model| settings.prices.price(model).is_some());
        let unpriced = model.map_or_else(
            || "name its `model`, so that its price can be looked up".to_owned(),
            |model| format!("there is no price for the model {model}; `divisi config prices` takes one"),
        );
        match agent.tells {
            Tells::Nothing => why.push("it tells no cost, so the budget in dollars cannot stop it".to_owned()),
            Tells::Tokens if !priced => {
                why.push(format!(
                    "it tells no cost, only tokens, so the budget in dollars may not stop it: {unpriced}"
                ));
            }
            Tells::Unknown => {
                why.push("nobody knows whether it tells a cost, so the budget in dollars may not stop it".to_owned());
            }
            Tells::Tokens | Tells::Cost => {}
        }
    }
    if budget.tokens.is_some() {
        match agent.tells {
            Tells::Nothing => why.push("it tells no tokens, so the budget in tokens cannot stop it".to_owned()),
            Tells::Unknown => {
                why.push("nobody knows whether it tells tokens, so the budget in tokens may not stop it".to_owned());
            }
            Tells::Tokens | Tells::Cost => {}
        }
    }
    why
}

/// Tells of MCP servers that are not configured.
fn require_servers(known: &Known, plan: &Plan, root: Option<&Node>, problems: &mut Problems) {
    let configured = &known.settings.mcp;
    let named: BTreeSet<&str> =
        plan.agents.iter().flat_map(|agent| agent.mcp_servers.iter().flatten()).map(String::as_str).collect();
    for name in named.into_iter().filter(|name| !configured.contains_key(*name)) {
        let nearest = near(name, configured.keys().map(String::as_str)).first().copied();
        let message = format!("there is no MCP server '{name}' in the configuration");
        problems.tell_with(place(root, "mcp_servers", name), message, nearest);
    }
}

/// Where a plan has this value under this key, else any text that is it. `matrix` says the same keys of the plan's own names.
fn place(root: Option<&Node>, key: &str, value: &str) -> Place {
    let mut open: Vec<&Node> = root.into_iter().collect();
    let mut any = None;
    while let Some(node) = open.pop() {
        match &node.value {
            Value::Map(entries) => {
                let entries = || entries.iter().filter(|(name, _)| name.name != "matrix");
                let under = entries().filter(|(name, _)| name.name == key);
                if let Some(found) = under.flat_map(|(_, node)| node.items()).find(|item| item.text() == Some(value)) {
                    return found.at;
                }
                open.extend(entries().map(|(_, node)| node).collect::<Vec<_>>().into_iter().rev());
            }
            Value::List(items) => open.extend(items.iter().rev()),
            Value::Plain(text) | Value::Quoted(text) if text == value => any = any.or(Some(node.at)),
            Value::Plain(_) | Value::Quoted(_) | Value::Null => {}
        }
    }
    any.unwrap_or(Place { line: 1, column: 1 })
}

#[cfg(test)]
mod tests;
