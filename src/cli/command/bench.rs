//! `divisi bench`: benchmarks.

mod choice;
mod environments;
mod rerun;
mod run;
mod session;
mod validate;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use clap::{Subcommand, ValueEnum};

use crate::cli::command::Outcome;
use crate::cli::context::Context;
use crate::cli::exit::Exit;
use crate::cli::render;
use crate::cli::render::Style;
use crate::cli::render::bench as show;
use crate::cli::render::bench_page;
use crate::cli::render::table::Table;
use crate::model::Refusal;
use crate::model::attempt::{Attempted, BenchRequest, Judged, Progress, Solver};
use crate::model::bench::{BenchReport, CaseLine, Chosen, Excerpt, GradeLogs, Harness, ListCases, RunSummary};
use crate::model::bench_environment::{Shelve, Shelved};
use crate::model::bench_run::{Difference, Repeat, Repeated};

/// What this verb needs of the benchmarks' driver.
pub struct Bench {
    /// The instances of a dataset.
    pub list: fn(&ListCases) -> Result<Vec<CaseLine>, Refusal>,
    /// Verdicts on saved logs.
    pub grade: fn(&GradeLogs) -> Result<RunSummary, Refusal>,
    /// What runs amount to.
    pub report: fn(&[PathBuf]) -> Result<BenchReport, Refusal>,
    /// All attempts of a request, until the flag says stop.
    pub attempt: Attempt,
    /// What each case is worth on this machine, and why; until the flag says stop.
    pub validate: fn(&BenchRequest, Tell<'_>, &AtomicBool) -> Result<Vec<Judged>, Refusal>,
    /// What a recorded run would be now, and what is not as it was.
    pub rerun: fn(&Repeat) -> Result<Repeated, Refusal>,
    /// Where a run is, by a path or by the beginning of its name in this directory.
    pub find: fn(&str, &Path) -> Result<PathBuf, Refusal>,
    /// The environments that are kept for cases.
    pub shelve: fn(&Shelve) -> Result<Shelved, Refusal>,
    /// What of the environments of a run's cases is not as in an earlier run, by their directories.
    pub environments: fn(&Path, &Path) -> Result<Vec<Difference>, Refusal>,
    /// What an attempt left behind in a run's directory, at most so long.
    pub excerpt: fn(&Path, &str, usize) -> Excerpt,
    /// Becomes true with Ctrl-C.
    pub interrupted: fn() -> Result<Arc<AtomicBool>, Refusal>,
}

/// Makes all attempts of a request, until the flag says stop.
pub type Attempt = fn(&BenchRequest, Solver<'_>, Tell<'_>, &AtomicBool) -> Result<Vec<Attempted>, Refusal>;

/// Hears what happens while cases are attempted.
pub type Tell<'a> = &'a (dyn Fn(Progress) + Sync);

/// Benchmarks: have agents attempt cases, grade SWE-bench runs, compare them
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  divisi bench validate suite.yaml
  divisi bench run suite.yaml --agent claude
  divisi bench rerun suite-claude
  divisi bench list --dataset verified.jsonl --language python --size 20 --seed 1
  divisi bench grade --dataset verified.jsonl --predictions preds.json --logs . --out regraded
  divisi bench report regraded other.run.json")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Run(run::Args),
    Rerun(rerun::Args),
    Validate(validate::Args),
    Environments(environments::Args),
    /// List the instances of a dataset
    List {
        #[command(flatten)]
        dataset: DatasetArgs,
        /// Print an array of instances
        #[arg(long)]
        json: bool,
    },
    /// Give verdicts on saved logs, as the official harness gives them; nothing is run
    #[command(
        after_help = "Logs are looked for where the harness puts them (logs/run_evaluation/RUN/MODEL/ID/test_output.txt below DIR), in \
RUN/MODEL/ID, MODEL/ID or ID below DIR, and as ID.log, ID.txt, ID.eval.log or ID.MODEL.eval.log in it. \
With --out the harness' files are written byte for byte: report.json of each instance and MODEL.RUN.json.

Exit codes: 0 graded; 4 some predictions have no verdict, because a log is missing or the environment failed.

Examples:
  divisi bench grade --dataset lite.jsonl --predictions all_preds.jsonl --logs run1
  divisi bench grade --dataset lite.jsonl --predictions gold --logs . --run-id gold --compat v4 --out old"
    )]
    Grade {
        #[command(flatten)]
        dataset: DatasetArgs,
        /// Predictions: .jsonl, .json (a list, or mini-swe-agent's preds.json), or gold
        #[arg(long, value_name = "FILE")]
        predictions: PathBuf,
        /// The folder of logs
        #[arg(long, value_name = "DIR")]
        logs: PathBuf,
        /// Which release of the harness decides: v5 is 5.0.2, v4 is 4.1.0
        #[arg(long, value_enum, default_value_t = Compat::V5)]
        compat: Compat,
        /// Write the harness' reports below this folder
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        /// The run's name, in paths and reports [default: as the folder of logs is called]
        #[arg(long, value_name = "ID")]
        run_id: Option<String>,
        /// Print the summary with every instance as JSON
        #[arg(long)]
        json: bool,
    },
    /// Summarise a run, or compare several
    #[command(
        visible_alias = "compare",
        after_help = "A RUN is the directory of a divisi bench run or the beginning of its name, a folder that divisi bench grade --out wrote, a \
report MODEL.RUN.json, or a folder logs/run_evaluation/RUN of the harness. Two runs are compared instance by instance (with \
McNemar's exact test; of several attempts the greater part decides); of several runs or attempts the chances of success within \
1, 2, ... of them are estimated.

Examples:
  divisi bench report suite-claude
  divisi bench report regraded
  divisi bench report run1 run2 --format html > report.html
  divisi bench report monday.json tuesday.json --format markdown
  divisi bench report run1 run2 run3 --format csv > cases.csv"
    )]
    Report {
        /// The runs
        #[arg(required = true, value_name = "RUN")]
        runs: Vec<PathBuf>,
        /// How it is printed: csv has a line for each instance of each run; html is one page with everything in it
        #[arg(long, value_enum, default_value_t = Form::Text)]
        format: Form,
        /// The same as --format json
        #[arg(long, conflicts_with = "format")]
        json: bool,
    },
}

#[derive(Debug, clap::Args)]
struct DatasetArgs {
    /// The dataset: .jsonl, .json, or .parquet
    #[arg(long, value_name = "FILE")]
    dataset: PathBuf,
    /// Only these instances
    #[arg(long, value_name = "ID", value_delimiter = ',', num_args = 1..)]
    ids: Vec<String>,
    /// Only this project: owner/repo, or repo (several times, or with commas)
    #[arg(long, value_name = "REPO", value_delimiter = ',')]
    repo: Vec<String>,
    /// Only projects in this language (several times, or with commas)
    #[arg(long, value_delimiter = ',')]
    language: Vec<String>,
    /// At most so many instances: the first ones, or with --seed a draw
    #[arg(long, value_name = "N")]
    size: Option<usize>,
    /// Draw instead of taking the first ones; the same seed draws the same
    #[arg(long, value_name = "N", requires = "size")]
    seed: Option<u64>,
}

impl DatasetArgs {
    fn split(self) -> (PathBuf, Chosen) {
        let Self { dataset, ids, repo, language, size, seed } = self;
        (dataset, Chosen { ids, repos: repo, languages: language, seed, size })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Compat {
    V5,
    V4,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Text,
    Markdown,
    Json,
    Csv,
    Html,
}

pub(crate) fn run(args: Args, context: &Context) -> Outcome {
    let bench = &context.programs.bench;
    match args.action {
        Action::Run(args) => run::run(&args, context),
        Action::Rerun(args) => rerun::run(&args, context),
        Action::Validate(args) => validate::run(&args, context),
        Action::Environments(args) => environments::run(&args, context),
        Action::List { dataset, json } => {
            let (dataset, chosen) = dataset.split();
            let cases = (bench.list)(&ListCases { dataset, chosen })?;
            if json {
                render::json(&cases);
            } else {
                list(&cases, context);
            }
            Ok(Exit::Done)
        }
        Action::Grade { dataset, predictions, logs, compat, out, run_id, json } => {
            let (dataset, chosen) = dataset.split();
            let harness = if compat == Compat::V4 { Harness::V4 } else { Harness::V5 };
            let run = (bench.grade)(&GradeLogs { dataset, chosen, predictions, logs, harness, out, run_id })?;
            if json {
                render::json(&run);
            } else {
                show::run(&context.screen, &run);
            }
            let failed = run.cases.iter().any(|case| case.outcome == "infrastructure");
            Ok(if failed { Exit::Failed } else { Exit::Done })
        }
        Action::Report { runs, format, json } => {
            let place = context.paths.state_dir.join(choice::RUNS);
            let found = |path: PathBuf| match path.to_str() {
                Some(name) if !path.exists() => (bench.find)(name, &place).unwrap_or(path),
                _ => path,
            };
            let runs: Vec<PathBuf> = runs.into_iter().map(found).collect();
            let report = (bench.report)(&runs)?;
            match format {
                _ if json => render::json(&report),
                Form::Json => render::json(&report),
                Form::Text => show::report(&context.screen, &report),
                Form::Markdown => render::part(&show::markdown(&report)),
                Form::Csv => render::verbatim(&show::csv(&report)),
                Form::Html => render::verbatim(&bench_page::page(&report, &|run, case, room| {
                    let artefacts = case.artefacts.as_deref().unwrap_or_default();
                    (bench.excerpt)(&runs[run], artefacts, room)
                })),
            }
            Ok(Exit::Done)
        }
    }
}

fn list(cases: &[CaseLine], context: &Context) {
    let mut table = Table::new(&["INSTANCE", "LANGUAGE", "VERSION", "FAIL", "PASS", "LOG PARSER"]);
    for case in cases {
        table.row(vec![
            (Style::Plain, case.instance_id.clone()),
            (Style::Dim, case.language.clone().unwrap_or_default()),
            (Style::Dim, case.version.clone()),
            (Style::Plain, case.fail_to_pass.to_string()),
            (Style::Plain, case.pass_to_pass.to_string()),
            (Style::Dim, case.log_parser.clone().unwrap_or_else(|| "none".to_owned())),
        ]);
    }
    table.write(&context.screen);
}
