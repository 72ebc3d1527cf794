//! Face: Neovim.
//!
//! `divisi nvim` is started by the Lua plugin with `jobstart(…, { rpc = true })`, one per editor. It holds nothing that matters: what
//! it shows comes from the daemon, and the daemon goes on when the editor or this process dies.
//!
//! - [`handler`]: decodes what Neovim sends and enqueues it, nothing else.
//! - [`crate::wire::kept`]: keeps a connection, makes snapshots, notices gaps.
//! - [`host`]: the one loop; [`outbox`] gathers what changed, [`push`] delivers one batch per frame.
//! - [`row`], [`answer`], [`timeline`]: what Lua gets to see of views, approvals, answers and timelines, made safe to show.
//! - `verdict`: what evaluations said.
//! - `editor`: this Neovim as the editor of agents that look for one.
//! - [`board`]: dashboards of batches and benchmarks as lines; `watch` keeps those that are open up to date.
//! - [`document`]: an open transcript, as lines of a buffer; `transcripts` reads them.

pub mod answer;
pub mod board;
pub mod document;
mod editor;
pub mod handler;
pub mod host;
pub mod msgpack;
pub mod outbox;
pub mod push;
pub mod review;
pub mod row;
pub mod timeline;
mod transcripts;
mod verdict;
pub mod watch;
mod within;

pub use host::run;
