//! An agent that attempts a case is a session of the daemon, in the case's own repository.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::cli::command::log::pages;
use crate::cli::command::remove;
use crate::cli::context::{Context, Door, path_text};
use crate::cli::{follow, variables};
use crate::model::agent::AgentView;
use crate::model::approval::ApprovalPolicy;
use crate::model::attachment::When;
use crate::model::attempt::{Asked, Solved, Task, Unsolved};
use crate::model::command::{Command, CreateSession, OfSession, Outcome, SendPrompt};
use crate::model::failure::FailureKind;
use crate::model::id::SessionId;
use crate::model::query::{ListAgents, Query, UsageReport};
use crate::model::secret::Secret;
use crate::model::session::{SessionView, Settled};
use crate::model::usage::Usage;
use crate::model::{Event, Refusal};

/// How long a session that is told to stop has for it.
const STOPPING: Duration = Duration::from_secs(20);
/// How often it is looked whether everything is to stop.
const STOP_CHECK: Duration = Duration::from_millis(50);
/// How often it is asked what a session has used, where that is bounded.
const USAGE_CHECK: Duration = Duration::from_secs(1);

/// Sessions of one agent.
pub(super) struct Sessions<'a> {
    context: Context,
    agent: &'a str,
    model: Option<&'a str>,
    profile: Option<&'a str>,
    caller: BTreeMap<String, Option<Secret>>,
    runtime: Runtime,
    stop: &'a AtomicBool,
}

impl<'a> Sessions<'a> {
    /// Makes sure that there is a daemon that knows the agent. `stop` ends every turn.
    pub(super) fn new(context: &Context, asked: &'a Asked, stop: &'a AtomicBool) -> Result<Self, Refusal> {
        let (agent, model, profile) = (asked.agent.as_str(), asked.model.as_deref(), asked.profile.as_deref());
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|error| Refusal::environment(format!("failed to start the runtime: {error}")))?;
        let mut context = Context::new(context.programs)?;
        // Several wait at once: their progress would write over each other.
        context.screen.progress = false;
        let caller = runtime.block_on(async {
            let mut door = context.door().await?;
            let list = ListAgents { repository: None, probe: false, ..ListAgents::default() };
            let known: Vec<AgentView> = door.query(Query::ListAgents(list)).await?;
            if !known.iter().any(|view| view.name == agent) {
                return Err(Refusal::user(format!("there is no agent named {agent:?}")).hint("divisi agents"));
            }
            variables::of_caller(&mut door, Some(agent), profile, &[]).await
        })?;
        Ok(Self { context, agent, model, profile, caller, runtime, stop })
    }

    /// One turn, to its end. A session that is told of stays until [`Self::leave`]; of one that is not nothing is left.
    pub(super) fn solve(&self, task: &Task) -> Result<Solved, Unsolved> {
        self.runtime.block_on(async {
            let mut door = self.context.door().await.map_err(unable)?;
            let session = match &task.session {
                None => self.create(&mut door, task).await.map_err(unable)?,
                Some(session) => {
                    let session = SessionId(session.clone());
                    let send = SendPrompt {
                        session: session.clone(),
                        text: task.prompt.clone(),
                        attach: Vec::new(),
                        when: When::default(),
                        caller: BTreeMap::new(),
                    };
                    door.submit(Command::SendPrompt(send)).await.map_err(unable)?;
                    session
                }
            };
            let solved = self.turn(&mut door, task, &session).await;
            if solved.is_err() && task.session.is_none() {
                self.leave_with(&mut door, &session).await;
            }
            solved
        })
    }

    /// Waits for the turn's end, or ends it.
    async fn turn(&self, door: &mut Door<'_>, task: &Task, session: &SessionId) -> Result<Solved, Unsolved> {
        let ids = [session.clone()];
        let ended = tokio::select! {
            settled = follow::until_settled(&self.context, door, &ids) => Ok(settled.map_err(unable)?),
            () = tokio::time::sleep(task.limit) => {
                Err(Unsolved::Agent(format!("it did not end within {} s", task.limit.as_secs())))
            }
            () = self.stopped() => Err(Unsolved::Cancelled),
            () = self.used_up(task, session) => Err(Unsolved::Budget),
        };
        let views = match ended {
            Ok((views, _)) => Ok(views),
            Err(unsolved) => {
                self.stop(door, session).await;
                Err(unsolved)
            }
        };
        // What it cost counts, however it ended.
        if let Ok(usage) = used(door, session).await {
            task.meter.note(&task.meter_key, &usage);
        }
        let Some(view) = views?.pop() else {
            return Err(Unsolved::Infrastructure("the session is gone".to_owned()));
        };
        if view.state.settled() != Some(Settled::Done) {
            let why = view.reason.clone().unwrap_or_else(|| format!("it is {}", view.state.phrase()));
            let kind = view.turn.as_ref().and_then(|turn| turn.failure.as_ref()).map(|failure| failure.kind);
            return Err(unsolved(kind, why));
        }
        let usage = used(door, session).await.map_err(unable)?;
        let tools = tools(door, session).await.map_err(unable)?;
        Ok(Solved { files: view.worktree.path.clone().into(), session: session.0.clone(), usage, tools })
    }

    /// Until the person ends everything.
    async fn stopped(&self) {
        while !self.stop.load(Ordering::Relaxed) {
            tokio::time::sleep(STOP_CHECK).await;
        }
    }

    /// Until all attempts together have used what they may; for ever where they may use what they want.
    async fn used_up(&self, task: &Task, session: &SessionId) {
        while task.meter.is_needed() {
            tokio::time::sleep(USAGE_CHECK).await;
            // Who cannot be asked now is asked again.
            let Ok(mut door) = self.context.door().await else { continue };
            if let Ok(usage) = used(&mut door, session).await {
                task.meter.note(&task.meter_key, &usage);
            }
            if !task.meter.is_left() {
                return;
            }
        }
        std::future::pending::<()>().await;
    }

    async fn create(&self, door: &mut Door<'_>, task: &Task) -> Result<SessionId, Refusal> {
        let create = CreateSession {
            repository: path_text(&task.repository)?,
            prompt: task.prompt.clone(),
            base: None,
            from: None,
            name: Some(format!("attempt-{}", task.attempt)),
            agent: Some(self.agent.to_owned()),
            model: self.model.map(str::to_owned),
            mode: None,
            environment: BTreeMap::new(),
            pass: Vec::new(),
            caller: self.caller.clone(),
            profile: self.profile.map(str::to_owned),
            policy: Some(ApprovalPolicy::Auto),
            on_daemon_death: None,
            attach: Vec::new(),
            // Nobody is there to be asked; the limit holds.
            silence_sec: Some(0),
        };
        match door.submit(Command::CreateSession(create)).await?.outcome {
            Outcome::Created { session, .. } => Ok(session),
            other => Err(Refusal::internal(format!("a session was to be created, and the daemon said {other:?}"))),
        }
    }

    async fn stop(&self, door: &mut Door<'_>, session: &SessionId) {
        let told = door.submit(Command::StopSession(OfSession { session: session.clone() })).await;
        let ids = [session.clone()];
        // What does not stop by then is ended with its removal.
        if told.is_ok() && timeout(STOPPING, follow::until_settled(&self.context, door, &ids)).await.is_err() {
            tracing::warn!(%session, "the session does not stop");
        }
    }

    /// Removes a session.
    pub(super) fn leave(&self, session: &str) {
        self.runtime.block_on(async {
            match self.context.door().await {
                Ok(mut door) => self.leave_with(&mut door, &SessionId(session.to_owned())).await,
                Err(refusal) => tracing::warn!(session, message = refusal.message, "a session stays"),
            }
        });
    }

    async fn leave_with(&self, door: &mut Door<'_>, session: &SessionId) {
        let removed = async {
            let view: SessionView = door.session(session.as_str()).await?;
            remove::one(&self.context, door, &view, true).await
        };
        if let Err(refusal) = removed.await {
            tracing::warn!(%session, message = refusal.message, "a session stays");
        }
    }
}

/// What a session used so far.
async fn used(door: &mut Door<'_>, session: &SessionId) -> Result<Usage, Refusal> {
    let report: UsageReport = door.query(Query::ShowUsage(OfSession { session: session.clone() })).await?;
    Ok(report.session)
}

/// How often it used which tool, by the tool's kind where it has no name.
async fn tools(door: &mut Door<'_>, session: &SessionId) -> Result<BTreeMap<String, u32>, Refusal> {
    let mut calls = BTreeMap::new();
    pages(door, session, |events| {
        for envelope in events {
            if let Event::AgentTool { call, .. } = envelope.event {
                calls.insert(call.id, call.name.unwrap_or(call.kind));
            }
        }
    })
    .await?;
    let mut counts = BTreeMap::new();
    for tool in calls.into_values() {
        *counts.entry(tool).or_default() += 1;
    }
    Ok(counts)
}

/// Whose failure it is that a turn failed so.
fn unsolved(kind: Option<FailureKind>, why: String) -> Unsolved {
    use FailureKind as Kind;
    match kind {
        Some(Kind::RateLimit | Kind::Overloaded | Kind::Unreachable | Kind::Lost) => Unsolved::Infrastructure(why),
        Some(Kind::NotInstalled | Kind::WrongVersion | Kind::NotLoggedIn | Kind::Quota | Kind::UnknownModel) => {
            Unsolved::Never(why)
        }
        _ => Unsolved::Agent(why),
    }
}

fn unable(refusal: Refusal) -> Unsolved {
    Unsolved::Infrastructure(refusal.message)
}
