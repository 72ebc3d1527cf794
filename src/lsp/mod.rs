//! Face: the language server (LSP 3.17), for VS Code, Helix and every editor that speaks it.
//!
//! `divisi lsp` is started by the editor and talks over standard input and output. It holds nothing that matters: what it shows comes
//! from the daemon, and every command goes there. One loop owns all state; requests of the editor are answered from memory, requests to
//! the editor are never waited for, and calls to the daemon run in tasks of their own.
//!
//! - [`server`]: the loop; [`incoming`], `exchange` and [`commands`] are what the editor sends, [`outgoing`] and `questions` what it is sent.
//! - [`state`]: what the daemon said. [`place`], [`diagnostics`], [`actions`], [`annotations`], [`authorship`], [`outline`], [`view`],
//!   [`report`], [`verbs`], [`order`]: pure, from state to what is shown or asked.
//! - [`own`]: divisi's own documents, a table of kinds; `batches`, [`plans`], [`batch_page`]: what is carried out of them; [`explorer`]:
//!   the same as tests, for clients that show some.
//! - [`shelf`]: views as files; [`documents`]: as virtual documents. [`capability`], [`text`], [`uri`]: the protocol's own matters.

pub mod actions;
pub mod annotations;
pub mod authorship;
pub mod batch_page;
mod batches;
pub mod capability;
mod choices;
pub mod commands;
pub mod diagnostics;
pub mod documents;
mod evaluated;
mod exchange;
pub mod explorer;
pub mod fetch;
mod fuzz;
pub mod incoming;
pub mod order;
pub mod outgoing;
pub mod outline;
pub mod own;
mod parent;
pub mod place;
pub mod plans;
mod progress;
mod questions;
pub mod report;
pub mod server;
pub mod shelf;
pub mod state;
pub mod text;
pub mod uri;
pub mod verbs;
pub mod view;

#[cfg(test)]
mod samples;

pub use fuzz::fuzz_one;
pub use server::{End, run};
