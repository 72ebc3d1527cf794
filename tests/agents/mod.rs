//! The scripted agent as a real process, and the drivers that talk to it over pipes.

mod behaviour;
mod fixtures;
mod process;
mod run;
mod streams;
