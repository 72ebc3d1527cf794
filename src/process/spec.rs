//! What a daemon and a shim know of each other: the files in a job's directory, and what goes through the shim's standard streams.
//!
//! | file | written by | what |
//! |---|---|---|
//! | `shim.json` | the shim | who it is, where it listens, how its processes are marked; a line for each time that this changed. Made by the daemon, empty; locked (`flock`) by the shim for as long as it lives; one that is gone can have no shim any more |
//! | `journal` | the shim | see [`super::journal`] |
//! | `control.sock` | the shim | see [`super::protocol`]; elsewhere when the path is too long for a socket |
//! | `shim.log` | the shim | why it broke; not there when it did not |
//! | `tmp/` | the daemon | the program's `TMPDIR` |
//!
//! What to start ([`SpecFile`]) goes through the shim's standard input and into no file: it holds the environment, and so perhaps keys.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::model::RefusalKind;
use crate::model::job::{OnDaemonDeath, ProcessIdentity};
use crate::model::terminal::TerminalSize;

/// The version of these files. A shim may be older than the daemon that finds it.
pub(super) const VERSION: u32 = 1;
/// File name of [`ShimFile`], and of the lock.
pub(super) const SHIM: &str = "shim.json";
/// File name of the shim's own words.
pub(super) const LOG: &str = "shim.log";
/// Directory name of the program's `TMPDIR`.
pub(super) const TMP: &str = "tmp";

/// What the shim is to start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SpecFile {
    pub(super) version: u32,
    pub(super) job: String,
    pub(super) command: Vec<String>,
    pub(super) directory: String,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) stdin: bool,
    /// Run it on a terminal of this size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) terminal: Option<TerminalSize>,
    pub(super) on_daemon_death: OnDaemonDeath,
    pub(super) lease_ms: u64,
    /// Path of the control socket.
    pub(super) control: String,
    /// See [`super::tree`].
    pub(super) dye: u64,
}

/// Who the shim is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ShimFile {
    pub(super) version: u32,
    pub(super) job: String,
    pub(super) shim: ProcessIdentity,
    /// The program's main process; absent before it was started.
    pub(super) program: Option<ProcessIdentity>,
    pub(super) control: String,
    pub(super) dye: u64,
    /// The job ended in order: nobody of its tree is left.
    #[serde(default)]
    pub(super) over: bool,
}

/// What a shim says on its standard output once it knows, one line of JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ready {
    /// The program runs.
    Running(ShimFile),
    /// It does not.
    Failed {
        /// Who has to act.
        kind: RefusalKind,
        /// Why.
        reason: String,
    },
}

/// Reads what is to be started, to the end. A daemon that was killed before it had said all leaves nothing that can be understood.
pub(super) fn load(from: &mut impl io::Read) -> io::Result<SpecFile> {
    let mut said = Vec::new();
    from.read_to_end(&mut said)?;
    serde_json::from_slice(&said).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Says who the shim is now, in one line behind those that were said before; for the user alone.
///
/// Not flushed to the disk: it speaks of processes, and those end with the machine. What a loss of power makes of the file is
/// [`is_silent`].
pub(super) fn tell(path: &Path, who: &ShimFile) -> io::Result<()> {
    let mut line = serde_json::to_vec(who).map_err(io::Error::other)?;
    line.push(b'\n');
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)?.write_all(&line)
}

/// Who the shim is: its last whole line. A shim of an older divisi wrote one without an end.
pub(super) fn who(path: &Path) -> io::Result<ShimFile> {
    let content = fs::read(path)?;
    let whole = content.iter().rposition(|byte| *byte == b'\n').map_or(content.as_slice(), |end| &content[..end]);
    let line = whole.rsplit(|byte| *byte == b'\n').next().unwrap_or(whole);
    serde_json::from_slice(line).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Whether a file says nothing: its shim never came to say who it is, or it was written right before the machine lost its power, so that
/// its name is there and its content is not. No process that it spoke of lives.
pub(super) fn is_silent(path: &Path) -> bool {
    fs::read(path).is_ok_and(|content| content.iter().all(|byte| *byte == 0))
}

/// Makes room for what a shim will say, and with it the lock that it will hold.
pub(super) fn expect(directory: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(directory.join(SHIM)).map(drop)
}

/// Takes the lock that a living shim holds; `None` when one lives. Not found: no shim was ever started, and none can start.
pub(super) fn lock(directory: &Path) -> io::Result<Option<File>> {
    let path = directory.join(SHIM);
    let file = OpenOptions::new().write(true).open(&path)?;
    match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        // Whoever gave the job up deleted the file while it was opened here.
        Ok(()) if file.metadata()?.nlink() == 0 => Err(io::ErrorKind::NotFound.into()),
        Ok(()) => Ok(Some(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
