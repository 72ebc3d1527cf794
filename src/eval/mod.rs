//! Evaluation, as pure decisions.

pub mod case;
pub mod swebench;
