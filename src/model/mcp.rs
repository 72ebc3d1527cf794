//! MCP servers that are handed to agents.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What stands before the name of a variable in a value that is taken from the environment.
pub const REFERENCE: &str = "env:";

/// One MCP server, as configured: secrets in it are references to variables (`env:NAME`), never values.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct McpServer {
    /// The program of a server on standard input and output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Its arguments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Its variables: a value, or `env:NAME`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// The address of a server over HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What is sent along with every request to it: a value, or one that ends with `env:NAME` (`Bearer env:TOKEN`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
}

impl McpServer {
    /// What is wrong with it, one sentence.
    pub fn fault(&self) -> Option<String> {
        match (&self.command, &self.url) {
            (Some(_), Some(_)) => return Some("has a command and a url: give one of them".to_owned()),
            (None, None) => return Some("has neither a command nor a url".to_owned()),
            (Some(command), None) if command.trim().is_empty() => return Some("has an empty command".to_owned()),
            (Some(_), None) if !self.headers.is_empty() => return Some("has headers but no url".to_owned()),
            (None, Some(_)) if !self.env.is_empty() || !self.args.is_empty() => {
                return Some("has args or env but no command".to_owned());
            }
            (None, Some(url)) if !(url.starts_with("http://") || url.starts_with("https://")) => {
                return Some("has a url that is neither http:// nor https://".to_owned());
            }
            _ => {}
        }
        let bare = |name: &str| name.is_empty() || name.contains(['=', '\0', ' ', ':', '"', '\\']);
        for (name, value) in self.env.iter().chain(&self.headers) {
            if bare(name) {
                return Some(format!("has the name {name:?}, which no variable or header can have"));
            }
            if reference(value).is_none() && is_secret(name) {
                return Some(format!("has a value in the place of a secret: write {name} = \"env:{name}\" instead"));
            }
            if reference(value).is_some_and(|(_, variable)| variable.is_empty()) {
                return Some(format!("refers to no variable in {name}"));
            }
        }
        None
    }
}

/// What stands before a reference, and the variable it names; nothing for a plain value.
pub fn reference(value: &str) -> Option<(&str, &str)> {
    let at = value.find(REFERENCE)?;
    let (before, rest) = value.split_at(at);
    // `Bearer env:TOKEN`; a value in which the word merely occurs is a value.
    (before.is_empty() || before.ends_with(' ')).then_some((before, &rest[REFERENCE.len()..]))
}

/// Whether a variable or header of this name holds a secret, as far as names tell.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["token", "secret", "password", "passwd", "authorization", "credential", "cookie", "apikey"]
        .iter()
        .any(|word| name.contains(word))
        || name.split(['_', '-']).any(|word| matches!(word, "key" | "auth" | "pat"))
}

/// A name that agents of every kind take: letters, digits, `_` and `-`.
pub fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= 64 && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

#[cfg(test)]
mod tests;
