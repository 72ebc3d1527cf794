//! The environment of an agent: an allow-list, nothing else. Daemon secrets, `GIT_*`, editor sockets and other sessions' variables
//! never leak in.

use std::collections::{BTreeMap, BTreeSet};

use crate::host::port::AgentDefinition;
use crate::host::profile::Caller;
use crate::model::session::Session;
use crate::model::settings::Settings;

#[cfg(test)]
mod tests;

/// Variables handed on when the daemon has them, beside those of [`NETWORK`].
const ALLOWED: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TERM",
    "COLORTERM",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_CACHE_HOME",
    "XDG_STATE_HOME",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "GOPATH",
    "GOROOT",
    "JAVA_HOME",
    "NVM_DIR",
    "PYENV_ROOT",
    "VOLTA_HOME",
    "PNPM_HOME",
];

/// Names that are never handed on, whoever asks: they would make the agent act on the daemon, on an editor, or on another repository.
const DENIED_PREFIXES: &[&str] = &["GIT_", "NVIM", "VIM", "DIVISI_", "LD_", "DYLD_"];

/// Whether a variable may ever be handed on by name.
pub(crate) fn may_pass(name: &str) -> bool {
    !DENIED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// How the network is reached: handed on too, and whoever starts a session is believed in them rather than the daemon.
pub(crate) const NETWORK: &[&str] = &[
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
];

/// The names of variables that whoever starts a session decides on, for every agent.
pub(crate) fn passed_by_callers() -> impl Iterator<Item = &'static str> {
    NETWORK.iter().copied()
}

/// The daemon's environment as whoever started the session sees it.
pub(crate) fn effective(daemon: &BTreeMap<String, String>, caller: &Caller) -> BTreeMap<String, String> {
    let mut environment = daemon.clone();
    for (name, value) in caller {
        match value {
            Some(value) => environment.insert(name.clone(), value.expose().to_owned()),
            None => environment.remove(name),
        };
    }
    environment
}

/// The environment of a session's agent.
pub(crate) fn of_agent(
    daemon: &BTreeMap<String, String>,
    settings: &Settings,
    session: &Session,
) -> BTreeMap<String, String> {
    let mut environment: BTreeMap<String, String> = daemon
        .iter()
        .filter(|(name, _)| {
            ALLOWED.contains(&name.as_str())
                || NETWORK.contains(&name.as_str())
                || name.starts_with("LC_")
                || (settings.agent_environment.contains(name) && may_pass(name))
        })
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    environment.extend(session.environment.iter().map(|(name, value)| (name.clone(), value.clone())));
    environment.insert("DIVISI_SESSION".to_owned(), session.id.0.clone());
    environment.insert("DIVISI_SESSION_NAME".to_owned(), session.name.clone());
    environment.insert("DIVISI_WORKTREE".to_owned(), session.worktree.path.clone());
    environment.insert("DIVISI_PORT".to_owned(), session.worktree.port.to_string());
    environment
}

/// [`of_agent`] with what the agent's definition adds: names of the daemon's that it lets pass, and its own values. What was `given` to
/// the session is left as it is.
pub(crate) fn of_program(
    daemon: &BTreeMap<String, String>,
    agent: &AgentDefinition,
    of_agent: BTreeMap<String, String>,
    given: &BTreeSet<String>,
) -> BTreeMap<String, String> {
    let mut environment = of_agent;
    let passed = agent.pass_environment.iter().filter(|name| may_pass(name));
    let passed = passed.filter_map(|name| Some((name, daemon.get(name)?)));
    for (name, value) in passed.chain(&agent.environment).filter(|(name, _)| !given.contains(*name)) {
        environment.insert(name.clone(), value.clone());
    }
    environment
}
