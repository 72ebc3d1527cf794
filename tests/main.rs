//! Behaviour tests.

mod store;
