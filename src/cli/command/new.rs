//! `divisi new`: a session for a task.

use std::path::PathBuf;

use clap::ValueEnum;

use crate::cli::attach::AttachArgs;
use crate::cli::command::Outcome;
use crate::cli::context::{Context, here, path_text};
use crate::cli::exit::Exit;
use crate::cli::prompt::PromptArgs;
use crate::cli::render::{self, Line, Style};
use crate::cli::{exit, follow, variables};
use crate::model::approval::ApprovalPolicy;
use crate::model::command::{Command, CreateSession, Outcome as Came};
use crate::model::id::SessionId;
use crate::model::job::OnDaemonDeath;
use crate::model::session::SessionView;
use crate::model::timeline::At;
use crate::model::worktree::WorktreeState;
use crate::model::{Envelope, Event, Refusal};

/// Start an agent on a task in a worktree of its own
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  divisi new 'add a test for the parser'
  divisi new --agent shell --wait 'make check'
  divisi new --agent claude --profile work 'tidy the imports'
  divisi new --base v1.2 --name hotfix --from-file task.md
  divisi new --agent claude --image mock-up.png 'make the page look like this'
  divisi new --from parser@t2 'the same with a table'
  git log -1 --format=%B | divisi new -")]
pub(crate) struct Args {
    /// A directory in the repository
    #[arg(long, value_name = "DIR")]
    repo: Option<PathBuf>,
    /// The branch, tag, commit or pr:N to start from
    #[arg(long, value_name = "REF")]
    base: Option<String>,
    /// A checkpoint of another session to start from: SESSION@CHECKPOINT, or SESSION for its newest
    #[arg(long, value_name = "SESSION", conflicts_with = "base")]
    from: Option<String>,
    /// The session's name
    #[arg(long)]
    name: Option<String>,
    /// The agent (divisi agents lists them)
    #[arg(long)]
    agent: Option<String>,
    /// The model to ask for
    #[arg(long)]
    model: Option<String>,
    /// The mode to ask for
    #[arg(long)]
    mode: Option<String>,
    /// The profile (divisi config profiles lists them); none: not even the agent's default
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// A variable for the agent: NAME=VALUE, or NAME to hand yours on without storing it
    #[arg(long, value_name = "ENV")]
    env: Vec<String>,
    /// What to do with permission requests
    #[arg(long, value_enum)]
    policy: Option<Policy>,
    /// What happens to the agent when the daemon dies
    #[arg(long, value_enum)]
    on_daemon_death: Option<Death>,
    /// Ask after this many seconds in which the agent says nothing; 0: never
    #[arg(long, value_name = "SECONDS")]
    silence: Option<u64>,
    /// Wait until the agent stops or needs a person
    #[arg(long)]
    wait: bool,
    /// Print the session as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    attach: AttachArgs,
    #[command(flatten)]
    prompt: PromptArgs,
}

/// [`ApprovalPolicy`] as an argument.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Policy {
    /// Show it and wait for a person
    Ask,
    /// Keep it without notifying
    Hold,
    /// Allow it at once
    Auto,
}

impl From<Policy> for ApprovalPolicy {
    fn from(policy: Policy) -> Self {
        match policy {
            Policy::Ask => Self::Ask,
            Policy::Hold => Self::Hold,
            Policy::Auto => Self::Auto,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Death {
    /// It goes on
    Keep,
    /// It is ended
    Kill,
}

pub(crate) async fn run(args: Args, context: &Context) -> Outcome {
    let dir = args.repo.clone().map_or_else(here, Ok)?;
    let given = variables::given(&args.env)?;
    let prompt = args.prompt.read(context, "")?;
    let repository = path_text(&dir)?;
    let mut door = context.door().await?;
    let caller = variables::of_caller(&mut door, args.agent.as_deref(), args.profile.as_deref(), &given.pass).await?;
    let mut door = context.door().await?;
    let from = match &args.from {
        Some(from) => Some(at(&mut door, from).await?),
        None => None,
    };
    let command = CreateSession {
        repository,
        environment: given.environment,
        pass: given.pass,
        caller,
        profile: args.profile,
        attach: args.attach.attach()?,
        prompt,
        base: args.base,
        from,
        name: args.name,
        agent: args.agent,
        model: args.model,
        mode: args.mode,
        policy: args.policy.map(ApprovalPolicy::from),
        on_daemon_death: args.on_daemon_death.map(|death| match death {
            Death::Keep => OnDaemonDeath::Keep,
            Death::Kill => OnDaemonDeath::Kill,
        }),
        silence_sec: args.silence,
    };
    let before = door.head();
    let receipt = door.submit(Command::CreateSession(command)).await?;
    let Came::Created { session, name, branch, path } = receipt.outcome else {
        return Err(Refusal::internal("the daemon's receipt names no session"));
    };
    if !args.json {
        render::line(
            &context.screen,
            &Line::new()
                .add(Style::Bold, &name)
                .add(Style::Dim, &format!("  {session}  {}", render::words::branch(&branch))),
        );
        render::text(&path);
    }
    follow::until(context, &door, &session, before, "making the worktree", worktree_made).await?;
    let end = if args.wait {
        let (views, end) = follow::until_settled(context, &mut door, std::slice::from_ref(&session)).await?;
        if !args.json {
            for view in &views {
                say_end(context, view);
            }
        }
        end
    } else {
        Exit::Done
    };
    if args.json {
        render::json(&show(&mut door, &session).await?);
    }
    Ok(end)
}

/// A session and a checkpoint of it, as `SESSION@CHECKPOINT`.
async fn at(door: &mut crate::cli::context::Door<'_>, text: &str) -> Result<At, Refusal> {
    let (session, checkpoint) = match text.rsplit_once('@') {
        Some((session, checkpoint)) => (session, Some(checkpoint.to_owned())),
        None => (text, None),
    };
    Ok(At { session: door.session(session).await?.id, checkpoint })
}

async fn show(door: &mut crate::cli::context::Door<'_>, session: &SessionId) -> Result<SessionView, Refusal> {
    door.session(session.as_str()).await
}

/// For [`follow::until`]: the worktree is there, or cannot be.
pub(crate) fn worktree_made(event: &Envelope) -> Option<Result<(), Refusal>> {
    match &event.event {
        Event::WorktreeChanged { state: WorktreeState::Ready, .. } => Some(Ok(())),
        Event::WorktreeChanged { state: WorktreeState::Failed, notes, .. } => {
            Some(Err(Refusal::environment(format!("failed to make the worktree: {}", notes.join("; ")))))
        }
        _ => follow::fault(event).map(Err),
    }
}

/// How a session came to rest, for a person: on standard error, as the output of `--wait` is the session itself.
pub(crate) fn say_end(context: &Context, view: &SessionView) {
    let reason = view.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let line = Line::new()
        .add(Style::Bold, &view.name)
        .add(Style::Plain, " ")
        .add(render::words::state_style(view.state), &render::words::state(view))
        .add(Style::Plain, &reason)
        .add(Style::Dim, &format!("  {}", render::words::stat(view.stat)));
    render::line(&context.screen, &line);
    if exit::settled(view) == Some(Exit::Waiting) {
        render::remark(&format!("  try: divisi approvals {}", view.name));
    }
}
