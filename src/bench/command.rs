//! Commands of cases: setups and tests, each a job under a shim with an environment that is the same for everybody, and under limits.
//! Nothing of a command's tree is left when it has ended, not even who left its process group.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

use super::machine::Unrun;
use crate::base::hex;
use crate::eval::case::Case;
use crate::host::port::{Bounds, JobSpec, Jobs, Judged, Stopped, apart};
use crate::model::attempt::BenchRequest;
use crate::model::id::JobId;
use crate::model::job::{JobEnd, OnDaemonDeath};
use crate::model::suite::Limits;

/// A command that only moves files about takes longer when it hangs.
const SHORT: Duration = Duration::from_secs(600);
/// How often it is looked whether a command is to stop.
const STOP_CHECK: Duration = Duration::from_millis(50);

/// How a command ended, with what it said on both of its outputs, in the order it said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ran {
    /// By itself.
    Ended {
        /// Its exit code; absent when a signal ended it or it used too much.
        code: Option<i32>,
        /// What it said.
        said: Vec<u8>,
        /// What it used too much of, where it was ended for that.
        over: Option<String>,
    },
    /// Too late.
    TimedOut {
        /// What it said until then.
        said: Vec<u8>,
    },
}

/// What a command is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum For {
    /// To prepare a checkout: packages come through caches that are kept.
    Setup,
    /// To test what somebody made: no cache is in reach, for it could spoil what the next case gets.
    Test,
}

/// Where commands of cases run.
pub(super) struct Commands<'a> {
    jobs: &'a dyn Jobs,
    runtime: Runtime,
    path: String,
    given: Vec<(String, String)>,
    cache: PathBuf,
    limits: Limits,
    network: Option<bool>,
    /// What comes before tests that have no network, or why that cannot be; absent until it is asked.
    apart: Mutex<Option<Result<Vec<String>, String>>>,
    stop: &'a AtomicBool,
    /// No other run's jobs are called like this one's.
    name: String,
    number: AtomicU64,
}

/// A directory with what a command works on: a checkout's files and everything of its own beside them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scene<'a> {
    /// The case.
    pub(super) case: &'a Case,
    /// The files.
    pub(super) files: &'a Path,
    /// The directory of everything.
    pub(super) own: &'a Path,
}

impl<'a> Commands<'a> {
    /// `given` are the variables that every command gets beside the usual ones; `path` is where programs are looked for.
    ///
    /// # Errors
    /// When threads cannot be started.
    pub(super) fn new(
        jobs: &'a dyn Jobs,
        path: String,
        given: Vec<(String, String)>,
        request: &BenchRequest,
        stop: &'a AtomicBool,
    ) -> Result<Self, String> {
        let (cache, limits, network) = (request.cache.clone(), request.limits, request.network);
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.map_err(|error| format!("failed to start threads: {error}"))?;
        let mut bytes = [0_u8; 8];
        getrandom::fill(&mut bytes).map_err(|error| format!("no random numbers: {error}"))?;
        let name = format!("bench-{}", hex::encode(&bytes));
        Ok(Self {
            jobs,
            runtime,
            path,
            given,
            cache,
            limits,
            network,
            apart: Mutex::new(None),
            stop,
            name,
            number: AtomicU64::new(0),
        })
    }

    /// A command of `sh` in a checkout, with directories of its own beside it: its home, its temporary files, what cargo builds. A
    /// build directory shared between checkouts makes tests of one pass with what was built for another.
    pub(super) fn run(&self, command: &str, what: For, scene: Scene<'_>, time: Duration) -> Result<Ran, Unrun> {
        let (home, temporary) = (scene.own.join("home"), scene.own.join("tmp"));
        for directory in [&home, &temporary] {
            std::fs::create_dir_all(directory)
                .map_err(|error| Unrun::Failed(format!("failed to make {}: {error}", directory.display())))?;
        }
        let limits = self.limits_of(scene.case);
        let script =
            format!("exec 2>&1\nexport TMPDIR={}\n{}{command}\n", quoted(&text(&temporary)?), limited(&limits));
        let environment = self.environment(what, scene, &home)?;
        let shell = ["/bin/sh", "-c", &script].map(str::to_owned);
        let directory = text(scene.files)?;
        let job = |command| self.job(command, directory.clone(), environment.clone());
        // A setup gets its packages from somewhere.
        let network = self.network.or(scene.case.limits.uses.network);
        let mut command = if what == For::Test && network == Some(false) { self.apart(&job)? } else { Vec::new() };
        command.extend(shell);
        let memory = limits.memory_mb.saturating_mul(1 << 20);
        self.end(&job(command), &limits, Bounds { time, processes: limits.processes, output: 0, memory })
    }

    /// A call of a container's engine, with what it says bounded as of tests; what runs in the container has limits of its own.
    pub(super) fn client(
        &self,
        command: Vec<String>,
        environment: BTreeMap<String, String>,
        (case, directory): (&Case, &Path),
    ) -> Result<Ran, Unrun> {
        let limits = self.limits_of(case);
        let spec = self.job(command, text(directory)?, environment);
        // podman gives what it starts limits of its own, and cannot when it has less itself.
        self.end(&spec, &limits, Bounds { time: case.limits.test, processes: 0, output: 0, memory: 0 })
    }

    fn job(&self, command: Vec<String>, directory: String, environment: BTreeMap<String, String>) -> JobSpec {
        JobSpec {
            job: JobId(format!("{}-{}", self.name, self.number.fetch_add(1, Ordering::Relaxed))),
            command,
            directory,
            environment,
            stdin: false,
            terminal: None,
            on_daemon_death: OnDaemonDeath::Kill,
            lease: Duration::ZERO,
        }
    }

    /// The words before a command that has no network.
    fn apart(&self, job: &dyn Fn(Vec<String>) -> JobSpec) -> Result<Vec<String>, Unrun> {
        let mut known = self.apart.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_none() {
            // Whether it can be is the same for all; what is asked is a job like theirs.
            let probe = job(Vec::new());
            let probe = |command| JobSpec { command, ..probe.clone() };
            let (_cancel, cancelled) = watch::channel(false);
            let words = self.runtime.block_on(apart::words(self.jobs, probe, &cancelled));
            *known = Some(words.map_err(|refusal| Unrun::Failed(refusal.message))?);
        }
        known.clone().unwrap_or_else(|| Ok(Vec::new())).map_err(Unrun::Failed)
    }

    /// Runs a job to its end and tells how that was.
    fn end(&self, spec: &JobSpec, limits: &Limits, bounds: Bounds) -> Result<Ran, Unrun> {
        let ended = self.judge(spec, Bounds { output: limits.output_kb.saturating_mul(1024), ..bounds });
        let Judged { end, stopped, stdout: mut said, .. } = ended.map_err(|refusal| Unrun::Failed(refusal.message))?;
        let mut over = None;
        let mut ended_for = |why: String| {
            said.extend_from_slice(format!("\ndivisi ended it: {why}\n").as_bytes());
            over = Some(why);
        };
        let code = match (stopped, end) {
            (Some(Stopped::Cancelled), _) => return Err(Unrun::Stopped),
            (Some(Stopped::Time), _) => return Ok(Ran::TimedOut { said }),
            (Some(Stopped::Output), _) => {
                ended_for(format!("it printed more than {} KiB", limits.output_kb));
                None
            }
            (Some(Stopped::Processes), _) => {
                ended_for(format!("it had more than {} processes", limits.processes));
                None
            }
            (Some(Stopped::Memory), _) => {
                ended_for(format!("it used more than {} MiB of memory", limits.memory_mb));
                None
            }
            (None, JobEnd::Exited { code, .. }) => Some(code),
            (None, JobEnd::Signaled { .. }) => None,
            (None, JobEnd::NotStarted { reason }) => return Err(Unrun::Failed(reason)),
            (None, JobEnd::Lost) => return Err(Unrun::Failed("the command's process was lost".to_owned())),
        };
        Ok(Ran::Ended { code, said, over })
    }

    /// A command by its words, in a checkout, with a path as its last: whether it succeeded, and what it said.
    pub(super) fn words(&self, words: &[&str], last: Option<&Path>, scene: Scene<'_>) -> Result<(bool, String), Unrun> {
        let mut command: Vec<String> = words.iter().map(|word| quoted(word)).collect();
        command.extend(last.map(|path| quoted(&path.display().to_string())));
        match self.run(&command.join(" "), For::Test, scene, SHORT)? {
            Ran::Ended { code, said, .. } => Ok((code == Some(0), String::from_utf8_lossy(&said).into_owned())),
            Ran::TimedOut { .. } => Err(Unrun::Failed(format!("{} did not end", words.join(" ")))),
        }
    }

    /// The variables that every command gets beside the usual ones.
    pub(super) fn given(&self) -> &[(String, String)] {
        &self.given
    }

    /// Waits so long, unless everything is to stop.
    pub(super) fn pause(&self, time: Duration) -> Result<(), Unrun> {
        self.runtime.block_on(async {
            let mut look = tokio::time::interval(STOP_CHECK.min(time.max(Duration::from_millis(1))));
            let mut end = pin!(tokio::time::sleep(time));
            loop {
                tokio::select! {
                    () = &mut end => return Ok(()),
                    _ = look.tick() => {
                        if self.stop.load(Ordering::Relaxed) {
                            return Err(Unrun::Stopped);
                        }
                    }
                }
            }
        })
    }

    fn judge(&self, spec: &JobSpec, bounds: Bounds) -> Result<Judged, crate::model::Refusal> {
        self.runtime.block_on(async {
            let (cancel, cancelled) = watch::channel(false);
            let mut judged = pin!(self.jobs.judge(spec, bounds, cancelled));
            let mut look = tokio::time::interval(STOP_CHECK);
            loop {
                tokio::select! {
                    judged = &mut judged => return judged,
                    _ = look.tick() => {
                        if self.stop.load(Ordering::Relaxed) {
                            cancel.send_replace(true);
                        }
                    }
                }
            }
        })
    }

    /// What the case says, else what the run says.
    pub(super) fn limits_of(&self, case: &Case) -> Limits {
        let own = case.limits.uses;
        Limits {
            memory_mb: own.memory_mb.unwrap_or(self.limits.memory_mb),
            processes: own.processes.unwrap_or(self.limits.processes),
            output_kb: own.output_kb.unwrap_or(self.limits.output_kb),
            ..self.limits
        }
    }

    fn environment(&self, what: For, scene: Scene<'_>, home: &Path) -> Result<BTreeMap<String, String>, Unrun> {
        let own = text(scene.own)?;
        let mut all = BTreeMap::new();
        let mut set = |name: &str, value: String| all.insert(name.to_owned(), value);
        // The programs of a virtual environment that a setup made come first.
        set("PATH", format!("{own}/venv/bin:{}", self.path));
        set("HOME", text(home)?);
        set("CARGO_TARGET_DIR", format!("{own}/target"));
        set("GOCACHE", format!("{own}/go-build"));
        set("CASE_ROOT", own);
        for (name, value) in [
            ("LANG", "C.UTF-8"),
            ("LC_ALL", "C.UTF-8"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("CI", "1"),
            // Scripts of SWE-bench's instances install what they test, and outside of a container that Python may be the person's own.
            ("PIP_REQUIRE_VIRTUALENV", "1"),
        ] {
            set(name, value.to_owned());
        }
        if what == For::Setup {
            let cache = text(&self.cache)?;
            for (name, below) in [("UV_CACHE_DIR", "uv"), ("PIP_CACHE_DIR", "pip"), ("npm_config_cache", "npm")] {
                set(name, format!("{cache}/{below}"));
            }
            // A file that is the cache's too could be changed from the checkout.
            set("UV_LINK_MODE", "copy".to_owned());
        }
        all.extend(scene.case.variables.iter().cloned());
        all.extend(self.given.iter().cloned());
        Ok(all)
    }
}

/// The shell's words that limit what comes after them.
fn limited(limits: &Limits) -> String {
    let values = [
        ('t', limits.cpu_sec),
        // Blocks of 512 bytes.
        ('f', limits.file_mb.saturating_mul(2048)),
    ];
    let limit = |(letter, value): (char, u64)| format!("ulimit -{letter} {value} || exit 125\n");
    let limits: Vec<String> = values.into_iter().filter(|(_, value)| *value > 0).map(limit).collect();
    limits.concat()
}

/// A word of `sh`.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

fn text(path: &Path) -> Result<String, Unrun> {
    let text = path.to_str().map(str::to_owned);
    text.ok_or_else(|| Unrun::Never(format!("the path {} is not valid UTF-8", path.display())))
}
