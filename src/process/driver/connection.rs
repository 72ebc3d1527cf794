//! A connection to a shim.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rustix::process::Signal;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot, watch};

use super::blocking;
use super::remains::{self, Shim};
use crate::host::port::JobControl;
use crate::model::Refusal;
use crate::model::job::ProcessIdentity;
use crate::model::terminal::TerminalSize;
use crate::process::identity;
use crate::process::protocol::{self, Frame, Reply, Request, Verb};
use crate::process::spec::ShimFile;
use crate::process::tree;

/// How long a shim may take for an answer. Only a full disk or a stopped shim makes it late.
const ANSWER: Duration = Duration::from_secs(10);
/// The same when it is asked to stop, twice; a shim that does not answer then is ended with everything under it.
const STOP_ANSWER: Duration = Duration::from_secs(3);
/// Requests that wait to be written.
const QUEUE: usize = 64;

/// What is known of the other end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Progress {
    /// The journal is at least that long.
    Length(u64),
    /// The shim is gone, and so is its tree: the journal is complete.
    Gone,
    /// The connection broke.
    Broken(Refusal),
}

type Answer = Result<Option<ShimFile>, String>;

/// Requests without an answer; `None` once there will be none.
type Waiting = Arc<Mutex<Option<HashMap<u64, oneshot::Sender<Answer>>>>>;

/// An attached connection.
#[derive(Debug)]
pub(super) struct Connection {
    who: ShimFile,
    directory: PathBuf,
    next: AtomicU64,
    requests: mpsc::Sender<Vec<u8>>,
    waiting: Waiting,
    progress: watch::Receiver<Progress>,
}

impl Connection {
    /// Connects to a shim, makes sure that it is the one, and attaches.
    ///
    /// # Errors
    /// When nobody answers, or somebody else does.
    pub(super) async fn open(who: &ShimFile, directory: &Path) -> Result<Self, Refusal> {
        let pid = who.shim.pid;
        let failed = |why: &str| {
            Refusal::environment(format!("cannot reach the shim of job {} (process {pid}): {why}", who.job))
        };
        let stream = UnixStream::connect(&who.control).await.map_err(|error| failed(&error.to_string()))?;
        let peer = stream.peer_cred().map_err(|error| failed(&error.to_string()))?;
        if peer.uid() != rustix::process::getuid().as_raw() || peer.pid() != Some(pid) {
            return Err(failed("another process answers on its socket"));
        }
        if !identity::is_running(&who.shim) {
            return Err(failed("it has just ended"));
        }
        // One that something stopped would never answer; on any other this does nothing.
        tree::signal_identity(&who.shim, Signal::CONT);
        let (incoming, outgoing) = stream.into_split();
        let (requests, queue) = mpsc::channel(QUEUE);
        let (tell, progress) = watch::channel(Progress::Length(0));
        let waiting: Waiting = Arc::new(Mutex::new(Some(HashMap::new())));
        tokio::spawn(send(outgoing, queue));
        let ear = Ear { waiting: Arc::clone(&waiting), tell, directory: directory.to_owned(), shim: who.shim.clone() };
        tokio::spawn(ear.listen(incoming));
        let connection = Self {
            who: who.clone(),
            directory: directory.to_owned(),
            next: AtomicU64::new(1),
            requests,
            waiting,
            progress,
        };
        match connection.ask(Verb::Attach, b"").await? {
            Some(answered) if answered.shim == who.shim && answered.job == who.job => Ok(connection),
            _ => Err(failed("the shim of another job answers")),
        }
    }

    /// Who is at the other end.
    pub(super) fn shim(&self) -> &ShimFile {
        &self.who
    }

    /// What is known of it, now and later.
    pub(super) fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.clone()
    }

    /// Says that this daemon goes on purpose.
    pub(super) async fn detach(&self) {
        // A shim that does not hear it is gone or will notice.
        let _ = self.ask(Verb::Detach, b"").await;
    }

    fn gone(&self) -> Refusal {
        Refusal::conflict(format!("job {} has ended", self.who.job))
    }

    async fn ask(&self, verb: Verb, body: &[u8]) -> Result<Option<ShimFile>, Refusal> {
        self.ask_within(ANSWER, verb, body).await
    }

    async fn ask_within(&self, limit: Duration, verb: Verb, body: &[u8]) -> Result<Option<ShimFile>, Refusal> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let mut frame = Vec::new();
        protocol::encode(&mut frame, &Request { version: protocol::VERSION, id, verb }, body);
        let (answer, answered) = oneshot::channel();
        match self.waiting.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            Some(waiting) => waiting.insert(id, answer),
            None => return Err(self.gone()),
        };
        let sent = async {
            self.requests.send(frame).await.map_err(|_| self.gone())?;
            answered.await.map_err(|_| self.gone())
        };
        match tokio::time::timeout(limit, sent).await {
            Ok(Ok(Ok(shim))) => Ok(shim),
            Ok(Ok(Err(error))) => Err(Refusal::conflict(format!("job {}: {error}", self.who.job))),
            Ok(Err(refusal)) => Err(refusal),
            Err(_) => {
                let pid = self.who.shim.pid;
                let message = format!("the shim of job {} (process {pid}) does not answer", self.who.job);
                Err(Refusal::environment(message).hint("is the disk full, or was that process stopped?"))
            }
        }
    }
}

#[async_trait]
impl JobControl for Connection {
    async fn write(&self, key: &str, bytes: &[u8]) -> Result<(), Refusal> {
        self.ask(Verb::Write { key: key.to_owned() }, bytes).await.map(|_| ())
    }

    async fn type_in(&self, bytes: &[u8]) -> Result<(), Refusal> {
        self.ask(Verb::Type, bytes).await.map(|_| ())
    }

    async fn resize(&self, size: TerminalSize) -> Result<(), Refusal> {
        let TerminalSize { columns, rows } = size.within_limits();
        self.ask(Verb::Resize { columns, rows }, b"").await.map(|_| ())
    }

    async fn close_stdin(&self) -> Result<(), Refusal> {
        self.ask(Verb::CloseStdin, b"").await.map(|_| ())
    }

    async fn interrupt(&self) -> Result<(), Refusal> {
        self.ask(Verb::Interrupt, b"").await.map(|_| ())
    }

    async fn end_since(&self, key: &str) -> Result<(), Refusal> {
        self.ask(Verb::EndSince { key: key.to_owned() }, b"").await.map(|_| ())
    }

    async fn stop(&self, grace: Duration) -> Result<(), Refusal> {
        let grace_ms = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
        let (shim, directory) = (self.who.shim.clone(), self.directory.clone());
        for _ in 0..2 {
            match self.ask_within(STOP_ANSWER, Verb::Stop { grace_ms }, b"").await {
                Ok(_) => return Ok(()),
                Err(refusal) if !identity::is_running(&shim) => {
                    blocking(move || remains::clear(&directory)).await?;
                    return Err(refusal);
                }
                Err(_) => tree::signal_identity(&shim, Signal::CONT),
            }
        }
        tree::signal_identity(&shim, Signal::KILL);
        blocking(move || remains::clear_after(&shim, &directory)).await.map(|_| ())
    }
}

/// Writes whole frames, whoever stops waiting for their answers.
async fn send(mut writing: OwnedWriteHalf, mut queue: mpsc::Receiver<Vec<u8>>) {
    while let Some(frame) = queue.recv().await {
        if writing.write_all(&frame).await.is_err() {
            return;
        }
    }
}

/// The reading side.
struct Ear {
    waiting: Waiting,
    tell: watch::Sender<Progress>,
    directory: PathBuf,
    shim: ProcessIdentity,
}

impl Ear {
    async fn listen(self, mut reading: OwnedReadHalf) {
        let mut buffer = Vec::with_capacity(4096);
        let why = loop {
            match reading.read_buf(&mut buffer).await {
                Ok(0) | Err(_) => break None,
                Ok(_) => {}
            }
            if let Err(why) = self.take(&mut buffer) {
                break Some(why);
            }
        };
        drop(reading);
        // Nobody waits in vain: what is asked from here on is refused at once.
        drop(self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take());
        self.see_off(why).await;
    }

    fn take(&self, buffer: &mut Vec<u8>) -> Result<(), String> {
        while let Some(Frame { head, length, .. }) = protocol::decode::<Reply>(buffer)? {
            buffer.drain(..length);
            match head {
                Reply::Length(length) => drop(self.tell.send_replace(Progress::Length(length))),
                Reply::Answer { id, error, shim } => {
                    let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                    if let Some(answer) = waiting.as_mut().and_then(|waiting| waiting.remove(&id)) {
                        let _ = answer.send(error.map_or(Ok(shim), Err));
                    }
                }
            }
        }
        Ok(())
    }

    /// The connection is closed: waits for the shim's end, sees to its tree, and says that nothing will follow.
    async fn see_off(self, why: Option<String>) {
        if self.tell.is_closed() {
            return;
        }
        let (shim, directory) = (self.shim.clone(), self.directory.clone());
        let last = match blocking(move || remains::clear_after(&shim, &directory)).await {
            Ok(Shim::Gone | Shim::NoDirectory) => Progress::Gone,
            Ok(Shim::Lives) => {
                let why = why.unwrap_or_else(|| "it was closed".into());
                Progress::Broken(Refusal::internal(format!("lost the connection to a job's living shim: {why}")))
            }
            Err(refusal) => Progress::Broken(refusal),
        };
        self.tell.send_replace(last);
    }
}
