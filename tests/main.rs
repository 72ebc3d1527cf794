//! Behaviour tests: one binary, a file per behaviour. `doc/TESTING.md` says how they are organised.

#[cfg(test)]
mod agents;
#[cfg(test)]
mod real;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tidy;
