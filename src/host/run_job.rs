//! Starts the processes of agents, or finds them again, and follows each in a [`Unit`].

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::host::effect::{Delivery, Launch, UnitInput};
use crate::host::hinted;
use crate::host::history;
use crate::host::input::Input;
use crate::host::mcp;
use crate::host::on_silence;
use crate::host::port::attachments::named;
use crate::host::port::{
    AgentDefinition, Attached, Content, Conversation, Endpoint, EndpointSpec, JobHandle, JobSpec, Lifetime, Table,
    Variant,
};
use crate::host::profile;
use crate::host::run_effect::Runner;
use crate::host::unit::Unit;
use crate::model::Refusal;
use crate::model::agent::Protocol;
use crate::model::approval::{Answer, Approval, ApprovalState};
use crate::model::id::SessionId;
use crate::model::job::JobEnd;
use crate::model::terminal::TerminalSize;

/// A process that was started.
struct Started {
    handle: JobHandle,
    lifetime: Lifetime,
    conversation: Box<dyn Conversation>,
    endpoint: Option<Box<dyn Endpoint>>,
}

/// The loopback interface is not reached through a proxy.
fn past_proxies(environment: &mut BTreeMap<String, String>) {
    let is_set = |name: &str| environment.contains_key(name) || environment.contains_key(&name.to_uppercase());
    if !["http_proxy", "https_proxy", "all_proxy"].into_iter().any(is_set) {
        return;
    }
    let spared = ["NO_PROXY", "no_proxy"];
    if !is_set("no_proxy") {
        environment.extend(spared.map(|name| (name.to_owned(), String::new())));
    }
    for name in spared {
        let Some(listed) = environment.get_mut(name).filter(|listed| *listed != "*") else { continue };
        for address in ["127.0.0.1", "localhost"] {
            if !listed.split(',').any(|known| known.trim() == address) {
                listed.push_str(if listed.is_empty() { "" } else { "," });
                listed.push_str(address);
            }
        }
    }
}

/// What the session's agent differs in from the catalog's.
fn variant(launch: &Launch) -> Variant<'_> {
    let program = launch.profile.as_ref().and_then(|(_, profile)| profile.program.as_deref());
    Variant { definition: launch.definition.as_deref(), program }
}

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
        let Started { handle, lifetime, conversation, endpoint } = match started {
            Ok(started) => started,
            Err(refusal) => {
                self.unregister(&job);
                return self.send(Input::JobStarted { session, job, result: Err(refusal) });
            }
        };
        self.send(Input::JobStarted { session: session.clone(), job: job.clone(), result: Ok(handle.shim) });
        let follow_up = prompt.as_ref().is_some_and(|prompt| prompt.follow_up);
        let history = if lifetime == Lifetime::Session { self.history(&launch, follow_up).await } else { None };
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
            attachments: Arc::clone(&self.ports.attachments),
            terminal,
        };
        let ended = unit.run(prompt.map(UnitInput::Prompt).into_iter().collect()).await;
        if let Some(endpoint) = endpoint.filter(|_| ended) {
            endpoint.close();
        }
        self.unregister(&job);
    }

    /// Opens where the agent's own interface finds an editor. Without one it works too, so that nothing fails with this.
    async fn open_endpoint(
        &self,
        launch: &Launch,
        agent: &AgentDefinition,
        environment: &mut BTreeMap<String, String>,
    ) -> Option<Box<dyn Endpoint>> {
        let protocol = agent.editor.filter(|_| launch.on_terminal)?;
        let worktree = launch.setup.directory.clone();
        let spec = EndpointSpec { job: launch.job.clone(), protocol, worktree, environment: environment.clone() };
        match self.ports.endpoints.open(&spec, self.editors.door(&launch.session)).await {
            Ok(endpoint) => {
                environment.extend(endpoint.variables());
                past_proxies(environment);
                Some(endpoint)
            }
            Err(refusal) => {
                let text = format!("its interface will find no editor: {}", hinted(&refusal));
                self.send(Input::Noticed { session: launch.session.clone(), text });
                None
            }
        }
    }

    async fn launch_program(&self, launch: &Launch, prompt: Option<&Delivery>) -> Result<Started, Refusal> {
        let agents = &self.ports.agents;
        let agent = self.definition(launch)?;
        let lifetime = agents.lifetime(&agent);
        let mut environment = self.environment_of(launch, &agent).await?;
        let secret = |name: &str| environment.get(name).or_else(|| self.environment.get(name)).cloned();
        let secrets = mcp::variables(&launch.mcp, secret)?;
        environment.extend(secrets);
        let endpoint = self.open_endpoint(launch, &agent, &mut environment).await;
        let on_command_line = lifetime == Lifetime::Turn || launch.setup.prompted.is_some();
        let own_prompt = match prompt.filter(|_| on_command_line) {
            Some(prompt) => Some(self.own_prompt(&agent, launch, prompt).await),
            None => None,
        };
        let spec = JobSpec {
            job: launch.job.clone(),
            command: agents.command(&agent, &launch.setup, own_prompt.as_deref()),
            directory: launch.setup.directory.clone(),
            environment,
            stdin: agents.wants_stdin(&agent),
            terminal: launch.on_terminal.then(TerminalSize::default),
            on_daemon_death: launch.on_daemon_death,
            lease: launch.lease,
        };
        let conversation = agents.converse(&agent, &launch.setup, launch.turn.as_ref());
        let handle = match self.ports.jobs.start(&spec).await {
            Ok(handle) => handle,
            Err(refusal) => {
                if let Some(endpoint) = endpoint {
                    endpoint.close();
                }
                return Err(refusal);
            }
        };
        if prompt.is_some_and(|prompt| !prompt.follow_up) {
            self.tell_problems(launch, agent);
        }
        Ok(Started { handle, lifetime, conversation, endpoint })
    }

    /// A prompt for a program that takes nothing but text: what goes with it is named.
    fn with_paths(&self, session: &SessionId, prompt: &Delivery) -> String {
        let mut text = prompt.text.clone();
        for attachment in &prompt.attachments {
            let Content { name, media_type, path, .. } = self.ports.attachments.load(session, attachment);
            text.push_str(&named(&name, &media_type, &path));
        }
        text
    }

    /// Looks up what the process is started with; a keyring may take its time.
    async fn environment_of(
        &self,
        launch: &Launch,
        agent: &AgentDefinition,
    ) -> Result<BTreeMap<String, String>, Refusal> {
        let (agents, daemon) = (Arc::clone(&self.ports.agents), Arc::clone(&self.environment));
        let (launch, agent) = (launch.clone(), agent.clone());
        let looked =
            tokio::task::spawn_blocking(move || profile::environment(agents.as_ref(), &daemon, &agent, &launch));
        looked.await.map_err(|error| Refusal::internal(format!("the environment could not be made: {error}")))?
    }

    /// Says what is known to be wrong with the agent's version, beside its work.
    fn tell_problems(&self, launch: &Launch, agent: AgentDefinition) {
        let (runner, session) = (self.clone(), launch.session.clone());
        self.runtime.spawn_blocking(move || {
            for problem in runner.ports.agents.problems(&agent) {
                let text = format!(
                    "this version of {} is known to be bad ({}): {}; try: {}",
                    agent.name, problem.versions, problem.what, problem.remedy
                );
                runner.send(Input::Noticed { session: session.clone(), text });
            }
        });
    }

    /// The agent as it is started: by its protocol, or with its own interface.
    fn definition(&self, launch: &Launch) -> Result<AgentDefinition, Refusal> {
        let mut agent = self.ports.agents.find_as(&launch.agent, variant(launch))?;
        if let Some((_, profile)) = &launch.profile {
            profile::with_arguments(&mut agent, &profile.arguments);
        }
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
        first.extend(launch.steers.iter().cloned().map(UnitInput::Steer));
        let history = if lifetime == Lifetime::Session { self.history(&launch, follow_up).await } else { None };
        self.send(Input::JobAttached { session, job: job.clone(), alive });
        let terminal = launch.on_terminal.then(|| self.terminals.add(&launch.session, control.clone()));
        let endpoint = if alive { self.reopen_endpoint(&launch).await } else { None };
        let (host, attachments) = (self.host.clone(), Arc::clone(&self.ports.attachments));
        let unit =
            Unit { launch, lifetime, conversation, reader, control, inputs, host, history, attachments, terminal };
        let ended = unit.run(first).await;
        if let Some(endpoint) = endpoint.filter(|_| ended) {
            endpoint.close();
        }
        self.unregister(&job);
    }

    /// Opens again what an earlier daemon had opened.
    async fn reopen_endpoint(&self, launch: &Launch) -> Option<Box<dyn Endpoint>> {
        match self.ports.endpoints.reopen(&launch.job, self.editors.door(&launch.session)).await {
            Ok(endpoint) => endpoint,
            Err(refusal) => {
                tracing::warn!(job = %launch.job, %refusal, "an agent's way to its editor is not open again");
                None
            }
        }
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
            .filter(|approval| approval.job == launch.job && !on_silence::is_ours(approval))
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

    /// The prompt for a process of one turn. When it cannot go on with a conversation it is told what was said; a shell is not, for its
    /// prompt is a command.
    async fn own_prompt(&self, agent: &AgentDefinition, launch: &Launch, prompt: &Delivery) -> String {
        // What a shell or a terminal is given is a command line.
        let commands = matches!(agent.protocol, Protocol::Shell | Protocol::Pty);
        let knows = commands || launch.setup.resume.is_some();
        match self.history(launch, prompt.follow_up && !knows).await {
            Some(history) => format!("{history}\n\n{}", self.with_paths(&launch.session, prompt)),
            None => self.with_paths(&launch.session, prompt),
        }
    }

    async fn history(&self, launch: &Launch, follow_up: bool) -> Option<String> {
        if !follow_up {
            return None;
        }
        let store = Arc::clone(&self.ports.store);
        let session = launch.session.clone();
        tokio::task::spawn_blocking(move || history::of_session(store.as_ref(), &session)).await.ok().flatten()
    }
}
