//! `.divisi.toml`, a repository's own settings.

use super::{definition, mcp};
use crate::base::schema::{Field, Shape};

/// Seconds that all setup commands may take together when nothing is said.
pub const SETUP_TIMEOUT: u64 = 600;

/// What it may say.
pub fn shape() -> Shape {
    let setup = vec![
        Field::new(
            "commands",
            "command lines, run one after the other in each new worktree before the agent starts, once you trust the file",
            Shape::Texts,
        )
        .or("[]"),
        Field::new(
            "timeout_sec",
            "seconds that all of them may take together",
            // What TOML has for whole numbers.
            Shape::Number { least: 0, most: i64::MAX.cast_unsigned() },
        )
        .or(&SETUP_TIMEOUT.to_string()),
    ];
    Shape::Table(vec![
        Field::new("setup", "what makes a new worktree ready for work", Shape::Table(setup)),
        Field::new(
            "evaluation",
            "what has to pass before anything lands",
            Shape::Table(vec![Field::new(
                "gates",
                "a suite of evaluators, written here, once you trust the file",
                Shape::Prose,
            )]),
        ),
        Field::new("mcp", "MCP servers for agents, by name", mcp::servers()),
        Field::new("agents", "agents for this repository's sessions, by name", definition::in_repository()),
    ])
}
