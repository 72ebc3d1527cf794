//! Behaviour tests.

mod git;
