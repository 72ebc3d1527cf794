//! Driver: JSON-RPC on a unix socket, both ends.
