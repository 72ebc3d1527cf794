//! A program that is meant to outlive the one that starts it. Only the scripted agent uses it, to behave as badly as real agents do.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

/// Starts a program that keeps our standard output and standard error open and is never waited for; gives its process id.
///
/// # Errors
/// When it cannot be started.
pub fn start(program: &Path, arguments: &[&str]) -> io::Result<u32> {
    Ok(Command::new(program).args(arguments).stdin(Stdio::null()).spawn()?.id())
}
