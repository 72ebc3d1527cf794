//! MCP servers as options of the programs that take them so. Secrets stand in them as names of variables (`${DIVISI_MCP_0}`), which
//! these programs look up themselves: nothing secret is on a command line.

use serde_json::{Map, Value, json};

use crate::host::port::ConversationSetup;
use crate::model::agent::Protocol;
use crate::model::mcp::McpServer;

/// The words for an agent's command.
pub(super) fn words(protocol: Protocol, setup: &ConversationSetup) -> Vec<String> {
    match protocol {
        Protocol::ClaudeStreamJson => claude(setup),
        Protocol::CodexAppServer => setup.mcp.iter().flat_map(|(name, server)| codex(name, server)).collect(),
        _ => Vec::new(),
    }
}

/// Claude Code starts what a repository's `.mcp.json` names, without asking, when its `.claude/settings.json` says so (seen with
/// 2.1.329): so it is told to take no servers but these.
fn claude(setup: &ConversationSetup) -> Vec<String> {
    let mut words = Vec::new();
    if !setup.foreign_mcp {
        words.push("--strict-mcp-config".to_owned());
    }
    if !setup.mcp.is_empty() {
        let servers: Map<String, Value> =
            setup.mcp.iter().map(|(name, server)| (name.clone(), of_claude(server))).collect();
        words.push(format!("--mcp-config={}", json!({"mcpServers": servers})));
    }
    words
}

fn of_claude(server: &McpServer) -> Value {
    match &server.url {
        Some(url) => json!({"type": "http", "url": url, "headers": server.headers}),
        None => json!({"type": "stdio", "command": server.command, "args": server.args, "env": server.env}),
    }
}

/// The variable that a value stands for.
fn variable(value: &str) -> Option<&str> {
    value.strip_prefix("${")?.strip_suffix('}')
}

/// Codex hands on variables by their own names only: a shell gives them the names that the server knows.
fn codex(name: &str, server: &McpServer) -> Vec<String> {
    let option = |key: &str, value: &Value| ["-c".to_owned(), format!("mcp_servers.{name}.{key}={}", toml(value))];
    if let Some(url) = &server.url {
        let (secret, plain): (Vec<_>, Vec<_>) = server.headers.iter().partition(|(_, value)| variable(value).is_some());
        let secret: Map<String, Value> =
            secret.into_iter().filter_map(|(name, value)| Some((name.clone(), json!(variable(value)?)))).collect();
        let plain: Map<String, Value> = plain.into_iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        let mut words = option("url", &json!(url)).to_vec();
        if !secret.is_empty() {
            words.extend(option("env_http_headers", &Value::Object(secret)));
        }
        if !plain.is_empty() {
            words.extend(option("http_headers", &Value::Object(plain)));
        }
        return words;
    }
    let command = server.command.as_deref().unwrap_or_default();
    let secret: Vec<(&str, &str)> =
        server.env.iter().filter_map(|(name, value)| Some((name.as_str(), variable(value)?))).collect();
    let plain: Map<String, Value> = server
        .env
        .iter()
        .filter(|(_, value)| variable(value).is_none())
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    let mut words = Vec::new();
    if secret.is_empty() {
        words.extend(option("command", &json!(command)));
        words.extend(option("args", &json!(server.args)));
    } else {
        // Names of variables have no characters that mean anything to a shell; values never stand in the script.
        let names: Vec<String> = secret.iter().map(|(name, held)| format!("{name}=\"${held}\"")).collect();
        let script = format!("export {}; exec \"$@\"", names.join(" "));
        let mut args = vec!["-c".to_owned(), script, "sh".to_owned(), command.to_owned()];
        args.extend(server.args.iter().cloned());
        let held: Vec<&str> = secret.iter().map(|(_, held)| *held).collect();
        words.extend(option("command", &json!("/bin/sh")));
        words.extend(option("args", &json!(args)));
        words.extend(option("env_vars", &json!(held)));
    }
    if !plain.is_empty() {
        words.extend(option("env", &Value::Object(plain)));
    }
    words
}

/// A value as TOML: JSON but for the tables.
fn toml(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("{} = {}", json!(name), toml(value))).collect();
            format!("{{ {} }}", fields.join(", "))
        }
        Value::Array(values) => format!("[{}]", values.iter().map(toml).collect::<Vec<_>>().join(", ")),
        other => toml_edit::Value::from(other.as_str().unwrap_or_default()).to_string(),
    }
}

#[cfg(test)]
mod tests;
