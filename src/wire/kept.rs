//! A connection that is kept: what a face that lives as long as its editor needs of the wire.
//!
//! - [`backend`]: the seam to the daemon, so that such a face can be tried without one; [`daemon`] is the implementation.
//! - [`link`]: connects, makes snapshots, notices gaps, connects again, and calls over whatever connection stands.

pub mod backend;
pub mod daemon;
pub mod link;
