//! Driver: SQLite.
