//! The floor of the house: what the standard library nearly has.

pub mod atomic_write;
pub mod base64;
pub mod clock;
pub mod columns;
pub mod date;
pub mod hex;
pub mod near;
pub mod page;
pub mod path;
pub mod paths;
pub mod schema;
pub mod screen;
pub mod text;
pub mod yaml;
