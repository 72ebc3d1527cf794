//! Which cases are run, and how.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::base::clock;
use crate::cli::context::Context;
use crate::model::Refusal;
use crate::model::attempt::{Asked, BenchRequest, Contestant};
use crate::model::container::Containers;
use crate::model::meter::Allowance;
use crate::model::retries::Retries;
use crate::model::suite::Limits;

/// Where runs are kept, below the state directory.
pub(super) const RUNS: &str = "bench";

/// Where packages and environments are kept, below the state directory.
pub(super) const CACHE: &str = "bench-cache";

/// Which cases, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct Choice {
    /// The suite: a .yaml file of divisi's own, a dataset of SWE-bench (.json, .jsonl, .parquet), a .jsonl file of `HumanEvalFix` cases, or a
    /// directory of exercises (`LANGUAGE/exercises/practice/NAME`)
    suite: PathBuf,
    /// Only cases with these ids, or below them (`rust`, `rust/bowling`)
    #[arg(long = "case", value_name = "ID")]
    cases: Vec<String>,
    /// At most this many, chosen by --seed
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    size: Option<u32>,
    /// What the choice depends on
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Cases at once
    #[arg(long, short = 'j', default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    concurrency: u16,
    /// For SWE-bench: the directory with a clone of each repository, as `owner__repo`, `owner/repo` or `repo`
    #[arg(long, value_name = "DIRECTORY")]
    repos: Option<PathBuf>,
    /// For SWE-bench: what the instances need to run here (Python, packages), a .yaml file
    #[arg(long, value_name = "FILE")]
    environments: Option<PathBuf>,
    /// A variable of setups and tests; with a name alone: as it is here
    #[arg(long, value_name = "NAME[=VALUE]")]
    env: Vec<String>,
    /// The run's directory; a run that is there goes on where it ended. Without it: a new one in divisi's state directory
    #[arg(long, value_name = "DIRECTORY")]
    out: Option<PathBuf>,
    /// How often what fails on this machine (a setup, a download, the daemon) is tried again; a verdict never is
    #[arg(long, value_name = "NUMBER", default_value_t = 2, value_parser = clap::value_parser!(u32).range(..=100))]
    retries: u32,
    /// What all of that may take in a run, minutes
    #[arg(long, value_name = "MINUTES", default_value_t = 30, value_parser = clap::value_parser!(u64).range(..=10_000))]
    retry_minutes: u64,
    /// Keep the checkouts
    #[arg(long)]
    keep: bool,
    /// For SWE-bench: judge in containers of the instances' images (docker or podman). auto: where an engine works and the image is
    /// here; always: for every instance, pulling images that are not here. Without it: as `bench.containers` in the configuration
    /// says, which is auto
    #[arg(long, value_enum, value_name = "WHEN")]
    containers: Option<Engines>,
    /// Whether tests may use the network. Without it: as `bench.network` in the configuration says, else the suite, else not in a
    /// container, and without one they may
    #[arg(long, value_enum, value_name = "STATE")]
    network: Option<Network>,
    #[command(flatten)]
    most: Most,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Engines {
    Auto,
    Never,
    Always,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Network {
    On,
    Off,
}

/// What commands of cases may use.
#[derive(Debug, clap::Args)]
pub(super) struct Most {
    /// Memory of a setup or test, all its processes together, MiB: with more it is ended; 0: as much as there is
    #[arg(long, value_name = "MIB", default_value_t = 0)]
    memory_mb: u64,
    /// Processes of a setup or test at one time
    #[arg(long, value_name = "NUMBER", default_value_t = 1024, value_parser = clap::value_parser!(u64).range(1..))]
    processes: u64,
    /// What a setup or test may print, MiB
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=1024))]
    output_mb: u64,
}

impl Most {
    pub(super) fn limits(&self) -> Limits {
        Limits {
            memory_mb: self.memory_mb,
            processes: self.processes,
            output_kb: self.output_mb * 1024,
            ..Limits::default()
        }
    }
}

/// Where a new run is kept.
pub(super) fn place(context: &Context, suite: &str, contestant: &str) -> PathBuf {
    let name = format!("{suite}-{}-{}", contestant.replace('/', "-"), clock::now());
    context.paths.state_dir.join(RUNS).join(name)
}

/// A path that does not depend on the current directory.
pub(super) fn absolute(path: &PathBuf) -> Result<PathBuf, Refusal> {
    std::path::absolute(path)
        .map_err(|error| Refusal::user(format!("failed to make {} absolute: {error}", path.display())))
}

/// What `--env` says.
pub(super) fn variables(given: &[String]) -> Result<Vec<(String, String)>, Refusal> {
    let variable = |pair: &String| match pair.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        None if !pair.is_empty() => match std::env::var(pair) {
            Ok(value) => Ok((pair.clone(), value)),
            Err(_) => Err(Refusal::user(format!("--env {pair}: there is no such variable"))),
        },
        _ => Err(Refusal::user(format!("--env {pair} is neither NAME nor NAME=VALUE"))),
    };
    given.iter().map(variable).collect()
}

impl Choice {
    pub(super) fn request(
        &self,
        context: &Context,
        contestant: Contestant,
        asked: Asked,
        attempts: u32,
    ) -> Result<BenchRequest, Refusal> {
        let settings = context.require_config()?.settings;
        let suite = absolute(&self.suite)?;
        let name = suite.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let directory = match &self.out {
            Some(path) => absolute(path)?,
            None => place(context, &name, contestant.name()),
        };
        Ok(BenchRequest {
            suite,
            only: self.cases.clone(),
            size: self.size.map(|size| size as usize),
            seed: self.seed,
            attempts,
            concurrency: self.concurrency.into(),
            directory,
            repositories: self.repos.as_ref().map(absolute).transpose()?,
            environments: self.environments.as_ref().map(absolute).transpose()?,
            environment: variables(&self.env)?,
            contestant,
            asked,
            keep: self.keep,
            allowance: Allowance::default(),
            limits: self.most.limits(),
            cache: context.paths.state_dir.join(CACHE),
            retries: Retries { tries: self.retries + 1, total_sec: self.retry_minutes * 60, ..Retries::default() },
            containers: match self.containers {
                None => settings.containers,
                Some(Engines::Auto) => Containers::Auto,
                Some(Engines::Never) => Containers::Never,
                Some(Engines::Always) => Containers::Always,
            },
            images: BTreeMap::new(),
            network: self.network.map(|network| network == Network::On).or(settings.test_network.asked()),
        })
    }
}
