//! `[core]`: the daemon.

use std::time::Duration;

use crate::base::schema::Shape;
use crate::config::LogLevel;
use crate::config::key::{Key, choice_of, name_of, number, number_of};

const LEVELS: &[(&str, LogLevel)] = &[
    ("error", LogLevel::Error),
    ("warn", LogLevel::Warn),
    ("info", LogLevel::Info),
    ("debug", LogLevel::Debug),
    ("trace", LogLevel::Trace),
];

pub(super) static KEYS: &[Key] = &[
    Key {
        name: "core.idle_exit_sec",
        about: "the daemon exits after this many seconds without sessions and clients; 0: never",
        shape: || Shape::Number { least: 0, most: 31_536_000 },
        get: |config| number(config.settings.idle_exit.as_secs()),
        set: |config, value| {
            config.settings.idle_exit = Duration::from_secs(number_of(value)?);
            Ok(())
        },
    },
    Key {
        name: "core.log_level",
        about: "what the daemon writes into its log: error, warn, info, debug or trace",
        shape: || Shape::choice(LEVELS),
        get: |config| name_of(config.log_level, LEVELS),
        set: |config, value| {
            config.log_level = choice_of(value, LEVELS)?;
            Ok(())
        },
    },
];
