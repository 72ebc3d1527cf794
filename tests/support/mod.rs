//! What every behaviour test stands on: an environment of its own ([`TestEnv`]), programs run in it with
//! a deadline ([`Ran`], [`Running`]), waiting for a condition instead of for a time ([`wait_until`]), and
//! a visible reason when a test cannot run ([`skip::skip`]).

mod dice;
mod env;
mod leftovers;
mod run;
pub(crate) mod skip;
mod terminal;
mod wait;

#[cfg(test)]
mod tests;

pub(crate) use dice::Dice;
pub(crate) use env::TestEnv;
pub(crate) use run::{OUTER_TIMEOUT, Ran, Running, run};
pub(crate) use skip::{NvimEnd, nvim};
pub(crate) use terminal::TestTerminal;
pub(crate) use wait::{found_within, holds_within, wait_until};
