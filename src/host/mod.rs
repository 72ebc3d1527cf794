//! The engine: commands in, events out, queries answered.
//!
//! The brain is synchronous: `on_*` functions take the registry and an input and return what to commit and what to do next. The
//! dispatcher commits, then publishes, then runs the effects through the traits in [`port`]; their results come back as inputs.

pub mod bus;
pub mod handle;
pub mod port;
