//! Inputs: everything that can happen to the engine, as one closed enum.

use tokio::sync::oneshot;

use crate::host::effect::{LandingPlan, Ticket};
use crate::host::handle::Request;
use crate::host::on_batch::{Bases, PreparedBatch};
use crate::host::on_evaluation::Prepared;
use crate::host::on_judge::JudgeAsk;
use crate::host::on_landing::LandingFacts;
use crate::host::on_review::RoundFacts;
use crate::host::port::{
    CaseFailure, Checkpoint, CreatedWorktree, JudgedCase, PreparedCase, ResolvedBase, Rewound, Unlanded, Update,
};
use crate::host::registry::LiveBatch;
use crate::model::Refusal;
use crate::model::attachment::Attachment;
use crate::model::batch::Machine;
use crate::model::command::{CreateSession, DecideHunk};
use crate::model::evaluation::{EvaluationState, EvaluatorResult};
use crate::model::id::{BatchId, EvaluationId, HunkId, JobId, LandingId, Oid, RunId, SessionId};
use crate::model::job::{JobEnd, ProcessIdentity};
use crate::model::landing::LandingState;
use crate::model::part::FoundHunk;
use crate::model::query::RepositoryConfig;
use crate::model::review::{AddComment, Anchor, Applying};
use crate::model::session::Session;

/// Something happened.
pub(crate) enum Input {
    /// A face asks.
    Request(Request),
    /// The base of a new session was looked up.
    BaseResolved {
        ticket: Ticket,
        request: Box<CreateSession>,
        session: SessionId,
        result: Box<Result<(ResolvedBase, Vec<Attachment>), Refusal>>,
    },
    /// The files of a prompt were copied.
    AttachmentsKept { ticket: Ticket, client: String, result: Result<Vec<Attachment>, Refusal> },
    /// An effect that nobody waits for is done.
    Done,
    /// A worktree was made, or not.
    WorktreeCreated { session: SessionId, result: Result<CreatedWorktree, Refusal> },
    /// Setup commands ran.
    SetupEnded { session: SessionId, result: Result<String, (String, String)> },
    /// A process runs, or could not be started.
    JobStarted { session: SessionId, job: JobId, result: Result<ProcessIdentity, Refusal> },
    /// A process of an earlier daemon was found, alive or not.
    JobAttached { session: SessionId, job: JobId, alive: bool },
    /// A process said something.
    Agent(Box<AgentInput>),
    /// Something worth knowing about a session's agent.
    Noticed { session: SessionId, text: String },
    /// A process ended and its journal is read to the end.
    JobEnded { session: SessionId, job: JobId, end: JobEnd, offset: u64 },
    /// A process has said nothing for too long since that moment, or, without one, is heard again.
    Silence { session: SessionId, job: JobId, since: Option<i64> },
    /// A unit could not go on (journal unreadable).
    UnitFailed { session: SessionId, job: JobId, refusal: Refusal },
    /// A turn's changes were committed.
    CheckpointMade { session: SessionId, result: Result<Checkpoint, Refusal> },
    /// A checkpoint was looked up.
    RewindPrepared { ticket: Ticket, session: SessionId, result: Result<(String, Oid), Refusal> },
    /// The files are as they were at a checkpoint, or stayed.
    Rewound { session: SessionId, result: Box<Result<Rewound, Refusal>> },
    /// A landing was looked at.
    LandingPrepared {
        ticket: Ticket,
        session: SessionId,
        plan: Box<LandingPlan>,
        result: Box<Result<LandingFacts, Refusal>>,
    },
    /// A landing moved on.
    LandingDone {
        session: SessionId,
        landing: LandingId,
        ticket: Option<Ticket>,
        result: Result<LandingState, Refusal>,
    },
    /// What an evaluation needs is there.
    EvaluationPrepared { ticket: Ticket, session: SessionId, result: Box<Result<Prepared, Refusal>> },
    /// An evaluator ended.
    EvaluatorEnded { session: SessionId, evaluation: EvaluationId, result: Box<EvaluatorResult> },
    /// An evaluation ended.
    EvaluationEnded { session: SessionId, evaluation: EvaluationId, state: EvaluationState, notes: Vec<String> },
    /// An evaluator wants a judge to be asked about this change.
    JudgeWanted { session: SessionId, evaluation: EvaluationId, evaluator: String, ask: Box<JudgeAsk> },
    /// What a judge said was read.
    VerdictRead { session: SessionId, result: Result<String, Refusal> },
    /// The candidates of a contest were read.
    CandidatesRead { batch: BatchId, contest: u32, result: Result<Vec<String>, Refusal> },
    /// A removal was looked at.
    RemovalPrepared { ticket: Ticket, session: SessionId, result: Result<Unlanded, Refusal> },
    /// A worktree was removed.
    WorktreeRemoved { session: SessionId, result: Result<Option<String>, Refusal> },
    /// A removed session's worktree is back.
    Restored { ticket: Ticket, result: Box<Result<(Session, Oid), Refusal>> },
    /// A hunk that is decided on was looked up.
    HunkFound { ticket: Ticket, request: DecideHunk, result: Result<FoundHunk, Refusal> },
    /// A hunk was taken out of the working files or put back, or not.
    HunkApplied { session: SessionId, hunk: HunkId, applying: Applying, result: Result<(), Refusal> },
    /// The lines of a new comment were read.
    AnchorRead { ticket: Ticket, request: Box<AddComment>, client: String, result: Result<Anchor, Refusal> },
    /// What a round needs is there.
    RoundPrepared { session: SessionId, number: u32, result: Result<Box<RoundFacts>, Refusal> },
    /// A plan was read and its repositories looked up.
    BatchPrepared { ticket: Ticket, result: Box<Result<PreparedBatch, Refusal>> },
    /// The repositories of a batch were looked up again.
    BatchResolved { batch: BatchId, bases: Bases },
    /// A batch that has ended was read.
    BatchLoaded { ticket: Ticket, result: Box<Result<LiveBatch, Refusal>> },
    /// The repository of an attempt at a case is there, or could not be made.
    CasePrepared { run: RunId, session: SessionId, result: Box<Result<(PreparedCase, ResolvedBase), CaseFailure>> },
    /// The tests of a case said something, or could not be run.
    CaseJudged { run: RunId, session: SessionId, result: Box<Result<JudgedCase, CaseFailure>> },
    /// A moment has come.
    Woke { at: i64 },
    /// How the machine is doing.
    MachineRead { machine: Machine },
    /// A repository's configuration was read.
    RepositoryConfigRead { ticket: Ticket, result: Result<(String, RepositoryConfig), Refusal> },
    /// Repositories were repaired.
    RepositoriesFixed { ticket: Ticket, result: Result<Vec<String>, Refusal> },
}

/// What a process said, with how far its journal is read.
pub(crate) struct AgentInput {
    pub(crate) session: SessionId,
    pub(crate) job: JobId,
    pub(crate) updates: Vec<Update>,
    pub(crate) offset: u64,
    /// Called once it has committed.
    pub(crate) committed: oneshot::Sender<()>,
}
