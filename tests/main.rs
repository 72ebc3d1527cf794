//! Behaviour tests.

mod nvim;
