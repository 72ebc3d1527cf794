//! Driver: the catalog of agents and their protocols.
