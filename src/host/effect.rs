//! Effects: what the brain wants done once its decision has committed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::host::on_combine::Origin;
use crate::host::on_judge::Heard;
use crate::host::port::{CaseGround, ConversationSetup};
use crate::host::profile::Caller;
use crate::model::attachment::{Attach, Attachment};
use crate::model::batch::CreateBatch;
use crate::model::command::{CreateSession, DecideHunk};
use crate::model::evaluation::{Suite, SuiteFrom};
use crate::model::failure::Silence;
use crate::model::id::{BatchId, EvaluationId, HunkId, JobId, Oid, PromptId, RunId, SessionId, TurnId};
use crate::model::landing::{Landing, Strategy};
use crate::model::mcp::McpServer;
use crate::model::part::Parts;
use crate::model::plan::PlanRepository;
use crate::model::profile::Profile;
use crate::model::review::{AddComment, Applying, Comment, Round};
use crate::model::session::Session;
use crate::model::timeline::Rewind;
use crate::model::worktree::Worktree;

/// A waiting command's place in the dispatcher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Ticket(pub(crate) u64);

/// Something to do outside.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Look at the repository a new session is for, and copy the files that go with its prompt.
    ResolveBase { ticket: Ticket, request: Box<CreateSession>, session: SessionId },
    /// Copy the files that go with a prompt.
    KeepAttachments { ticket: Ticket, session: SessionId, attach: Vec<Attach>, client: String },
    /// Delete the copies of a session that is gone or was refused.
    ForgetAttachments { session: SessionId },
    /// Find, or make, the commit that a new session grows from, and copy the files that go with its prompt.
    ResolveOrigin { ticket: Ticket, request: Box<CreateSession>, session: SessionId, origin: Origin },
    /// Look a checkpoint up.
    PrepareRewind { ticket: Ticket, session: Box<Session>, wanted: String },
    /// Bring the files back to a checkpoint.
    Rewind { session: SessionId, worktree: Box<Worktree>, from: Oid, rewind: Box<Rewind>, messages: [String; 2] },
    /// Make a worktree (or take over what a crash left finished).
    CreateWorktree {
        session: SessionId,
        worktree: Box<Worktree>,
        context: Vec<(String, String)>,
        /// An earlier daemon may have begun it.
        begun: bool,
    },
    /// Run the repository's setup commands.
    RunSetup { session: SessionId, run: Box<SetupRun> },
    /// End setup commands that run.
    StopSetup { session: SessionId },
    /// Start a process for a session and hand it the turn's prompt, if it is for one.
    StartJob { launch: Box<Launch>, prompt: Option<Delivery> },
    /// Attach to a process that an earlier daemon started; the prompt is the running turn's.
    AttachJob { launch: Box<Launch>, prompt: Option<Delivery> },
    /// Tell a live process something.
    ToUnit { job: JobId, input: UnitInput },
    /// Commit what a turn left.
    Checkpoint { session: SessionId, worktree: Box<Worktree>, from: Oid, message: String, name: String },
    /// Look at what a landing would meet; uncommitted changes are committed first.
    PrepareLanding { ticket: Ticket, session: SessionId, plan: Box<LandingPlan> },
    /// Land.
    Land {
        session: SessionId,
        worktree: Box<Worktree>,
        landing: Box<Landing>,
        step: LandingStep,
        /// Where to look for gates, which a landing with conflicts cannot pass.
        gates: Option<Box<GateSource>>,
    },
    /// Find the suite, and commit what is uncommitted.
    PrepareEvaluation { ticket: Ticket, session: SessionId, plan: Box<EvaluationPlan> },
    /// Run evaluators.
    Evaluate { session: SessionId, task: Box<EvaluationTask> },
    /// Stop an evaluation that runs.
    CancelEvaluation { evaluation: EvaluationId },
    /// End and delete what an evaluation of an earlier daemon left.
    ClearEvaluation { session: SessionId, evaluation: EvaluationId, evaluators: u32 },
    /// Read what a judge said in a turn.
    ReadVerdict { session: SessionId, turn: TurnId },
    /// Tell an evaluator what its judge said.
    ToEvaluator { evaluation: EvaluationId, evaluator: String, heard: Box<Heard> },
    /// Read what the candidates of a contest changed: commits with what they are compared with.
    ReadCandidates { batch: BatchId, contest: u32, repository: String, changes: Vec<(Oid, Oid)> },
    /// See what a removal would take away.
    PrepareRemoval { ticket: Ticket, session: SessionId, worktree: Box<Worktree> },
    /// Preserve, then remove a worktree; delete its jobs' files.
    RemoveWorktree { session: SessionId, worktree: Box<Worktree>, jobs: Vec<JobId> },
    /// Bring a removed session back.
    Restore { ticket: Ticket, session: SessionId },
    /// Find the hunk a decision is about; in the diff since a round too, when there was one.
    FindHunk {
        ticket: Ticket,
        worktree: Box<Worktree>,
        request: DecideHunk,
        rejected: Option<HunkId>,
        round: u32,
        /// What was accepted of hunks before.
        parts: Box<Parts>,
    },
    /// Take a hunk out of the working files, or put it back.
    ApplyHunk {
        session: SessionId,
        worktree: Box<Worktree>,
        hunk: HunkId,
        applying: Applying,
        /// An earlier daemon may have done it.
        begun: bool,
    },
    /// Read the lines that a new comment is on.
    ReadAnchor { ticket: Ticket, worktree: Box<Worktree>, request: Box<AddComment>, client: String },
    /// Keep a round's baseline and read what it quotes.
    PrepareRound { session: SessionId, worktree: Box<Worktree>, round: Box<Round>, comments: Vec<Comment> },
    /// Read a plan with the files it names, and look its repositories up.
    PrepareBatch {
        ticket: Ticket,
        request: Box<CreateBatch>,
        batch: BatchId,
        known: Box<crate::host::run_batch::Known>,
    },
    /// Remove what was kept for a batch that was refused.
    ForgetCases { batch: BatchId },
    /// Make the repository of an attempt at a case.
    PrepareCase { run: RunId, ground: Box<CaseGround> },
    /// Run the tests of a case on what is in a worktree.
    JudgeCase { run: RunId, ground: Box<CaseGround>, files: String },
    /// Stop what is being prepared or tested.
    StopCase { session: SessionId },
    /// Remove an attempt's repository.
    RemoveCase { batch: BatchId, session: SessionId },
    /// Look the repositories of a batch up again, after a restart.
    ResolveBatch { batch: BatchId, repositories: Vec<PlanRepository> },
    /// Say when that moment has come, milliseconds since the epoch.
    Wake { at: i64 },
    /// Look how the machine is doing.
    ReadMachine {
        /// Where batches write.
        places: Vec<String>,
    },
    /// Read a batch that has ended.
    LoadBatch { ticket: Ticket, batch: BatchId },
    /// Read a repository's configuration to trust it.
    ReadRepositoryConfig { ticket: Ticket, repository: String },
    /// Repair repositories.
    FixRepositories { ticket: Ticket, repositories: BTreeMap<String, Vec<Worktree>> },
}

/// Which step of a landing to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LandingStep {
    /// The landing itself.
    Land,
    /// Go on after conflicts; the ticket waits for whether that could begin.
    Continue(Ticket),
    /// Give up.
    Abort(Ticket),
}

/// What a landing is prepared with.
#[derive(Debug, Clone)]
pub(crate) struct LandingPlan {
    pub(crate) worktree: Worktree,
    pub(crate) from: Oid,
    pub(crate) checkpoint_message: String,
    /// The name of that checkpoint, if it has to be made.
    pub(crate) checkpoint_name: String,
    pub(crate) onto: Option<String>,
    pub(crate) strategy: Strategy,
    pub(crate) message: String,
    pub(crate) expect: Option<Oid>,
    /// Live worktrees of the same repository, with their sessions' names.
    pub(crate) others: Vec<(String, Worktree)>,
    /// Where to look for gates.
    pub(crate) gates: GateSource,
    /// Land although they have not passed.
    pub(crate) skip_gates: bool,
}

/// Where the gates of a landing are looked for, first to last.
#[derive(Debug, Clone)]
pub(crate) struct GateSource {
    /// What was set for the session.
    pub(crate) session: Option<Box<Suite>>,
    /// The repository whose `.divisi.toml` may have some.
    pub(crate) repository: String,
    /// The digest of the content of that file that is trusted.
    pub(crate) trusted: Option<String>,
    /// What the user configured.
    pub(crate) configured: Option<PathBuf>,
}

/// What an evaluation is prepared with.
#[derive(Debug, Clone)]
pub(crate) struct EvaluationPlan {
    pub(crate) worktree: Worktree,
    pub(crate) from: Oid,
    pub(crate) checkpoint_message: String,
    pub(crate) checkpoint_name: String,
    /// What was asked for; absent: the gates.
    pub(crate) suite: Option<SuiteFrom>,
    /// Judge what its landing would make, not its commit alone.
    pub(crate) merged: Option<Merging>,
    pub(crate) gates: GateSource,
}

/// Judge what a landing would make.
#[derive(Debug, Clone)]
pub(crate) struct Merging {
    /// Of this target; absent: the base's branch.
    pub(crate) onto: Option<String>,
}

/// What an evaluation runs with.
#[derive(Debug, Clone)]
pub(crate) struct EvaluationTask {
    pub(crate) id: EvaluationId,
    pub(crate) suite: Suite,
    pub(crate) worktree: Worktree,
    /// What is judged: the session's commit, or what its landing would make.
    pub(crate) commit: Oid,
    pub(crate) base: Oid,
    /// It is what a landing would make, so there are no conflicts.
    pub(crate) is_merged: bool,
    /// The daemon's environment, of which programs get little.
    pub(crate) environment: BTreeMap<String, String>,
}

/// Setup commands with where and how.
#[derive(Debug)]
pub(crate) struct SetupRun {
    pub(crate) worktree: Worktree,
    pub(crate) environment: BTreeMap<String, String>,
}

/// How to start or find a session's process.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    pub(crate) session: SessionId,
    pub(crate) job: JobId,
    pub(crate) agent: String,
    pub(crate) setup: ConversationSetup,
    /// The turn it serves, for agents that run once per turn.
    pub(crate) turn: Option<TurnId>,
    /// It shows the agent's own interface.
    pub(crate) on_terminal: bool,
    pub(crate) environment: BTreeMap<String, String>,
    /// Names in it that were given to this session: neither the daemon's nor the agent's definition's values replace them.
    pub(crate) given: BTreeSet<String>,
    /// Names of variables whose values `caller` or the daemon has.
    pub(crate) pass: Vec<String>,
    /// What whoever started the session has in their environment.
    pub(crate) caller: Arc<Caller>,
    /// The session's profile, by its name.
    pub(crate) profile: Option<(String, Profile)>,
    /// The repository's definition of the agent.
    pub(crate) definition: Option<String>,
    pub(crate) on_daemon_death: crate::model::job::OnDaemonDeath,
    pub(crate) lease: Duration,
    pub(crate) grace: Duration,
    /// Its MCP servers, with references to secrets.
    pub(crate) mcp: BTreeMap<String, McpServer>,
    /// How long it may say nothing before the host is told; zero: for ever.
    pub(crate) silence: Duration,
    /// The silence that is known of the running turn.
    pub(crate) silent: Option<Silence>,
    /// Journal bytes whose meaning is committed.
    pub(crate) offset: u64,
    /// Prompts on their way into the running turn.
    pub(crate) steers: Vec<Steering>,
}

/// A prompt on its way to an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) turn: TurnId,
    /// The waiting prompt the turn came from; absent for turns of an older divisi.
    pub(crate) prompt: Option<PromptId>,
    pub(crate) text: String,
    pub(crate) attachments: Vec<Attachment>,
    /// True when the conversation has earlier turns, which a new process may not know.
    pub(crate) follow_up: bool,
}

/// A prompt on its way into a running turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Steering {
    pub(crate) prompt: PromptId,
    pub(crate) turn: TurnId,
    pub(crate) text: String,
    pub(crate) attachments: Vec<Attachment>,
}

/// What a unit can be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UnitInput {
    /// Deliver a prompt.
    Prompt(Delivery),
    /// Put a prompt into the running turn.
    Steer(Steering),
    /// Answer a request of the agent.
    Answer { key: String, option: Option<String>, message: Option<String> },
    /// A person has patience with its silence until then, milliseconds since the epoch.
    Patience { until: i64 },
    /// Set an option.
    Option { id: String, value: String },
    /// Stop the running turn: the protocol's cancel, then the ladder.
    StopTurn,
    /// End the process.
    End,
}
