//! Driver: processes, the shim and its journal. The only place that starts programs.
//!
//! - [`journal`]: what a program said and was told, on disk, in order.
//! - [`shim`]: the small process that keeps one program and outlives the daemon.
//! - [`driver`]: the daemon's side: starts shims, finds them again, reads their journals.
//! - [`identity`], [`tree`]: processes that cannot be mistaken for others, and how to end all of a tree.
//! - [`daemon`], [`foreground`], [`publish`]: what the command line starts: the daemon, an editor, git push and gh.
//! - [`ground`]: the places in which evaluators work.
//! - `spec`, `protocol`: what daemon and shim tell each other.

pub mod daemon;
pub mod detached;
pub mod driver;
pub mod foreground;
pub mod ground;
pub mod identity;
pub mod journal;
mod machine;
mod protocol;
pub mod publish;
pub mod scratch;
pub mod shim;
mod spec;
pub mod tree;

pub use driver::JobDriver;
pub use ground::GroundDriver;
pub use shim::shim_main;

pub mod run;
