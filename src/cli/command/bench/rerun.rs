//! `divisi bench rerun`: a recorded run again.

use std::path::PathBuf;

use serde_json::json;

use crate::cli::command::Outcome;
use crate::cli::command::bench::choice::{CACHE, RUNS, absolute, place, variables};
use crate::cli::command::bench::run::carry_out;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::render;
use crate::cli::render::bench as show;
use crate::model::bench_run::{Difference, Repeat, Repeated};

/// Repeat a run: its cases, seed, agent, attempts and limits again; what is not as it was is said
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A run's directory may have been moved here from another machine: then --suite, --repos and --environments say where \
those are now. Values of variables are not recorded; they are taken from --env, or from the environment.

Exit codes as of divisi bench run; with --dry-run 0 when nothing is different, 4 when something is.

Examples:
  divisi bench rerun suite-claude-17
  divisi bench rerun ./moved-here --suite suite.yaml --dry-run"
)]
pub(crate) struct Args {
    /// The run: its directory, or its name or the beginning of it
    run: String,
    /// Where the suite is
    #[arg(long, value_name = "PATH")]
    suite: Option<PathBuf>,
    /// Where the clones are
    #[arg(long, value_name = "DIRECTORY")]
    repos: Option<PathBuf>,
    /// The file of environments
    #[arg(long, value_name = "FILE")]
    environments: Option<PathBuf>,
    /// The value of a variable of setups and tests; with a name alone: as it is here
    #[arg(long, value_name = "NAME[=VALUE]")]
    env: Vec<String>,
    /// The new run's directory. Without it: a new one in divisi's state directory
    #[arg(long, value_name = "DIRECTORY")]
    out: Option<PathBuf>,
    /// Only say what is not as it was
    #[arg(long)]
    dry_run: bool,
    /// Print JSON: what is different, a line for each attempt, the summary, and the comparison with the run that is repeated
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, context: &Context) -> Outcome {
    let bench = &context.programs.bench;
    let directory = (bench.find)(&args.run, &context.paths.state_dir.join(RUNS))?;
    let name = directory.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let out = match &args.out {
        Some(path) => absolute(path)?,
        None => place(context, &name, "again"),
    };
    let Repeated { request, differences } = (bench.rerun)(&Repeat {
        directory: directory.clone(),
        suite: args.suite.as_ref().map(absolute).transpose()?,
        repositories: args.repos.as_ref().map(absolute).transpose()?,
        environments: args.environments.as_ref().map(absolute).transpose()?,
        environment: variables(&args.env)?,
        out,
        cache: context.paths.state_dir.join(CACHE),
    })?;
    if args.json {
        render::json_line(&json!({ "repeats": directory, "differences": differences }));
    } else {
        say(&differences);
    }
    if args.dry_run {
        return Ok(if differences.is_empty() { Exit::Done } else { Exit::Failed });
    }
    let exit = carry_out(&request, args.json, context)?;
    // What registries gave this time is known only now.
    let environments = (bench.environments)(&directory, &request.directory)?;
    if args.json {
        render::json_line(&json!({ "environments": environments }));
    } else {
        tell(&environments);
    }
    let both = (bench.report)(&[directory, request.directory])?;
    if let Some(comparison) = &both.comparison {
        if args.json {
            render::json_line(&json!({ "comparison": comparison }));
        } else {
            render::text("");
            show::comparison(&context.screen, comparison);
        }
    }
    Ok(exit)
}

fn say(differences: &[Difference]) {
    if differences.is_empty() {
        render::text("divisi, tools, cases and environments are as they were");
    }
    tell(differences);
}

fn tell(differences: &[Difference]) {
    for Difference { what, was, now } in differences {
        render::text(&format!("{what} is not as it was: {was}, now {now}"));
    }
}
