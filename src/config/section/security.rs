//! `[security]`: who is asked.

use crate::base::schema::Shape;
use crate::config::key::{Key, bool_of, choice_of, name_of};
use crate::model::approval::ApprovalPolicy;

const POLICIES: &[(&str, ApprovalPolicy)] =
    &[("ask", ApprovalPolicy::Ask), ("hold", ApprovalPolicy::Hold), ("auto", ApprovalPolicy::Auto)];

pub(super) static KEYS: &[Key] = &[POLICY, FOREIGN_MCP];

const FOREIGN_MCP: Key = Key {
    name: "security.foreign_mcp",
    about: "let Claude Code start MCP servers that its own configuration and the repository's .mcp.json name",
    shape: || Shape::Flag,
    get: |config| config.settings.foreign_mcp.into(),
    set: |config, value| {
        config.settings.foreign_mcp = bool_of(value)?;
        Ok(())
    },
};

const POLICY: Key = Key {
    name: "security.policy",
    about: "what a new session does with permission requests: ask, hold or auto",
    shape: || Shape::choice(POLICIES),
    get: |config| name_of(config.settings.policy, POLICIES),
    set: |config, value| {
        config.settings.policy = choice_of(value, POLICIES)?;
        Ok(())
    },
};
