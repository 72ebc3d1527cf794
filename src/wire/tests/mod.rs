//! Tests over a real socket with a fake host.

mod fake;
mod hostile;
mod requests;
mod resume;
mod starting;
