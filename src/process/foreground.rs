//! Programs of the user's own, on the user's terminal: the editor.

use std::io;
use std::path::Path;
use std::process::{Command, ExitStatus};

/// Runs a command line, as git runs `core.editor`: through the shell, with a path as its last argument.
///
/// # Errors
/// When the shell cannot be started.
pub fn run_editor(command_line: &str, path: &Path, dir: &Path) -> io::Result<ExitStatus> {
    Command::new("/bin/sh")
        .arg("-c")
        .arg(format!("{command_line} \"$@\""))
        .arg("divisi-editor")
        .arg(path)
        .current_dir(dir)
        .status()
}
