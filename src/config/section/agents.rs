//! `[agents]`: which agent, and how its process is kept.

use std::time::Duration;

use crate::base::schema::Shape;
use crate::config::key::{
    Key, any_name, choice_of, name_of, names, names_of, number, number_of, text_of, texts, texts_of,
};
use crate::model::job::OnDaemonDeath;

const DEATHS: &[(&str, OnDaemonDeath)] = &[("keep", OnDaemonDeath::Keep), ("kill", OnDaemonDeath::Kill)];

/// A year, in seconds.
const MOST_SILENCE: u64 = 31_536_000;

fn silence_of(text: &str) -> Result<(String, Duration), String> {
    let wrong = || format!("must hold NAME=SECONDS, and \"{text}\" is none");
    let (name, seconds) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(wrong)?;
    let seconds = seconds.parse().ok().filter(|seconds| *seconds <= MOST_SILENCE).ok_or_else(wrong)?;
    Ok((name.to_owned(), Duration::from_secs(seconds)))
}

pub(super) static KEYS: &[Key] = &[
    Key {
        name: "agents.default",
        about: "the agent of `divisi new` without --agent",
        shape: || Shape::Agent,
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
        shape: || Shape::choice(DEATHS),
        get: |config| name_of(config.settings.on_daemon_death, DEATHS),
        set: |config, value| {
            config.settings.on_daemon_death = choice_of(value, DEATHS)?;
            Ok(())
        },
    },
    Key {
        name: "agents.lease_sec",
        about: "how long an agent is kept without any daemon, in seconds",
        shape: || Shape::Number { least: 1, most: 31_536_000 },
        get: |config| number(config.settings.lease.as_secs()),
        set: |config, value| {
            config.settings.lease = Duration::from_secs(number_of(value)?);
            Ok(())
        },
    },
    Key {
        name: "agents.grace_sec",
        about: "seconds between the steps of stopping an agent (cancel, interrupt, terminate, kill)",
        shape: || Shape::Number { least: 0, most: 600 },
        get: |config| number(config.settings.grace.as_secs()),
        set: |config, value| {
            config.settings.grace = Duration::from_secs(number_of(value)?);
            Ok(())
        },
    },
    Key {
        name: "agents.profiles",
        about: "the profile of an agent's sessions when none is named: { AGENT = \"PROFILE\" }",
        shape: || Shape::map(any_name, "", Shape::Text),
        get: |config| names(&config.settings.default_profiles),
        set: |config, value| {
            config.settings.default_profiles = names_of(value)?;
            Ok(())
        },
    },
    Key {
        name: "agents.silence_sec",
        about: "ask when a working agent has said nothing for this many seconds; 0: never",
        shape: || Shape::Number { least: 0, most: MOST_SILENCE },
        get: |config| number(config.settings.silence.as_secs()),
        set: |config, value| {
            config.settings.silence = Duration::from_secs(number_of(value)?);
            Ok(())
        },
    },
    Key {
        name: "agents.silence_of",
        about: "the same for single agents, as in [\"shell=3600\", \"claude=0\"]",
        shape: || Shape::Texts,
        get: |config| {
            let each = |(name, limit): (&String, &Duration)| format!("{name}={}", limit.as_secs());
            texts(&config.settings.silence_of.iter().map(each).collect::<Vec<_>>())
        },
        set: |config, value| {
            config.settings.silence_of =
                texts_of(value)?.iter().map(|text| silence_of(text)).collect::<Result<_, _>>()?;
            Ok(())
        },
    },
    Key {
        name: "agents.environment",
        about: "names of variables passed to agents on top of the built-in list",
        shape: || Shape::Texts,
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
