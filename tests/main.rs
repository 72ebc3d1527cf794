//! Behaviour tests.

#[cfg(test)]
mod agents;
