//! Which cases are run, and how.

use std::path::PathBuf;

use crate::base::clock;
use crate::cli::context::Context;
use crate::model::Refusal;
use crate::model::attempt::{BenchRequest, Contestant};

/// Which cases, and how.
#[derive(Debug, clap::Args)]
pub(crate) struct Choice {
    /// The suite: a .yaml file of divisi's own, a dataset of SWE-bench (.json, .jsonl), a .jsonl file of `HumanEvalFix` cases, or a
    /// directory of exercises (<language>/exercises/practice/<name>)
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
    /// Keep the checkouts
    #[arg(long)]
    keep: bool,
}

impl Choice {
    pub(super) fn request(
        &self,
        context: &Context,
        contestant: Contestant,
        attempts: u32,
    ) -> Result<BenchRequest, Refusal> {
        let environment = self.env.iter().map(|pair| match pair.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
            None if !pair.is_empty() => match std::env::var(pair) {
                Ok(value) => Ok((pair.clone(), value)),
                Err(_) => Err(Refusal::user(format!("--env {pair}: there is no such variable"))),
            },
            _ => Err(Refusal::user(format!("--env {pair} is neither NAME nor NAME=VALUE"))),
        });
        let absolute = |path: &PathBuf| {
            std::path::absolute(path)
                .map_err(|error| Refusal::user(format!("failed to make {} absolute: {error}", path.display())))
        };
        let suite = absolute(&self.suite)?;
        let name = suite.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let directory = match &self.out {
            Some(path) => absolute(path)?,
            None => {
                let now = clock::now();
                context
                    .paths
                    .state_dir
                    .join("bench")
                    .join(format!("{name}-{}-{now}", contestant.name().replace('/', "-")))
            }
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
            environment: environment.collect::<Result<_, _>>()?,
            contestant,
            keep: self.keep,
        })
    }
}
