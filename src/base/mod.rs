//! The floor of the house: what the standard library nearly has.

pub mod clock;
pub mod text;
