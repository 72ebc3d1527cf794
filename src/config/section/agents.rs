//! `[agents]`: which agent, and how its process is kept.

use std::time::Duration;

use crate::config::key::{Key, choice_of, name_of, names, names_of, number, number_of, text_of, texts, texts_of};
use crate::model::job::OnDaemonDeath;

const DEATHS: &[(&str, OnDaemonDeath)] = &[("keep", OnDaemonDeath::Keep), ("kill", OnDaemonDeath::Kill)];

pub(super) static KEYS: &[Key] = &[
    Key {
        name: "agents.default",
        about: "the agent of `divisi new` without --agent",
        get: |config| config.settings.default_agent.as_str().into(),
        set: |config, value| {
            let name = text_of(value)?;
            if name.is_empty() {
                return Err("must name an agent".to_owned());
            }
            config.settings.default_agent = name;
            Ok(())
        },
    },
    Key {
        name: "agents.on_daemon_death",
        about: "what happens to agents when the daemon dies: keep or kill",
        get: |config| name_of(config.settings.on_daemon_death, DEATHS),
        set: |config, value| {
            config.settings.on_daemon_death = choice_of(value, DEATHS)?;
            Ok(())
        },
    },
    Key {
        name: "agents.lease_sec",
        about: "how long an agent is kept without any daemon, in seconds",
        get: |config| number(config.settings.lease.as_secs()),
        set: |config, value| {
            config.settings.lease = Duration::from_secs(number_of(value, 1, 31_536_000)?);
            Ok(())
        },
    },
    Key {
        name: "agents.grace_sec",
        about: "seconds between the steps of stopping an agent (cancel, interrupt, terminate, kill)",
        get: |config| number(config.settings.grace.as_secs()),
        set: |config, value| {
            config.settings.grace = Duration::from_secs(number_of(value, 0, 600)?);
            Ok(())
        },
    },
    Key {
        name: "agents.profiles",
        about: "the profile of an agent's sessions when none is named: { AGENT = \"PROFILE\" }",
        get: |config| names(&config.settings.default_profiles),
        set: |config, value| {
            config.settings.default_profiles = names_of(value)?;
            Ok(())
        },
    },
    Key {
        name: "agents.environment",
        about: "names of variables passed to agents on top of the built-in list",
        get: |config| texts(&config.settings.agent_environment),
        set: |config, value| {
            let names = texts_of(value)?;
            if let Some(bad) = names.iter().find(|name| name.is_empty() || name.contains('=')) {
                return Err(format!("must hold names of variables, and \"{bad}\" is none"));
            }
            config.settings.agent_environment = names;
            Ok(())
        },
    },
];
