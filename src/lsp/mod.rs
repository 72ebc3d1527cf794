//! Face: the language server (LSP 3.17), for VS Code, Helix and every editor that speaks it.
//!
//! `divisi lsp` is started by the editor and talks over standard input and output. It holds nothing that matters: what it shows comes
//! from the daemon, and every command goes there. One loop owns all state; requests of the editor are answered from memory, requests to
//! the editor are never waited for, and calls to the daemon run in tasks of their own.
//!
//! - [`server`]: the loop; [`incoming`] and [`commands`] are what the editor sends, [`outgoing`] is what it is sent.
//! - [`state`]: what the daemon said. [`place`], [`diagnostics`], [`actions`], [`annotations`], [`view`], [`order`]: pure, from state to what is shown or asked.
//! - [`shelf`]: views as files. [`capability`], [`text`], [`uri`]: the protocol's own matters.

pub mod actions;
pub mod annotations;
pub mod capability;
pub mod commands;
pub mod diagnostics;
mod evaluated;
pub mod fetch;
pub mod incoming;
pub mod order;
pub mod outgoing;
pub mod place;
pub mod server;
pub mod shelf;
pub mod state;
pub mod text;
pub mod uri;
pub mod view;

#[cfg(test)]
mod samples;

pub use server::{End, run};
