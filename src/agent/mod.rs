//! Driver: the catalog of agents and their protocols.
//!
//! [`catalog::Catalog`] is the port's implementation. A conversation with a process is one of the state machines here: [`shell`] for
//! programs whose output is the transcript, [`acp`] for the Agent Client Protocol, [`claude`] and [`codex`] for the native protocols of
//! these two, [`json_lines`] for programs that run once per turn and print JSON, [`pty`] for those with an interface of their own. [`script`] is the other end: a program that plays an
//! agent from a script, for the first tour and for the tests.

pub mod acp;
mod calls;
pub mod catalog;
pub mod claude;
pub mod codex;
mod content;
mod end;
mod failure;
mod form;
pub mod json_lines;
mod output;
pub mod pty;
pub mod script;
pub mod shell;
mod speech;
mod steer;
mod turns;

pub use catalog::Catalog;
pub use script::script_main;
