//! What a test left behind: processes, git lock files, half-removed worktrees, sockets.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, kill_process};

/// A process that belongs to a test environment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Survivor {
    pub(super) pid: i32,
    /// Its command line.
    pub(super) command: String,
    /// By what it was recognised.
    pub(super) mark: &'static str,
}

impl fmt::Display for Survivor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} (its {} names the environment): {}", self.pid, self.mark, self.command)
    }
}

impl Survivor {
    /// Whether this is a `divisi daemon run`: the one process that may outlive the command that started it.
    pub(super) fn is_daemon(&self) -> bool {
        self.command.contains(" daemon run")
    }

    /// Sends a signal to this one process. That it has ended meanwhile is no failure.
    pub(super) fn signal(&self, signal: Signal) {
        if let Some(pid) = Pid::from_raw(self.pid) {
            let _ = kill_process(pid, signal);
        }
    }
}

/// All living processes but this one whose environment, command line, directory, program or open files
/// lie in `root`. Every process a test starts inherits its environment, so nothing short of a process
/// that hides on purpose escapes. Elsewhere than on Linux there is no such list and the answer is empty.
pub(super) fn survivors(root: &Path) -> Vec<Survivor> {
    let own = i32::try_from(std::process::id()).expect("a pid fits");
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let mut found: Vec<_> = pids.filter(|pid| *pid != own).filter_map(|pid| examine(pid, root)).collect();
    found.sort();
    found
}

fn examine(pid: i32, root: &Path) -> Option<Survivor> {
    let proc = PathBuf::from(format!("/proc/{pid}"));
    let arguments = fs::read(proc.join("cmdline")).unwrap_or_default();
    let mark = if contains(&fs::read(proc.join("environ")).unwrap_or_default(), root) {
        "environment"
    } else if contains(&arguments, root) {
        "command line"
    } else if leads_into(&proc.join("cwd"), root) {
        "working directory"
    } else if leads_into(&proc.join("exe"), root) {
        "program"
    } else if fs::read_dir(proc.join("fd")).is_ok_and(|fds| fds.flatten().any(|fd| leads_into(&fd.path(), root))) {
        "list of open files"
    } else {
        return None;
    };
    let words: Vec<_> = arguments.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
    Some(Survivor { pid, command: words.join(" ").trim_end().to_owned(), mark })
}

fn contains(haystack: &[u8], root: &Path) -> bool {
    let needle = root.as_os_str().as_bytes();
    haystack.windows(needle.len()).any(|window| window == needle)
}

fn leads_into(link: &Path, root: &Path) -> bool {
    fs::read_link(link).is_ok_and(|target| target.starts_with(root))
}

/// Sockets anywhere in `root`, lock files inside git directories, and what git has registered as a worktree
/// whose directory is gone. A worktree that is whole may stay: it goes with the environment.
pub(super) fn files(root: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    walk(root, false, &mut found);
    found
}

fn walk(dir: &Path, in_git: bool, found: &mut BTreeSet<PathBuf>) {
    let in_git = in_git || (dir.join("HEAD").is_file() && dir.join("objects").is_dir());
    // A directory that disappears while it is read has nothing left in it.
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if in_git && dir.ends_with("worktrees") && !has_directory(&entry.path()) {
            found.insert(entry.path());
        }
        let (path, Ok(kind)) = (entry.path(), entry.file_type()) else { continue };
        if kind.is_dir() {
            // Objects are many, and git makes no locks among them.
            if !(in_git && entry.file_name() == "objects") {
                walk(&path, in_git, found);
            }
        } else if kind.is_socket() || (in_git && path.extension().is_some_and(|extension| extension == "lock")) {
            found.insert(path);
        }
    }
}

/// Whether the worktree with this administrative folder (`.git/worktrees/NAME`) is where it should be. Its
/// file `gitdir` names the worktree's `.git`, absolute or relative to the folder.
fn has_directory(admin: &Path) -> bool {
    fs::read(admin.join("gitdir"))
        .is_ok_and(|gitdir| admin.join(OsStr::from_bytes(gitdir.strip_suffix(b"\n").unwrap_or(&gitdir))).exists())
}
