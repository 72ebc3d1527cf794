//! Effects: what the brain wants done once its decision has committed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::host::on_combine::Origin;
use crate::host::port::ConversationSetup;
use crate::model::command::{CreateSession, DecideHunk};
use crate::model::id::{HunkId, JobId, Oid, SessionId, TurnId};
use crate::model::landing::{Landing, Strategy};
use crate::model::session::Session;
use crate::model::timeline::Rewind;
use crate::model::worktree::Worktree;

/// A waiting command's place in the dispatcher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Ticket(pub(crate) u64);

/// Something to do outside.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Look at the repository a new session is for.
    ResolveBase { ticket: Ticket, request: Box<CreateSession> },
    /// Find, or make, the commit that a new session grows from.
    ResolveOrigin { ticket: Ticket, request: Box<CreateSession>, origin: Origin },
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
    /// Start a process for a session and hand it the turn's prompt.
    StartJob { launch: Box<Launch>, prompt: Delivery },
    /// Attach to a process that an earlier daemon started; the prompt is the running turn's.
    AttachJob { launch: Box<Launch>, prompt: Option<Delivery> },
    /// Tell a live process something.
    ToUnit { job: JobId, input: UnitInput },
    /// Commit what a turn left.
    Checkpoint { session: SessionId, worktree: Box<Worktree>, from: Oid, message: String, name: String },
    /// Look at what a landing would meet; uncommitted changes are committed first.
    PrepareLanding { ticket: Ticket, session: SessionId, plan: Box<LandingPlan> },
    /// Land.
    Land { session: SessionId, worktree: Box<Worktree>, landing: Box<Landing>, step: LandingStep },
    /// See what a removal would take away.
    PrepareRemoval { ticket: Ticket, session: SessionId, worktree: Box<Worktree> },
    /// Preserve, then remove a worktree; delete its jobs' files.
    RemoveWorktree { session: SessionId, worktree: Box<Worktree>, jobs: Vec<JobId> },
    /// Bring a removed session back.
    Restore { ticket: Ticket, session: SessionId },
    /// Decide on a hunk in the working files.
    DecideHunk { ticket: Ticket, worktree: Box<Worktree>, request: DecideHunk, rejected: Option<HunkId> },
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
    pub(crate) environment: BTreeMap<String, String>,
    /// Names in it that were given to this session: neither the daemon's nor the agent's definition's values replace them.
    pub(crate) given: BTreeSet<String>,
    pub(crate) on_daemon_death: crate::model::job::OnDaemonDeath,
    pub(crate) lease: Duration,
    pub(crate) grace: Duration,
    /// Journal bytes whose meaning is committed.
    pub(crate) offset: u64,
}

/// A prompt on its way to an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) turn: TurnId,
    pub(crate) text: String,
    /// True when the conversation has earlier turns, which a new process may not know.
    pub(crate) follow_up: bool,
}

/// What a unit can be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UnitInput {
    /// Deliver a prompt.
    Prompt(Delivery),
    /// Answer a request of the agent.
    Answer { key: String, option: Option<String>, message: Option<String> },
    /// Set an option.
    Option { id: String, value: String },
    /// Stop the running turn: the protocol's cancel, then the ladder.
    StopTurn,
    /// End the process.
    End,
}
