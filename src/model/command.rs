//! Commands: what can be asked of the host. Each gets exactly one receipt, sent when the decision has committed.
//!
//! On the wire a command is a JSON-RPC request whose method is the name given here and whose parameters are the payload, with an
//! optional `command_id` beside them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::approval::{Answer, ApprovalPolicy};
use super::attachment::{Attach, When};
use super::batch::{CreateBatch, OfBatch, RetryRuns, SetConcurrency};
use super::evaluation::StartEvaluation;
use super::id::{
    ApprovalId, BatchId, CommandId, CommentId, EvaluationId, HunkId, LandingId, Oid, PromptId, Seq, SessionId, TurnId,
};
use super::job::OnDaemonDeath;
use super::landing::Strategy;
use super::review::{AddComment, EditComment, RemoveComment, ResolveComment, SendRound, ViewFile};
use super::secret::Secret;
use super::timeline::{At, CombineSessions, RewindSession};

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", content = "params")]
#[expect(clippy::large_enum_variant, reason = "there is one at a time, on its way to a decision")]
pub enum Command {
    /// Start a session.
    #[serde(rename = "session/create")]
    CreateSession(CreateSession),
    /// Send a follow-up prompt; queued while a turn runs.
    #[serde(rename = "session/send")]
    SendPrompt(SendPrompt),
    /// Change a waiting prompt.
    #[serde(rename = "prompt/edit")]
    EditPrompt(EditPrompt),
    /// Take a waiting prompt back.
    #[serde(rename = "prompt/cancel")]
    CancelPrompt(CancelPrompt),
    /// Stop the running turn.
    #[serde(rename = "session/stop")]
    StopSession(OfSession),
    /// Remove a session: its process, worktree and branch. Refused when work would be lost, unless `discard`; what is not landed is preserved in any case.
    #[serde(rename = "session/remove")]
    RemoveSession(RemoveSession),
    /// Bring a removed session's worktree back.
    #[serde(rename = "session/restore")]
    RestoreSession(OfSession),
    /// Mark as looked at.
    #[serde(rename = "session/read")]
    ReadSession(OfSession),
    /// Change what happens to permission requests.
    #[serde(rename = "session/policy")]
    SetPolicy(SetPolicy),
    /// Bring the files of a session back to a checkpoint; what they are now is a checkpoint first.
    #[serde(rename = "session/rewind")]
    RewindSession(RewindSession),
    /// Make a session whose worktree begins with what other sessions made.
    #[serde(rename = "session/combine")]
    CombineSessions(CombineSessions),
    /// Choose a value of an option the agent offers (its mode, its model).
    #[serde(rename = "session/option")]
    SetOption(SetOption),
    /// Answer a permission request.
    #[serde(rename = "approval/answer")]
    AnswerApproval(AnswerApproval),
    /// Have the agent show its own interface on a terminal.
    #[serde(rename = "terminal/start")]
    StartTerminal(OfSession),
    /// Decide on a hunk.
    #[serde(rename = "hunk/decide")]
    DecideHunk(DecideHunk),
    /// Comment on lines.
    #[serde(rename = "comment/add")]
    AddComment(AddComment),
    /// Change a comment.
    #[serde(rename = "comment/edit")]
    EditComment(EditComment),
    /// Take a comment away.
    #[serde(rename = "comment/remove")]
    RemoveComment(RemoveComment),
    /// Mark a comment as settled, or not.
    #[serde(rename = "comment/resolve")]
    ResolveComment(ResolveComment),
    /// Send open comments and rejected hunks to the agent.
    #[serde(rename = "round/send")]
    SendRound(SendRound),
    /// Mark a file as looked at, or not.
    #[serde(rename = "file/viewed")]
    ViewFile(ViewFile),
    /// Land a session on its base.
    #[serde(rename = "landing/start")]
    StartLanding(StartLanding),
    /// Go on after the conflicts were resolved.
    #[serde(rename = "landing/continue")]
    ContinueLanding(OfSession),
    /// Give a conflicted landing up.
    #[serde(rename = "landing/abort")]
    AbortLanding(OfSession),
    /// Start a batch.
    #[serde(rename = "batch/create")]
    CreateBatch(CreateBatch),
    /// Start no more runs for now.
    #[serde(rename = "batch/pause")]
    PauseBatch(OfBatch),
    /// Start runs again.
    #[serde(rename = "batch/resume")]
    ResumeBatch(OfBatch),
    /// Stop what runs and give up what waits.
    #[serde(rename = "batch/cancel")]
    CancelBatch(OfBatch),
    /// Run again what did not pass.
    #[serde(rename = "batch/retry")]
    RetryRuns(RetryRuns),
    /// Change how many runs there are at the same time.
    #[serde(rename = "batch/concurrency")]
    SetConcurrency(SetConcurrency),
    /// Judge what a session has now.
    #[serde(rename = "evaluation/start")]
    StartEvaluation(StartEvaluation),
    /// Stop an evaluation that runs.
    #[serde(rename = "evaluation/cancel")]
    CancelEvaluation(OfSession),
    /// Trust a repository's `.divisi.toml` with exactly this content.
    #[serde(rename = "repository/trust")]
    TrustRepository(TrustRepository),
    /// Repair what `doctor/scan` found.
    #[serde(rename = "doctor/fix")]
    FixDoctor(FixDoctor),
}

/// Parameters of `session/create`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateSession {
    /// Any path inside the repository, absolute.
    pub repository: String,
    /// The task. For the shell agent: the command line.
    pub prompt: String,
    /// Branch, tag, commit or `pr:N`; absent: the branch checked out in `repository`.
    #[serde(default)]
    pub base: Option<String>,
    /// A checkpoint of another session to begin with instead; its base is the new session's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<At>,
    /// Absent: a slug of the prompt.
    #[serde(default)]
    pub name: Option<String>,
    /// Absent: `agents.default` of the configuration.
    #[serde(default)]
    pub agent: Option<String>,
    /// The model to ask for.
    #[serde(default)]
    pub model: Option<String>,
    /// The mode to ask for.
    #[serde(default)]
    pub mode: Option<String>,
    /// Variables for the agent. They are stored: names that say that the value is a credential are refused.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Names of variables for the agent whose values are in `caller`, or in the daemon's environment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pass: Vec<String>,
    /// The caller's variables, those that `agent/variables` names and those of `pass`: their values, null for one that is not set. Kept in
    /// memory, never stored; after a restart of the daemon its own hold.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub caller: BTreeMap<String, Option<Secret>>,
    /// The profile; absent: the agent's default of the configuration; `none`: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// What happens to permission requests.
    #[serde(default)]
    pub policy: Option<ApprovalPolicy>,
    /// What happens to the agent when the daemon dies.
    #[serde(default)]
    pub on_daemon_death: Option<OnDaemonDeath>,
    /// Files that go with the prompt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attach: Vec<Attach>,
    /// After how many seconds of silence a person is asked what to do; 0: never. Absent: as configured.
    #[serde(default)]
    pub silence_sec: Option<u64>,
}

/// Parameters of `session/send`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SendPrompt {
    /// Which session.
    pub session: SessionId,
    /// The text.
    pub text: String,
    /// Files that go with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attach: Vec<Attach>,
    /// When it is delivered.
    #[serde(default)]
    pub when: When,
    /// Values of variables for processes that start from now on, in the place of those given before. Kept in memory, never stored.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub caller: BTreeMap<String, Option<Secret>>,
}

/// Parameters of `prompt/edit`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EditPrompt {
    /// Which session.
    pub session: SessionId,
    /// Which prompt.
    pub prompt: PromptId,
    /// The new text.
    pub text: String,
}

/// Parameters of `prompt/cancel`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CancelPrompt {
    /// Which session.
    pub session: SessionId,
    /// Which prompt.
    pub prompt: PromptId,
}

/// Parameters of commands that need only a session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfSession {
    /// Which session.
    pub session: SessionId,
}

/// Parameters of `session/remove`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoveSession {
    /// Which session.
    pub session: SessionId,
    /// Remove although there is unlanded work (it stays under the preserved ref).
    #[serde(default)]
    pub discard: bool,
}

/// Parameters of `session/policy`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetPolicy {
    /// Which session.
    pub session: SessionId,
    /// The new policy.
    pub policy: ApprovalPolicy,
}

/// Parameters of `session/option`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetOption {
    /// Which session.
    pub session: SessionId,
    /// The option's id, or its category (`mode`, `model`).
    pub option: String,
    /// The choice's id.
    pub value: String,
}

/// Parameters of `approval/answer`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AnswerApproval {
    /// Which approval.
    pub approval: ApprovalId,
    /// The answer.
    #[serde(flatten)]
    pub answer: Answer,
    /// The agent's option to choose, for questions; absent: by the answer's kind.
    #[serde(default)]
    pub option: Option<String>,
}

/// What to do with a hunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HunkAction {
    /// Keep it.
    Accept,
    /// Take it out of the worktree.
    Reject,
    /// Take the decision back; a rejected hunk is put back.
    Undo,
}

/// Parameters of `hunk/decide`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecideHunk {
    /// Which session.
    pub session: SessionId,
    /// Which hunk: its id or a unique prefix of at least four digits.
    pub hunk: HunkId,
    /// What to do.
    pub action: HunkAction,
    /// Only the changes that these lines belong to: indexes into the hunk's lines. Empty: all of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<u32>,
}

/// Parameters of `landing/start`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartLanding {
    /// Which session.
    pub session: SessionId,
    /// How; absent: `git.landing` of the configuration.
    #[serde(default)]
    pub strategy: Option<Strategy>,
    /// Another local branch to land on.
    #[serde(default)]
    pub onto: Option<String>,
    /// The commit message; absent: made from the prompt and the turns.
    #[serde(default)]
    pub message: Option<String>,
    /// The commit that was looked at; refused when the session has moved on since.
    #[serde(default)]
    pub expect: Option<Oid>,
    /// Land although the gates have not passed; recorded.
    #[serde(default)]
    pub skip_gates: bool,
}

/// Parameters of `repository/trust`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustRepository {
    /// Any path inside the repository, absolute.
    pub repository: String,
    /// SHA-256 of the `.divisi.toml` that was shown; refused when it changed since.
    pub digest: String,
}

/// Parameters of `doctor/fix`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FixDoctor {
    /// Any path inside a repository, absolute; absent: every repository that has sessions.
    #[serde(default)]
    pub repository: Option<String>,
}

/// The answer to an accepted command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// The command's id.
    pub command: CommandId,
    /// The last event it brought about; what it did is visible to a subscriber at or after this number.
    pub seq: Seq,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of an accepted command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum Outcome {
    /// Decided and recorded; nothing else to say.
    Done,
    /// A session exists.
    Created {
        /// Its id.
        session: SessionId,
        /// Its name.
        name: String,
        /// Its branch, full ref name.
        branch: String,
        /// Its worktree's path.
        path: String,
    },
    /// A prompt waits.
    Queued {
        /// Its id.
        prompt: PromptId,
    },
    /// A prompt is on its way into the running turn.
    Steering {
        /// Its id.
        prompt: PromptId,
        /// The turn.
        turn: TurnId,
    },
    /// Decided and recorded; it takes effect with the session's next process.
    Deferred,
    /// A turn is being stopped.
    Stopping {
        /// Which; absent when nothing ran.
        turn: Option<TurnId>,
    },
    /// A landing has begun; its end is an event.
    Landing {
        /// Its id.
        landing: LandingId,
    },
    /// An evaluation has begun; its end is an event.
    Evaluating {
        /// Its id.
        evaluation: EvaluationId,
    },
    /// A comment exists.
    Commented {
        /// Its id.
        comment: CommentId,
    },
    /// A hunk, or the part of one that the lines named, is decided.
    Decided {
        /// Its id.
        hunk: HunkId,
    },
    /// A round is on its way; that it was sent is an event.
    Round {
        /// Its number.
        number: u32,
        /// Comments it takes along.
        comments: u32,
        /// Rejected hunks it tells of.
        rejected: u32,
    },
    /// A batch exists.
    Batch {
        /// Its id.
        batch: BatchId,
        /// How many runs it is.
        runs: u32,
        /// What is worth knowing of how its plan was read.
        notes: Vec<String>,
    },
    /// Runs wait again.
    Retrying {
        /// How many.
        runs: u32,
    },
    /// Repairs were made.
    Fixed {
        /// One sentence each.
        actions: Vec<String>,
    },
}
