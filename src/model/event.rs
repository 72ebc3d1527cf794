//! Events: committed facts in the past tense, stored as their types' names and their payloads in JSON.
//! A newer divisi may know more types and more fields: an unknown type is kept as [`Event::Unknown`], a missing field has a default.
//! Renaming or reusing a name is a migration.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::agent::{AgentCommand, AgentReady, ConfigOption, PlanEntry, ToolCall};
use super::approval::{Answer, Approval, ApprovalPolicy, Rule};
use super::attachment::Attachment;
use super::batch::{BatchChanged, NewBatch, RunEnded, RunQueued, RunSettled, RunStarted, RunStopping};
use super::diff::{DiffStat, HunkDecision};
pub use super::envelope::{Cause, Envelope};
use super::evaluation::{Evaluation, EvaluationState, EvaluatorResult, Suite};
use super::failure::{Failure, Silence};
use super::id::{ApprovalId, CommandId, CommentId, EvaluationId, HunkId, JobId, LandingId, Oid, PromptId, TurnId};
use super::job::{JobEnd, ProcessIdentity};
use super::landing::{Landing, LandingState};
use super::part::Part;
use super::review::{Comment, CommentKind, Round};
use super::session::{Session, Setup};
use super::terminal::OnTerminal;
use super::timeline::{Mark, Rewind};
use super::turn::{QueuedPrompt, TurnOutcome};
use super::usage::Usage;
use super::worktree::WorktreeState;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "payload")]
pub enum Event {
    /// A session exists, with its worktree intended.
    #[serde(rename = "session.created")]
    SessionCreated(Box<Session>),
    /// Its policy for permission requests changed.
    #[serde(rename = "session.policy_changed")]
    SessionPolicyChanged {
        /// The new policy.
        policy: ApprovalPolicy,
    },
    /// A person chose a value of an option of the agent; it has not taken it yet.
    #[serde(rename = "session.option_chosen")]
    SessionOptionChosen {
        /// The option's id.
        option: String,
        /// The choice's id.
        value: String,
    },
    /// Somebody looked at it.
    #[serde(rename = "session.read")]
    SessionRead {},
    /// Its worktree and branch are gone; what was not landed is under `preserved`.
    #[serde(rename = "session.removed")]
    SessionRemoved {
        /// The ref that brings it back, when there was something to keep.
        preserved: Option<String>,
    },
    /// A removed session is back.
    #[serde(rename = "session.restored")]
    SessionRestored {
        /// The branch's commit.
        head: Oid,
    },
    /// Changes made outside of a turn were committed on the session's branch, before a landing.
    #[serde(rename = "session.checkpointed")]
    SessionCheckpointed {
        /// The branch's commit.
        head: Oid,
        /// What changed since the base.
        stat: DiffStat,
        /// Its place in the timeline; absent in those of an older divisi.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mark: Option<Mark>,
    },
    /// A person wants the files as they were at a checkpoint.
    #[serde(rename = "rewind.started")]
    RewindStarted(Rewind),
    /// They are, or they stayed as they were.
    #[serde(rename = "rewind.ended")]
    RewindEnded {
        /// Why not; absent when it worked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Something failed outside of a turn.
    #[serde(rename = "session.faulted")]
    SessionFaulted {
        /// What was tried and why it failed.
        message: String,
    },

    /// The worktree's state changed.
    #[serde(rename = "worktree.changed")]
    WorktreeChanged {
        /// The new state.
        state: WorktreeState,
        /// The branch's commit, once it is ready.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        head: Option<Oid>,
        /// What a person should know (LFS files left as pointers, submodules not populated, files copied).
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notes: Vec<String>,
    },
    /// The setup's state changed.
    #[serde(rename = "setup.changed")]
    SetupChanged {
        /// The new state.
        setup: Setup,
        /// Output of the commands, when they ran.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        output: String,
    },

    /// A prompt waits.
    #[serde(rename = "prompt.queued")]
    PromptQueued {
        /// The prompt.
        prompt: QueuedPrompt,
    },
    /// A waiting prompt's text changed.
    #[serde(rename = "prompt.edited")]
    PromptEdited {
        /// Which.
        id: PromptId,
        /// The new text.
        text: String,
    },
    /// A waiting prompt was taken back.
    #[serde(rename = "prompt.cancelled")]
    PromptCancelled {
        /// Which.
        id: PromptId,
    },

    /// A waiting prompt went into the running turn.
    #[serde(rename = "prompt.steered")]
    PromptSteered {
        /// Which.
        id: PromptId,
        /// The turn.
        turn: TurnId,
        /// Its text.
        text: String,
        /// What went with it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        attachments: Vec<Attachment>,
    },
    /// A prompt did not get into the running turn: it waits for a turn of its own.
    #[serde(rename = "prompt.steer_missed")]
    PromptSteerMissed {
        /// Which.
        id: PromptId,
        /// Why.
        reason: String,
    },

    /// The session's agent shows its own interface on a terminal, or is spoken to by its protocol again.
    #[serde(rename = "session.moved")]
    SessionMoved {
        /// On a terminal.
        terminal: bool,
    },
    /// A process is about to be started for the session.
    #[serde(rename = "job.intended")]
    JobIntended {
        /// The job.
        job: JobId,
        /// The turn it serves, for agents that run once per turn.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        turn: Option<TurnId>,
        /// The agent's earlier conversation that it goes on with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        resume: Option<AgentReady>,
        /// Options a person chose before, which it is started with.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        chosen: BTreeMap<String, String>,
        /// It is on a terminal.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        terminal: Option<OnTerminal>,
    },
    /// It runs.
    #[serde(rename = "job.started")]
    JobStarted {
        /// The job.
        job: JobId,
        /// Its shim.
        shim: ProcessIdentity,
    },
    /// A new daemon found it alive and goes on reading its journal.
    #[serde(rename = "job.attached")]
    JobAttached {
        /// The job.
        job: JobId,
    },
    /// It ended.
    #[serde(rename = "job.ended")]
    JobEnded {
        /// The job.
        job: JobId,
        /// How.
        #[serde(flatten)]
        end: JobEnd,
    },

    /// A prompt became a turn.
    #[serde(rename = "turn.started")]
    TurnStarted {
        /// The turn.
        turn: TurnId,
        /// One-based.
        number: u32,
        /// The waiting prompt it came from.
        prompt: PromptId,
        /// The text.
        text: String,
        /// What goes with it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        attachments: Vec<Attachment>,
        /// The branch's commit now.
        from: Oid,
    },
    /// Somebody asked for the turn to be stopped.
    #[serde(rename = "turn.stop_requested")]
    TurnStopRequested {
        /// The turn.
        turn: TurnId,
        /// Who: a face's client name.
        by: String,
    },
    /// Why the turn fails, told apart; `turn.stopped` follows.
    #[serde(rename = "turn.failed")]
    TurnFailed {
        /// The turn.
        turn: TurnId,
        /// Why.
        failure: Failure,
    },
    /// The agent has been silent for too long, was given more time, or is heard again.
    #[serde(rename = "turn.silence")]
    TurnSilence {
        /// The turn.
        turn: TurnId,
        /// Absent: it is heard again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        silence: Option<Silence>,
    },
    /// The agent stopped; the checkpoint is still to come.
    #[serde(rename = "turn.stopped")]
    TurnStopped {
        /// The turn.
        turn: TurnId,
        /// How.
        #[serde(flatten)]
        outcome: TurnOutcome,
    },
    /// The turn is over, its changes are committed on the session's branch.
    #[serde(rename = "turn.ended")]
    TurnEnded {
        /// The turn.
        turn: TurnId,
        /// The checkpoint, when something changed.
        checkpoint: Option<Oid>,
        /// The branch's commit.
        head: Oid,
        /// What the turn changed.
        turn_stat: DiffStat,
        /// What changed since the base.
        stat: DiffStat,
    },

    /// The agent is ready for prompts.
    #[serde(rename = "agent.ready")]
    AgentReadied {
        /// What it said of itself.
        ready: AgentReady,
    },
    /// The agent said something (a chunk; chunks of one message follow each other).
    #[serde(rename = "agent.message")]
    AgentMessage {
        /// The turn.
        turn: TurnId,
        /// The text, raw.
        text: String,
    },
    /// The agent thought something.
    #[serde(rename = "agent.thought")]
    AgentThought {
        /// The turn.
        turn: TurnId,
        /// The text, raw.
        text: String,
    },
    /// A command's output (the shell agent, or an agent's standard error).
    #[serde(rename = "agent.output")]
    AgentOutput {
        /// The turn, when one runs.
        turn: Option<TurnId>,
        /// True for standard error.
        stderr: bool,
        /// The text; bytes that are not UTF-8 are replaced, the journal keeps them.
        text: String,
    },
    /// Output was too much to keep here; the journal has it all.
    #[serde(rename = "agent.output_elided")]
    AgentOutputElided {
        /// The turn.
        turn: Option<TurnId>,
        /// Bytes left out so far.
        bytes: u64,
    },
    /// A tool call appeared or changed; the whole call in its newest state.
    #[serde(rename = "agent.tool")]
    AgentTool {
        /// The turn.
        turn: TurnId,
        /// The call.
        call: ToolCall,
    },
    /// The agent's plan changed.
    #[serde(rename = "agent.plan")]
    AgentPlan {
        /// The whole plan.
        entries: Vec<PlanEntry>,
    },
    /// The options the agent offers, or their values, changed.
    #[serde(rename = "agent.options")]
    AgentOptions {
        /// All of them.
        options: Vec<ConfigOption>,
    },
    /// The agent took the value of an option that a person chose, or did not.
    #[serde(rename = "agent.option_answered")]
    AgentOptionAnswered {
        /// The option's id.
        option: String,
        /// The choice's id.
        value: String,
        /// Why it did not take it; absent: it did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refused: Option<String>,
    },
    /// The slash commands the agent offers changed.
    #[serde(rename = "agent.commands")]
    AgentCommands {
        /// All of them.
        commands: Vec<AgentCommand>,
    },
    /// Something worth knowing: a retry, a line over the limit, garbage on a protocol stream.
    #[serde(rename = "agent.notice")]
    AgentNotice {
        /// The turn, when one runs.
        turn: Option<TurnId>,
        /// One line.
        text: String,
    },
    /// A protocol message that this divisi does not know, kept raw.
    #[serde(rename = "agent.raw")]
    AgentRaw {
        /// The message.
        message: Value,
    },
    /// Usage was reported.
    #[serde(rename = "usage.reported")]
    UsageReported {
        /// The turn, when one runs.
        turn: Option<TurnId>,
        /// The figures.
        usage: Usage,
    },

    /// The agent asks a permission or a question.
    #[serde(rename = "approval.requested")]
    ApprovalRequested(Box<Approval>),
    /// It was answered.
    #[serde(rename = "approval.answered")]
    ApprovalAnswered {
        /// Which.
        id: ApprovalId,
        /// The answer.
        answer: Answer,
        /// The agent's option that was chosen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        option: Option<String>,
        /// Who.
        by: String,
    },
    /// Nobody can answer it any more.
    #[serde(rename = "approval.expired")]
    ApprovalExpired {
        /// Which.
        id: ApprovalId,
        /// Why.
        reason: String,
    },
    /// An "always" is remembered.
    #[serde(rename = "rule.added")]
    RuleAdded(Rule),

    /// A person decided on a hunk.
    #[serde(rename = "hunk.decided")]
    HunkDecided {
        /// Which.
        hunk: HunkId,
        /// The decision; absent: taken back.
        decision: Option<HunkDecision>,
        /// For a rejected hunk the patch that was taken out, so that it can be put back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        patch: Option<String>,
        /// What an accepted part of a hunk is found again by.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        part: Option<Box<Part>>,
    },

    /// A hunk is about to be taken out of the working files, or put back.
    #[serde(rename = "hunk.intended")]
    HunkIntended {
        /// Which.
        hunk: HunkId,
        /// True when it is taken out.
        reverse: bool,
        /// Its patch.
        patch: String,
        /// The command that asked for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        command: Option<CommandId>,
    },
    /// That could not be done; nothing was changed.
    #[serde(rename = "hunk.failed")]
    HunkFailed {
        /// Which.
        hunk: HunkId,
        /// Why.
        reason: String,
    },
    /// A person commented on lines.
    #[serde(rename = "comment.added")]
    CommentAdded(Box<Comment>),
    /// A comment says something else; it is open again.
    #[serde(rename = "comment.edited")]
    CommentEdited {
        /// Which.
        id: CommentId,
        /// What it says now.
        text: String,
        /// What it wants now.
        kind: CommentKind,
    },
    /// A comment is gone.
    #[serde(rename = "comment.removed")]
    CommentRemoved {
        /// Which.
        id: CommentId,
    },
    /// A comment is settled, or not any more.
    #[serde(rename = "comment.resolved")]
    CommentResolved {
        /// Which.
        id: CommentId,
        /// Whether it is settled.
        resolved: bool,
    },
    /// A round is intended: what it takes along.
    #[serde(rename = "round.started")]
    RoundStarted(Box<Round>),
    /// It was sent: its prompt waits, and its baseline is kept.
    #[serde(rename = "round.sent")]
    RoundSent {
        /// Which.
        number: u32,
        /// The worktree as it was.
        baseline: Oid,
        /// The prompt that carries it.
        prompt: PromptId,
    },
    /// It could not be sent; its comments are open again.
    #[serde(rename = "round.failed")]
    RoundFailed {
        /// Which.
        number: u32,
        /// Why.
        reason: String,
    },
    /// A file was looked at, or not after all.
    #[serde(rename = "file.viewed")]
    FileViewed {
        /// Which.
        path: String,
        /// The content's object id; absent: not looked at.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content: Option<String>,
    },

    /// A landing is intended.
    #[serde(rename = "landing.started")]
    LandingStarted(Box<Landing>),
    /// A landing moved on.
    #[serde(rename = "landing.changed")]
    LandingChanged {
        /// Which.
        id: LandingId,
        /// Where it stands.
        #[serde(flatten)]
        state: LandingState,
    },

    /// A batch exists, with all its runs.
    #[serde(rename = "batch.created")]
    BatchCreated(Box<NewBatch>),
    /// Something about a batch changed.
    #[serde(rename = "batch.changed")]
    BatchChanged(BatchChanged),
    /// An attempt of a run began.
    #[serde(rename = "run.started")]
    RunStarted(RunStarted),
    /// It is being stopped.
    #[serde(rename = "run.stopping")]
    RunStopping(RunStopping),
    /// It ended.
    #[serde(rename = "run.ended")]
    RunEnded(RunEnded),
    /// A run that was over is to be run again.
    #[serde(rename = "run.queued")]
    RunQueued(RunQueued),
    /// A run that waited will not be run.
    #[serde(rename = "run.settled")]
    RunSettled(RunSettled),

    /// Evaluators look at a commit.
    #[serde(rename = "evaluation.started")]
    EvaluationStarted(Box<Evaluation>),
    /// One of them has ended.
    #[serde(rename = "evaluation.result")]
    EvaluationResult {
        /// Of which evaluation.
        id: EvaluationId,
        /// What it says.
        result: Box<EvaluatorResult>,
    },
    /// All of them have, or nothing more will come.
    #[serde(rename = "evaluation.ended")]
    EvaluationEnded {
        /// Which.
        id: EvaluationId,
        /// How.
        #[serde(flatten)]
        state: EvaluationState,
        /// The weighted score.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        score: Option<u8>,
        /// Whether it came to its end and each required evaluator passed.
        passed: bool,
        /// What a person should know.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        notes: Vec<String>,
    },
    /// What a landing of the session needs was set; absent: nothing but what is configured.
    #[serde(rename = "session.gated")]
    SessionGated {
        /// The suite.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        gates: Option<Box<Suite>>,
    },

    /// A repository's `.divisi.toml` with exactly this content is trusted.
    #[serde(rename = "repository.trusted")]
    RepositoryTrusted {
        /// The repository's common git directory.
        common_dir: String,
        /// SHA-256 of the file, hexadecimal.
        digest: String,
    },
    /// A command was accepted; a repeat of its id gets the same outcome.
    #[serde(rename = "command.accepted")]
    CommandAccepted {
        /// Its id.
        id: CommandId,
        /// The receipt's outcome.
        outcome: Value,
    },
    /// A fault of divisi itself, contained.
    #[serde(rename = "fault.raised")]
    FaultRaised {
        /// In which part.
        part: String,
        /// What happened.
        message: String,
    },
    /// A type this divisi does not know.
    #[serde(untagged)]
    Unknown {
        /// The type's name.
        #[serde(rename = "type")]
        kind: String,
        /// Its payload.
        #[serde(default)]
        payload: Value,
    },
}
