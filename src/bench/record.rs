//! A run's directory: `run.json` (what ran, with what, where), `results.jsonl` (one line for each attempt that ended, in the order
//! they ended) and the patch and the test output of each. It may be moved: nothing in it names a place outside.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::base::atomic_write::atomic_write;
use crate::model::attempt::Attempted;
use crate::model::bench_run::RunRecord;

/// What a run was made with.
pub(super) const FILE: &str = "run.json";
/// Its results.
pub(super) const RESULTS: &str = "results.jsonl";

/// The results of a run, as they end.
pub(super) struct Results {
    file: Mutex<File>,
    path: PathBuf,
    done: Vec<Attempted>,
}

impl Results {
    /// Opens a run's directory, makes it where it is missing, and reads what an earlier run finished in it.
    ///
    /// # Errors
    /// When it cannot be made or read, or has a line that is not a result.
    pub(super) fn open(directory: &Path) -> Result<Self, String> {
        let path = directory.join(RESULTS);
        let failed = |error: &dyn std::fmt::Display| format!("failed to open {}: {error}", path.display());
        fs::create_dir_all(directory).map_err(|error| failed(&error))?;
        let done = read(directory)?;
        let mut file = OpenOptions::new().create(true).append(true).open(&path).map_err(|error| failed(&error))?;
        // A line that a crash tore is ended, so that the next begins its own.
        if fs::read(&path).map_err(|error| failed(&error))?.last().is_some_and(|byte| *byte != b'\n') {
            file.write_all(b"\n").map_err(|error| failed(&error))?;
        }
        Ok(Self { file: Mutex::new(file), path, done })
    }

    /// What is not to be done again: verdicts are, a machine that failed is no verdict.
    pub(super) fn finished(&self) -> BTreeSet<(String, String, String, u32)> {
        self.done.iter().filter(|result| result.outcome.counts()).map(key).collect()
    }

    /// What an earlier run recorded.
    pub(super) fn earlier(&self) -> &[Attempted] {
        &self.done
    }

    /// Adds one; it is on the disk when this returns.
    pub(super) fn add(&self, result: &Attempted) -> Result<(), String> {
        let written = || -> io::Result<()> {
            let mut line = serde_json::to_vec(result)?;
            line.push(b'\n');
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.write_all(&line)?;
            file.sync_data()
        };
        written().map_err(|error| format!("failed to write {}: {error}", self.path.display()))
    }
}

/// What tells results apart: the case, what it was, who attempted it, and which attempt.
pub(super) fn key(result: &Attempted) -> (String, String, String, u32) {
    (result.case.clone(), result.digest.clone(), result.contestant.clone(), result.attempt)
}

/// The results of a run, one for each attempt: the newest that counts, else the newest.
///
/// # Errors
/// When the file cannot be read, or a line before the last is not a result.
pub(super) fn read(directory: &Path) -> Result<Vec<Attempted>, String> {
    let path = directory.join(RESULTS);
    let text = match fs::read(&path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(format!("failed to read {}: {error}", path.display())),
    };
    let mut results: Vec<Attempted> = Vec::new();
    let mut torn = None;
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        if let Some(number) = torn.take() {
            tracing::warn!(path = %path.display(), line = number, "a line that a crash cut is left out");
        }
        let Ok(result) = serde_json::from_str::<Attempted>(line) else {
            torn = Some(number + 1);
            continue;
        };
        match results.iter_mut().find(|earlier| key(earlier) == key(&result)) {
            Some(earlier) if earlier.outcome.counts() && !result.outcome.counts() => {}
            Some(earlier) => *earlier = result,
            None => results.push(result),
        }
    }
    Ok(results)
}

/// Reads what a run was made with.
///
/// # Errors
/// When it is not there or cannot be understood.
pub(super) fn load(directory: &Path) -> Result<RunRecord, String> {
    let path = directory.join(FILE);
    let bytes = fs::read(&path).map_err(|error| format!("failed to read {}: {error}", path.display()))?;
    serde_json::from_slice(&bytes)
        .map_err(|error| format!("{} is not of a run of this divisi: {error}", path.display()))
}

/// Writes `run.json` unless it is there; refuses to go on with a run of something else.
pub(super) fn begin(directory: &Path, record: &RunRecord) -> Result<(), String> {
    let path = directory.join(FILE);
    let write = |record: &RunRecord| {
        let mut text = serde_json::to_vec_pretty(record).map_err(|error| error.to_string())?;
        text.push(b'\n');
        fs::create_dir_all(directory)
            .and_then(|()| atomic_write(&path, &text))
            .map_err(|error| format!("failed to write {}: {error}", path.display()))
    };
    match fs::read(&path) {
        Ok(bytes) => {
            let earlier: RunRecord = serde_json::from_slice(&bytes)
                .map_err(|error| format!("{} is not of a run of this divisi: {error}", path.display()))?;
            if (&earlier.suite, earlier.seed) != (&record.suite, record.seed) {
                return Err(format!(
                    "{} is of another run: suite {} with seed {}",
                    directory.display(),
                    earlier.suite,
                    earlier.seed
                ));
            }
            if let (Some(was), Some(now)) = (&earlier.setup, &record.setup)
                && was.asked != now.asked
            {
                let of =
                    |agent: &str| if agent.is_empty() { "a validation".to_owned() } else { format!("agent {agent}") };
                let (was, now) = (of(&was.asked.agent), of(&now.asked.agent));
                return Err(format!("{} is of another run: by {was}, this one is by {now}", directory.display()));
            }
            // A run may go on with more cases than it began with.
            let added = record.cases.iter().filter(|case| !earlier.cases.iter().any(|known| known.id == case.id));
            let cases: Vec<_> = earlier.cases.iter().chain(added).cloned().collect();
            if cases.len() == earlier.cases.len() { Ok(()) } else { write(&RunRecord { cases, ..earlier }) }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => write(record),
        Err(error) => Err(format!("failed to read {}: {error}", path.display())),
    }
}
