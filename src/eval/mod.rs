//! Evaluators: what a suite asks for, what programs print, what a diff says of itself, and what all of it is worth.
//!
//! Everything here is pure. Texts that programs print and files that agents wrote are hostile: reading them is linear and bounded, and
//! what cannot be read is said so, never taken for good.
//!
//! [`case`] and [`swebench`] are benchmarks: what is attempted, and what logs of tests say.

pub mod case;
pub mod changed;
pub mod coverage;
pub mod gate;
pub mod judge;
pub mod judging;
pub mod lint;
pub mod measure;
pub mod output;
pub mod plan;
pub mod protected;
pub mod score;
pub mod suite;
pub mod swebench;
pub mod tree;
