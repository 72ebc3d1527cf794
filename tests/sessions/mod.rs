//! Sessions from end to end: the real binary, its daemon, real git, real processes.

mod approvals;
mod crash;
mod crowd;
mod hostile;
mod landing;
mod life;
mod removal;
mod repositories;
pub(crate) mod scene;
mod supervision;
