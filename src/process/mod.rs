//! Driver: processes, the shim and its journal. The only place that starts programs.
pub mod daemon;
pub mod foreground;
pub mod publish;
