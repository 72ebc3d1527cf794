//! Behaviour tests.

mod process;
