//! Carries effects out through the ports; results come back to the dispatcher as inputs.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;

use crate::base::clock;
use crate::host::editors::Editors;
use crate::host::effect::{Effect, GateSource, LandingPlan, LandingStep, UnitInput};
use crate::host::input::Input;
use crate::host::on_landing::LandingFacts;
use crate::host::port::{
    Agents, Attachments, Cases, Checkpoint, CreatedWorktree, Endpoints, Git, Grounds, Jobs, RepositoryFacts, Store,
};
use crate::host::terminal::Terminals;
use crate::host::{
    run_batch, run_evaluation, run_gates, run_judge, run_query, run_review, run_setup, run_timeline, timeline,
};
use crate::model::Refusal;
use crate::model::attachment::{Attach, Attachment};
use crate::model::diff::DiffRange;
use crate::model::id::{EvaluationId, JobId, Oid, SessionId};
use crate::model::landing::{Landing, LandingState, Preflight};
use crate::model::session::Session;
use crate::model::worktree::Worktree;

/// The drivers.
#[derive(Clone)]
pub struct Ports {
    /// The truth.
    pub store: Arc<dyn Store>,
    /// Repositories.
    pub git: Arc<dyn Git>,
    /// Processes.
    pub jobs: Arc<dyn Jobs>,
    /// The catalog.
    pub agents: Arc<dyn Agents>,
    /// Files that go with prompts.
    pub attachments: Arc<dyn Attachments>,
    /// Where agents' own interfaces find editors.
    pub endpoints: Arc<dyn Endpoints>,
    /// Places for evaluations.
    pub grounds: Arc<dyn Grounds>,
    /// Cases of benchmarks.
    pub cases: Arc<dyn Cases>,
}

/// A unit from outside: its way in, and its task.
pub(crate) struct LiveUnit {
    inputs: mpsc::UnboundedSender<UnitInput>,
    task: Option<AbortHandle>,
}

/// Carries effects out.
#[derive(Clone)]
pub(crate) struct Runner {
    pub(crate) ports: Ports,
    pub(crate) host: mpsc::UnboundedSender<Input>,
    pub(crate) terminals: Arc<Terminals>,
    pub(crate) editors: Arc<Editors>,
    pub(crate) units: Arc<Mutex<HashMap<JobId, LiveUnit>>>,
    /// Evaluations that run, to cancel them.
    pub(crate) evaluations: Arc<Mutex<HashMap<EvaluationId, watch::Sender<bool>>>>,
    /// Attempts whose cases are being prepared or tested, to stop that.
    pub(crate) cases: Arc<Mutex<HashMap<SessionId, Arc<AtomicBool>>>>,
    /// Evaluators that wait for what their judges say.
    pub(crate) judges: run_judge::Waiting,
    /// Setup commands that run, to stop them.
    pub(crate) setups: run_setup::Running,
    pub(crate) runtime: Handle,
    /// Set when the host stops: what is not begun by then is found again by the next one.
    pub(crate) closed: Arc<AtomicBool>,
    /// The daemon's own environment, for what an agent's definition passes on by name.
    pub(crate) environment: Arc<BTreeMap<String, String>>,
}

impl Runner {
    /// Begins an effect. Called in commit order, on the writer's thread: only hands over.
    pub(crate) fn begin(&self, effect: Effect) {
        if self.closed.load(Ordering::Acquire) {
            return;
        }
        match effect {
            Effect::ToUnit { job, input } => self.to_unit(&job, input),
            Effect::StartJob { launch, prompt } => {
                let (job, inputs, runner) = (launch.job.clone(), self.register(&launch.job), self.clone());
                self.follow(&job, async move { runner.start_job(*launch, prompt, inputs).await });
            }
            Effect::AttachJob { launch, prompt } => {
                let (job, inputs, runner) = (launch.job.clone(), self.register(&launch.job), self.clone());
                self.follow(&job, async move { runner.attach_job(*launch, prompt, inputs).await });
            }
            Effect::RunSetup { session, run } => self.begin_setup(session, *run),
            Effect::StopSetup { session } => self.stop_setup(&session),
            Effect::RemoveWorktree { session, worktree, jobs } => {
                let runner = self.clone();
                self.runtime.spawn(async move {
                    let result = runner.remove_worktree(*worktree, jobs).await;
                    if result.is_ok() {
                        runner.forget_attachments(&session);
                    }
                    runner.send(Input::WorktreeRemoved { session, result });
                });
            }
            Effect::Wake { at } => {
                // Nothing but the way back: who may wait for hours keeps neither the database open nor a daemon from stopping.
                let host = self.host.clone();
                let left = u64::try_from(at.saturating_sub(clock::now())).unwrap_or(0);
                self.runtime.spawn(async move {
                    tokio::time::sleep(Duration::from_millis(left)).await;
                    // Whoever stopped meanwhile finds out again what is due.
                    let _ = host.send(Input::Woke { at });
                });
            }
            Effect::Evaluate { session, task } => self.evaluate(session, *task),
            Effect::PrepareCase { run, ground } => self.prepare_case(run, *ground),
            Effect::JudgeCase { run, ground, files } => self.judge_case(run, *ground, files),
            Effect::StopCase { session } => self.stop_case(&session),
            Effect::CancelEvaluation { evaluation } => self.cancel_evaluation(&evaluation),
            Effect::ToEvaluator { evaluation, evaluator, heard } => self.tell(&(evaluation, evaluator), *heard),
            Effect::ClearEvaluation { session, evaluation, evaluators } => {
                let runner = self.clone();
                self.runtime.spawn(async move { runner.clear_evaluation(session, evaluation, evaluators).await });
            }
            blocking => {
                let runner = self.clone();
                self.runtime.spawn_blocking(move || {
                    let input = runner.run_blocking(blocking);
                    runner.send(input);
                });
            }
        }
    }

    pub(crate) fn send(&self, input: Input) {
        if self.host.send(input).is_err() {
            tracing::debug!("a result came after the host stopped; the next one finds it again");
        }
    }

    fn to_unit(&self, job: &JobId, input: UnitInput) {
        let units = self.units.lock().unwrap_or_else(PoisonError::into_inner);
        match units.get(job) {
            Some(unit) if unit.inputs.send(input).is_ok() => {}
            _ => tracing::debug!(%job, "nothing to tell: the process ended"),
        }
    }

    fn register(&self, job: &JobId) -> mpsc::UnboundedReceiver<UnitInput> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let unit = LiveUnit { inputs: sender, task: None };
        self.units.lock().unwrap_or_else(PoisonError::into_inner).insert(job.clone(), unit);
        receiver
    }

    /// Runs a unit's task; what ends with the host is ended by [`Runner::let_go`].
    fn follow(&self, job: &JobId, task: impl Future<Output = ()> + Send + 'static) {
        let task = self.runtime.spawn(task).abort_handle();
        if let Some(unit) = self.units.lock().unwrap_or_else(PoisonError::into_inner).get_mut(job) {
            unit.task = Some(task);
        }
    }

    /// Stops following every process. They go on under their shims.
    pub(crate) fn let_go(&self) {
        self.closed.store(true, Ordering::Release);
        self.stop_cases();
        for (_, unit) in self.units.lock().unwrap_or_else(PoisonError::into_inner).drain() {
            if let Some(task) = unit.task {
                task.abort();
            }
        }
    }

    pub(crate) fn unregister(&self, job: &JobId) {
        self.units.lock().unwrap_or_else(PoisonError::into_inner).remove(job);
    }

    /// Effects that only call git or the store.
    fn run_blocking(&self, effect: Effect) -> Input {
        let git = &self.ports.git;
        match effect {
            Effect::ResolveBase { ticket, request, session } => {
                let resolved = git.resolve_base(&request.repository, request.base.as_deref());
                let result = resolved.and_then(|resolved| Ok((resolved, self.keep(&session, &request.attach)?)));
                Input::BaseResolved { ticket, request, session, result: Box::new(result) }
            }
            Effect::KeepAttachments { ticket, session, attach, client } => {
                Input::AttachmentsKept { ticket, client, result: self.keep(&session, &attach) }
            }
            Effect::PrepareBatch { ticket, request, batch, known } => {
                let result = Box::new(run_batch::prepare(&self.ports, &known, &request, batch));
                Input::BatchPrepared { ticket, result }
            }
            Effect::ForgetCases { batch } => self.forget_cases(&batch),
            Effect::RemoveCase { batch, session } => self.remove_case(&batch, &session),
            Effect::ResolveBatch { batch, repositories } => {
                Input::BatchResolved { batch, bases: run_batch::resolve(&self.ports, &repositories) }
            }
            Effect::LoadBatch { ticket, batch } => {
                let result = Box::new(run_batch::stored(self.ports.store.as_ref(), &batch));
                Input::BatchLoaded { ticket, result }
            }
            Effect::ReadMachine { places } => Input::MachineRead { machine: self.ports.jobs.machine(&places) },
            Effect::ForgetAttachments { session } => {
                self.forget_attachments(&session);
                Input::Done
            }
            Effect::ResolveOrigin { ticket, request, session, origin } => {
                let resolved = run_timeline::resolve(&self.ports, &request.repository, &origin);
                let result = resolved.and_then(|resolved| Ok((resolved, self.keep(&session, &request.attach)?)));
                Input::BaseResolved { ticket, request, session, result: Box::new(result) }
            }
            Effect::PrepareRewind { ticket, session, wanted } => {
                let result = timeline::find(self.ports.store.as_ref(), &session, Some(&wanted));
                Input::RewindPrepared { ticket, session: session.id, result }
            }
            Effect::Rewind { session, worktree, from, rewind, messages } => {
                let messages = [messages[0].as_str(), messages[1].as_str()];
                let result = Box::new(git.rewind(&worktree, &from, &rewind, messages));
                Input::Rewound { session, result }
            }
            Effect::CreateWorktree { session, worktree, context, begun } => {
                let result = self.create_worktree(&worktree, &context, begun);
                Input::WorktreeCreated { session, result }
            }
            Effect::Checkpoint { session, worktree, from, message, name } => {
                let result = git.checkpoint(&worktree, &from, &message, Some(&name));
                Input::CheckpointMade { session, result }
            }
            Effect::PrepareLanding { ticket, session, plan } => {
                let result = Box::new(self.prepare_landing(&plan));
                Input::LandingPrepared { ticket, session, plan, result }
            }
            Effect::Land { session, worktree, landing, step, gates } => {
                self.land(session, &worktree, &landing, step, gates.as_deref())
            }
            Effect::PrepareEvaluation { ticket, session, plan } => {
                let result = Box::new(run_evaluation::prepare(&self.ports, &plan));
                Input::EvaluationPrepared { ticket, session, result }
            }
            Effect::ReadVerdict { session, turn } => {
                let result = run_judge::said(self.ports.store.as_ref(), &session, &turn);
                Input::VerdictRead { session, result }
            }
            Effect::ReadCandidates { batch, contest, repository, changes } => {
                let result = run_judge::diffs(git.as_ref(), &repository, &changes);
                Input::CandidatesRead { batch, contest, result }
            }
            Effect::PrepareRemoval { ticket, session, worktree } => {
                let result = git.unlanded(&worktree);
                Input::RemovalPrepared { ticket, session, result }
            }
            Effect::Restore { ticket, session } => {
                let result = Box::new(self.restore(&session));
                Input::Restored { ticket, result }
            }
            Effect::FindHunk { ticket, worktree, request, rejected, round, parts } => {
                let result = run_review::find_hunk(&self.ports, &worktree, &request, rejected, round, &parts);
                Input::HunkFound { ticket, request, result }
            }
            Effect::ApplyHunk { session, worktree, hunk, applying, begun } => {
                let result = run_review::apply_hunk(git.as_ref(), &worktree, &applying, begun);
                Input::HunkApplied { session, hunk, applying, result }
            }
            Effect::ReadAnchor { ticket, worktree, request, client } => {
                let result = run_review::read_anchor(git.as_ref(), &worktree, &request);
                Input::AnchorRead { ticket, request, client, result }
            }
            Effect::PrepareRound { session, worktree, round, comments } => {
                let result = run_review::prepare_round(&self.ports, &session, &worktree, &round, &comments);
                Input::RoundPrepared { session, number: round.number, result }
            }
            Effect::ReadRepositoryConfig { ticket, repository } => {
                let result = git
                    .inspect(&repository)
                    .and_then(|facts| Ok((facts.common_dir, git.repository_config(&repository)?)));
                Input::RepositoryConfigRead { ticket, result }
            }
            Effect::FixRepositories { ticket, repositories } => {
                let result = self.fix(repositories);
                Input::RepositoriesFixed { ticket, result }
            }
            Effect::StartJob { .. }
            | Effect::AttachJob { .. }
            | Effect::ToUnit { .. }
            | Effect::RunSetup { .. }
            | Effect::StopSetup { .. }
            | Effect::Wake { .. }
            | Effect::Evaluate { .. }
            | Effect::PrepareCase { .. }
            | Effect::JudgeCase { .. }
            | Effect::StopCase { .. }
            | Effect::CancelEvaluation { .. }
            | Effect::ToEvaluator { .. }
            | Effect::ClearEvaluation { .. }
            | Effect::RemoveWorktree { .. } => unreachable!("begun on the runtime"),
        }
    }

    fn keep(&self, session: &SessionId, attach: &[Attach]) -> Result<Vec<Attachment>, Refusal> {
        if attach.is_empty() { Ok(Vec::new()) } else { self.ports.attachments.keep(session, attach) }
    }

    fn forget_attachments(&self, session: &SessionId) {
        if let Err(refusal) = self.ports.attachments.forget(session) {
            // The next start sweeps them.
            tracing::warn!(%session, %refusal, "attachments of a session that is gone stay");
        }
    }

    fn create_worktree(
        &self,
        worktree: &Worktree,
        context: &[(String, String)],
        begun: bool,
    ) -> Result<CreatedWorktree, Refusal> {
        let git = &self.ports.git;
        let mut created = None;
        if begun {
            created = git.check_worktree(worktree)?.map(|head| CreatedWorktree { head, notes: Vec::new(), stat: None });
            if created.is_none() {
                git.clean_worktree(worktree)?;
            }
        }
        let mut created = match created {
            Some(created) => created,
            None => git.create_worktree(worktree)?,
        };
        if worktree.start.is_some() {
            created.stat = Some(git.diff(worktree, &DiffRange::Session, None, true)?.stat);
        }
        if let Err(refusal) = git.write_context(worktree, context) {
            created.notes.push(format!("AGENT_CONTEXT is incomplete: {refusal}"));
        }
        Ok(created)
    }

    fn prepare_landing(&self, plan: &LandingPlan) -> Result<LandingFacts, Refusal> {
        let (checkpoint, preflight) = self.look_at_landing(plan)?;
        Ok(LandingFacts { checkpoint, preflight, gates: run_gates::resolve(&self.ports, &plan.gates) })
    }

    fn look_at_landing(&self, plan: &LandingPlan) -> Result<(Option<Checkpoint>, Preflight), Refusal> {
        let git = &self.ports.git;
        let before = git.preflight(&plan.worktree, plan.onto.as_deref(), &plan.others)?;
        if !before.dirty {
            return Ok((None, before));
        }
        // What was looked at is what lands: uncommitted changes are committed first, but not under an expectation they would break.
        if plan.expect.is_some() {
            return Err(
                Refusal::conflict("the worktree has changes that were not looked at").hint("divisi preflight SESSION")
            );
        }
        let checkpoint = git.checkpoint(&plan.worktree, &plan.from, &plan.checkpoint_message, None)?;
        if checkpoint.commit.is_some() {
            run_timeline::keep(&self.ports, &plan.worktree, &plan.checkpoint_name, &checkpoint.head);
        }
        let after = git.preflight(&plan.worktree, plan.onto.as_deref(), &plan.others)?;
        Ok((Some(checkpoint), after))
    }

    fn land(
        &self,
        session: SessionId,
        worktree: &Worktree,
        landing: &Landing,
        step: LandingStep,
        gates: Option<&GateSource>,
    ) -> Input {
        let git = &self.ports.git;
        let (ticket, result) = match step {
            LandingStep::Land => (None, git.land(worktree, landing)),
            LandingStep::Continue(ticket) => {
                let free = gates.map_or(Ok(()), |gates| run_gates::require_none(&self.ports, gates));
                (Some(ticket), free.and_then(|()| git.continue_landing(worktree, landing)))
            }
            LandingStep::Abort(ticket) => {
                (Some(ticket), git.abort_landing(worktree, landing).map(|()| LandingState::Aborted))
            }
        };
        Input::LandingDone { session, landing: landing.id.clone(), ticket, result }
    }

    fn restore(&self, id: &SessionId) -> Result<(Session, Oid), Refusal> {
        let unknown = || Refusal::user(format!("there is no removed session {id}")).hint("divisi list --removed");
        let session = run_query::stored_session(self.ports.store.as_ref(), id)?.ok_or_else(unknown)?;
        if !session.removed {
            return Err(Refusal::conflict(format!("cannot restore '{}': it is not removed", session.name)));
        }
        let head = self.ports.git.restore_worktree(&session.worktree)?;
        run_timeline::keep_all(&self.ports, &session);
        Ok((session, head))
    }

    fn fix(&self, repositories: BTreeMap<String, Vec<Worktree>>) -> Result<Vec<String>, Refusal> {
        let mut actions = Vec::new();
        for (path, known) in repositories {
            let facts = self.ports.git.inspect(&path)?;
            let known = of_repository(&facts, known);
            actions.extend(self.ports.git.fix(&facts.repository, &known)?);
        }
        Ok(actions)
    }

    async fn remove_worktree(&self, worktree: Worktree, jobs: Vec<JobId>) -> Result<Option<String>, Refusal> {
        let git = Arc::clone(&self.ports.git);
        let preserved = tokio::task::spawn_blocking(move || git.remove_worktree(&worktree))
            .await
            .map_err(|error| Refusal::internal(format!("the removal failed: {error}")))??;
        for job in jobs {
            self.forget(&job).await;
        }
        Ok(preserved)
    }

    async fn forget(&self, job: &JobId) {
        if let Err(refusal) = self.ports.jobs.forget(job).await {
            tracing::warn!(%job, %refusal, "the files of an ended process stay");
        }
    }
}

/// Those of the known worktrees that belong to a repository.
pub(crate) fn of_repository(facts: &RepositoryFacts, known: Vec<Worktree>) -> Vec<Worktree> {
    known.into_iter().filter(|worktree| worktree.common_dir == facts.common_dir).collect()
}
