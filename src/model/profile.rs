//! Profiles: named ways to run an agent, from the section `profiles` of the user's configuration.

use std::collections::{BTreeMap, BTreeSet};

/// The profile's name that means none, also where a default is configured.
pub const NONE: &str = "none";

/// A named way to run an agent. It holds where credentials come from, never a credential.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Profile {
    /// The agents it is for; empty: any.
    pub agents: Vec<String>,
    /// One line for lists.
    pub description: Option<String>,
    /// The model to ask for.
    pub model: Option<String>,
    /// The mode to ask for.
    pub mode: Option<String>,
    /// The server to talk to, put into the variable that the agent's definition names.
    pub base_url: Option<String>,
    /// Another program in the place of the agent's, an absolute path.
    pub program: Option<String>,
    /// Arguments before the prompt.
    pub arguments: Vec<String>,
    /// Variables of the daemon's or the caller's environment that the agent does not get.
    pub unset: BTreeSet<String>,
    /// Variables the agent gets.
    pub environment: BTreeMap<String, String>,
    /// Variables whose values are looked up when a process starts.
    pub credentials: BTreeMap<String, CredentialSource>,
}

impl Profile {
    /// Whether it may be used with an agent.
    pub fn fits(&self, agent: &str) -> bool {
        self.agents.is_empty() || self.agents.iter().any(|name| name == agent)
    }

    /// Names of variables that it reads from whoever starts a session.
    pub fn reads(&self) -> impl Iterator<Item = &str> {
        self.credentials.values().filter_map(|source| match source {
            CredentialSource::Variable(name) => Some(name.as_str()),
            CredentialSource::Command(_) | CredentialSource::Keyring { .. } => None,
        })
    }
}

/// Where a credential is when it is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialSource {
    /// In a variable of whoever started the session, or else of the daemon.
    Variable(String),
    /// The standard output of a command, without the newline at its end.
    Command(Vec<String>),
    /// In the user's keyring (Secret Service, or the keychain of macOS).
    Keyring {
        /// The service it is filed under.
        service: String,
        /// The account it is filed under.
        account: String,
    },
}

impl CredentialSource {
    /// The source in a few words that give nothing away: of a command only the program is named.
    pub fn shown(&self) -> String {
        match self {
            Self::Variable(name) => format!("env:{name}"),
            Self::Command(words) => {
                let program = words.first().map_or("", String::as_str);
                format!("command {}", program.rsplit('/').next().unwrap_or(program))
            }
            Self::Keyring { service, account } => format!("keyring {service}/{account}"),
        }
    }
}
