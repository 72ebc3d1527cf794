//! The git driver against real repositories.

#![expect(clippy::similar_names, reason = "a test that cannot go on fails; a patch and its path are what is tested")]

mod fixture;

mod context;
mod create;
mod diff;
mod doctor;
mod hostile;
mod killed;
mod land;
mod locks;
mod measure;
mod remove;
mod repositories;
mod rewind;
mod round;
mod turns;
