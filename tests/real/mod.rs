//! Real agents, offline, against a model server of our own.
//!
//! [`scenarios`] says what an agent has to do, in terms of [`session::Session`]. [`harness`] is one way to provide such a session: the
//! agent's conversation and its real process on pipes; [`through`] is another: the command line and the daemon. [`stage`] is what they play on: a repository, a network namespace with nothing
//! but loopback, the [`fake_model`] in it, and an environment in which only what is named is set.

mod agents;
mod claude;
mod codex;
mod codex_acp;
mod daemon;
mod editors;
mod fake_model;
mod gemini;
mod harness;
mod others;
mod readme;
mod replay;
mod scenarios;
mod session;
mod stage;
mod steering;
mod terminals;
mod through;
