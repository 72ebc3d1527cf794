//! Driver: cases of benchmarks for batches, `cases/<batch>` in the state directory.
//!
//! Below it `kept` has the chosen cases as they were, `results` what was made of them and what the tests said, and every attempt that
//! has a session a directory called after that: the repository in which the agent works, and everything beside it. What prepares,
//! carries over and judges is what `divisi bench` uses.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::checkout::{Checkout, keep_log};
use super::container::{self, Fixed, Yard};
use super::environments::remove_directory;
use super::judge::{self, Judged};
use super::machine::{Machine, Unrun, since};
use super::one::again;
use super::own_runs;
use super::validity::Known;
use super::words;
use crate::base::path::private_directory;
use crate::base::{clock, hex};
use crate::eval::case::{Case, Grading, Limits as CaseLimits, Reference};
use crate::host::port::{
    CaseFailure, CaseGround, Cases, FoundCase, FoundCases, Jobs, JudgedCase, Needed, PreparedCase, Unfound,
};
use crate::model::Refusal;
use crate::model::attempt::{Asked, BenchRequest, Contestant, Outcome, Validity};
use crate::model::bench::Excerpt;
use crate::model::case::{PlanCase, PlanCases};
use crate::model::container::Containers;
use crate::model::id::{BatchId, JobId, SessionId};
use crate::model::meter::Allowance;
use crate::model::retries::Retries;
use crate::model::suite::Limits;

mod find;
mod retired;

/// Processes of a command of a case at one time.
const PROCESSES: u64 = 1024;
/// What a command of a case may print, KiB.
const OUTPUT: u64 = 64 * 1024;

/// How often a directory is cleared in which somebody writes, and how long apart.
const CLEARINGS: u32 = 50;
const APART: Duration = Duration::from_millis(50);

/// Cases below one directory.
pub struct CaseDriver {
    root: PathBuf,
    cache: PathBuf,
    jobs: Arc<dyn Jobs>,
    /// Where those jobs are, and nobody else's.
    jobs_dir: PathBuf,
    environment: Vec<(OsString, OsString)>,
}

impl CaseDriver {
    /// Below a state directory. `jobs` runs the commands of cases, and keeps nothing else in `jobs_dir`; `environment` says where
    /// programs are. Nothing is made before it is needed.
    pub fn new(
        state_dir: &Path,
        jobs: Arc<dyn Jobs>,
        jobs_dir: PathBuf,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Self {
        let environment = environment.into_iter().collect();
        Self { root: state_dir.join("cases"), cache: state_dir.join("bench-cache"), jobs, jobs_dir, environment }
    }

    /// A batch's directory. Ids are made by divisi; one that is no plain name never becomes a path.
    fn of_batch(&self, batch: &BatchId) -> Result<PathBuf, String> {
        Ok(self.root.join(plain(batch.as_str())?))
    }

    fn of_session(&self, batch: &BatchId, session: &SessionId) -> Result<PathBuf, String> {
        Ok(self.of_batch(batch)?.join(plain(session.as_str())?))
    }

    fn results(&self, ground: &CaseGround) -> Result<PathBuf, String> {
        Ok(self.of_batch(&ground.batch)?.join("results").join(plain(&ground.name)?))
    }

    /// Why something of an attempt could not be done, with where everything is that its preparation said.
    fn unready(&self, ground: &CaseGround, root: &Path, why: Unrun) -> CaseFailure {
        let kept = self.results(ground).and_then(|results| {
            let kept = keep_log(root, &results).map_err(|error| error.to_string())?;
            Ok(kept.then(|| results.join(words::LOG)))
        });
        match (unrun(why), kept) {
            (CaseFailure::Failed(why), Ok(Some(log))) => {
                CaseFailure::Failed(format!("{why} (all of it: {})", log.display()))
            }
            (failure, Err(error)) => {
                tracing::warn!(session = %ground.session, error, "what a preparation said is not kept");
                failure
            }
            (failure, _) => failure,
        }
    }

    /// The case as it was when the batch began.
    fn kept(&self, ground: &CaseGround) -> Result<Case, String> {
        let path = self.of_batch(&ground.batch)?.join("kept").join(format!("{}.json", plain(&ground.key)?));
        let text = fs::read(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                "the batch's cases are not kept any more: that is so 30 days after its end; run its plan again"
                    .to_owned()
            }
            _ => format!("the batch's case cannot be read: {error}"),
        })?;
        if hex::encode(&Sha256::digest(&text)) != ground.key {
            return Err(format!("the batch's case is damaged: {}", path.display()));
        }
        serde_json::from_slice(&text).map_err(|error| format!("the batch's case cannot be read: {error}"))
    }

    fn request(&self, ground: &CaseGround) -> BenchRequest {
        BenchRequest {
            suite: PathBuf::new(),
            only: Vec::new(),
            size: None,
            seed: 0,
            attempts: 1,
            concurrency: 1,
            directory: PathBuf::new(),
            repositories: None,
            environments: None,
            environment: ground.variables.clone().into_iter().collect(),
            contestant: Contestant::Null,
            asked: Asked::default(),
            keep: false,
            allowance: Allowance::default(),
            limits: Limits { memory_mb: 0, processes: PROCESSES, output_kb: OUTPUT, ..Limits::default() },
            cache: self.cache.clone(),
            // A run of a batch is tried again as a whole.
            retries: Retries { tries: 1, ..Retries::default() },
            containers: ground.containers,
            images: BTreeMap::new(),
            network: ground.network,
        }
    }

    fn machine<'a>(&'a self, request: &BenchRequest, stop: &'a AtomicBool) -> Result<Machine<'a>, String> {
        Machine::new(&self.environment, request, self.jobs.as_ref(), stop)
    }

    /// Judges a patch that is not empty: in a container of the case's image where the plan wants that and it can be had.
    fn verdict(
        &self,
        machine: &Machine<'_>,
        (request, case): (&BenchRequest, &Case),
        patch: &[u8],
        tests: &Path,
        stop: &AtomicBool,
    ) -> Result<(Judged, Option<Validity>), Unrun> {
        let known = Known::load(&self.cache);
        if request.containers != Containers::Never
            && let Grading::Swebench(instance) = &case.grading
        {
            let cases = std::slice::from_ref(case);
            let yard = Yard::survey(request, cases, &Fixed::new(), &self.environment, stop)
                .map_err(|refusal| Unrun::Failed(refusal.message))?;
            for note in &yard.notes {
                tracing::info!(case = case.id, note, "judging in containers");
            }
            if let Some(image) = yard.image(&case.id) {
                let judged = container::judge(machine, &yard, (case, instance, image), patch, tests)?;
                return Ok((judged, known.of(case, Some(image), request.network)));
            }
        }
        let validity = known.of(case, None, request.network);
        judge::judge_here(machine, case, (patch, validity == Some(Validity::Valid)), tests)
            .map(|judged| (judged, validity))
    }
}

/// Removes a directory in which somebody who is just being ended may still write.
fn clear(path: &Path) -> std::io::Result<()> {
    let mut left = CLEARINGS;
    loop {
        match remove_directory(path) {
            Err(error) if left > 0 && error.kind() == std::io::ErrorKind::DirectoryNotEmpty => left -= 1,
            ended => return ended,
        }
        clock::pause(APART);
    }
}

/// A name of divisi's own making.
fn plain(name: &str) -> Result<&str, String> {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || name.len() > 64 || !name.bytes().all(good) {
        return Err(format!("{name:?} is no name of something of a batch"));
    }
    Ok(name)
}

fn failed(why: String) -> CaseFailure {
    CaseFailure::Failed(why)
}

fn unrun(unrun: Unrun) -> CaseFailure {
    match unrun {
        Unrun::Stopped => CaseFailure::Stopped,
        Unrun::Failed(why) | Unrun::Never(why) => CaseFailure::Failed(why),
    }
}

/// A case as a plan and a batch keep it: what resolves it is nobody's business.
fn found(mut case: Case) -> Result<FoundCase, serde_json::Error> {
    case.reference = None::<Reference>;
    if let Grading::Swebench(instance) = &mut case.grading {
        instance.patch = String::new();
        instance.hints_text = String::new();
    }
    let document = serde_json::to_vec(&case)?;
    let usual = CaseLimits::default().agent;
    Ok(FoundCase {
        case: PlanCase {
            group: case.group,
            key: hex::encode(&Sha256::digest(&document)),
            iterations: case.iterations.max(1),
            agent_sec: (case.limits.agent != usual).then_some(case.limits.agent.as_secs()),
        },
        id: case.id,
        prompt: case.prompt,
        follow_ups: case.follow_ups,
        document,
    })
}

impl Cases for CaseDriver {
    fn find(&self, directory: &str, wanted: &PlanCases) -> Result<FoundCases, Unfound> {
        let (file, cases) = find::find(Path::new(directory), wanted)?;
        let cases: Result<Vec<FoundCase>, serde_json::Error> = cases.into_iter().map(found).collect();
        let unkept = |error: serde_json::Error| Unfound {
            key: "task",
            message: format!("a case cannot be kept: {error}"),
            near: None,
        };
        Ok(FoundCases { file: file.display().to_string(), cases: cases.map_err(unkept)? })
    }

    fn keep(&self, batch: &BatchId, cases: &[FoundCase]) -> Result<(), Refusal> {
        let kept = self.of_batch(batch).map_err(Refusal::internal)?.join("kept");
        let write = || -> std::io::Result<()> {
            private_directory(&self.root)?;
            private_directory(&kept)?;
            for case in cases {
                let path = kept.join(format!("{}.json", case.case.key));
                if !path.exists() {
                    fs::write(path, &case.document)?;
                }
            }
            Ok(())
        };
        write().map_err(|error| {
            Refusal::environment(format!("the batch's cases cannot be kept in {}: {error}", kept.display()))
        })
    }

    fn forget(&self, batch: &BatchId) {
        let removed = self.of_batch(batch).map(|directory| remove_directory(&directory));
        if let Ok(Err(error)) = removed {
            tracing::warn!(%batch, %error, "the cases of a batch that did not begin stay until the next start");
        }
    }

    fn prepare(&self, ground: &CaseGround, stop: &AtomicBool) -> Result<PreparedCase, CaseFailure> {
        let begin = clock::instant();
        let case = self.kept(ground).map_err(failed)?;
        let root = self.of_session(&ground.batch, &ground.session).map_err(failed)?;
        // What a daemon that was killed left there is in an unknown state.
        clear(&root).map_err(|error| failed(format!("failed to clear {}: {error}", root.display())))?;
        private_directory(&root).map_err(|error| failed(format!("failed to make {}: {error}", root.display())))?;
        let machine = self.machine(&self.request(ground), stop).map_err(failed)?;
        let checkout = Checkout::make(&machine, &case, &root).map_err(|why| self.unready(ground, &root, why))?;
        Ok(PreparedCase { repository: checkout.files.display().to_string(), prepare_ms: since(begin) })
    }

    fn judge(&self, ground: &CaseGround, files: &str, stop: &AtomicBool) -> Result<JudgedCase, CaseFailure> {
        let case = self.kept(ground).map_err(failed)?;
        let root = self.of_session(&ground.batch, &ground.session).map_err(failed)?;
        let request = self.request(ground);
        let machine = self.machine(&request, stop).map_err(failed)?;
        let checkout = Checkout::again(&root).map_err(unrun)?;
        let patch = checkout.patch(&machine, Path::new(files), &case.carry).map_err(unrun)?;
        let tests = root.join("tests");
        let cleared = || {
            remove_directory(&tests).map_err(|error| failed(format!("failed to clear {}: {error}", tests.display())))
        };
        cleared()?;
        let judged = if patch.is_empty() {
            let said = b"nothing was changed\n".to_vec();
            let judged = Judged { outcome: Outcome::EmptyPatch, said, prepare_ms: 0, test_ms: 0, environment: None };
            Ok((judged, Known::load(&self.cache).of(&case, None, ground.network)))
        } else {
            self.verdict(&machine, (&request, &case), &patch, &tests, stop)
        };
        let judged = judged.map_err(|why| self.unready(ground, &root, why));
        if let Err(failure) = cleared() {
            tracing::warn!(session = %ground.session, ?failure, "a tree of tests stays until its session is removed");
        }
        let (Judged { outcome, said, prepare_ms, test_ms, environment: _ }, validity) = judged?;
        let results = self.results(ground).map_err(failed)?;
        private_directory(&results)
            .and_then(|()| fs::write(results.join("patch.diff"), &patch))
            .and_then(|()| fs::write(results.join("test_output.txt"), &said))
            .map_err(|error| failed(format!("failed to write in {}: {error}", results.display())))?;
        Ok(JudgedCase {
            verdict: outcome,
            patch_sha256: hex::encode(&Sha256::digest(&patch)),
            prepare_ms,
            test_ms,
            again: again(&said),
            validity,
        })
    }

    fn remove(&self, batch: &BatchId, session: &SessionId) -> Result<(), Refusal> {
        let root = self.of_session(batch, session).map_err(Refusal::internal)?;
        clear(&root).map_err(|error| {
            Refusal::environment(format!("the case's repository {} cannot be deleted: {error}", root.display()))
        })
    }

    fn sweep(&self, live: &BTreeSet<SessionId>, needed: &dyn Fn(&BatchId) -> Needed) {
        let mut left = Vec::new();
        let mut retired = Vec::new();
        for batch in names(&self.root) {
            let directory = self.root.join(&batch);
            let needed = needed(&BatchId(batch));
            if needed == Needed::Report {
                retired.push(directory.clone());
            }
            let gone: Vec<PathBuf> = if needed == Needed::Nothing {
                vec![directory]
            } else {
                let stays = |name: &String| {
                    matches!(name.as_str(), "kept" | "results") || live.contains(&SessionId(name.clone()))
                };
                names(&directory).into_iter().filter(|name| !stays(name)).map(|name| directory.join(name)).collect()
            };
            left.extend(gone);
        }
        let jobs: Vec<JobId> = names(&self.jobs_dir).into_iter().map(JobId).collect();
        if left.is_empty() && jobs.is_empty() && retired.is_empty() {
            return;
        }
        // Nobody waits for it: what comes from now on has other names.
        let driver = Arc::clone(&self.jobs);
        std::thread::spawn(move || {
            end_jobs(driver.as_ref(), jobs);
            for path in left {
                if let Err(error) = remove_directory(&path) {
                    tracing::warn!(path = %path.display(), %error, "what is left of an attempt at a case stays");
                }
            }
            for directory in retired {
                if let Err(error) = retired::retire(&directory) {
                    tracing::warn!(path = %directory.display(), %error, "cases of a batch that ended long ago stay");
                }
            }
        });
    }

    fn excerpt(&self, batch: &BatchId, name: &str, room: usize) -> Excerpt {
        let directory = self.of_batch(batch).and_then(|directory| Ok((directory, plain(name)?)));
        directory.map_or_else(
            |_| Excerpt::default(),
            |(directory, name)| own_runs::excerpt(&directory, &format!("results/{name}"), room),
        )
    }
}

/// Ends what an earlier daemon began, and deletes its files.
fn end_jobs(driver: &dyn Jobs, jobs: Vec<JobId>) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return tracing::warn!(%error, "commands of cases that were cut off are not looked for"),
    };
    for job in jobs {
        if let Err(refusal) = runtime.block_on(driver.clear(&job)) {
            tracing::warn!(%job, %refusal, "a command of a case that was cut off stays");
        }
    }
}

/// The names in a directory that may not be there.
fn names(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

#[cfg(test)]
mod tests;
