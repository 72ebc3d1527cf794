//! The dispatcher: one task that takes inputs one after the other, lets the brain decide, and sees to the order: commit, then publish,
//! then effects and receipts.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use crate::base::clock;
use crate::host::advance::advance;
use crate::host::bus::Bus;
use crate::host::change::{Brain, Change, Decision};
use crate::host::editors::Editors;
use crate::host::handle::{HostHandle, Request};
use crate::host::input::Input;
use crate::host::mend::LeftOut;
use crate::host::on_query::{self, Lookup};
use crate::host::plan_names::Configured;
use crate::host::port::{Batch, Table, Variant};
use crate::host::profile;
use crate::host::registry::Registry;
use crate::host::run_effect::{Ports, Runner};
use crate::host::terminal::Terminals;
use crate::host::{
    on_agent, on_approval, on_batch, on_case, on_combine, on_contest, on_create, on_evaluation, on_hunk, on_job,
    on_judge, on_landing, on_option, on_prompt, on_removal, on_repository, on_retry, on_review, on_rewind, on_session,
    on_silence, on_terminal, run_query,
};
use crate::model::Refusal;
use crate::model::command::{Command, Receipt};
use crate::model::event::{Cause, Event};
use crate::model::id::{BatchId, CommandId, SessionId};
use crate::model::price::PriceTable;
use crate::model::query::{DaemonStatus, ListVariables};
use crate::model::settings::Settings;
use crate::session::cost;

/// What a daemon says of itself, besides what the host knows.
#[derive(Debug, Clone, Default)]
pub struct Identity {
    /// Its socket's path.
    pub socket: String,
    /// Its log's path.
    pub log: String,
    /// The wire protocol's number.
    pub protocol: u32,
}

/// What a host is started with.
pub struct HostSetup {
    /// The drivers.
    pub ports: Ports,
    /// The user's configuration.
    pub settings: Settings,
    /// The daemon's own environment, from which agents get an allow-listed part.
    pub environment: BTreeMap<String, String>,
    /// What the status says.
    pub identity: Identity,
    /// Makes ids: ten characters of lower-case base 32 each, never the same twice.
    pub new_id: Box<dyn FnMut() -> String + Send>,
}

type Reply = oneshot::Sender<Result<Receipt, Refusal>>;

struct Dispatcher {
    brain: Brain,
    runner: Runner,
    bus: Arc<Bus>,
    identity: Identity,
    started_at: i64,
    clients: u32,
    /// What models cost.
    prices: Arc<PriceTable>,
    /// Who waits for receipts.
    replies: Arc<Mutex<HashMap<CommandId, Vec<Reply>>>>,
    stopping: Option<oneshot::Sender<()>>,
}

/// Starts a host on the current tokio runtime: loads what is live, begins what the facts ask for, takes requests.
///
/// # Errors
/// When the store cannot be read.
pub fn start(setup: HostSetup) -> Result<HostHandle, Refusal> {
    let registry = Registry::load(setup.ports.store.as_ref())?;
    let bus = Bus::new(Arc::clone(&setup.ports.store));
    let (requests, mut incoming) = mpsc::unbounded_channel::<Request>();
    let (inputs, mut results) = mpsc::unbounded_channel::<Input>();
    let terminals = Arc::new(Terminals::default());
    let editors = Arc::new(Editors::default());
    let runner = Runner {
        terminals: Arc::clone(&terminals),
        editors: Arc::clone(&editors),
        ports: setup.ports.clone(),
        host: inputs,
        units: Arc::default(),
        evaluations: Arc::default(),
        cases: Arc::default(),
        judges: Arc::default(),
        setups: Arc::default(),
        runtime: tokio::runtime::Handle::current(),
        closed: Arc::default(),
        environment: Arc::new(setup.environment.clone()),
    };
    let prices = Arc::new(setup.settings.prices.clone());
    let brain = Brain {
        registry,
        settings: setup.settings,
        agents: setup.ports.agents,
        environment: setup.environment,
        callers: BTreeMap::new(),
        steps: BTreeSet::new(),
        units: BTreeSet::new(),
        waiting: BTreeMap::new(),
        tickets: 0,
        recovering: true,
        batches: on_batch::Desk::default(),
        new_id: setup.new_id,
    };
    let mut dispatcher = Dispatcher {
        brain,
        runner,
        bus: Arc::clone(&bus),
        identity: setup.identity,
        started_at: clock::now(),
        clients: 0,
        prices,
        replies: Arc::default(),
        stopping: None,
    };
    dispatcher.recover();
    tokio::spawn(async move {
        loop {
            let input = tokio::select! {
                // Results first: they free what requests wait for.
                biased;
                Some(result) = results.recv() => result,
                request = incoming.recv() => match request {
                    Some(request) => Input::Request(request),
                    None => break,
                },
            };
            dispatcher.take(input);
            if let Some(done) = dispatcher.stopping.take() {
                dispatcher.drain(done);
                break;
            }
        }
    });
    Ok(HostHandle::new(requests, bus, terminals, editors))
}

impl Dispatcher {
    /// Goes on with everything an earlier daemon left; recovery is nothing else.
    fn recover(&mut self) {
        let mends = &mut self.brain.registry.mends;
        let rows = std::mem::take(&mut mends.rows);
        let said: Vec<_> = mends.left_out.values().map(LeftOut::sentence).chain(mends.mended.iter().cloned()).collect();
        if !said.is_empty() {
            self.decide(Cause::Recovery, |change| {
                for row in rows {
                    change.mend(row);
                }
                for message in said {
                    tracing::error!(message, "damage in the database");
                    change.emit(None, Event::FaultRaised { part: "database".to_owned(), message });
                }
            });
        }
        let ids: Vec<SessionId> = self.brain.registry.sessions.keys().cloned().collect();
        // Before anybody can ask for more: what is being copied belongs to no session yet.
        let owners = ids.iter().chain(self.brain.registry.mends.left_out.keys()).cloned().collect();
        self.runner.ports.attachments.sweep(&owners);
        self.runner.ports.grounds.sweep();
        self.sweep_cases();
        for id in ids {
            self.decide(Cause::Recovery, |change| advance(change, &id));
        }
        self.brain.recovering = false;
        self.decide(Cause::Recovery, on_batch::recover);
    }

    /// Removes what nobody needs of attempts at cases, and leaves what is being prepared to those who prepare it again.
    fn sweep_cases(&self) {
        let registry = &self.brain.registry;
        let store = Arc::clone(&self.runner.ports.store);
        let runs = registry.batches.values().flat_map(|live| &live.runs);
        let begun = runs.filter_map(|run| Some(&run.current()?.session));
        let owners = registry.sessions.keys().chain(registry.mends.left_out.keys()).chain(begun).cloned().collect();
        // What cannot be looked up stays.
        let is_known = |id: &BatchId| store.row(Table::Batches, id.as_str()).map_or(true, |row| row.is_some());
        self.runner.ports.cases.sweep(&owners, &is_known);
    }

    /// Lets the brain decide, and commits what it decided. A panic in the decision is contained and recorded.
    fn decide(&mut self, cause: Cause, decide: impl FnOnce(&mut Change<'_>)) {
        self.decide_then(cause, decide, None);
    }

    fn decide_then(
        &mut self,
        cause: Cause,
        decide: impl FnOnce(&mut Change<'_>),
        committed: Option<oneshot::Sender<()>>,
    ) {
        let mut change = Change::new(&mut self.brain, clock::now(), cause);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| {
            decide(&mut change);
            on_batch::go_on(&mut change);
        })) {
            let message = panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
                .unwrap_or_else(|| "a panic without a message".to_owned());
            tracing::error!(message, "a decision panicked");
            change.emit(None, Event::FaultRaised { part: "host".to_owned(), message });
        }
        let decision = change.finish();
        self.commit(decision, committed);
    }

    fn commit(&self, decision: Decision, confirm: Option<oneshot::Sender<()>>) {
        let Decision { batch, events, effects, receipts } = decision;
        let runner = self.runner.clone();
        let bus = Arc::clone(&self.bus);
        let replies = Arc::clone(&self.replies);
        let committed = move || {
            bus.publish(&events);
            for (command, receipt) in receipts {
                let waiting = lock(&replies).remove(&command).unwrap_or_default();
                for reply in waiting {
                    // A client that went away needs no receipt.
                    let _ = reply.send(receipt.clone());
                }
            }
            for effect in effects {
                runner.begin(effect);
            }
            if let Some(confirm) = confirm {
                let _ = confirm.send(());
            }
        };
        // Refusals and lookups change nothing, but must not overtake what was decided before them.
        self.runner.ports.store.append(batch, Box::new(committed));
    }

    fn take(&mut self, input: Input) {
        match input {
            Input::Request(request) => self.on_request(request),
            Input::Agent(said) => {
                let cause = Cause::Journal { job: said.job.clone(), offset: said.offset };
                let confirm = said.committed;
                let (session, job, updates) = (said.session, said.job, said.updates);
                self.decide_then(cause, |change| on_agent::on_agent(change, &session, &job, updates), Some(confirm));
            }
            Input::JobEnded { session, job, end, offset } => {
                let cause = Cause::Journal { job: job.clone(), offset };
                self.decide(cause, |change| on_job::on_ended(change, &session, &job, end));
            }
            other => self.decide(Cause::Host, |change| on_result(change, other)),
        }
    }

    fn on_request(&mut self, request: Request) {
        match request {
            Request::Submit { id, command, client, reply } => self.on_submit(&id, &command, &client, reply),
            Request::Query { query, reply } => {
                let mut lookup = on_query::prepare(&self.brain.registry, query);
                match &mut lookup {
                    Lookup::Agents { profiles, .. } => *profiles = profile::defaults(&self.brain.settings),
                    Lookup::Plan(_, configured) => *configured = Configured::of(&self.brain.settings),
                    Lookup::Batches(live) | Lookup::Batch { live, .. } | Lookup::Export { live, .. } => {
                        let blocked = self.runner.ports.store.blocked();
                        *live = on_batch::snapshots(&self.brain, blocked.as_deref());
                    }
                    Lookup::Preflight { strategy, gates, .. } => {
                        *strategy = self.brain.settings.landing;
                        gates.configured.clone_from(&self.brain.settings.gates);
                    }
                    _ => {}
                }
                if let Lookup::Status = lookup {
                    let _ = reply.send(on_query::encode(&self.status()));
                    return;
                }
                if let Lookup::Variables(request) = lookup {
                    let _ = reply.send(self.variables(&request));
                    return;
                }
                if let Lookup::Answer(answer) = lookup {
                    let _ = reply.send(answer);
                    return;
                }
                let ports = self.runner.ports.clone();
                let prices = Arc::clone(&self.prices);
                tokio::task::spawn_blocking(move || {
                    let _ = reply.send(run_query::answer(&ports, lookup, &prices));
                });
            }
            Request::Views { ids, reply } => {
                let mut views: Vec<_> = ids.iter().filter_map(|id| self.brain.registry.view(id)).collect();
                for view in &mut views {
                    cost::price(view, &self.prices);
                }
                let _ = reply.send(views);
            }
            Request::Terminal { session, reply } => {
                let change = Change::new(&mut self.brain, clock::now(), Cause::Host);
                let _ = reply.send(on_terminal::require_expected(&change, &session));
            }
            Request::Clients { count } => self.clients = count,
            Request::Shutdown { reply } => self.stopping = Some(reply),
        }
    }

    fn on_submit(&mut self, id: &CommandId, command: &Command, client: &str, reply: Reply) {
        if let Some(why) = self.runner.ports.store.blocked() {
            let refusal = Refusal::environment(format!("nothing can be recorded at the moment: {why}"))
                .hint("divisi daemon status");
            let _ = reply.send(Err(refusal));
            return;
        }
        match self.earlier_receipt(id) {
            Ok(None) => {}
            Ok(Some(receipt)) => {
                let _ = reply.send(Ok(receipt));
                return;
            }
            Err(refusal) => {
                let _ = reply.send(Err(refusal));
                return;
            }
        }
        {
            let mut replies = lock(&self.replies);
            let waiting = replies.entry(id.clone()).or_default();
            waiting.push(reply);
            if waiting.len() > 1 {
                return; // The same command is being carried out already.
            }
        }
        let cause = Cause::Command { id: id.clone() };
        self.decide(cause, |change| {
            if let Err(refusal) = on_command(change, id, command, client) {
                change.refuse(id, refusal);
            }
        });
    }

    fn earlier_receipt(&self, id: &CommandId) -> Result<Option<Receipt>, Refusal> {
        let Some(doc) = self.runner.ports.store.receipt(id)? else { return Ok(None) };
        serde_json::from_str(&doc)
            .map(Some)
            .map_err(|error| Refusal::internal(format!("failed to read the receipt of command {id}: {error}")))
    }

    fn status(&self) -> DaemonStatus {
        let sessions = self.brain.registry.sessions.len();
        let running = self.brain.registry.jobs.len();
        DaemonStatus {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            protocol: self.identity.protocol,
            started_at: self.started_at,
            socket: self.identity.socket.clone(),
            database: self.runner.ports.store.path(),
            log: self.identity.log.clone(),
            head: self.bus.head(),
            sessions: u32::try_from(sessions).unwrap_or(u32::MAX),
            running: u32::try_from(running).unwrap_or(u32::MAX),
            batches: u32::try_from(on_batch::going_on(&self.brain)).unwrap_or(u32::MAX),
            clients: self.clients,
            git_processes: self.runner.ports.git.processes(),
            blocked: self.runner.ports.store.blocked(),
        }
    }

    /// Names of variables that a new session would take from whoever starts it.
    fn variables(&self, request: &ListVariables) -> Result<Value, Refusal> {
        let settings = &self.brain.settings;
        let name = request.agent.as_deref().unwrap_or(&settings.default_agent);
        let chosen = profile::choose(settings, request.profile.as_deref(), name)?.map(|(_, profile)| profile);
        let program = chosen.and_then(|profile| profile.program.as_deref());
        // What is wrong with the agent is said when a session is made; a repository may define it.
        let agent = self.brain.agents.find_as(name, Variant { definition: None, program }).ok();
        on_query::encode(&profile::variables(settings, chosen, agent.as_ref()))
    }

    /// The last thing: everything decided is committed before the stop is confirmed.
    fn drain(&self, done: oneshot::Sender<()>) {
        self.runner.let_go();
        let committed = move || {
            let _ = done.send(());
        };
        self.runner.ports.store.append(Batch::default(), Box::new(committed));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// One command, one decision.
fn on_command(change: &mut Change<'_>, id: &CommandId, command: &Command, client: &str) -> Result<(), Refusal> {
    match command {
        Command::CreateSession(request) => on_create::on_create(change, id, request),
        Command::SendPrompt(request) => on_prompt::on_send(change, id, request, client),
        Command::EditPrompt(request) => on_prompt::on_edit_prompt(change, id, request),
        Command::CancelPrompt(request) => on_prompt::on_cancel_prompt(change, id, request),
        Command::StopSession(request) => on_session::on_stop(change, id, request, client),
        Command::RemoveSession(request) => on_removal::on_remove(change, id, request),
        Command::RestoreSession(request) => on_removal::on_restore(change, id, request),
        Command::ReadSession(request) => on_session::on_read(change, id, request),
        Command::SetPolicy(request) => on_session::on_set_policy(change, id, request),
        Command::RewindSession(request) => on_rewind::on_rewind(change, id, request),
        Command::CombineSessions(request) => on_combine::on_combine(change, id, request),
        Command::SetOption(request) => on_option::on_set_option(change, id, request),
        Command::AnswerApproval(request) => on_approval::on_answer(change, id, request, client),
        Command::StartTerminal(request) => on_terminal::on_start(change, id, request),
        Command::DecideHunk(request) => on_hunk::on_decide(change, id, request),
        Command::AddComment(request) => on_review::on_add(change, id, request, client),
        Command::EditComment(request) => on_review::on_edit(change, id, request),
        Command::RemoveComment(request) => on_review::on_remove(change, id, request),
        Command::ResolveComment(request) => on_review::on_resolve(change, id, request),
        Command::SendRound(request) => on_review::on_send(change, id, request),
        Command::ViewFile(request) => on_review::on_view(change, id, request),
        Command::StartLanding(request) => on_landing::on_start(change, id, request),
        Command::ContinueLanding(request) => on_landing::on_continue(change, id, request),
        Command::AbortLanding(request) => on_landing::on_abort(change, id, request),
        Command::CreateBatch(request) => on_batch::on_create(change, id, request),
        Command::PauseBatch(request) => on_batch::on_pause(change, id, &request.batch),
        Command::ResumeBatch(request) => on_batch::on_resume(change, id, &request.batch),
        Command::CancelBatch(request) => on_batch::on_cancel(change, id, &request.batch),
        Command::RetryRuns(request) => on_retry::on_retry(change, id, request),
        Command::SetConcurrency(request) => on_batch::on_concurrency(change, id, request),
        Command::StartEvaluation(request) => on_evaluation::on_start(change, id, request),
        Command::CancelEvaluation(request) => on_evaluation::on_cancel(change, id, request),
        Command::TrustRepository(request) => {
            on_repository::on_trust(change, id, request);
            Ok(())
        }
        Command::FixDoctor(request) => {
            on_repository::on_fix(change, id, request);
            Ok(())
        }
    }
}

/// One result, one decision.
fn on_result(change: &mut Change<'_>, input: Input) {
    match input {
        Input::BaseResolved { ticket, request, session, result } => {
            on_create::on_base_resolved(change, ticket, &request, session, *result);
        }
        Input::AttachmentsKept { ticket, client, result } => {
            on_prompt::on_attachments_kept(change, ticket, &client, result);
        }
        Input::Done => {}
        Input::WorktreeCreated { session, result } => on_create::on_worktree_created(change, &session, result),
        Input::SetupEnded { session, result } => on_create::on_setup_ended(change, &session, result),
        Input::JobStarted { session, job, result } => on_job::on_started(change, &session, &job, result),
        Input::Noticed { session, text } => on_job::on_noticed(change, &session, text),
        Input::JobAttached { session, job, alive } => on_job::on_attached(change, &session, &job, alive),
        Input::Silence { session, job, since } => on_silence::on_silence(change, &session, &job, since),
        Input::UnitFailed { session, job, refusal } => on_job::on_unit_failed(change, &session, &job, &refusal),
        Input::RewindPrepared { ticket, session, result } => on_rewind::on_prepared(change, ticket, &session, result),
        Input::Rewound { session, result } => on_rewind::on_rewound(change, &session, *result),
        Input::CheckpointMade { session, result } => on_job::on_checkpoint(change, &session, result),
        Input::LandingPrepared { ticket, session, plan, result } => {
            on_landing::on_prepared(change, ticket, &session, *plan, *result);
        }
        Input::LandingDone { session, landing, ticket, result } => {
            on_landing::on_done(change, &session, landing, ticket, result);
        }
        Input::EvaluationPrepared { ticket, session, result } => {
            on_evaluation::on_prepared(change, ticket, &session, *result);
        }
        Input::EvaluatorEnded { session, evaluation, result } => {
            on_evaluation::on_result(change, &session, &evaluation, result);
        }
        Input::EvaluationEnded { session, evaluation, state, notes } => {
            on_evaluation::on_ended(change, &session, &evaluation, state, notes);
        }
        Input::JudgeWanted { session, evaluation, evaluator, ask } => {
            on_judge::on_wanted(change, &session, &evaluation, &evaluator, *ask);
        }
        Input::VerdictRead { session, result } => on_judge::on_read(change, &session, result),
        Input::CandidatesRead { batch, contest, result } => on_contest::on_read(change, &batch, contest, result),
        Input::RemovalPrepared { ticket, session, result } => on_removal::on_prepared(change, ticket, &session, result),
        Input::WorktreeRemoved { session, result } => on_removal::on_removed(change, &session, result),
        Input::Restored { ticket, result } => on_removal::on_restored(change, ticket, *result),
        Input::HunkFound { ticket, request, result } => on_hunk::on_found(change, ticket, &request, result),
        Input::HunkApplied { session, hunk, applying, result } => {
            on_hunk::on_applied(change, &session, hunk, applying, result);
        }
        Input::AnchorRead { ticket, request, client, result } => {
            on_review::on_anchor(change, ticket, *request, client, result);
        }
        Input::RoundPrepared { session, number, result } => {
            on_review::on_prepared(change, &session, number, result);
        }
        Input::BatchPrepared { ticket, result } => on_batch::on_prepared(change, ticket, *result),
        Input::BatchResolved { batch, bases } => on_batch::on_resolved(change, &batch, bases),
        Input::BatchLoaded { ticket, result } => on_retry::on_loaded(change, ticket, *result),
        Input::CasePrepared { run, session, result } => on_case::on_prepared(change, &run, &session, *result),
        Input::CaseJudged { run, session, result } => on_case::on_judged(change, &run, &session, *result),
        Input::Woke { at } => on_batch::on_woke(change, at),
        Input::MachineRead { machine } => on_batch::on_machine(change, machine),
        Input::RepositoryConfigRead { ticket, result } => on_repository::on_config_read(change, ticket, result),
        Input::RepositoriesFixed { ticket, result } => on_repository::on_fixed(change, ticket, result),
        Input::Request(_) | Input::Agent(_) | Input::JobEnded { .. } => unreachable!("taken by the dispatcher"),
    }
}
