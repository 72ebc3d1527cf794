//! `[security]`: who is asked.

use crate::config::key::{Key, choice_of, name_of};
use crate::model::approval::ApprovalPolicy;

const POLICIES: &[(&str, ApprovalPolicy)] =
    &[("ask", ApprovalPolicy::Ask), ("hold", ApprovalPolicy::Hold), ("auto", ApprovalPolicy::Auto)];

pub(super) static KEYS: &[Key] = &[Key {
    name: "security.policy",
    about: "what a new session does with permission requests: ask, hold or auto",
    get: |config| name_of(config.settings.policy, POLICIES),
    set: |config, value| {
        config.settings.policy = choice_of(value, POLICIES)?;
        Ok(())
    },
}];
