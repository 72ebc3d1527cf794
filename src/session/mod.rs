//! The domain of sessions: state, names, prompts, rules; pure decisions.

pub mod anchor;
pub mod cost;
pub mod fold;
pub mod part;
pub mod round;
pub mod rule;
pub mod state;
