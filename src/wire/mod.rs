//! The wire: JSON-RPC 2.0, one message per line, UTF-8, on a unix socket. `doc/PROTOCOL.md` describes every method and event.
//!
//! [`serve`] is the daemon's end, [`client`] the faces' end, [`transcript`] turns events into Markdown for both,
//! [`dashboard`] batches into words.

pub mod client;
mod connection;
pub mod dashboard;
pub mod decode;
pub mod editor;
pub mod error;
pub mod idle;
pub mod kept;
pub mod line;
pub mod message;
pub mod method;
mod outgoing;
pub mod serve;
pub mod socket;
pub mod start;
pub mod stop;
mod subscription;
pub mod terminal;
pub mod transcript;
pub mod unified;

#[cfg(test)]
mod tests;
