//! Port of processes: an agent under its shim, known by its journal.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::model::Refusal;
use crate::model::batch::Machine;
use crate::model::id::JobId;
use crate::model::job::{JobEnd, OnDaemonDeath, ProcessIdentity};
use crate::model::terminal::TerminalSize;

/// How to start a program under a shim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobSpec {
    /// The job's id; its directory is named after it.
    pub job: JobId,
    /// Program and arguments. The program is an absolute path or is looked up in the `PATH` given in `environment`.
    pub command: Vec<String>,
    /// Working directory, absolute.
    pub directory: String,
    /// The whole environment: nothing is inherited. `TMPDIR` is added by the driver (a directory of the job's own).
    pub environment: BTreeMap<String, String>,
    /// Whether standard input is a pipe that divisi writes to; otherwise it is empty.
    pub stdin: bool,
    /// The program runs on a terminal of this size, which is its standard input, output and error; absent: on pipes.
    pub terminal: Option<TerminalSize>,
    /// What the shim does when the daemon dies.
    pub on_daemon_death: OnDaemonDeath,
    /// How long the shim keeps the program without any daemon.
    pub lease: Duration,
}

/// What a journal record holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordKind {
    /// Bytes from the program's standard output.
    Stdout,
    /// Bytes from its standard error.
    Stderr,
    /// Bytes written to its standard input, with the key they were written under.
    Stdin,
    /// The program started (payload empty; on a terminal its size, as in [`RecordKind::Resized`]).
    Started,
    /// Its terminal has another size: columns and rows, two little-endian numbers of two bytes.
    Resized,
    /// The program ended; nothing follows.
    Ended,
}

/// One journal record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What it holds.
    pub kind: RecordKind,
    /// When it was written, milliseconds since the epoch.
    pub time: i64,
    /// The key of a [`RecordKind::Stdin`] record; empty otherwise.
    pub key: String,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// How it ended, for [`RecordKind::Ended`].
    pub end: Option<JobEnd>,
    /// The journal's length after this record: the offset to go on from.
    pub offset: u64,
}

/// Reads a job's journal.
#[async_trait]
pub trait JournalReader: Send {
    /// The next records after `offset` (0: from the beginning), in order, at most about 256 KiB of payload at once. Waits until there
    /// is at least one. An empty answer means that nothing will follow: the shim is gone. Cancel safe.
    ///
    /// # Errors
    /// When the journal cannot be read or is damaged before its end.
    async fn read(&mut self, offset: u64) -> Result<Vec<Record>, Refusal>;
}

/// Acts on a job. Every method but [`JobControl::end_since`] returns when the shim has taken the request.
#[async_trait]
pub trait JobControl: Send + Sync {
    /// Writes to the program's standard input, once per key for the job's life: a repeated key does nothing. The bytes are in the
    /// journal before they reach the program.
    ///
    /// # Errors
    /// When the shim is gone or standard input is closed.
    async fn write(&self, key: &str, bytes: &[u8]) -> Result<(), Refusal>;

    /// Types on the program's terminal, after what waits to be written. Not recorded: people type passwords too.
    ///
    /// # Errors
    /// When the shim is gone, the program does not read, or it runs on pipes.
    async fn type_in(&self, bytes: &[u8]) -> Result<(), Refusal>;

    /// Gives the program's terminal another size; recorded in the journal. Nothing happens when it has that size.
    ///
    /// # Errors
    /// When the shim is gone, or the program runs on pipes.
    async fn resize(&self, size: TerminalSize) -> Result<(), Refusal>;

    /// Closes the program's standard input; on a terminal the end of a file is typed.
    ///
    /// # Errors
    /// When the shim is gone.
    async fn close_stdin(&self) -> Result<(), Refusal>;

    /// SIGINT to the program's group (on a terminal to whoever has it), once.
    ///
    /// # Errors
    /// When the shim is gone.
    async fn interrupt(&self) -> Result<(), Refusal>;

    /// Ends whoever of the tree was born since the write under `key` was taken, and what they start meanwhile: SIGTERM, then SIGKILL.
    /// The program and what it started before are left alone. Returns when they are gone.
    ///
    /// # Errors
    /// When nothing was written under the key, some could not be ended, or the shim is gone.
    async fn end_since(&self, key: &str) -> Result<(), Refusal>;

    /// The ladder: SIGTERM to the whole tree, after `grace` SIGKILL to the whole tree until nobody is left.
    ///
    /// # Errors
    /// When the shim is gone (then the whole tree is ended by the driver, if any of it is left).
    async fn stop(&self, grace: Duration) -> Result<(), Refusal>;
}

/// A live job.
pub struct JobHandle {
    /// Its shim.
    pub shim: ProcessIdentity,
    /// Reads its journal.
    pub reader: Box<dyn JournalReader>,
    /// Acts on it.
    pub control: std::sync::Arc<dyn JobControl>,
}

/// What a new daemon found of a job.
pub enum Attached {
    /// Its shim lives: reading and acting go on.
    Alive(JobHandle),
    /// Its shim is gone; the journal can be read to its end. When it has no end record the job was lost; its tree, if any was left,
    /// has been ended.
    Gone(Box<dyn JournalReader>),
    /// It never started.
    NeverStarted,
}

/// What a program of an evaluation may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// How long it may take.
    pub time: Duration,
    /// How many processes it may have at one time; looked at several times a second. 0: as many as it likes.
    pub processes: u64,
    /// How many bytes it may print.
    pub output: u64,
    /// How many bytes of memory all its processes may have together, looked at as often as their number; 0: as many as there are.
    pub memory: u64,
}

/// Why a program of an evaluation was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// It took too long.
    Time,
    /// It printed too much.
    Output,
    /// It had too many processes.
    Processes,
    /// Its processes had too much memory.
    Memory,
    /// Somebody cancelled.
    Cancelled,
}

/// A program of an evaluation that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// How.
    pub end: JobEnd,
    /// Why it had to be ended; absent: it ended by itself.
    pub stopped: Option<Stopped>,
    /// What it printed, within bounds.
    pub stdout: Vec<u8>,
    /// What it printed on standard error, within bounds.
    pub stderr: Vec<u8>,
}

/// Starts programs under shims and finds them again.
#[async_trait]
pub trait Jobs: Send + Sync {
    /// Starts a job; its program runs when this returns.
    ///
    /// # Errors
    /// When the program or the directory does not exist, or the shim cannot be started; nothing is left behind.
    async fn start(&self, spec: &JobSpec) -> Result<JobHandle, Refusal>;

    /// Finds a job again after a restart.
    ///
    /// # Errors
    /// When its directory cannot be read.
    async fn attach(&self, job: &JobId) -> Result<Attached, Refusal>;

    /// Deletes a job's journal and directories once nobody needs them.
    ///
    /// # Errors
    /// When the job lives or the files cannot be deleted.
    async fn forget(&self, job: &JobId) -> Result<(), Refusal>;

    /// Runs a program to its end, bounded in time and output (1 MiB kept), its whole tree ended afterwards: for setup commands.
    ///
    /// # Errors
    /// When it cannot be started.
    async fn run(&self, spec: &JobSpec, limit: Duration) -> Result<(JobEnd, String), Refusal>;

    /// How the machine is doing, and what is free on the disks of these places and of the driver's own files; one with nothing to do
    /// where that cannot be told.
    fn machine(&self, _places: &[String]) -> Machine {
        Machine::default()
    }
    /// Runs a program of an evaluation to its end, its whole tree ended afterwards, whatever it is. It is ended too when it uses more
    /// than it may, or when `cancel` becomes true; then [`Judged::stopped`] says why.
    ///
    /// # Errors
    /// When it cannot be started.
    async fn judge(&self, spec: &JobSpec, bounds: Bounds, cancel: watch::Receiver<bool>) -> Result<Judged, Refusal>;

    /// Ends a job of an earlier daemon, if it still lives, and deletes its files. One that never was is no error.
    ///
    /// # Errors
    /// When it cannot be ended or the files cannot be deleted.
    async fn clear(&self, job: &JobId) -> Result<(), Refusal>;

    /// The journal's path, for messages.
    fn journal_path(&self, job: &JobId) -> String;
}
