//! Starts the processes of agents, or finds them again, and follows each in a [`Unit`].

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::host::effect::{Delivery, Launch, UnitInput};
use crate::host::environment::of_program;
use crate::host::history;
use crate::host::input::Input;
use crate::host::port::{AgentDefinition, Attached, Conversation, JobHandle, JobSpec, Lifetime, Table};
use crate::host::run_effect::Runner;
use crate::host::unit::Unit;
use crate::model::Refusal;
use crate::model::approval::{Answer, Approval, ApprovalState};
use crate::model::job::JobEnd;
use crate::model::terminal::TerminalSize;

impl Runner {
    /// Starts a process and follows it to its end.
    pub(crate) async fn start_job(
        &self,
        launch: Launch,
        prompt: Option<Delivery>,
        inputs: mpsc::UnboundedReceiver<UnitInput>,
    ) {
        let (session, job) = (launch.session.clone(), launch.job.clone());
        let started = self.launch_program(&launch, prompt.as_ref()).await;
        let (handle, lifetime, conversation) = match started {
            Ok(started) => started,
            Err(refusal) => {
                self.unregister(&job);
                return self.send(Input::JobStarted { session, job, result: Err(refusal) });
            }
        };
        self.send(Input::JobStarted { session: session.clone(), job: job.clone(), result: Ok(handle.shim) });
        let follow_up = prompt.as_ref().is_some_and(|prompt| prompt.follow_up);
        let history = self.history(&launch, lifetime, follow_up).await;
        let terminal = launch.on_terminal.then(|| self.terminals.add(&session, Some(Arc::clone(&handle.control))));
        let unit = Unit {
            launch,
            lifetime,
            conversation,
            reader: handle.reader,
            control: Some(handle.control),
            inputs,
            host: self.host.clone(),
            history,
            terminal,
        };
        unit.run(prompt.map(UnitInput::Prompt).into_iter().collect()).await;
        self.unregister(&job);
    }

    async fn launch_program(
        &self,
        launch: &Launch,
        prompt: Option<&Delivery>,
    ) -> Result<(JobHandle, Lifetime, Box<dyn Conversation>), Refusal> {
        let agents = &self.ports.agents;
        let agent = self.definition(launch)?;
        let lifetime = agents.lifetime(&agent);
        let environment = of_program(&self.environment, &agent, launch.environment.clone(), &launch.given);
        let on_command_line = lifetime == Lifetime::Turn || launch.setup.prompted.is_some();
        let own_prompt = prompt.map(|prompt| prompt.text.as_str()).filter(|_| on_command_line);
        let spec = JobSpec {
            job: launch.job.clone(),
            command: agents.command(&agent, &launch.setup, own_prompt),
            directory: launch.setup.directory.clone(),
            environment,
            stdin: agents.wants_stdin(&agent),
            terminal: launch.on_terminal.then(TerminalSize::default),
            on_daemon_death: launch.on_daemon_death,
            lease: launch.lease,
        };
        let conversation = agents.converse(&agent, &launch.setup, launch.turn.as_ref());
        let handle = self.ports.jobs.start(&spec).await?;
        Ok((handle, lifetime, conversation))
    }

    /// The agent as it is started: by its protocol, or with its own interface.
    fn definition(&self, launch: &Launch) -> Result<AgentDefinition, Refusal> {
        let agent = self.ports.agents.find(&launch.agent)?;
        if !launch.on_terminal {
            return Ok(agent);
        }
        self.ports.agents.on_terminal(&agent).ok_or_else(|| {
            Refusal::user(format!(
                "the agent {} has no interface of its own, or its program is not installed",
                agent.name
            ))
        })
    }

    /// Finds an earlier daemon's process and follows it to its end.
    pub(crate) async fn attach_job(
        &self,
        launch: Launch,
        prompt: Option<Delivery>,
        inputs: mpsc::UnboundedReceiver<UnitInput>,
    ) {
        let (session, job) = (launch.session.clone(), launch.job.clone());
        let found = match self.ports.jobs.attach(&job).await {
            Ok(found) => found,
            Err(refusal) => {
                self.unregister(&job);
                return self.send(Input::UnitFailed { session, job, refusal });
            }
        };
        let (reader, control) = match found {
            Attached::Alive(handle) => (handle.reader, Some(handle.control)),
            Attached::Gone(reader) => (reader, None),
            Attached::NeverStarted => {
                // The daemon died between the intention and the start: it is started now, under the same id.
                if prompt.is_some() || launch.on_terminal {
                    self.start_job(launch, prompt, inputs).await;
                } else {
                    self.unregister(&job);
                    self.send(Input::JobEnded { session, job, end: JobEnd::Lost, offset: 0 });
                }
                return;
            }
        };
        let (lifetime, conversation) = match self.definition(&launch) {
            Ok(agent) => {
                let conversation = self.ports.agents.converse(&agent, &launch.setup, launch.turn.as_ref());
                (self.ports.agents.lifetime(&agent), conversation)
            }
            Err(refusal) => {
                self.unregister(&job);
                return self.send(Input::UnitFailed { session, job, refusal });
            }
        };
        let alive = control.is_some();
        let mut first = self.answers(&launch).await;
        let follow_up = prompt.as_ref().is_some_and(|prompt| prompt.follow_up);
        first.extend(prompt.map(UnitInput::Prompt));
        let history = self.history(&launch, lifetime, follow_up).await;
        self.send(Input::JobAttached { session, job: job.clone(), alive });
        let terminal = launch.on_terminal.then(|| self.terminals.add(&launch.session, control.clone()));
        let host = self.host.clone();
        let unit = Unit { launch, lifetime, conversation, reader, control, inputs, host, history, terminal };
        unit.run(first).await;
        self.unregister(&job);
    }

    /// Answers that were given but perhaps not told before the daemon died. Telling one again does nothing.
    async fn answers(&self, launch: &Launch) -> Vec<UnitInput> {
        let store = Arc::clone(&self.ports.store);
        let session = launch.session.clone();
        let rows = tokio::task::spawn_blocking(move || store.rows_of(Table::Approvals, &session)).await;
        let rows = match rows {
            Ok(Ok(rows)) => rows,
            Ok(Err(refusal)) => {
                tracing::error!(%refusal, "answers of an earlier daemon cannot be read");
                return Vec::new();
            }
            Err(error) => {
                tracing::error!(%error, "answers of an earlier daemon cannot be read");
                return Vec::new();
            }
        };
        let approvals = rows.into_iter().filter_map(|row| serde_json::from_str::<Approval>(&row.doc?).ok());
        approvals
            .filter(|approval| approval.job == launch.job)
            .filter_map(|approval| match &approval.state {
                ApprovalState::Answered { answer, option, .. } => Some(UnitInput::Answer {
                    key: approval.key.clone(),
                    option: option.clone(),
                    message: match answer {
                        Answer::Reject { message } => message.clone(),
                        Answer::Once | Answer::Always { .. } => None,
                    },
                }),
                ApprovalState::Open | ApprovalState::Expired { .. } => None,
            })
            .collect()
    }

    async fn history(&self, launch: &Launch, lifetime: Lifetime, follow_up: bool) -> Option<String> {
        if lifetime == Lifetime::Turn || !follow_up {
            return None;
        }
        let store = Arc::clone(&self.ports.store);
        let session = launch.session.clone();
        tokio::task::spawn_blocking(move || history::of_session(store.as_ref(), &session)).await.ok().flatten()
    }
}
