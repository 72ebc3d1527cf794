//! Sessions from end to end: the real binary, its daemon, real git, real processes.

mod approvals;
mod combine;
mod crash;
mod crowd;
mod damage;
mod following;
mod full;
mod hostile;
mod landing;
mod life;
mod locked;
mod names;
mod precious;
mod rebuilt;
mod removal;
mod repositories;
pub(crate) mod scene;
mod supervision;
mod timeline;
