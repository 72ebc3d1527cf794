//! Driver: git.
