//! The domain of worktrees: names, ports, context files, the repository's own settings; pure decisions.

pub mod context;
pub mod name;
pub mod port;
pub mod repository;
