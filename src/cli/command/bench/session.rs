//! An agent that attempts a case is a session of the daemon, in the case's own repository.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::cli::command::remove;
use crate::cli::context::{Context, Door, path_text};
use crate::cli::{follow, variables};
use crate::model::Refusal;
use crate::model::agent::AgentView;
use crate::model::approval::ApprovalPolicy;
use crate::model::attachment::When;
use crate::model::attempt::{Solved, Task, Unsolved};
use crate::model::command::{Command, CreateSession, OfSession, Outcome, SendPrompt};
use crate::model::id::SessionId;
use crate::model::query::{ListAgents, Query, UsageReport};
use crate::model::secret::Secret;
use crate::model::session::{SessionView, Settled};

/// How long a session that is told to stop has for it.
const STOPPING: Duration = Duration::from_secs(20);

/// Sessions of one agent.
pub(super) struct Sessions<'a> {
    context: Context,
    agent: &'a str,
    model: Option<&'a str>,
    profile: Option<&'a str>,
    caller: BTreeMap<String, Option<Secret>>,
    runtime: Runtime,
}

impl<'a> Sessions<'a> {
    /// Makes sure that there is a daemon that knows the agent.
    pub(super) fn new(
        context: &Context,
        agent: &'a str,
        model: Option<&'a str>,
        profile: Option<&'a str>,
    ) -> Result<Self, Refusal> {
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
        Ok(Self { context, agent, model, profile, caller, runtime })
    }

    /// One turn, to its end.
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
            let ids = [session.clone()];
            let settled = timeout(task.limit, follow::until_settled(&self.context, &mut door, &ids)).await;
            let view = match settled {
                Ok(Ok((mut views, _))) if !views.is_empty() => views.remove(0),
                Ok(Ok(_)) => return Err(Unsolved::Infrastructure("the session is gone".to_owned())),
                Ok(Err(refusal)) => return Err(unable(refusal)),
                Err(_) => {
                    self.stop(&mut door, &session).await;
                    self.leave_with(&mut door, &session).await;
                    return Err(Unsolved::Agent(format!("it did not end within {} s", task.limit.as_secs())));
                }
            };
            if view.state.settled() != Some(Settled::Done) {
                let why = view.reason.clone().unwrap_or_else(|| format!("it is {}", view.state.phrase()));
                self.leave_with(&mut door, &session).await;
                return Err(Unsolved::Agent(why));
            }
            let report: UsageReport =
                door.query(Query::ShowUsage(OfSession { session: session.clone() })).await.map_err(unable)?;
            Ok(Solved { files: view.worktree.path.clone().into(), session: session.0, usage: report.session })
        })
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

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn unable(refusal: Refusal) -> Unsolved {
    Unsolved::Infrastructure(refusal.message)
}
