//! divisi splits one git repository into isolated worktrees in which coding agents work in parallel.
//!
//! The layers, from the words upward (`doc/ARCHITECTURE.md` is the map, `tests/tidy.rs` enforces the edges):
//!
//! - [`base`]: atomic writes, paths, the clock, text made safe for terminals.
//! - [`model`]: the words: ids, sessions, commands, events, queries, refusals. Serde only.
//! - [`session`], [`worktree`], [`eval`]: the domain: pure decisions, no IO, not async.
//! - [`host`]: the engine. Commands in, events out, queries answered; drivers only as traits.
//! - [`store`], [`git`], [`process`], [`agent`], [`wire`], [`config`], [`mod@bench`], [`ide`]: the drivers.
//! - [`cli`], [`nvim`]: the faces.
//! - [`boot`]: the one place that names every layer and puts them together.

pub mod agent;
pub mod base;
pub mod batch;
pub mod bench;
pub mod boot;
pub mod cli;
pub mod config;
pub mod eval;
pub mod git;
pub mod host;
pub mod ide;
pub mod lsp;
pub mod model;
pub mod nvim;
pub mod process;
pub mod session;
pub mod store;
pub mod wire;
pub mod worktree;
