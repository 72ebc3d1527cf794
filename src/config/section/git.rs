//! `[git]`: worktrees, checkpoints, landing.

use std::path::PathBuf;

use crate::base::schema::Shape;
use crate::config::key::{Key, bool_of, choice_of, name_of, number, number_of, text_of};
use crate::model::landing::Strategy;

const STRATEGIES: &[(&str, Strategy)] =
    &[("squash", Strategy::Squash), ("rebase", Strategy::Rebase), ("merge", Strategy::Merge)];

pub(super) static KEYS: &[Key] = &[
    Key {
        name: "git.worktrees_root",
        about: "an absolute directory for worktrees; empty: .worktrees in each repository",
        shape: || Shape::Text,
        get: |config| {
            config
                .settings
                .worktrees_root
                .as_ref()
                .map(|path| path.to_string_lossy().into_owned())
                .unwrap_or_default()
                .into()
        },
        set: |config, value| {
            let text = text_of(value)?;
            config.settings.worktrees_root = if text.is_empty() { None } else { Some(directory(&text)?) };
            Ok(())
        },
    },
    Key {
        name: "git.commit_prefix",
        about: "before the subject of every checkpoint",
        shape: || Shape::Text,
        get: |config| config.settings.commit_prefix.as_str().into(),
        set: |config, value| {
            config.settings.commit_prefix = text_of(value)?;
            Ok(())
        },
    },
    Key {
        name: "git.landing",
        about: "how `divisi land` lands without a flag: squash, rebase or merge",
        shape: || Shape::choice(STRATEGIES),
        get: |config| name_of(config.settings.landing, STRATEGIES),
        set: |config, value| {
            config.settings.landing = choice_of(value, STRATEGIES)?;
            Ok(())
        },
    },
    Key {
        name: "git.run_hooks",
        about: "run your own hooks and signing at landing",
        shape: || Shape::Flag,
        get: |config| config.settings.run_hooks.into(),
        set: |config, value| {
            config.settings.run_hooks = bool_of(value)?;
            Ok(())
        },
    },
    Key {
        name: "git.lfs",
        about: "let git-lfs replace pointers by files at checkout",
        shape: || Shape::Flag,
        get: |config| config.settings.lfs.into(),
        set: |config, value| {
            config.settings.lfs = bool_of(value)?;
            Ok(())
        },
    },
    Key {
        name: "git.preserve_ignored_limit_kb",
        about: "ignored files up to this many KiB in total are captured when a session is removed",
        shape: || Shape::Number { least: 0, most: 1 << 32 },
        get: |config| number(config.settings.preserve_ignored_limit / 1024),
        set: |config, value| {
            config.settings.preserve_ignored_limit = number_of(value)? * 1024;
            Ok(())
        },
    },
];

fn directory(text: &str) -> Result<PathBuf, String> {
    let path = match (text.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => PathBuf::from(text),
    };
    if path.is_absolute() { Ok(path) } else { Err("must be an absolute path (or begin with ~/)".to_owned()) }
}
