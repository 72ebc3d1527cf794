//! All attempts of a run, some at once, each recorded when it ends.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use super::container::Yard;
use super::load::{self, Places, Suite};
use super::machine::Machine;
use super::one::Attempt;
use super::patience::Patience;
use super::record::{self, Results};
use super::rerun;
use super::validity::{self, Known};
use crate::base::text::visible_line;
use crate::eval::case::Case;
use crate::host::port::Jobs;
use crate::model::Refusal;
use crate::model::attempt::{
    Attempted, BenchRequest, Contestant, Judged, Outcome, Progress, Solver, Unsolved, Validity,
};
use crate::model::bench_run::RunRecord;
use crate::model::container::Containers;
use crate::model::meter::Meter;

/// Runs what is asked for and returns every result of the run's directory that belongs to it, those of an earlier run among them.
/// `jobs` runs the commands of cases; `tell` hears what happens; `stop` ends everything.
///
/// # Errors
/// When the suite cannot be read, nothing of it is chosen, or the run's directory cannot be written.
pub fn run(
    request: &BenchRequest,
    solver: Solver<'_>,
    jobs: &dyn Jobs,
    tell: &(dyn Fn(Progress) + Sync),
    stop: &AtomicBool,
) -> Result<Vec<Attempted>, Refusal> {
    let suite = load::load(&request.suite, places(request))?;
    let cases = suite.choose(&request.only, request.size, request.seed)?;
    let plan =
        Plan { cases: &cases, contestants: std::slice::from_ref(&request.contestant), attempts: request.attempts };
    carry_out(request, &suite, &plan, solver, &Outside { jobs, tell, stop })
}

/// Runs every chosen case with nothing done and with its reference, and says what that tells of it.
///
/// # Errors
/// As [`run`].
pub fn validate(
    request: &BenchRequest,
    jobs: &dyn Jobs,
    tell: &(dyn Fn(Progress) + Sync),
    stop: &AtomicBool,
) -> Result<Vec<Judged>, Refusal> {
    let suite = load::load(&request.suite, places(request))?;
    let cases = suite.choose(&request.only, request.size, request.seed)?;
    let both = [Contestant::Null, Contestant::Gold];
    let plan = Plan { cases: &cases, contestants: &both, attempts: 1 };
    let nobody = Solver {
        solve: &|_| Err(Unsolved::Infrastructure("nobody attempts cases in a validation".to_owned())),
        leave: &|_| {},
    };
    let results = carry_out(request, &suite, &plan, nobody, &Outside { jobs, tell, stop })?;
    let of = |case: &Case, who: &Contestant| {
        results
            .iter()
            .find(|result| result.case == case.id && result.contestant == who.name())
            .map(|result| &result.outcome)
    };
    let judged: Vec<Judged> = cases
        .iter()
        .map(|case| {
            let gold = results.iter().find(|result| result.case == case.id && result.contestant == "gold");
            let (validity, mut why) = judge(case, of(case, &Contestant::Null), gold.map(|gold| &gold.outcome));
            if validity == Validity::GoldFails
                && !gold.is_some_and(|gold| gold.outcome == Outcome::TimedOut)
                && let Some(last) = gold.and_then(|gold| last_words(&request.directory.join(&gold.artefacts)))
            {
                why = format!("{why}: {last}");
            }
            Judged { case: case.id.clone(), validity, why }
        })
        .collect();
    let image = |case: &Case| results.iter().find(|result| result.case == case.id)?.image.as_ref();
    let told = cases.iter().zip(&judged).map(|(case, judged)| (case, image(case), judged));
    if let Err(error) = validity::keep(&request.cache, request.network, told) {
        tracing::warn!(%error, "what the cases are worth is not kept");
    }
    Ok(judged)
}

/// The last line of what an attempt's tests said; rather the last one that names a program that is not here.
fn last_words(artefacts: &Path) -> Option<String> {
    let said = std::fs::read(artefacts.join("test_output.txt")).ok()?;
    let tail = String::from_utf8_lossy(&said[said.len().saturating_sub(4096)..]).into_owned();
    let absent = tail.lines().rfind(|line| line.ends_with(": command not found") || line.ends_with(": not found"));
    let last = absent.or_else(|| tail.lines().rfind(|line| !line.trim().is_empty()))?;
    // A shell names the script and its line first.
    let words =
        last.rsplit_once(": line ").and_then(|(_, rest)| rest.split_once(": ")).map_or(last, |(_, words)| words);
    Some(visible_line(if absent.is_some() { words } else { last }, 160))
}

/// What the two results say of a case.
fn judge(case: &Case, null: Option<&Outcome>, gold: Option<&Outcome>) -> (Validity, String) {
    let why = |outcome: Option<&Outcome>| match outcome {
        None => "it did not run".to_owned(),
        Some(outcome) => match outcome.why() {
            Some(why) => format!("{}: {why}", outcome.word()),
            None => outcome.word().to_owned(),
        },
    };
    match (null, gold) {
        (Some(Outcome::Resolved), _) => (Validity::NullPasses, String::new()),
        (Some(null), _) if !null.counts() => (Validity::Broken, why(Some(null))),
        (None, _) => (Validity::Broken, why(None)),
        _ if case.reference.is_none() => (Validity::NoReference, String::new()),
        (_, Some(Outcome::Resolved)) => (Validity::Valid, String::new()),
        (_, Some(gold)) if gold.counts() => (Validity::GoldFails, why(Some(gold))),
        (_, gold) => (Validity::Broken, why(gold)),
    }
}

fn places(request: &BenchRequest) -> Places<'_> {
    Places {
        repositories: request.repositories.as_deref(),
        environments: request.environments.as_deref(),
        without_clones: request.containers == Containers::Always && !matches!(request.contestant, Contestant::Agent(_)),
        ..Places::default()
    }
}

struct Plan<'a> {
    cases: &'a [Case],
    contestants: &'a [Contestant],
    attempts: u32,
}

/// What a run needs of whoever asked for it.
struct Outside<'a> {
    jobs: &'a dyn Jobs,
    tell: &'a (dyn Fn(Progress) + Sync),
    stop: &'a AtomicBool,
}

fn carry_out(
    request: &BenchRequest,
    suite: &Suite,
    plan: &Plan<'_>,
    solver: Solver<'_>,
    outside: &Outside<'_>,
) -> Result<Vec<Attempted>, Refusal> {
    let Outside { jobs, tell, stop } = *outside;
    let environment: Vec<(OsString, OsString)> = std::env::vars_os().collect();
    let machine = Machine::new(&environment, request, jobs, stop).map_err(Refusal::environment)?;
    // A run that goes on judges as it began.
    let mut fixed = request.images.clone();
    fixed.extend(record::load(&request.directory).map(|earlier| rerun::images(&earlier)).unwrap_or_default());
    let yard = Yard::survey(request, plan.cases, &fixed, &environment, stop)?;
    for note in &yard.notes {
        tell(Progress::Noted(note.clone()));
    }
    let record = RunRecord {
        version: 2,
        divisi: env!("CARGO_PKG_VERSION").to_owned(),
        suite: suite.name.clone(),
        seed: request.seed,
        attempts: request.attempts,
        tools: machine.tools(),
        setup: Some(rerun::setup(request, plan.contestants, &yard)),
        cases: plan.cases.iter().map(|case| rerun::case(case, yard.image(&case.id), request.network)).collect(),
    };
    record::begin(&request.directory, &record).map_err(Refusal::user)?;
    let results = Results::open(&request.directory).map_err(Refusal::environment)?;
    let finished = results.finished();
    let wanted: Vec<(&Case, &Contestant, u32)> = plan
        .cases
        .iter()
        .flat_map(|case| plan.contestants.iter().map(move |who| (case, who)))
        .filter(|(case, who)| **who != Contestant::Gold || case.reference.is_some())
        .flat_map(|(case, who)| (1..=plan.attempts).map(move |number| (case, who, number)))
        .collect();
    let key = |(case, who, number): &(&Case, &Contestant, u32)| {
        (case.id.clone(), case.digest(), who.name().to_owned(), *number)
    };
    let open: VecDeque<_> = wanted.iter().filter(|attempt| !finished.contains(&key(attempt))).copied().collect();
    let meter = Arc::new(Meter::new(request.allowance));
    for result in results.earlier() {
        if let Some(usage) = &result.usage {
            meter.note(&format!("{}@{}", result.artefacts, result.at), usage);
        }
    }
    tell(Progress::Planned { attempts: wanted.len(), done: wanted.len() - open.len() });
    let patience = Patience::new(request.retries);
    let known = (plan.contestants.len() == 1).then(|| Known::load(&request.cache));
    let open = Mutex::new(open);
    let broken: Mutex<Option<String>> = Mutex::new(None);
    let work = scratch()?;
    std::thread::scope(|scope| {
        for _ in 0..request.concurrency.max(1) {
            scope.spawn(|| {
                while !machine.is_stopped() && lock(&broken).is_none() {
                    let Some((case, contestant, number)) = lock(&open).pop_front() else { break };
                    tell(Progress::Begun { case: case.id.clone(), contestant: contestant.name().to_owned() });
                    let name = format!("{}-{}-{number}", contestant.name(), case.id).replace('/', "-");
                    let attempt = Attempt {
                        case,
                        contestant,
                        number,
                        work: &work.path.join(&name),
                        run: &request.directory,
                        artefacts: format!("cases/{}/{}/{number}", case.id, contestant.name().replace('/', "-")),
                        meter: &meter,
                        // A validation finds it out.
                        validity: known
                            .as_ref()
                            .and_then(|known| known.of(case, yard.image(&case.id), request.network)),
                        yard: &yard,
                        patience: &patience,
                        tell,
                        faults: RefCell::default(),
                    };
                    let result = attempt.make(&machine, solver, request.keep);
                    if let Err(why) = results.add(&result) {
                        *lock(&broken) = Some(why);
                    }
                    tell(Progress::Ended(Box::new(result)));
                }
            });
        }
    });
    if request.keep {
        work.keep();
    }
    if let Some(why) = lock(&broken).take() {
        return Err(Refusal::environment(why).hint("what is recorded stays; run it again to go on"));
    }
    let keys: Vec<_> = wanted.iter().map(key).collect();
    let all = record::read(&request.directory).map_err(Refusal::environment)?;
    Ok(all.into_iter().filter(|result| keys.contains(&record::key(result))).collect())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where checkouts are made; gone at the end.
struct Scratch {
    path: PathBuf,
    keep: std::cell::Cell<bool>,
}

impl Scratch {
    fn keep(&self) {
        self.keep.set(true);
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.keep.get()
            && let Err(error) = std::fs::remove_dir_all(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "the directory of checkouts stays");
        }
    }
}

/// A new private directory below that of temporary files.
fn scratch() -> Result<Scratch, Refusal> {
    let mut bytes = [0_u8; 8];
    getrandom::fill(&mut bytes).map_err(|error| Refusal::environment(format!("no random numbers: {error}")))?;
    let path = std::env::temp_dir().join(format!("divisi-bench-{}", crate::base::hex::encode(&bytes)));
    crate::base::path::private_directory(&path)
        .map_err(|error| Refusal::environment(format!("failed to make {}: {error}", path.display())))?;
    Ok(Scratch { path, keep: std::cell::Cell::new(false) })
}
