//! Driver: configuration files.
