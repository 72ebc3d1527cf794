//! The domain of sessions: state, names, prompts, rules; pure decisions.
