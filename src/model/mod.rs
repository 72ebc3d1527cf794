//! The words of divisi, used identically in Rust, Lua, the command line, SQL and the documentation.
//!
//! Types here are data: serde, no IO, no clock, no tokio. `doc/GLOSSARY.md` explains the words.

pub mod agent;
pub mod approval;
pub mod attachment;
pub mod attempt;
pub mod batch;
pub mod bench;
pub mod bench_environment;
pub mod bench_run;
pub mod bench_view;
pub mod case;
pub mod command;
pub mod comparison;
pub mod container;
pub mod contest;
pub mod diff;
pub mod editor;
pub mod effort;
pub mod envelope;
pub mod error;
pub mod evaluation;
pub mod event;
pub mod failure;
pub mod id;
pub mod job;
pub mod judge;
pub mod landing;
pub mod login;
pub mod mcp;
pub mod meter;
pub mod part;
pub mod plan;
pub mod price;
pub mod profile;
pub mod query;
pub mod retries;
pub mod review;
pub mod schema;
pub mod secret;
pub mod session;
pub mod settings;
pub mod suite;
pub mod tells;
pub mod terminal;
pub mod timeline;
pub mod turn;
pub mod usage;
pub mod worktree;

#[cfg(test)]
pub(crate) mod samples;

pub use error::{Refusal, RefusalKind};
pub use event::{Cause, Envelope, Event};
