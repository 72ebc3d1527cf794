//! `divisi eval`: judge what a session has now.

use std::path::PathBuf;

use crate::cli::command::Outcome;
use crate::cli::context::{Context, Door};
use crate::cli::exit::Exit;
use crate::cli::follow;
use crate::cli::render;
use crate::model::command::{Command, OfSession, Outcome as Came};
use crate::model::evaluation::{Evaluation, EvaluationState, ListEvaluations, StartEvaluation, SuiteFrom};
use crate::model::id::{EvaluationId, SessionId};
use crate::model::query::Query;
use crate::model::{Event, Refusal};

/// Judge a session's work by a suite of evaluators: exit 0 when it passed, 4 when not
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Without --suite the session's gates are used: those of the trusted .divisi.toml ([evaluation] gates), \
or the file named by evaluation.gates of the configuration. Everything runs in a clean checkout of exactly \
the commit that is judged; each program begins with that, an empty home and what 'prepare' made, whatever \
earlier ones did. Naming a file with --suite means that you stand for the commands in it.

A suite:
  version: 1
  name: gates
  restore: [\"tests/**\"]          # taken from the base before anything is judged
  # prepare: {command: npm ci}   # where needed: once, for all of them
  protected: ask                 # or note, fail, restore: changes of conftest.py, package.json, CI ...
  limits: {memory_mb: 4096, processes: 512, network: false}
  evaluators:
    - {id: tests, kind: tests, required: true, timeout_sec: 900}
    - {id: lint, kind: lint, minimum: 80}
    - {id: check, kind: script, command: make check, format: junit, report: out.xml}
    - {id: size, kind: diff_size, lines: 500}
    - {id: quality, kind: judge, agent: claude, rubric: \"Simple, tested, does what was asked.\", minimum: 70}
  kinds: script tests lint coverage complexity duplication diff_size secrets conflicts judge

Examples:
  divisi eval parser
  divisi eval parser --suite gates.yaml --json
  divisi eval parser --list"
)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub(crate) struct Args {
    /// The session
    session: String,
    /// A suite file (YAML or JSON)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["list", "cancel"])]
    suite: Option<PathBuf>,
    /// Judge what landing it would make of the target as it is now, not its commit alone
    #[arg(long, conflicts_with_all = ["list", "cancel"])]
    merged: bool,
    /// With --merged: the branch it would land on
    #[arg(long, value_name = "BRANCH", requires = "merged")]
    onto: Option<String>,
    /// Show earlier evaluations instead
    #[arg(long)]
    list: bool,
    /// Stop the evaluation that runs
    #[arg(long, conflicts_with = "list")]
    cancel: bool,
    /// Print the evaluation as JSON (with --list: an array)
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args, context: &Context) -> Outcome {
    let suite = args.suite.as_deref().map(read).transpose()?;
    let mut door = context.door().await?;
    let view = door.session(&args.session).await?;
    let session = view.id.clone();
    if args.list {
        let all = evaluations(&mut door, &session).await?;
        if args.json {
            render::json(&all);
        } else {
            render::evaluation::list(&context.screen, &all, crate::base::clock::now());
        }
        return Ok(Exit::Done);
    }
    if args.cancel {
        door.submit(Command::CancelEvaluation(OfSession { session })).await?;
        render::text(&format!("stopped evaluating {}", view.name));
        return Ok(Exit::Done);
    }
    let before = door.head();
    let started = StartEvaluation { session: session.clone(), suite, merged: args.merged, onto: args.onto };
    let receipt = door.submit(Command::StartEvaluation(started)).await?;
    let Came::Evaluating { evaluation } = receipt.outcome else {
        return Err(Refusal::internal("the daemon did not say which evaluation it began"));
    };
    follow::until(context, &door, &session, before, "evaluating", |event| match &event.event {
        Event::EvaluationEnded { id, .. } if *id == evaluation => Some(Ok(())),
        _ => follow::fault(event).map(Err),
    })
    .await?;
    let ended = find(&mut door, &session, &evaluation).await?;
    if args.json {
        render::json(&ended);
    } else {
        render::evaluation::one(&context.screen, &ended);
    }
    match &ended.state {
        _ if ended.passed => Ok(Exit::Done),
        EvaluationState::Interrupted { reason } => {
            Err(Refusal::environment(format!("the evaluation {evaluation} was cut off: {reason}")))
        }
        _ => Ok(Exit::Failed),
    }
}

fn read(file: &std::path::Path) -> Result<SuiteFrom, Refusal> {
    let failed = |why: &dyn std::fmt::Display| {
        Refusal::user(format!("cannot read the suite {}: {why}", file.display()))
            .hint("divisi eval --help shows a suite")
    };
    let text = std::fs::read_to_string(file).map_err(|error| failed(&error))?;
    Ok(SuiteFrom::Text { text, path: file.display().to_string() })
}

async fn evaluations(door: &mut Door<'_>, session: &SessionId) -> Result<Vec<Evaluation>, Refusal> {
    door.query(Query::ListEvaluations(ListEvaluations { session: session.clone() })).await
}

async fn find(door: &mut Door<'_>, session: &SessionId, id: &EvaluationId) -> Result<Evaluation, Refusal> {
    let all = evaluations(door, session).await?;
    let found = all.into_iter().find(|one| one.id == *id);
    found.ok_or_else(|| Refusal::conflict(format!("the evaluation {id} is not kept any more")))
}
