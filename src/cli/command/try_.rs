//! `divisi try`: the first contact. A scratch repository, three agents in parallel, an approval, a diff, a landing.

mod look;
mod place;
mod project;
mod watch;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::cli::command::{Outcome, remove};
use crate::cli::context::{Context, Door, path_text};
use crate::cli::exit::{Exit, settled};
use crate::cli::render::{self, Line, Style};
use crate::model::Refusal;
use crate::model::command::{Command, OfSession, Outcome as Came};
use crate::model::query::{ListSessions, Query};
use crate::model::session::SessionView;

/// After Ctrl-C the agents have this long to end.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// See three agents work in parallel on an example, in ten seconds
#[derive(Debug, clap::Args)]
#[command(after_help = "It needs git and nothing else: no model, no key, no network, no repository of yours. \
The example is made in divisi's state directory and stays there until you remove it.

Examples:
  divisi try
  divisi try --remove")]
pub(crate) struct Args {
    /// Remove every example with its sessions
    #[arg(long)]
    remove: bool,
}

/// What Ctrl-C has to take care of.
type Made = Mutex<Option<PathBuf>>;

pub(crate) fn run(args: &Args, context: &Context) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Refusal::environment(format!("failed to start the runtime: {error}")))?;
    let made = Made::default();
    let outcome = runtime.block_on(async {
        let mut signals = Vec::new();
        for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
            let failed = |error| Refusal::environment(format!("failed to listen for signals: {error}"));
            signals.push(signal(kind).map_err(failed)?);
        }
        let [interrupt, terminate, hangup] = signals.as_mut_slice() else {
            return Err(Refusal::internal("three signals were asked for"));
        };
        tokio::select! {
            outcome = work(args, context, &made) => return outcome,
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
        let repository = made.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(repository) = repository {
            render::remark("");
            match tokio::time::timeout(STOP_WITHIN, abandon(context, &repository)).await {
                Ok(Ok(stopped)) => {
                    render::remark(&format!("interrupted: stopped {stopped} of the sessions; what they did is kept"));
                }
                Ok(Err(refusal)) => render::refusal(&refusal),
                Err(_) => render::remark("interrupted: the sessions have not ended yet: divisi list"),
            }
            render::remark("  divisi list");
            render::remark("  divisi try --remove    # deletes the example");
        }
        Ok(Exit::Interrupted)
    });
    runtime.shutdown_background();
    outcome
}

async fn work(args: &Args, context: &Context, made: &Made) -> Outcome {
    if args.remove { remove_all(context).await } else { show(context, made).await }
}

async fn show(context: &Context, made: &Made) -> Outcome {
    let mut door = context.door().await?;
    // A name is used once in a repository, also when that was removed: a number comes never again.
    let all = ListSessions { removed: true, ..ListSessions::default() };
    let known: Vec<SessionView> = door.query(Query::ListSessions(all)).await?;
    let used = known.iter().filter_map(|view| place::number_in(&context.paths, Path::new(&view.repository))).max();
    let (dir, repository) = place::claim(&context.paths, used.unwrap_or(0))?;
    let commits = match project::build(&repository, &context.programs.scratch) {
        Ok(commits) => commits,
        Err(refusal) => {
            // What was made so far is of no use to anybody.
            let _ = place::delete(&dir).await;
            return Err(refusal);
        }
    };
    *made.lock().unwrap_or_else(PoisonError::into_inner) = Some(repository.clone());
    heading(context, "An example project", "");
    render::text(&format!("{} ({commits} commits; nothing of yours is touched)", look::homely(&repository)));
    let mut follower = door.follow(door.head(), None).await?;
    let mut sessions = Vec::new();
    for session in project::sessions(&path_text(&repository)?) {
        let receipt = door.submit(Command::CreateSession(session)).await?;
        let Came::Created { session, .. } = receipt.outcome else {
            return Err(Refusal::internal("the daemon's receipt names no session"));
        };
        sessions.push(session);
    }
    heading(context, "Three agents, each in a worktree of its own", "divisi new, divisi list");
    let views = watch::Watch::new(context, sessions).run(&mut door, &mut follower).await?;
    if let Some(bad) = views.iter().find(|view| settled(view) != Some(Exit::Done)) {
        render::remark(&format!("{} ended as {}", bad.name, render::words::state(bad)));
        render::remark(&format!("  divisi log {}", bad.name));
        return Ok(settled(bad).unwrap_or(Exit::Failed));
    }
    let landed = views
        .iter()
        .find(|view| view.name == project::LANDED)
        .ok_or_else(|| Refusal::internal("the session to land is not among those that were made"))?;
    look::diff(context, &mut door, landed).await?;
    look::land(context, &mut door, landed).await?;
    look::history(context, &repository)?;
    look::next(context, &repository);
    made.lock().unwrap_or_else(PoisonError::into_inner).take();
    look::editor(context, &repository).await?;
    Ok(Exit::Done)
}

/// A title, and the command that does by hand what comes below it.
fn heading(context: &Context, title: &str, command: &str) {
    render::text("");
    let line = Line::new().add(Style::Bold, title);
    // A line that wraps would say less than its first half.
    let room = render::live::columns(&context.screen).unwrap_or(usize::MAX);
    let fits = !command.is_empty() && title.len() + command.len() + 4 <= room;
    render::line(&context.screen, &if fits { line.add(Style::Dim, &format!("  ({command})")) } else { line });
}

async fn sessions_in(door: &mut Door<'_>, dir: &Path) -> Result<Vec<SessionView>, Refusal> {
    let all: Vec<SessionView> = door.query(Query::ListSessions(ListSessions::default())).await?;
    Ok(all.into_iter().filter(|view| Path::new(&view.repository).starts_with(dir)).collect())
}

/// Stops what still works; returns how many sessions that were.
async fn abandon(context: &Context, repository: &Path) -> Result<usize, Refusal> {
    let mut door = context.open_door().await?;
    let repository = real(repository);
    let mut stopped = 0;
    loop {
        let working: Vec<_> = sessions_in(&mut door, &repository)
            .await?
            .into_iter()
            .filter(|view| settled(view).is_none_or(|exit| exit == Exit::Waiting))
            .collect();
        if working.is_empty() {
            return Ok(stopped);
        }
        stopped = stopped.max(working.len());
        for view in working {
            // One that cannot be stopped yet, as its worktree is being made, is asked again.
            let _ = door.submit(Command::StopSession(OfSession { session: view.id })).await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// As the daemon names it: the state directory may lie behind a link.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_path_buf())
}

async fn remove_all(context: &Context) -> Outcome {
    let all = place::all(&context.paths)?;
    if all.is_empty() {
        render::text("there is no example to remove");
        return Ok(Exit::Done);
    }
    let mut door = context.door().await?;
    for dir in all {
        let sessions = sessions_in(&mut door, &real(&dir)).await?;
        for view in &sessions {
            remove::one(context, &mut door, view, true).await?;
        }
        place::delete(&dir).await?;
        render::text(&format!("removed {} and {} sessions", dir.display(), sessions.len()));
    }
    Ok(Exit::Done)
}
