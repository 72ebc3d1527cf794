//! The sections of `config.toml`, one file each.

mod agents;
mod bench;
mod core;
mod evaluation;
mod git;
mod security;
mod ui;

use crate::config::key::Key;

/// Every section's settings.
pub(super) static ALL: &[&[Key]] =
    &[core::KEYS, git::KEYS, agents::KEYS, security::KEYS, evaluation::KEYS, bench::KEYS, ui::KEYS];
