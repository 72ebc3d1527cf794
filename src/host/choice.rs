//! What a new session's agent runs with, chosen once and kept: its definition, profile, model and mode, and what its caller hands on.

use crate::host::change::Brain;
use crate::host::environment;
use crate::host::on_prompt::require_takes_files;
use crate::host::port::{ResolvedBase, Variant};
use crate::host::profile::{self, Caller};
use crate::model::Refusal;
use crate::model::command::CreateSession;

/// What was chosen.
pub(crate) struct Choice {
    pub(crate) agent: String,
    /// The repository's definition of the agent, when its file is trusted.
    pub(crate) definition: Option<String>,
    pub(crate) profile: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) mode: Option<String>,
    /// Names of variables that are handed on without being stored.
    pub(crate) pass: Vec<String>,
    /// Of the caller's variables those that are wanted.
    pub(crate) caller: Caller,
    /// What is to be said in the session: a definition that is not used.
    pub(crate) notice: Option<String>,
}

impl Choice {
    /// Chooses for a new session.
    ///
    /// # Errors
    /// When agent or profile are unknown, do not go together or cannot be started, or a variable that is to be handed on is not set.
    pub(crate) fn of(brain: &Brain, request: &CreateSession, resolved: &ResolvedBase) -> Result<Self, Refusal> {
        let agent = request.agent.clone().unwrap_or_else(|| brain.settings.default_agent.clone());
        let defined = definition(brain, &agent, resolved)?;
        Self::with(brain, request, agent, defined)
    }

    /// [`Choice::of`], for a repository that configures nothing.
    ///
    /// # Errors
    /// As [`Choice::of`].
    pub(crate) fn anywhere(brain: &Brain, request: &CreateSession) -> Result<Self, Refusal> {
        let agent = request.agent.clone().unwrap_or_else(|| brain.settings.default_agent.clone());
        Self::with(brain, request, agent, (None, None))
    }

    fn with(
        brain: &Brain,
        request: &CreateSession,
        agent: String,
        (definition, ignored): (Option<String>, Option<String>),
    ) -> Result<Self, Refusal> {
        let chosen = profile::choose(&brain.settings, request.profile.as_deref(), &agent)?;
        let profile = chosen.map(|(_, profile)| profile);
        let program = profile.and_then(|profile| profile.program.as_deref());
        let variant = Variant { definition: definition.as_deref(), program };
        let found = brain.agents.find_as(&agent, variant).map_err(|refusal| match &ignored {
            Some(why) => refusal.hint(why.clone()),
            None => refusal,
        })?;
        require_takes_files(&found.name, found.protocol, !request.attach.is_empty())?;
        if let Some((name, profile)) = chosen {
            profile::require_usable(name, profile, &found)?;
        }
        let mut wanted = profile::variables(&brain.settings, profile, Some(&found));
        wanted.extend(request.pass.iter().cloned());
        let caller: Caller = request
            .caller
            .iter()
            .filter(|(name, _)| wanted.contains(*name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let mut pass = request.pass.clone();
        pass.sort();
        pass.dedup();
        let around = environment::effective(&brain.environment, &caller);
        if let Some(name) = pass.iter().find(|name| !around.contains_key(*name)) {
            return Err(Refusal::user(format!("cannot hand on the variable {name}: it is not set"))
                .hint(format!("export {name}=...")));
        }
        Ok(Self {
            profile: chosen.map(|(name, _)| name.to_owned()),
            model: request.model.clone().or_else(|| profile.and_then(|profile| profile.model.clone())),
            mode: request.mode.clone().or_else(|| profile.and_then(|profile| profile.mode.clone())),
            agent,
            definition,
            pass,
            caller,
            notice: ignored,
        })
    }
}

/// The repository's own definition of an agent when its file is trusted; else, when there is one, why it is not used.
fn definition(
    brain: &Brain,
    agent: &str,
    resolved: &ResolvedBase,
) -> Result<(Option<String>, Option<String>), Refusal> {
    let Some(config) = &resolved.config else { return Ok((None, None)) };
    let defined = brain.agents.in_repository(&config.text);
    if brain.registry.trust.get(&resolved.facts.common_dir) == Some(&config.digest) {
        return Ok((defined?.remove(agent), None));
    }
    // Nobody vouches for the file: it is not even an error when it cannot be read.
    let ignored = defined.is_ok_and(|defined| defined.contains_key(agent)).then(|| {
        format!("the repository's .divisi.toml defines the agent {agent}; that is not used, as the file is not trusted: divisi trust")
    });
    Ok((None, ignored))
}
