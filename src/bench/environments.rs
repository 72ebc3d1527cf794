//! Environments that many cases share, kept ready below the cache: made once for everything that decides what is in them (`key`), put into
//! each checkout as files of its own (`copy`), thrown away by `keep` when there are too many.
//!
//! | below `environments/` | |
//! |---|---|
//! | `KEY/` | one, complete since it has this name: `environment.json`, `beside/` (for `CASE_ROOT`), `tree/` |
//! | `KEY.lock` | locked by who makes or removes it, and shared by who copies it |
//! | `KEY.fixed` | what it makes cannot be moved, so it is made anew in each checkout |
//! | `KEY.new/` | one that is being made, or was when its maker was killed |

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use self::copy::{Copier, try_lock};
use self::key::Read;
use self::place::{Place, bare, keep_one, put, run_in, run_script, take_back};
use super::machine::{Machine, Unrun, since};
use crate::base::atomic_write::atomic_write;
use crate::base::clock;
use crate::eval::case::recipe::Recipe;
use crate::eval::case::{Case, is_inside};
use crate::model::bench_environment::EnvironmentRecord;

mod contents;
mod copy;
mod keep;
mod key;
mod place;

pub(super) use keep::remove_directory;
pub use keep::shelve;

/// Below the cache.
const DIRECTORY: &str = "environments";
/// What one is.
const RECORD: &str = "environment.json";
/// As old as its last use.
const USED: &str = "used";
/// What is put beside a tree, and what into it.
const BESIDE: &str = "beside";
const TREE: &str = "tree";
/// How often it is looked whether another one has finished making it.
const LOOK: Duration = Duration::from_millis(50);
/// One that is made and then not there, or not as it was, is made again at most so often.
const ROUNDS: usize = 3;
/// All environments together take no more than this, bytes: those that were not used for longest go.
pub(super) const AT_MOST: u64 = 10 * 1024 * 1024 * 1024;

/// The environments of a run.
pub(super) struct Environments {
    directory: PathBuf,
    /// How often one is tried to be made.
    tries: u32,
    tools: OnceLock<Vec<(String, String)>>,
    found: Mutex<BTreeMap<String, Result<String, String>>>,
    failed: Mutex<BTreeMap<String, (u32, String)>>,
}

/// What making one needs beside the recipe.
struct Wanted<'a> {
    key: String,
    found: String,
    reads: Vec<Read>,
    tools: &'a [(String, String)],
}

impl Environments {
    /// Those below a cache.
    pub(super) fn new(cache: &Path, tries: u32) -> Self {
        Self {
            directory: cache.join(DIRECTORY),
            tries,
            tools: OnceLock::new(),
            found: Mutex::default(),
            failed: Mutex::default(),
        }
    }

    /// Puts what a case needs into a checkout: its own copy of what was made for all that need the same.
    pub(super) fn provide(
        &self,
        machine: &Machine<'_>,
        case: &Case,
        recipe: &Recipe,
        files: &Path,
        root: &Path,
    ) -> Result<EnvironmentRecord, Unrun> {
        let place = Place { case, recipe, files, root };
        let tools = self.tools.get_or_init(|| {
            // The machine's name for its kernel changes with every update, and git makes nothing here.
            machine.tools().into_iter().filter(|(name, _)| !matches!(name.as_str(), "uname" | "git")).collect()
        });
        let found = self.found(machine, place)?;
        let reads = key::reads(recipe, files)?;
        let variables = case.variables.iter().chain(machine.commands.given());
        let key = key::key(recipe, &found, &reads, variables, tools);
        let wanted = Wanted { key, found, reads, tools };
        fs::create_dir_all(&self.directory).map_err(|error| unkept(&self.directory, &error))?;
        for _ in 0..ROUNDS {
            if let Some(record) = self.take(machine, place, &wanted.key)? {
                return Ok(record);
            }
            if let Some(record) = self.make(machine, place, &wanted)? {
                return Ok(record);
            }
        }
        Err(Unrun::Failed(
            "the environment that was made is changed again and again before it can be copied".to_owned(),
        ))
    }

    /// What the recipe finds on this machine.
    fn found(&self, machine: &Machine<'_>, place: Place<'_>) -> Result<String, Unrun> {
        let Some(asks) = &place.recipe.asks else { return Ok(String::new()) };
        let asked = format!("{asks}\0{:?}", place.case.variables);
        if let Some(found) = lock(&self.found).get(&asked) {
            return found.clone().map_err(Unrun::Never);
        }
        let said = run_in(machine, place, asks)?;
        lock(&self.found).insert(asked, said.clone());
        said.map_err(Unrun::Never)
    }

    /// A copy of one that is there, as it was made.
    fn take(&self, machine: &Machine<'_>, place: Place<'_>, key: &str) -> Result<Option<EnvironmentRecord>, Unrun> {
        let shared = self.wait(machine, key, true)?;
        let kept = self.directory.join(key);
        let Some(record) = keep::record(&kept) else { return Ok(None) };
        let naming: BTreeSet<String> = record.naming.iter().cloned().collect();
        let mut copier = Copier::rewriting(Path::new(&record.made_in), place.root, &naming);
        let whole = match put(&mut copier, &kept, place) {
            // That is not its fault.
            Err(error) if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::InvalidInput) => {
                return Err(unkept(place.root, &error));
            }
            Err(error) => {
                tracing::warn!(path = %kept.display(), %error, "an environment cannot be copied");
                false
            }
            Ok(()) => copier.end().1 == record.digest,
        };
        if whole {
            // It only decides which one goes first.
            let _ = File::create(kept.join(USED)).and_then(|mut used| used.write_all(b"\n"));
            return Ok(Some(record));
        }
        tracing::warn!(path = %kept.display(), "an environment is not as it was made: it is made again");
        take_back(place).map_err(|error| unkept(place.root, &error))?;
        drop(shared);
        let _alone = self.wait(machine, key, false)?;
        keep::remove(&self.directory, key).map_err(|error| unkept(&kept, &error))?;
        Ok(None)
    }

    /// Makes one and keeps it, unless another one has meanwhile: then there is nothing to tell. Where it cannot be moved, it is made in
    /// the checkout.
    fn make(
        &self,
        machine: &Machine<'_>,
        place: Place<'_>,
        wanted: &Wanted<'_>,
    ) -> Result<Option<EnvironmentRecord>, Unrun> {
        let key = &wanted.key;
        let alone = self.wait(machine, key, false)?;
        if keep::record(&self.directory.join(key)).is_some() {
            return Ok(None);
        }
        let fixed = self.directory.join(format!("{key}.fixed"));
        if !fixed.exists() {
            if let Some((times, why)) = lock(&self.failed).get(key)
                && *times >= self.tries
            {
                return Err(Unrun::Never(format!("{why} (tried {times} times in this run)")));
            }
            match self.build(machine, place, wanted) {
                Ok(Some(unmovable)) => fs::write(&fixed, unmovable).map_err(|error| unkept(&fixed, &error))?,
                Ok(None) => {
                    drop(alone);
                    // What is removed is what others have not used for longest: a failure costs room, not the case.
                    if let Err(error) = keep::shrink(&self.directory, AT_MOST, Some(key)) {
                        tracing::warn!(%error, "environments take more room than they may");
                    }
                    return Ok(None);
                }
                Err(Unrun::Failed(why)) => {
                    let mut failed = lock(&self.failed);
                    let failed = failed.entry(key.clone()).or_default();
                    *failed = (failed.0 + 1, why.clone());
                    return Err(Unrun::Failed(why));
                }
                Err(other) => return Err(other),
            }
        }
        // Each case makes its own, so nobody has to wait.
        drop(alone);
        let begin = clock::instant();
        run_script(machine, place.case, place.recipe, place.files, place.root)?;
        let mut record = described(wanted, place, since(begin));
        record.packages = contents::packages(place.recipe, place.files, place.root);
        Ok(Some(record))
    }

    /// Makes one in a directory with nothing but what is read, and keeps it. What makes it impossible to move, where that is so.
    fn build(&self, machine: &Machine<'_>, place: Place<'_>, wanted: &Wanted<'_>) -> Result<Option<String>, Unrun> {
        let begin = clock::instant();
        let root = bare(place)?;
        let (files, new) = (root.join("files"), self.directory.join(format!("{}.new", wanted.key)));
        for Read { path, from, .. } in &wanted.reads {
            let to = files.join(path);
            let parent = to.parent().unwrap_or(&files);
            fs::create_dir_all(parent)
                .and_then(|()| fs::copy(from, &to))
                .map_err(|error| Unrun::Failed(format!("failed to make {}: {error}", to.display())))?;
        }
        run_script(machine, place.case, place.recipe, &files, &root)?;
        let kept = || -> io::Result<Result<EnvironmentRecord, String>> {
            // Of a maker that was killed.
            keep::remove_directory(&new)?;
            fs::create_dir(&new)?;
            let mut copier = Copier::finding(&root);
            for (below, names, from) in
                [(BESIDE, &place.recipe.makes_beside, &root), (TREE, &place.recipe.makes, &files)]
            {
                fs::create_dir(new.join(below))?;
                for name in names {
                    keep_one(&mut copier, from, &new.join(below), below, name)?;
                }
            }
            let mut record = described(wanted, place, since(begin));
            (record.files, record.bytes) = (copier.files, copier.bytes);
            let (found, digest) = copier.end();
            if let Some(fixed) = found.fixed {
                keep::remove_directory(&new)?;
                return Ok(Err(fixed));
            }
            record.packages = contents::packages(place.recipe, &files, &root);
            record.naming = found.naming.into_iter().collect();
            record.digest = digest;
            record.made_in = root.display().to_string();
            let text = serde_json::to_vec_pretty(&record)?;
            atomic_write(&new.join(RECORD), &text)?;
            File::create(new.join(USED))?;
            fs::rename(&new, self.directory.join(&wanted.key))?;
            Ok(Ok(record))
        };
        let kept = kept().map_err(|error| unkept(&new, &error))?;
        keep::remove_directory(&root).map_err(|error| unkept(&root, &error))?;
        match kept {
            Ok(record) => {
                tracing::info!(
                    name = record.name,
                    key = record.key,
                    took_ms = record.took_ms,
                    "an environment was made"
                );
                Ok(None)
            }
            Err(file) => {
                tracing::warn!(
                    name = place.recipe.name,
                    file,
                    "an environment cannot be moved: each checkout makes its own"
                );
                Ok(Some(file))
            }
        }
    }

    /// The lock of one, for oneself or with others, once nobody holds it otherwise.
    fn wait(&self, machine: &Machine<'_>, key: &str, shared: bool) -> Result<File, Unrun> {
        let path = self.directory.join(format!("{key}.lock"));
        loop {
            match try_lock(&path, shared) {
                Ok(Some(file)) => return Ok(file),
                Ok(None) => machine.commands.pause(LOOK)?,
                Err(error) => return Err(unkept(&path, &error)),
            }
        }
    }
}

/// Takes down what one was in the directory of a run that used it.
pub(super) fn record(run: &Path, record: &EnvironmentRecord) -> io::Result<()> {
    let path = run.join(DIRECTORY).join(format!("{}.json", record.id()));
    if path.exists() {
        return Ok(());
    }
    fs::create_dir_all(run.join(DIRECTORY))?;
    atomic_write(&path, &serde_json::to_vec_pretty(record)?)
}

/// What one was that a run used.
pub(super) fn of_run(run: &Path, id: &str) -> Option<EnvironmentRecord> {
    if !is_inside(id) {
        return None;
    }
    serde_json::from_slice(&fs::read(run.join(DIRECTORY).join(format!("{id}.json"))).ok()?).ok()
}

fn described(wanted: &Wanted<'_>, place: Place<'_>, took_ms: u64) -> EnvironmentRecord {
    EnvironmentRecord {
        version: 1,
        key: wanted.key.clone(),
        name: place.recipe.name.clone(),
        script: place.recipe.script.clone(),
        found: wanted.found.clone(),
        reads: wanted.reads.iter().map(|read| (read.path.clone(), read.hash[..16].to_owned())).collect(),
        tools: wanted.tools.to_vec(),
        packages: Vec::new(),
        made_at: clock::now(),
        took_ms,
        files: 0,
        bytes: 0,
        digest: String::new(),
        made_in: String::new(),
        naming: Vec::new(),
    }
}

fn unkept(path: &Path, error: &io::Error) -> Unrun {
    Unrun::Failed(format!("the environment could not be kept or copied: {}: {error}", path.display()))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
