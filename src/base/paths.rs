//! Where everything is: computed the same way by every process, from the environment alone.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::path::{owned_directory, short_name};

/// The wire protocol's number; part of the socket's name.
pub const PROTOCOL: u32 = 1;

/// Longer socket paths than this are replaced by a hash (the kernel's limit is 104 to 108 bytes).
const LONGEST_SOCKET: usize = 100;

const SOCKET_HINT: &str = "set DIVISI_SOCKET to an absolute path of at most 100 bytes in a directory of yours";

/// Why the paths cannot be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PathsError {
    /// What was tried and why it failed.
    pub message: String,
    /// What to do.
    pub hint: &'static str,
}

impl PathsError {
    fn new(message: String, hint: &'static str) -> Self {
        Self { message, hint }
    }

    fn socket(why: &str) -> Self {
        Self::new(format!("failed to use DIVISI_SOCKET: {why}"), SOCKET_HINT)
    }
}

/// The files and directories of one divisi installation of one user. All are absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// `$XDG_CONFIG_HOME/divisi`.
    pub config_dir: PathBuf,
    /// `config.toml` there.
    pub config_file: PathBuf,
    /// `$XDG_STATE_HOME/divisi`.
    pub state_dir: PathBuf,
    /// The directory of the socket and of the start lock.
    pub runtime_dir: PathBuf,
    /// The daemon's socket.
    pub socket: PathBuf,
    /// Whether the socket's path was given by `$DIVISI_SOCKET`: its directory is then not ours to make or change.
    pub socket_given: bool,
    /// The database.
    pub database: PathBuf,
    /// The daemon's log.
    pub log: PathBuf,
    /// Journals and control sockets of agents' processes.
    pub jobs_dir: PathBuf,
    /// Held by the client that starts a daemon.
    pub start_lock: PathBuf,
    /// Held by the daemon that owns the database.
    pub owner_lock: PathBuf,
}

impl Paths {
    /// From this process's environment.
    ///
    /// # Errors
    /// When neither `HOME` nor the XDG variables name absolute directories.
    pub fn from_environment() -> Result<Self, PathsError> {
        let uid = rustix::process::geteuid().as_raw();
        Self::compute(|name| std::env::var_os(name), &PathBuf::from(format!("/run/user/{uid}")))
    }

    /// From a lookup of variables and the user's runtime directory.
    ///
    /// # Errors
    /// When neither `HOME` nor the XDG variables name absolute directories, or `DIVISI_SOCKET` is relative or too long.
    pub fn compute(lookup: impl Fn(&str) -> Option<OsString>, run_user: &Path) -> Result<Self, PathsError> {
        let home = absolute(&lookup, "HOME");
        let base = |variable: &str, under_home: &str| {
            absolute(&lookup, variable).or_else(|| home.as_ref().map(|home| home.join(under_home))).ok_or_else(|| {
                PathsError::new(
                    format!(
                        "failed to find divisi's directories: neither {variable} nor HOME is set to an absolute path"
                    ),
                    "set HOME",
                )
            })
        };
        let config_dir = base("XDG_CONFIG_HOME", ".config")?.join("divisi");
        let state_dir = base("XDG_STATE_HOME", ".local/state")?.join("divisi");
        let given = lookup("DIVISI_SOCKET").filter(|value| !value.is_empty()).map(PathBuf::from);
        let socket_given = given.is_some();
        let (runtime_dir, socket) = if let Some(socket) = given {
            (given_directory(&socket)?, socket)
        } else {
            let runtime_dir = if owned_directory(run_user).is_ok() {
                // Another state directory is another daemon: its socket must not be this one's.
                run_user.join("divisi").join(short_name(&state_dir))
            } else {
                state_dir.join("run")
            };
            let name = runtime_dir.join(format!("divisi-p{PROTOCOL}.sock"));
            if name.as_os_str().len() > LONGEST_SOCKET { hashed(&runtime_dir)? } else { (runtime_dir, name) }
        };
        Ok(Self {
            config_file: config_dir.join("config.toml"),
            config_dir,
            database: state_dir.join("state.db"),
            log: state_dir.join("log").join("daemon.log"),
            jobs_dir: state_dir.join("jobs"),
            start_lock: runtime_dir.join("start.lock"),
            owner_lock: state_dir.join("daemon.lock"),
            state_dir,
            runtime_dir,
            socket,
            socket_given,
        })
    }
}

fn absolute(lookup: &impl Fn(&str) -> Option<OsString>, name: &str) -> Option<PathBuf> {
    lookup(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

fn given_directory(socket: &Path) -> Result<PathBuf, PathsError> {
    let shown = socket.display();
    if !socket.is_absolute() {
        return Err(PathsError::socket(&format!("{shown} is not an absolute path")));
    }
    if socket.as_os_str().len() > LONGEST_SOCKET {
        return Err(PathsError::socket(&format!(
            "{shown} is longer than {LONGEST_SOCKET} bytes, the kernel would cut it"
        )));
    }
    match socket.parent() {
        Some(parent) if socket.file_name().is_some() => Ok(parent.to_path_buf()),
        _ => Err(PathsError::socket(&format!("{shown} names no file"))),
    }
}

/// A short private place for a socket whose proper path is too long: a directory of this user named by a hash of the proper one.
fn hashed(runtime_dir: &Path) -> Result<(PathBuf, PathBuf), PathsError> {
    let uid = rustix::process::geteuid().as_raw();
    let hash = short_name(runtime_dir);
    for parent in [format!("/run/user/{uid}"), "/var/tmp".to_owned(), "/tmp".to_owned()] {
        let parent = PathBuf::from(parent);
        if !parent.is_dir() {
            continue;
        }
        // In a shared directory the name is predictable: the daemon and every client refuse it unless it is a real directory of this
        // user with mode 0700, so that nobody else can put theirs in its place.
        let dir = parent.join(format!("divisi-{uid}-{hash}"));
        let socket = dir.join(format!("p{PROTOCOL}.sock"));
        debug_assert!(socket.as_os_str().as_bytes().len() <= LONGEST_SOCKET, "built from short parts");
        return Ok((dir, socket));
    }
    Err(PathsError::new(
        format!("failed to find a short enough path for the socket of {}", runtime_dir.display()),
        SOCKET_HINT,
    ))
}

#[cfg(test)]
mod tests;
