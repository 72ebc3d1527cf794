//! Behaviour tests: one binary, a file per behaviour. `doc/TESTING.md` says how they are organised.

#[cfg(test)]
mod agents;
#[cfg(test)]
mod cli;
#[cfg(test)]
mod editors;
#[cfg(test)]
mod engine;
#[cfg(test)]
mod first_contact;
#[cfg(test)]
mod git;
#[cfg(test)]
mod lsp;
#[cfg(test)]
mod nvim;
#[cfg(test)]
mod process;
#[cfg(test)]
mod real;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod store;
#[cfg(test)]
mod support;
#[cfg(test)]
mod swebench;
#[cfg(test)]
mod terminals;
#[cfg(test)]
mod tidy;
