//! Starting a daemon that outlives whoever starts it.

use std::env;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::base::path::private_directory;
use crate::base::paths::Paths;

/// Variables that belong to the one who starts the daemon, not to the daemon: where its git or its editor is.
const FOREIGN: &[&str] = &[
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_CONFIG",
    "GIT_CONFIG_PARAMETERS",
    "GIT_CONFIG_COUNT",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_GRAFT_FILE",
    "GIT_QUARANTINE_PATH",
    "NVIM",
    "NVIM_LISTEN_ADDRESS",
    "VIM_TERMINAL",
];

/// Has glibc keep one heap instead of one for each few threads: what threads that come and go leave free in theirs is never given back, and
/// a daemon that has carried out thousands of runs had four times the memory for it. It is no slower. Other C libraries do not know it.
pub const ONE_HEAP: (&str, &str) = ("MALLOC_ARENA_MAX", "1");

/// Starts `divisi daemon run --detached`: no terminal, errors into the log, in the root directory. Returns the reading end of its
/// standard output, on which it says when it is ready. It takes a session of its own as its first act.
///
/// # Errors
/// When the log cannot be opened or the program cannot be started.
pub fn start_daemon(paths: &Paths) -> io::Result<OwnedFd> {
    if let Some(dir) = paths.log.parent() {
        private_directory(dir)?;
    }
    let log = OpenOptions::new().create(true).append(true).mode(0o600).open(&paths.log)?;
    let mut command = Command::new(program()?);
    command.args(["daemon", "run", "--detached"]).current_dir("/");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
    for name in FOREIGN {
        command.env_remove(name);
    }
    let (name, one) = ONE_HEAP;
    if env::var_os(name).is_none() {
        command.env(name, one);
    }
    let mut child = command.spawn()?;
    let ready = child.stdout.take().map(OwnedFd::from);
    // A face that lives as long as the daemon would otherwise keep its remains.
    std::thread::Builder::new().name("daemon-reaper".to_owned()).stack_size(64 * 1024).spawn(move || child.wait())?;
    ready.ok_or_else(|| io::Error::other("the daemon's standard output is not a pipe"))
}

/// This program, also after it was replaced by a newer one while we run.
fn program() -> io::Result<PathBuf> {
    let path = env::current_exe()?;
    if path.exists() {
        return Ok(path);
    }
    match path.to_string_lossy().strip_suffix(" (deleted)") {
        Some(replaced) => Ok(PathBuf::from(replaced)),
        None => Ok(path),
    }
}
