//! Batches: reading plans, expanding them into runs, and deciding what is done next. Pure: values in, values out.

pub mod contest;
pub mod expand;
pub mod fold;
pub mod queue;
pub mod rank;
pub mod read;
pub mod report;
pub mod statistics;
pub mod suites;
pub mod view;

/// The keys of a plan: what the reader takes.
pub use crate::model::schema::plan as keys;
