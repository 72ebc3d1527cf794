//! Sessions from end to end: the real binary, its daemon, real git, real processes.

mod approvals;
mod batches;
mod combine;
mod continued;
mod crash;
mod crowd;
mod damage;
mod definitions;
mod failures;
mod following;
mod full;
mod hostile;
mod landing;
mod life;
mod locked;
mod names;
mod precious;
mod profiles;
mod rebuilt;
mod removal;
mod repositories;
mod review;
pub(crate) mod scene;
mod steering;
mod supervision;
mod timeline;
