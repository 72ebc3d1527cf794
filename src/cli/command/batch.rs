//! `divisi batch`: many agents on many tasks.

use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};
use serde::Deserialize;

use crate::cli::command::Outcome;
use crate::cli::context::{Context, Door, path_text};
use crate::cli::exit::Exit;
use crate::cli::{render, variables};
use crate::model::Refusal;
use crate::model::batch::{
    BatchDetail, BatchView, CheckPlan, CreateBatch, ExportBatch, GetBatch, OfBatch, PlanCheck, RetryRuns,
    SetConcurrency,
};
use crate::model::command::{Command, Outcome as Came};
use crate::model::id::{BatchId, RunId, Seq};
use crate::model::plan::ExportFormat;
use crate::model::query::Query;

mod clear;
mod watch;

/// Run a plan: agents x tasks x prompts x repositories, in parallel worktrees, within limits
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  divisi batch check plan.yaml
  divisi batch run plan.yaml
  divisi batch run plan.yaml --json | jq -r 'select(.type == \"run.ended\").payload.outcome'
  divisi batch list
  divisi batch status nightly
  divisi batch retry nightly            # what did not pass, again; retry nightly 3 7: these runs
  divisi batch rank nightly             # of best_of: who won, and why
  divisi batch export nightly --format html --out report.html
  divisi batch clear nightly --discard  # its worktrees go, its results stay

BATCH is a batch's id, the beginning of it, or the name of its plan (the newest batch of it then).
Exit codes: 0 everything was accomplished, 1 refused, 4 something was not, 130 detached (the batch goes on).
Accomplished: every run passed, of a task with 'best_of' somebody won (losers may fail), and with \
'land: on_pass' what passed or won is on its target.")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Say what is wrong with a plan, and how many runs it is
    Check {
        /// The plan
        plan: PathBuf,
        /// Which of the plan's environments
        #[arg(long, value_name = "NAME")]
        environment: Option<String>,
        /// Print what is wrong as JSON
        #[arg(long)]
        json: bool,
    },
    /// Start a plan and watch it; Ctrl-C stops watching, not the batch
    Run {
        /// The plan
        plan: PathBuf,
        /// Which of the plan's environments
        #[arg(long, value_name = "NAME")]
        environment: Option<String>,
        /// Runs at the same time, instead of the plan's
        #[arg(long, value_name = "N")]
        concurrency: Option<u32>,
        /// Only start it
        #[arg(long)]
        detach: bool,
        /// Print events, one JSON document per line
        #[arg(long)]
        json: bool,
        /// Where the reports go that the plan wants at the end; absent: ./divisi-batch-ID
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Watch a batch until it has ended
    Open {
        /// The batch
        batch: String,
        /// Print events, one JSON document per line
        #[arg(long)]
        json: bool,
    },
    /// Show a batch and its runs
    Status {
        /// The batch
        batch: String,
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// List batches, the newest first
    List {
        /// Print them as JSON
        #[arg(long)]
        json: bool,
    },
    /// Start no more runs for now; those that run go on
    Pause {
        /// The batch
        batch: String,
    },
    /// Start runs again
    Resume {
        /// The batch
        batch: String,
    },
    /// Stop what runs and give up what waits
    Cancel {
        /// The batch
        batch: String,
    },
    /// Run again what did not pass
    Retry {
        /// The batch
        batch: String,
        /// Numbers of the runs; absent: all that did not pass
        runs: Vec<u32>,
    },
    /// Change how many runs there are at the same time
    Concurrency {
        /// The batch
        batch: String,
        /// How many
        number: u32,
    },
    /// Rank what several agents or repetitions made of the same prompt, and say how the best was chosen
    Rank {
        /// The batch
        batch: String,
        /// Print the ranking as JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove the worktrees and branches that an ended batch has left; its results and transcripts stay
    Clear {
        /// The batch
        batch: String,
        /// Also where work is not landed; `divisi restore` brings that back
        #[arg(long)]
        discard: bool,
    },
    /// Write a report; it can be written at any time, and again
    Export {
        /// The batch
        batch: String,
        /// As what; absent: what the plan names, or html
        #[arg(long, value_enum)]
        format: Option<Format>,
        /// A file, or with several formats a directory; `-` is standard output
        #[arg(long, value_name = "PATH")]
        out: Option<PathBuf>,
    },
}

/// [`ExportFormat`] as an argument.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// One JSON document per run
    Jsonl,
    /// A table
    Csv,
    /// Markdown
    Md,
    /// One self-contained page
    Html,
}

impl From<Format> for ExportFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Jsonl => Self::Jsonl,
            Format::Csv => Self::Csv,
            Format::Md => Self::Md,
            Format::Html => Self::Html,
        }
    }
}

pub(crate) async fn run(args: Args, context: &Context) -> Outcome {
    match args.action {
        Action::Check { plan, environment, json } => return check(context, &plan, environment, json).await,
        Action::Run { plan, environment, concurrency, detach, json, out } => {
            let (id, after) = start(context, &plan, environment, concurrency, json).await?;
            if detach {
                return Ok(Exit::Done);
            }
            let end = watch::until_ended(context, &id, after, json).await?;
            if end != Exit::Interrupted {
                write_exports(context, &id, out.as_deref(), json).await?;
            }
            return Ok(end);
        }
        Action::Open { batch, json } => {
            let mut door = context.door().await?;
            let after = door.head();
            let id = find(&mut door, &batch).await?.view.id;
            return watch::until_ended(context, &id, after, json).await;
        }
        Action::Status { batch, json } => {
            let detail = find(&mut context.door().await?, &batch).await?;
            if json {
                render::json(&detail);
            } else {
                render::batch::detail(&context.screen, &detail);
            }
            return Ok(watch::exit(&detail).unwrap_or(Exit::Done));
        }
        Action::List { json } => {
            let batches: Vec<BatchView> = context.door().await?.query(Query::ListBatches {}).await?;
            if json {
                render::json(&batches);
            } else {
                render::batch::list(&context.screen, &batches);
            }
        }
        Action::Pause { batch } => {
            order(context, &batch, "paused", |batch| Command::PauseBatch(OfBatch { batch })).await?;
        }
        Action::Resume { batch } => {
            order(context, &batch, "goes on", |batch| Command::ResumeBatch(OfBatch { batch })).await?;
        }
        Action::Cancel { batch } => {
            let mut door = context.door().await?;
            let after = door.head();
            let id = find(&mut door, &batch).await?.view.id;
            door.submit(Command::CancelBatch(OfBatch { batch: id.clone() })).await?;
            watch::until_ended(context, &id, after, false).await?;
        }
        Action::Retry { batch, runs } => retry(context, &batch, &runs).await?,
        Action::Concurrency { batch, number } => {
            order(context, &batch, &format!("runs {number} at the same time now"), |batch| {
                Command::SetConcurrency(SetConcurrency { batch, concurrency: number })
            })
            .await?;
        }
        Action::Rank { batch, json } => {
            let detail = find(&mut context.door().await?, &batch).await?;
            if json {
                render::json(&detail.ranking);
            } else {
                render::batch::ranking(&context.screen, &detail);
            }
        }
        Action::Clear { batch, discard } => return clear::run(context, &batch, discard).await,
        Action::Export { batch, format, out } => export(context, &batch, format, out.as_deref()).await?,
    }
    Ok(Exit::Done)
}

fn read(plan: &Path) -> Result<(String, String), Refusal> {
    let text = std::fs::read_to_string(plan)
        .map_err(|error| Refusal::user(format!("failed to read the plan {}: {error}", plan.display())))?;
    Ok((text, path_text(plan)?))
}

/// A batch by its id, the beginning of it, or its plan's name.
async fn find(door: &mut Door<'_>, reference: &str) -> Result<BatchDetail, Refusal> {
    door.query(Query::GetBatch(GetBatch { batch: reference.to_owned() })).await
}

async fn order(
    context: &Context,
    reference: &str,
    done: &str,
    command: impl FnOnce(BatchId) -> Command,
) -> Result<(), Refusal> {
    let mut door = context.door().await?;
    let view = find(&mut door, reference).await?.view;
    door.submit(command(view.id.clone())).await?;
    render::text(&format!("{} ({}) {done}", view.name, view.id));
    Ok(())
}

async fn check(context: &Context, plan: &Path, environment: Option<String>, json: bool) -> Outcome {
    let (text, path) = read(plan)?;
    let request = CheckPlan { text, path, environment };
    let found: PlanCheck = context.door().await?.query(Query::CheckPlan(request)).await?;
    if json {
        render::json(&found);
    } else {
        for problem in &found.problems {
            render::text(&format!("{}:{problem}", plan.display()));
        }
        for warning in &found.warnings {
            render::text(&format!("{}:{warning} [warning]", plan.display()));
        }
        for note in &found.notes {
            render::remark(&format!("note: {note}"));
        }
        if found.problems.is_empty() {
            let name = found.name.clone().unwrap_or_default();
            let runs = if found.runs == 1 { "1 run".to_owned() } else { format!("{} runs", found.runs) };
            render::text(&format!("{name}: {runs}"));
            render::judged::by(&context.screen, &found.judged_by);
        }
    }
    Ok(if found.problems.is_empty() { Exit::Done } else { Exit::Refused })
}

async fn start(
    context: &Context,
    plan: &Path,
    environment: Option<String>,
    concurrency: Option<u32>,
    json: bool,
) -> Result<(BatchId, Seq), Refusal> {
    let (text, path) = read(plan)?;
    let mut door = context.door().await?;
    let after = door.head();
    let request = CheckPlan { text: text.clone(), path: path.clone(), environment: environment.clone() };
    let found: PlanCheck = door.query(Query::CheckPlan(request)).await?;
    let mut caller = std::collections::BTreeMap::new();
    for (agent, profile) in &found.agents {
        caller.extend(variables::of_caller(&mut door, Some(agent), profile.as_deref(), &[]).await?);
    }
    let receipt =
        door.submit(Command::CreateBatch(CreateBatch { text, path, environment, concurrency, caller })).await?;
    let Came::Batch { batch, runs, notes } = receipt.outcome else {
        return Err(Refusal::internal("the daemon's receipt names no batch"));
    };
    for note in notes {
        render::remark(&format!("note: {note}"));
    }
    if !json {
        let runs = if runs == 1 { "1 run".to_owned() } else { format!("{runs} runs") };
        render::text(&format!("{}  {batch}  {runs}", found.name.unwrap_or_default()));
    }
    Ok((batch, after))
}

async fn retry(context: &Context, reference: &str, numbers: &[u32]) -> Result<(), Refusal> {
    let mut door = context.door().await?;
    let batch = find(&mut door, reference).await?.view.id;
    let runs = numbers.iter().map(|number| RunId(format!("{batch}.r{number}"))).collect();
    let receipt = door.submit(Command::RetryRuns(RetryRuns { batch: batch.clone(), runs })).await?;
    if let Came::Retrying { runs } = receipt.outcome {
        let what = if runs == 1 { "1 run waits".to_owned() } else { format!("{runs} runs wait") };
        render::text(&format!("{what} again: divisi batch open {batch}"));
    }
    Ok(())
}

#[derive(Deserialize)]
struct Exported {
    text: String,
}

async fn exported(door: &mut Door<'_>, batch: &BatchId, format: ExportFormat) -> Result<String, Refusal> {
    let request = ExportBatch { batch: batch.as_str().to_owned(), format };
    Ok(door.query::<Exported>(Query::ExportBatch(request)).await?.text)
}

fn write(path: &Path, text: &str) -> Result<(), Refusal> {
    std::fs::write(path, text)
        .map_err(|error| Refusal::environment(format!("failed to write {}: {error}", path.display())))
}

async fn export(context: &Context, reference: &str, format: Option<Format>, out: Option<&Path>) -> Result<(), Refusal> {
    let mut door = context.door().await?;
    let view = find(&mut door, reference).await?.view;
    let formats = match format {
        Some(format) => vec![format.into()],
        None if view.exports.is_empty() => vec![ExportFormat::Html],
        None => view.exports.clone(),
    };
    if let [format] = formats[..] {
        let text = exported(&mut door, &view.id, format).await?;
        if out == Some(Path::new("-")) {
            render::verbatim(&text);
            return Ok(());
        }
        let path =
            out.map_or_else(|| PathBuf::from(format!("divisi-batch-{}.{}", view.id, format.as_str())), Path::to_owned);
        write(&path, &text)?;
        render::text(&path.display().to_string());
        return Ok(());
    }
    let directory = out.map_or_else(|| PathBuf::from(format!("divisi-batch-{}", view.id)), Path::to_owned);
    write_all(&mut door, &view, &formats, &directory, false).await
}

/// What the plan wants written at the end.
async fn write_exports(context: &Context, id: &BatchId, out: Option<&Path>, json: bool) -> Result<(), Refusal> {
    let mut door = context.door().await?;
    let view = find(&mut door, id.as_str()).await?.view;
    if view.exports.is_empty() {
        if !json {
            render::remark(&format!("report: divisi batch export {id}"));
        }
        return Ok(());
    }
    let directory = out.map_or_else(|| PathBuf::from(format!("divisi-batch-{id}")), Path::to_owned);
    let formats = view.exports.clone();
    write_all(&mut door, &view, &formats, &directory, json).await
}

async fn write_all(
    door: &mut Door<'_>,
    view: &BatchView,
    formats: &[ExportFormat],
    directory: &Path,
    quiet: bool,
) -> Result<(), Refusal> {
    std::fs::create_dir_all(directory)
        .map_err(|error| Refusal::environment(format!("failed to create {}: {error}", directory.display())))?;
    for format in formats {
        let path = directory.join(format!("report.{}", format.as_str()));
        write(&path, &exported(door, &view.id, *format).await?)?;
        if !quiet {
            render::text(&path.display().to_string());
        }
    }
    Ok(())
}
