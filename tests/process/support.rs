//! A driver in a directory of its own, whose end finds everybody who survived.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::support::found_within;
use divisi::host::port::{Attached, JobHandle, JobSpec, Jobs, JournalReader, Record, RecordKind};
use divisi::model::id::JobId;
use divisi::model::job::{JobEnd, OnDaemonDeath, ProcessIdentity};
use divisi::process::JobDriver;
use rustix::process::{Pid, Signal};
use tempfile::TempDir;

/// How long anything may take, on a slow machine.
const LIMIT: Duration = Duration::from_secs(60);

/// A driver, its directories, and a worktree to run programs in.
pub(super) struct House {
    pub(super) driver: JobDriver,
    directory: TempDir,
}

impl House {
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("worktree")).unwrap();
        let driver = driver(directory.path());
        Self { driver, directory }
    }

    /// A driver as a new daemon would have it. The old one is dropped, as by a crash.
    pub(super) fn restart(&mut self) {
        self.driver = driver(self.directory.path());
    }

    /// Shims started from here on inherit what this piece of shell script does.
    pub(super) fn start_shims_with(&mut self, script: &str) {
        let wrapper = self.directory.path().join("wrapper");
        fs::write(&wrapper, format!("#!/bin/sh\n{script}\nexec {} \"$@\"\n", env!("CARGO_BIN_EXE_divisi"))).unwrap();
        fs::set_permissions(&wrapper, PermissionsExt::from_mode(0o755)).unwrap();
        self.driver = JobDriver::new(&self.directory.path().join("jobs"), wrapper, &self.directory.path().join("run"));
    }

    pub(super) fn worktree(&self) -> PathBuf {
        self.directory.path().join("worktree")
    }

    pub(super) fn job_directory(&self, job: &str) -> PathBuf {
        self.directory.path().join("jobs").join(job)
    }

    /// A shell script as a job, kept for a minute without a daemon.
    pub(super) fn shell(&self, job: &str, script: &str) -> JobSpec {
        let path = std::env::var("PATH").unwrap();
        JobSpec {
            job: JobId::from(job),
            command: ["sh", "-c", script].map(str::to_owned).to_vec(),
            directory: self.worktree().to_str().unwrap().to_owned(),
            environment: BTreeMap::from([("PATH".to_owned(), path)]),
            stdin: false,
            terminal: None,
            on_daemon_death: OnDaemonDeath::Keep,
            lease: LIMIT,
        }
    }

    /// Starts it; the shell's standard input is a pipe.
    pub(super) async fn start(&self, job: &str, script: &str) -> JobHandle {
        self.driver.start(&JobSpec { stdin: true, ..self.shell(job, script) }).await.unwrap()
    }

    pub(super) async fn attach(&self, job: &str) -> Attached {
        in_time(self.driver.attach(&JobId::from(job))).await.unwrap()
    }

    pub(super) async fn attach_alive(&self, job: &str) -> JobHandle {
        match self.attach(job).await {
            Attached::Alive(handle) => handle,
            Attached::Gone(_) => panic!("{job} is gone: {}", self.log(job)),
            Attached::NeverStarted => panic!("{job} never started"),
        }
    }

    pub(super) async fn attach_gone(&self, job: &str) -> Box<dyn JournalReader> {
        match self.attach(job).await {
            Attached::Alive(_) => panic!("{job} is alive"),
            Attached::Gone(reader) => reader,
            Attached::NeverStarted => panic!("{job} never started"),
        }
    }

    /// What the shim had to say that it should not have.
    pub(super) fn log(&self, job: &str) -> String {
        fs::read_to_string(self.job_directory(job).join("shim.log")).unwrap_or_default()
    }

    /// Everybody who works in the worktree, by their working directory: not by any of the marks that the driver knows.
    pub(super) fn inhabitants(&self) -> Vec<(i32, String)> {
        processes_in(&self.worktree())
    }

    /// Waits until a program made this file in the worktree.
    pub(super) async fn file(&self, name: &str) -> String {
        let path = self.worktree().join(name);
        eventually(&format!("the file {name}"), || fs::read_to_string(&path).ok()).await
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let mut left = processes_in(self.directory.path());
        left.extend(self.inhabitants());
        left.sort();
        left.dedup();
        // Shims that only wait for their lease are not leaked; whoever is in the worktree is.
        let leaked: Vec<_> = left.iter().filter(|(_, line)| !line.contains("\u{0}shim\u{0}")).collect();
        let leaked = format!("{leaked:?}");
        let none = leaked == "[]";
        for (pid, _) in &left {
            let _ = rustix::process::kill_process(Pid::from_raw(*pid).unwrap(), Signal::KILL);
        }
        if !std::thread::panicking() {
            assert!(none, "survived: {leaked}");
        }
    }
}

fn driver(directory: &Path) -> JobDriver {
    let shim = PathBuf::from(env!("CARGO_BIN_EXE_divisi"));
    JobDriver::new(&directory.join("jobs"), shim, &directory.join("run"))
}

fn processes_in(directory: &Path) -> Vec<(i32, String)> {
    let directory = directory.canonicalize().unwrap();
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let inside = pids.filter(|pid| {
        let place = fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default();
        place.starts_with(&directory) && !divisi::process::identity::ProcessStat::read(*pid).is_none_or(|s| s.is_dead())
    });
    inside.map(|pid| (pid, fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default())).collect()
}

/// Fails a test that would hang.
pub(super) async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, future).await.expect("it took too long")
}

/// Waits for something that no event tells of.
pub(super) async fn eventually<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    found_within(LIMIT, what, look).await
}

/// A journal's content so far.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) records: Vec<Record>,
}

impl Heard {
    pub(super) fn offset(&self) -> u64 {
        self.records.last().map_or(0, |record| record.offset)
    }

    pub(super) fn bytes(&self, kind: RecordKind) -> Vec<u8> {
        let of_kind = self.records.iter().filter(|record| record.kind == kind);
        of_kind.flat_map(|record| record.bytes.clone()).collect()
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes(RecordKind::Stdout)).into_owned()
    }

    pub(super) fn keys(&self) -> Vec<&str> {
        let writes = self.records.iter().filter(|record| record.kind == RecordKind::Stdin);
        writes.map(|record| record.key.as_str()).collect()
    }

    pub(super) fn end(&self) -> Option<JobEnd> {
        self.records.last()?.end.clone()
    }

    /// Reads on until standard output holds this.
    pub(super) async fn until(&mut self, reader: &mut dyn JournalReader, text: &str) {
        while !self.text().contains(text) {
            let more = in_time(reader.read(self.offset())).await.unwrap();
            assert!(!more.is_empty(), "it ended before {text:?}: {:?}", self.text());
            self.records.extend(more);
        }
    }

    /// Reads on until nothing follows.
    pub(super) async fn finish(&mut self, reader: &mut dyn JournalReader) {
        loop {
            let more = in_time(reader.read(self.offset())).await.unwrap();
            if more.is_empty() {
                return;
            }
            self.records.extend(more);
        }
    }
}

/// Everything a job says.
pub(super) async fn everything(reader: &mut dyn JournalReader) -> Heard {
    let mut heard = Heard::default();
    heard.finish(reader).await;
    heard
}

/// Ends a process that a test started, by force.
pub(super) fn kill(process: &ProcessIdentity, signal: Signal) {
    assert!(divisi::process::identity::is_running(process));
    rustix::process::kill_process(Pid::from_raw(process.pid).unwrap(), signal).unwrap();
}

/// Waits for a process to be gone.
pub(super) async fn gone(process: &ProcessIdentity) {
    eventually("the end of a process", || (!divisi::process::identity::is_running(process)).then_some(())).await;
}

/// What `seq` says.
pub(super) fn numbers(last: u32) -> String {
    (1..=last).fold(String::new(), |text, number| text + &number.to_string() + "\n")
}
