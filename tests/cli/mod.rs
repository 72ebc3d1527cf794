//! The command line as scripts and people meet it: exit codes, streams, JSON, the daemon behind it.

mod agents;
mod configuration;
mod daemon;
mod output;
mod publishing;
mod schema;
mod waiting;
