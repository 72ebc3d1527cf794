//! The domain of worktrees: names, ports, context files; pure decisions.
