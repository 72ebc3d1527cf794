//! MCP servers as the protocol names them.
//!
//! Secrets stand in them as the names of variables (`${DIVISI_MCP_0}`); the shim puts the values in their place on the way to the
//! agent, behind the journal.

use serde_json::{Value, json};

use crate::host::port::Update;
use crate::model::mcp::McpServer;

use super::AcpConversation;

impl AcpConversation {
    /// The servers of this conversation. One that the agent cannot talk to is left out, which is told.
    pub(super) fn mcp_servers(&self, updates: &mut Vec<Update>) -> Vec<Value> {
        let mut servers = Vec::new();
        for (name, server) in &self.setup.mcp {
            match (&server.command, &server.url) {
                (Some(command), _) => servers.push(stdio(name, command, server)),
                (None, Some(url)) if self.http_mcp => servers.push(json!({
                    "type": "http", "name": name, "url": url, "headers": pairs(&server.headers),
                })),
                _ => updates
                    .push(Update::Notice(format!("the agent takes no MCP servers over HTTP: it goes without {name}"))),
            }
        }
        servers
    }
}

/// A server on standard input and output. The protocol wants an absolute path; a bare name is looked up by `env`.
fn stdio(name: &str, command: &str, server: &McpServer) -> Value {
    let (command, args) = if command.starts_with('/') {
        (command.to_owned(), server.args.clone())
    } else {
        let args = std::iter::once(command.to_owned()).chain(server.args.iter().cloned()).collect();
        ("/usr/bin/env".to_owned(), args)
    };
    json!({"name": name, "command": command, "args": args, "env": pairs(&server.env)})
}

fn pairs(values: &std::collections::BTreeMap<String, String>) -> Vec<Value> {
    values.iter().map(|(name, value)| json!({"name": name, "value": value})).collect()
}
