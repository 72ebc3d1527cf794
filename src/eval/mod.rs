//! Evaluation, as pure decisions.

pub mod case;
