//! Profiles at work: which one a session gets, and what its agent's process is started with because of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::host::effect::Launch;
use crate::host::environment::{effective, may_pass, of_program, passed_by_callers};
use crate::host::port::{AgentDefinition, Agents};
use crate::model::Refusal;
use crate::model::agent::Protocol;
use crate::model::profile::{NONE, Profile};
use crate::model::secret::Secret;
use crate::model::session::Session;
use crate::model::settings::Settings;

/// What a session's caller has in its environment: a value, or that it has none. Kept in memory alone.
pub(crate) type Caller = BTreeMap<String, Option<Secret>>;

/// The profile of a new session: the one named, or the agent's default.
///
/// # Errors
/// When there is none of that name, or it is for other agents.
pub(crate) fn choose<'a>(
    settings: &'a Settings,
    wanted: Option<&str>,
    agent: &str,
) -> Result<Option<(&'a str, &'a Profile)>, Refusal> {
    let name = match wanted {
        Some(NONE) => return Ok(None),
        Some(name) => name,
        None => match settings.default_profiles.get(agent) {
            Some(name) => name,
            None => return Ok(None),
        },
    };
    let shown = crate::base::text::visible_line(name, 60);
    let Some((name, profile)) = settings.profiles.get_key_value(name) else {
        let near = crate::base::near::near(name, settings.profiles.keys().map(String::as_str));
        let refusal = Refusal::user(format!("there is no profile '{shown}'"));
        let refusal = near.into_iter().fold(refusal, |refusal, near| refusal.hint(format!("did you mean {near}?")));
        return Err(refusal
            .hint("divisi config profiles")
            .hint("divisi daemon restart    # after the file was changed"));
    };
    if !profile.fits(agent) {
        return Err(Refusal::user(format!(
            "the profile '{shown}' is for {}, not for {agent}",
            profile.agents.join(", ")
        ))
        .hint("divisi config profiles"));
    }
    Ok(Some((name, profile)))
}

/// The default profiles by agent, with the names of the credentials they give.
pub(crate) fn defaults(settings: &Settings) -> BTreeMap<String, (String, Vec<String>)> {
    let defaults = settings.default_profiles.iter().filter_map(|(agent, name)| {
        let credentials = settings.profiles.get(name)?.credentials.keys().cloned().collect();
        Some((agent.clone(), (name.clone(), credentials)))
    });
    defaults.collect()
}

/// Checks that a profile can be carried out with an agent.
///
/// # Errors
/// When it asks for what the agent has no way to give.
pub(crate) fn require_usable(name: &str, profile: &Profile, agent: &AgentDefinition) -> Result<(), Refusal> {
    if !profile.arguments.is_empty() && agent.protocol == Protocol::Shell {
        return Err(Refusal::user(format!(
            "the profile '{name}' has arguments, and the agent {} takes none",
            agent.name
        )));
    }
    if profile.base_url.is_some() && agent.base_url_variable.is_none() {
        return Err(Refusal::user(format!(
            "the profile '{name}' has a base_url, and it is not known how to tell it to {}",
            agent.name
        ))
        .hint(format!(
            "set the variable in [profiles.{name}.environment], or base_url_variable in a definition of {}",
            agent.name
        )));
    }
    Ok(())
}

/// Names of variables that a session takes from whoever starts it.
pub(crate) fn variables(
    settings: &Settings,
    profile: Option<&Profile>,
    agent: Option<&AgentDefinition>,
) -> BTreeSet<String> {
    let of_agent = agent.map(|agent| agent.pass_environment.as_slice()).unwrap_or_default();
    let of_profile = profile.into_iter().flat_map(Profile::reads).map(str::to_owned);
    passed_by_callers()
        .map(str::to_owned)
        .chain(settings.agent_environment.iter().cloned())
        .chain(of_agent.iter().cloned())
        .chain(of_profile)
        .filter(|name| may_pass(name))
        .collect()
}

/// The profile a session has, as the configuration has it now.
///
/// # Errors
/// When it is no longer there.
pub(crate) fn of_session<'a>(settings: &'a Settings, session: &Session) -> Result<Option<&'a Profile>, Refusal> {
    let Some(name) = &session.profile else { return Ok(None) };
    settings.profiles.get(name).map(Some).ok_or_else(|| {
        Refusal::user(format!("the profile '{name}' of '{}' is no longer in the configuration", session.name))
            .hint("divisi config path    # the file to edit")
            .hint("divisi daemon restart    # after that")
    })
}

/// Everything that a process is started with besides its command: the environment with the credentials in it. Blocks while credentials
/// are looked up.
///
/// # Errors
/// When a credential is not where the profile says, or a variable that was handed on by name has been forgotten.
pub(crate) fn environment(
    agents: &dyn Agents,
    daemon: &BTreeMap<String, String>,
    agent: &AgentDefinition,
    launch: &Launch,
) -> Result<BTreeMap<String, String>, Refusal> {
    let mut around = effective(daemon, &launch.caller);
    let given: BTreeSet<String> = launch.given.iter().chain(&launch.pass).cloned().collect();
    let mut own = launch.environment.clone();
    let unset = launch.profile.iter().flat_map(|(_, profile)| &profile.unset).filter(|name| !given.contains(*name));
    let credentials_around = around.clone();
    for name in unset {
        around.remove(name);
        own.remove(name);
    }
    let mut environment = of_program(&around, agent, own, &given);
    let mut put = |name: &str, value: String| {
        if !given.contains(name) {
            environment.insert(name.to_owned(), value);
        }
    };
    if let (Some(variable), Some(mode)) = (&agent.mode_variable, &launch.setup.mode) {
        put(variable, mode.clone());
    }
    if let Some((name, profile)) = &launch.profile {
        if let (Some(variable), Some(url)) = (&agent.base_url_variable, &profile.base_url) {
            put(variable, url.clone());
        }
        for (variable, value) in &profile.environment {
            put(variable, value.clone());
        }
        for (variable, source) in profile.credentials.iter().filter(|(variable, _)| !given.contains(*variable)) {
            let found = agents.credential(source, &credentials_around).map_err(|refusal| {
                let message = format!("the profile '{name}' has no {variable}: {refusal}");
                Refusal { message, ..refusal }
            })?;
            put(variable, found.expose().to_owned());
        }
    }
    for name in &launch.pass {
        let Some(value) = around.get(name) else {
            return Err(Refusal::user(format!(
                "the variable {name} was handed on by name, its value is not stored, and the daemon was started anew since"
            ))
            .hint(format!("divisi send {} --env {name} ...    # where {name} is set", launch.session)));
        };
        environment.insert(name.clone(), value.clone());
    }
    Ok(environment)
}

/// Puts a profile's arguments where options are read: before the words that end them, or that hold the prompt.
pub(crate) fn with_arguments(agent: &mut AgentDefinition, arguments: &[String]) {
    let ends = |word: &String| word == "--" || word.contains("{prompt}");
    let mut at = agent.command.iter().position(ends).unwrap_or(agent.command.len()).max(1);
    // The prompt's own option stays with it: `-p {prompt}`.
    if agent.command.get(at).is_some_and(|word| word == "{prompt}") && at > 1 && agent.command[at - 1].starts_with('-')
    {
        at -= 1;
    }
    let at = at.min(agent.command.len());
    agent.command.splice(at..at, arguments.iter().cloned());
}

#[cfg(test)]
mod tests;
