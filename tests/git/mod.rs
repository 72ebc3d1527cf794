//! The git driver against real repositories.

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
mod turns;
