//! Puts the layers together: the one file that may name all of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::agent::Catalog;
use crate::base::clock;
use crate::base::paths::{PROTOCOL, Paths};
use crate::bench::CaseDriver;
use crate::git::GitDriver;
use crate::host::dispatcher::{self, HostSetup, Identity};
use crate::host::handle::HostHandle;
use crate::host::port::Store;
use crate::host::run_effect::Ports;
use crate::ide::IdeEndpoints;
use crate::model::Refusal;
use crate::model::settings::Settings;
use crate::process::daemon::ONE_HEAP;
use crate::process::{GroundDriver, JobDriver};
use crate::store::{AttachmentFiles, Released, SqliteStore};

/// A running engine with what has to be told when it stops.
pub struct Engine {
    /// The door.
    pub host: HostHandle,
    jobs: Arc<JobDriver>,
    database: Released,
}

/// How long a stop waits for what still reads the database.
const LAST_READERS: Duration = Duration::from_secs(2);

impl Engine {
    /// Stops: everything decided is committed, agents go on under their shims for the next daemon.
    pub async fn stop(self) {
        let Self { host, jobs, database } = self;
        host.shutdown().await;
        jobs.detach().await;
        drop(host);
        // The next engine can begin once the last reference is gone and what it wrote is closed.
        let deadline = clock::instant() + LAST_READERS;
        while !database.is_free() && clock::instant() < deadline {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        if !database.is_free() {
            tracing::warn!("something reads the database {} s after the stop", LAST_READERS.as_secs());
        }
    }
}

/// Starts an engine on the current tokio runtime.
///
/// # Errors
/// When the database is damaged, newer than this program or in use, or when git is missing or too old.
pub fn start(paths: &Paths, settings: &Settings) -> Result<Engine, Refusal> {
    // The running file, also when it was replaced by another version since.
    start_with(paths, settings, &PathBuf::from("/proc/self/exe"))
}

/// [`start`], with the program that is this binary (a test is another).
///
/// # Errors
/// As [`start`].
pub fn start_with(paths: &Paths, settings: &Settings, program: &Path) -> Result<Engine, Refusal> {
    let store = SqliteStore::open(&paths.database)?;
    let database = store.released();
    let store: Arc<dyn Store> = Arc::new(store);
    #[cfg(debug_assertions)]
    let store = crate::store::fault::wrap(store);
    let git = GitDriver::new(settings, &paths.state_dir)?;
    let jobs = Arc::new(JobDriver::new(&paths.jobs_dir, program.to_owned(), &paths.runtime_dir));
    let case_jobs = paths.state_dir.join("case-jobs");
    let jobs_of_cases = Arc::new(JobDriver::new(&case_jobs, program.to_owned(), &paths.runtime_dir));
    // The daemon's alone.
    let around = || std::env::vars_os().filter(|(name, _)| name != ONE_HEAP.0);
    let cases = CaseDriver::new(&paths.state_dir, jobs_of_cases, case_jobs, around());
    let environment: BTreeMap<String, String> =
        around().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect();
    let path = environment.get("PATH").cloned().unwrap_or_default();
    let own = std::fs::canonicalize(program).unwrap_or_else(|_| program.to_owned());
    let (catalog, findings) = Catalog::load(Some(&paths.config_dir), &own, &path);
    for finding in findings {
        tracing::warn!(kind = finding.kind, message = finding.message, "an agent definition is not usable");
    }
    let catalog = catalog.with_environment(environment.clone());
    let config_file = paths.config_file.clone();
    let host = dispatcher::start(HostSetup {
        ports: Ports {
            store,
            git: Arc::new(git),
            jobs: Arc::clone(&jobs) as _,
            agents: Arc::new(catalog),
            attachments: Arc::new(AttachmentFiles::new(&paths.state_dir)),
            endpoints: Arc::new(IdeEndpoints::new(&paths.state_dir)),
            grounds: Arc::new(GroundDriver::new(&paths.state_dir).reading_gates(move || {
                crate::config::load(&config_file).map(|config| config.settings.gates).map_err(|error| {
                    Refusal::user(format!("nobody knows whether there are gates: {error}")).hint("divisi config path")
                })
            })),
            cases: Arc::new(cases),
        },
        settings: settings.clone(),
        environment,
        identity: Identity {
            socket: paths.socket.display().to_string(),
            log: paths.log.display().to_string(),
            protocol: PROTOCOL,
        },
        new_id: Box::new(new_id),
    })?;
    Ok(Engine { host, jobs, database })
}

/// Ten characters of Crockford's base 32, lower case, from the system's random numbers.
fn new_id() -> String {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let mut bytes = [0_u8; 10];
    getrandom::fill(&mut bytes).expect("the system has random numbers");
    bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect()
}
