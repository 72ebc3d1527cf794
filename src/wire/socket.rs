//! The daemon's socket: where only this user can reach it.

use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream as StdStream;
use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use tokio::net::{UnixListener, UnixStream};

use crate::base::path::{owned_directory, private_directory, writable_by_others};
use crate::base::paths::Paths;
use crate::model::Refusal;

/// Connections that may be reset in a row before that counts as an answer.
const RESETS: u32 = 100;

/// A bound socket. Dropping it removes the file, if it is still this one.
#[derive(Debug)]
pub struct Bound {
    pub(super) listener: UnixListener,
    path: PathBuf,
    identity: (u64, u64),
}

impl Bound {
    /// The socket's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Stops listening and removes the socket's file.
    pub fn close(self) {}
}

impl Drop for Bound {
    fn drop(&mut self) {
        if identity(&self.path) == Some(self.identity) {
            // Best effort: a leftover is found stale by the next daemon.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Makes the socket's directory private (a directory the user named is only checked) and says so when it cannot be.
///
/// # Errors
/// When it is not a directory that only this user can write to.
pub fn prepare_directory(paths: &Paths) -> Result<(), Refusal> {
    let dir = &paths.runtime_dir;
    let refused = |why: String| {
        Refusal::environment(format!("failed to use the socket's directory: {why}"))
            .hint("set DIVISI_SOCKET to a path in a directory that only you can write to")
    };
    if paths.socket_given && dir.exists() {
        owned_directory(dir).map_err(|error| refused(error.to_string()))?;
        if writable_by_others(dir).map_err(|error| refused(error.to_string()))? {
            return Err(refused(format!("{} can be written to by others", dir.display())));
        }
        return Ok(());
    }
    private_directory(dir).map_err(|error| refused(format!("{}: {error}", dir.display())))
}

/// Binds the daemon's socket. A leftover socket is removed only when connecting to it is refused.
///
/// # Errors
/// When the directory is not private, another daemon listens, or something else is in the way.
pub fn bind(paths: &Paths) -> Result<Bound, Refusal> {
    prepare_directory(paths)?;
    let path = paths.socket.clone();
    clear_stale(&path)?;
    // For the directories that are not 0700: nobody may connect between bind and chmod.
    let before = rustix::process::umask(Mode::from_raw_mode(0o177));
    let bound = UnixListener::bind(&path);
    rustix::process::umask(before);
    let failed =
        |error: std::io::Error| Refusal::environment(format!("failed to listen on {}: {error}", path.display()));
    let listener = bound.map_err(failed)?;
    fs::set_permissions(&path, Permissions::from_mode(0o600)).map_err(failed)?;
    let identity = identity(&path)
        .ok_or_else(|| Refusal::environment(format!("failed to listen on {}: it vanished at once", path.display())))?;
    Ok(Bound { listener, path, identity })
}

/// Whether the other end is this user.
pub(super) fn is_own_peer(stream: &UnixStream) -> bool {
    stream.peer_cred().is_ok_and(|peer| peer.uid() == rustix::process::geteuid().as_raw())
}

fn clear_stale(path: &Path) -> Result<(), Refusal> {
    let shown = path.display();
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Refusal::environment(format!("failed to look at {shown}: {error}"))),
        Ok(found) => found,
    };
    if !found.file_type().is_socket() || found.uid() != rustix::process::geteuid().as_raw() {
        return Err(Refusal::environment(format!(
            "failed to listen on {shown}: something that is not our socket is in the way"
        ))
        .hint(format!("look at it, then: rm {shown}")));
    }
    for _ in 0..RESETS {
        return match StdStream::connect(path) {
            // Whoever listened ended while we waited to be accepted: the next attempt is refused.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => continue,
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path)
                .map_err(|error| Refusal::environment(format!("failed to remove the stale socket {shown}: {error}"))),
            Err(error) => Err(Refusal::environment(format!("failed to see who listens on {shown}: {error}"))),
            Ok(_) => Err(Refusal::conflict(format!("another daemon listens on {shown}")).hint("divisi daemon status")),
        };
    }
    Err(Refusal::environment(format!("failed to see who listens on {shown}: it resets every connection")))
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(path).ok().map(|found| (found.dev(), found.ino()))
}
