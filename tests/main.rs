//! Behaviour tests.

#[cfg(test)]
mod nvim;
