//! Secrets of MCP servers: configured as references, resolved when a process starts, and told to it in variables of its environment.

use std::collections::BTreeMap;

use crate::host::port::AgentDefinition;
use crate::model::Refusal;
use crate::model::agent::Protocol;
use crate::model::mcp::{McpServer, reference};
use crate::model::session::Session;

/// What the names of the variables begin with.
const PREFIX: &str = "DIVISI_MCP_";

/// Calls `visit` with every value that refers to a variable, in an order that follows from the servers alone.
fn visit(servers: &mut BTreeMap<String, McpServer>, mut visit: impl FnMut(usize, &str, &mut String)) {
    let mut number = 0;
    for (name, server) in servers {
        for value in server.env.values_mut().chain(server.headers.values_mut()) {
            if reference(value).is_some() {
                visit(number, name, value);
                number += 1;
            }
        }
    }
}

/// The servers as a process is told of them: every reference is the name of the variable that holds the value (`${DIVISI_MCP_0}`).
pub(crate) fn with_variables(servers: &BTreeMap<String, McpServer>) -> BTreeMap<String, McpServer> {
    let mut servers = servers.clone();
    visit(&mut servers, |number, _, value| *value = format!("${{{PREFIX}{number}}}"));
    servers
}

/// The variables, with their values.
///
/// # Errors
/// When a variable that is referred to is not set.
pub(crate) fn variables(
    servers: &BTreeMap<String, McpServer>,
    lookup: impl Fn(&str) -> Option<String>,
) -> Result<BTreeMap<String, String>, Refusal> {
    let mut variables = BTreeMap::new();
    let mut missing = None;
    visit(&mut servers.clone(), |number, server, value| {
        let Some((before, variable)) = reference(value) else { return };
        match lookup(variable) {
            Some(secret) => {
                variables.insert(format!("{PREFIX}{number}"), format!("{before}{secret}"));
            }
            None => missing = missing.take().or(Some((server.to_owned(), variable.to_owned()))),
        }
    });
    match missing {
        None => Ok(variables),
        Some((server, variable)) => {
            let variable = crate::base::text::visible_line(&variable, 60);
            Err(Refusal::user(format!("the MCP server {server} needs the variable {variable}, which is not set"))
                .hint(format!("divisi new --env {variable} ...    # from this shell, for one session"))
                .hint(format!("export {variable} and divisi daemon restart    # for all")))
        }
    }
}

/// The word of a definition's command that stands for the servers, for protocols that take them there.
const PLACE: &str = "{mcp}";

/// Whether an agent can be given servers.
pub(crate) fn can_hand_over(agent: &AgentDefinition) -> bool {
    // A command line is no agent that would use them: nothing is left out.
    matches!(agent.protocol, Protocol::Acp | Protocol::Shell) || agent.command.iter().any(|word| word == PLACE)
}

/// What is said when it cannot.
pub(crate) fn left_out(session: &Session) -> String {
    let names: Vec<&str> = session.mcp.keys().map(String::as_str).collect();
    format!("the agent {} takes no MCP servers from divisi: it goes without {}", session.agent, names.join(", "))
}

#[cfg(test)]
mod tests;
