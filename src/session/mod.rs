//! The domain of sessions: state, names, prompts, rules; pure decisions.

pub mod cost;
pub mod fold;
pub mod rule;
pub mod state;
