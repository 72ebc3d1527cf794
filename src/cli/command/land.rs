//! `divisi land`: bring a session's work to its base.

use std::path::{Path, PathBuf};

use crate::base::atomic_write::atomic_write;
use crate::cli::PullRequest;
use crate::cli::command::Outcome;
use crate::cli::command::diff::Patch;
use crate::cli::context::Context;
use crate::cli::context::Door;
use crate::cli::exit::Exit;
use crate::cli::follow;
use crate::cli::render::{self, words};
use crate::model::command::{Command, OfSession, Outcome as Came, StartLanding};
use crate::model::diff::DiffRange;
use crate::model::id::{LandingId, Oid, Seq, SessionId};
use crate::model::landing::{LandingState, Preflight, Strategy};
use crate::model::query::{DiffSession, PreflightSession, Query};
use crate::model::session::SessionView;
use crate::model::{Envelope, Event, Refusal};

/// Land a session's work on its base branch
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  divisi land parser
  divisi land parser --rebase --onto release
  divisi land parser --patch parser.patch
  divisi land parser --continue    # after resolving conflicts in its worktree")]
pub(crate) struct Args {
    /// The session
    session: String,
    #[command(flatten)]
    how: How,
    #[command(flatten)]
    instead: Instead,
    /// Another local branch to land on
    #[arg(long, value_name = "BRANCH")]
    onto: Option<String>,
    /// The commit message (or the pull request's)
    #[arg(long, short, value_name = "MSG")]
    message: Option<String>,
    /// Only if the session is still at this commit
    #[arg(long, value_name = "COMMIT")]
    expect: Option<String>,
    /// Land although the gates have not passed; the landing says so for ever
    #[arg(long)]
    skip_gates: bool,
    /// Print where the landing stands as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
#[group(multiple = false)]
struct How {
    /// One commit on the base
    #[arg(long)]
    squash: bool,
    /// The session's commits on top of the base
    #[arg(long)]
    rebase: bool,
    /// A merge commit
    #[arg(long)]
    merge: bool,
}

#[derive(Debug, clap::Args)]
#[group(multiple = false)]
struct Instead {
    /// Go on after resolving conflicts
    #[arg(long = "continue")]
    go_on: bool,
    /// Give a landing with conflicts up
    #[arg(long)]
    abort: bool,
    /// Push the branch and open a pull request with gh instead
    #[arg(long)]
    pr: bool,
    /// Write a patch instead; - is standard output
    #[arg(long, value_name = "FILE")]
    patch: Option<PathBuf>,
}

impl How {
    fn strategy(&self) -> Option<Strategy> {
        match (self.squash, self.rebase, self.merge) {
            (true, ..) => Some(Strategy::Squash),
            (_, true, _) => Some(Strategy::Rebase),
            (.., true) => Some(Strategy::Merge),
            _ => None,
        }
    }
}

pub(crate) async fn run(args: Args, context: &Context) -> Outcome {
    let mut door = context.door().await?;
    let view = door.session(&args.session).await?;
    if let Some(file) = &args.instead.patch {
        return patch(&mut door, &view, file).await;
    }
    if args.instead.pr {
        return pull_request(&mut door, &view, args, context).await;
    }
    let of = OfSession { session: view.id.clone() };
    let command = if args.instead.go_on {
        Command::ContinueLanding(of)
    } else if args.instead.abort {
        Command::AbortLanding(of)
    } else {
        Command::StartLanding(StartLanding {
            session: view.id.clone(),
            strategy: args.how.strategy(),
            onto: args.onto,
            message: args.message,
            expect: args.expect.map(Oid),
            skip_gates: args.skip_gates,
        })
    };
    let aborting = args.instead.abort;
    let before = door.head();
    let receipt = door.submit(command).await?;
    let landing = match receipt.outcome {
        Came::Landing { landing } => Some(landing),
        _ => view.landing.as_ref().map(|landing| landing.id.clone()),
    };
    let state = ended_state(context, &door, &view.id, before, landing.as_ref()).await?;
    if args.json {
        render::json(&state);
    }
    end(&state, &view, aborting, args.json)
}

/// How a landing ended that was begun after `before`.
pub(crate) async fn ended_state(
    context: &Context,
    door: &Door<'_>,
    session: &SessionId,
    before: Seq,
    landing: Option<&LandingId>,
) -> Result<LandingState, Refusal> {
    follow::until(context, door, session, before, "landing", |event| ended(event, landing)).await
}

fn ended(event: &Envelope, landing: Option<&LandingId>) -> Option<Result<LandingState, Refusal>> {
    match &event.event {
        Event::LandingChanged { state: LandingState::Started, .. } => None,
        Event::LandingChanged { id, state } if landing.is_none_or(|landing| landing == id) => Some(Ok(state.clone())),
        _ => follow::fault(event).map(Err),
    }
}

/// Says how it ended.
pub(crate) fn end(state: &LandingState, view: &SessionView, aborting: bool, quiet: bool) -> Outcome {
    let say = |text: &str| {
        if !quiet {
            render::text(text);
        }
    };
    match state {
        LandingState::Completed { commit, checkout } => {
            say(&format!("landed {} as {}", view.name, commit.short()));
            if !checkout.is_empty() {
                say(&format!("  {checkout}"));
            }
            Ok(Exit::Done)
        }
        LandingState::Conflicted { paths } => {
            Err(Refusal::conflict(format!("landing {} stopped at conflicts in {}", view.name, paths.join(", ")))
                .hint(format!("resolve them in {}, then: divisi land {} --continue", view.worktree.path, view.name))
                .hint(format!("divisi land {} --abort", view.name)))
        }
        LandingState::Failed { reason } => {
            Err(Refusal::conflict(format!("landing {} failed and was rolled back: {reason}", view.name))
                .hint(format!("divisi preflight {}", view.name)))
        }
        LandingState::Aborted if aborting => {
            say(&format!("gave up landing {}; its worktree is as before", view.name));
            Ok(Exit::Done)
        }
        LandingState::Aborted => Err(Refusal::conflict(format!("somebody gave up landing {}", view.name))),
        LandingState::Started => Err(Refusal::internal("a landing that has only begun was taken for one that ended")),
    }
}

async fn patch(door: &mut Door<'_>, view: &SessionView, file: &Path) -> Outcome {
    let asked = DiffSession { session: view.id.clone(), range: DiffRange::Session, stat_only: false };
    let answer: Patch = door.query(Query::PatchSession(asked)).await?;
    if file == Path::new("-") {
        render::verbatim(&answer.patch);
    } else {
        atomic_write(file, answer.patch.as_bytes())
            .map_err(|error| Refusal::environment(format!("failed to write {}: {error}", file.display())))?;
        render::text(&format!("wrote {}; nothing was landed", file.display()));
    }
    Ok(Exit::Done)
}

async fn pull_request(door: &mut Door<'_>, view: &SessionView, args: Args, context: &Context) -> Outcome {
    let asked = PreflightSession { session: view.id.clone(), onto: args.onto.clone() };
    let found: Preflight = door.query(Query::PreflightSession(asked)).await?;
    if found.dirty {
        return Err(Refusal::conflict(format!("{} has changes that are not in a checkpoint", view.name))
            .hint(format!("divisi wait {}", view.name)));
    }
    if found.ahead == 0 {
        return Err(Refusal::user(format!("{} has nothing that {} lacks", view.name, found.onto)));
    }
    if let Some(expected) = args.expect.filter(|expected| *expected != found.head.0) {
        return Err(Refusal::conflict(format!("{} is at {}, not at {expected}", view.name, found.head)));
    }
    let message = args.message.unwrap_or_else(|| view.prompt.clone());
    let (title, body) = message.split_once('\n').unwrap_or((&message, ""));
    let request = PullRequest {
        common_dir: view.worktree.common_dir.clone(),
        commit: found.head.0,
        head: words::branch(&view.worktree.branch).to_owned(),
        base: words::branch(&found.onto).to_owned(),
        title: crate::base::text::visible_line(title, 120),
        body: body.trim().to_owned(),
    };
    let said = (context.programs.open_pull_request)(&request)?;
    render::text(said.trim_end());
    Ok(Exit::Done)
}
