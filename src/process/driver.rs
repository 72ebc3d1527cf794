//! The daemon's side: starts shims, finds them again, reads their journals.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use self::connection::Connection;
use self::over::Over;
use self::reader::Reader;
use self::start::Started;
use super::journal::{self, JournalFile};
use crate::host::port::{Attached, Bounds, JobHandle, JobSpec, Jobs, JournalReader, Judged};
use crate::model::Refusal;
use crate::model::batch::Machine;
use crate::model::id::JobId;
use crate::model::job::JobEnd;

mod attach;
mod bounded;
mod connection;
mod forget;
mod judged;
mod over;
mod reader;
mod remains;
mod start;

/// Starts programs under shims and finds them again. Needs a Tokio runtime with IO and time.
#[derive(Debug)]
pub struct JobDriver {
    places: Places,
    /// For [`JobDriver::detach`].
    connections: Mutex<Vec<Weak<Connection>>>,
}

/// Where everything is.
#[derive(Debug, Clone)]
struct Places {
    jobs: PathBuf,
    shim_program: PathBuf,
    runtime: PathBuf,
}

impl Places {
    /// A job's directory. Ids are made by divisi; one that is no plain name is refused before it becomes a path.
    fn directory(&self, job: &JobId) -> Result<PathBuf, Refusal> {
        let name = job.as_str();
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'_');
        if name.is_empty() || name.len() > 100 || name.starts_with('.') || !name.bytes().all(plain) {
            return Err(Refusal::internal(format!("{name:?} is no job id")));
        }
        Ok(self.jobs.join(name))
    }
}

impl JobDriver {
    /// `jobs_dir` holds one directory per job; `shim_program` is this binary (`/proc/self/exe` stays right when the file is replaced);
    /// `runtime_dir` is a short path for sockets of jobs whose own directory's path is too long for one. Directories are made when
    /// they are needed, for the user alone.
    pub fn new(jobs_dir: &Path, shim_program: PathBuf, runtime_dir: &Path) -> Self {
        let places = Places { jobs: jobs_dir.to_owned(), shim_program, runtime: runtime_dir.to_owned() };
        Self { places, connections: Mutex::new(Vec::new()) }
    }

    /// Tells every shim that this daemon goes on purpose: even those whose programs die with the daemon keep them for their lease, so
    /// that the next daemon finds them. The handles are of no use afterwards.
    pub async fn detach(&self) {
        let open: Vec<_> = self.connections.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect();
        for connection in open.iter().filter_map(Weak::upgrade) {
            connection.detach().await;
        }
    }

    fn handle(&self, connection: Connection, directory: &Path) -> Result<JobHandle, Refusal> {
        let connection = Arc::new(connection);
        let journal = JournalFile::open(&directory.join(journal::FILE_NAME))?;
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        connections.retain(|one| one.strong_count() > 0);
        connections.push(Arc::downgrade(&connection));
        let shim = connection.shim().shim.clone();
        let reader = Box::new(Reader::live(journal, Arc::clone(&connection)));
        Ok(JobHandle { shim, reader, control: connection })
    }
}

#[async_trait]
impl Jobs for JobDriver {
    async fn start(&self, spec: &JobSpec) -> Result<JobHandle, Refusal> {
        let directory = self.places.directory(&spec.job)?;
        match start::start(self.places.clone(), directory.clone(), spec.clone()).await? {
            Started::Running(connection) => self.handle(*connection, &directory),
            Started::Over(who) => {
                let journal = JournalFile::open(&directory.join(journal::FILE_NAME))?;
                let control = Arc::new(Over { job: spec.job.clone() });
                Ok(JobHandle { shim: who.shim, reader: Box::new(Reader::finished(journal)), control })
            }
        }
    }

    async fn attach(&self, job: &JobId) -> Result<Attached, Refusal> {
        let directory = self.places.directory(job)?;
        match attach::attach(&directory).await? {
            attach::Found::Alive(connection) => Ok(Attached::Alive(self.handle(*connection, &directory)?)),
            attach::Found::Gone => {
                let journal = JournalFile::open(&directory.join(journal::FILE_NAME))?;
                Ok(Attached::Gone(Box::new(Reader::finished(journal)) as Box<dyn JournalReader>))
            }
            attach::Found::NeverStarted => Ok(Attached::NeverStarted),
        }
    }

    async fn forget(&self, job: &JobId) -> Result<(), Refusal> {
        let directory = self.places.directory(job)?;
        blocking(move || forget::forget(&directory)).await
    }

    async fn run(&self, spec: &JobSpec, limit: Duration) -> Result<(JobEnd, String), Refusal> {
        bounded::run(self, spec, limit).await
    }

    fn machine(&self, places: &[String]) -> Machine {
        super::machine::read(places.iter().map(Path::new).chain([self.places.jobs.as_path()]))
    }

    async fn judge(&self, spec: &JobSpec, bounds: Bounds, cancel: watch::Receiver<bool>) -> Result<Judged, Refusal> {
        judged::run(self, spec, bounds, cancel).await
    }

    async fn clear(&self, job: &JobId) -> Result<(), Refusal> {
        judged::clear(self, job).await
    }

    fn journal_path(&self, job: &JobId) -> String {
        self.places.jobs.join(job.as_str()).join(journal::FILE_NAME).display().to_string()
    }
}

/// Does what blocks where it may.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Refusal> + Send + 'static) -> Result<T, Refusal> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Refusal::internal(format!("a driver's thread did not come to its end: {error}"))),
    }
}
