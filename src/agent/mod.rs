//! Driver: the catalog of agents and their protocols.
//!
//! [`catalog::Catalog`] is the port's implementation. A conversation with a process is one of the state machines here: [`shell`] for
//! programs whose output is the transcript, [`acp`] for the Agent Client Protocol. [`script`] is the other end: a program that plays
//! an agent from a script, for the first tour and for the tests.

pub mod acp;
pub mod catalog;
mod end;
mod output;
pub mod script;
pub mod shell;

pub use catalog::Catalog;
pub use script::script_main;
