//! Evaluation: what evaluators say of exactly one commit of a session.

use serde::{Deserialize, Serialize};

use super::batch::Spend;
use super::id::{EvaluationId, Oid, SessionId};
pub use super::suite::{
    Evaluator, EvaluatorKind, Limits, Linter, OutputFormat, Preparation, Protected, Severity, Suite, TestRunner,
};

/// Something an evaluator found at a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvalFinding {
    /// The file, relative to the worktree; absent: it belongs to no file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Line, one-based; 0: the whole file.
    #[serde(default)]
    pub line: u32,
    /// Column, one-based; 0: the whole line.
    #[serde(default)]
    pub column: u32,
    /// What, one or a few lines, raw.
    pub message: String,
    /// How bad it is.
    pub severity: Severity,
}

impl EvalFinding {
    /// Findings of an evaluator that are kept.
    pub const MOST: usize = 200;
    /// Characters of a message that are kept.
    pub const WIDTH: usize = 500;
}

/// What came of an evaluator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum EvaluatorOutcome {
    /// It is satisfied.
    Passed,
    /// It is not.
    Failed,
    /// Its program is not there: nothing was judged.
    Missing {
        /// Which.
        tool: String,
    },
    /// It did not end in time.
    TimedOut,
    /// It could not judge.
    Errored {
        /// Why.
        reason: String,
    },
    /// It was stopped, or never began.
    Cancelled,
}

impl EvaluatorOutcome {
    /// The contract's string.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Missing { .. } => "missing",
            Self::TimedOut => "timed_out",
            Self::Errored { .. } => "errored",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What an evaluator says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvaluatorResult {
    /// The evaluator.
    pub id: String,
    /// Its kind, as [`EvaluatorKind::as_str`] has it.
    #[serde(default)]
    pub kind: String,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: EvaluatorOutcome,
    /// 0 to 100; absent when nothing was judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<u8>,
    /// Whether the evaluation passes only when it passes.
    #[serde(default)]
    pub required: bool,
    /// How much its score counts.
    #[serde(default = "EvaluatorResult::one")]
    pub weight: u32,
    /// How long it took, milliseconds.
    #[serde(default)]
    pub duration_ms: u64,
    /// A few lines, raw: what it says, or the end of what its program printed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub details: String,
    /// The session of the judge that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judge: Option<SessionId>,
    /// What that judge used.
    #[serde(default, skip_serializing_if = "Spend::is_none")]
    pub spend: Spend,
    /// What it found, at most [`EvalFinding::MOST`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<EvalFinding>,
}

impl EvaluatorResult {
    fn one() -> u32 {
        1
    }

    /// Whether it is satisfied. What was not judged is not.
    pub fn passed(&self) -> bool {
        self.outcome == EvaluatorOutcome::Passed
    }

    /// Whether it is no evaluator's, but names what the session changed of the files that tell judges how to judge.
    pub fn is_of_protected(&self) -> bool {
        self.kind == Protected::RESULT
    }
}

/// Where an evaluation stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum EvaluationState {
    /// Its evaluators run.
    Running,
    /// All of them ended.
    Done,
    /// Somebody stopped it.
    Cancelled,
    /// It was cut off, or could not be carried out; nothing is known.
    Interrupted {
        /// By what.
        reason: String,
    },
}

impl EvaluationState {
    /// The contract's string.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
            Self::Interrupted { .. } => "interrupted",
        }
    }
}

/// What a landing would make, which was judged in the place of the commit alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeResult {
    /// The target's full ref name.
    pub onto: String,
    /// The target's commit then: once it moves this says nothing any more.
    pub onto_commit: Oid,
    /// A commit of the result, which no ref names.
    pub commit: Oid,
    /// Its tree: a landing that makes another one does not happen.
    pub tree: Oid,
}

/// An evaluation: what a suite says of exactly one commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Its id.
    pub id: EvaluationId,
    /// The session.
    pub session: SessionId,
    /// The suite's name.
    pub suite: String,
    /// The suite's digest.
    #[serde(default)]
    pub digest: String,
    /// The commit that is judged.
    pub commit: Oid,
    /// What it is compared with.
    pub base: Oid,
    /// What the commit and its target make together, when that was judged; `base` is the target's commit then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged: Option<MergeResult>,
    /// When it began, milliseconds since the epoch.
    pub started_at: i64,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<i64>,
    /// Evaluators there are.
    #[serde(default)]
    pub evaluators: u32,
    /// What they said, in the suite's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<EvaluatorResult>,
    /// The weighted score, 0 to 100; absent when nothing was judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<u8>,
    /// Whether it ended and each required evaluator passed.
    #[serde(default)]
    pub passed: bool,
    /// Where it stands.
    #[serde(flatten)]
    pub state: EvaluationState,
    /// What a person should know: what could not be limited.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl Evaluation {
    /// Evaluations of a session whose results are kept.
    pub const KEPT: usize = 20;

    /// What a person has to look at before it lands, one sentence, raw: the session changed what tells judges how to judge.
    pub fn asks(&self) -> Option<&str> {
        let found = self.results.iter().find(|one| one.is_of_protected() && !one.required && !one.passed());
        found.map(|one| one.details.as_str())
    }
}

/// An evaluation in a few words, for lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvaluationSummary {
    /// Its id.
    pub id: EvaluationId,
    /// The suite's name.
    pub suite: String,
    /// The suite's digest.
    #[serde(default)]
    pub digest: String,
    /// The commit that is judged.
    pub commit: Oid,
    /// Evaluators that passed.
    pub good: u32,
    /// Evaluators that ended so far.
    pub ended: u32,
    /// Evaluators there are.
    pub evaluators: u32,
    /// The weighted score; absent when nothing was judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<u8>,
    /// Whether it ended and each required evaluator passed.
    #[serde(default)]
    pub passed: bool,
    /// Where it stands.
    #[serde(flatten)]
    pub state: EvaluationState,
    /// When it began, milliseconds since the epoch.
    pub started_at: i64,
}

/// The evaluations of a session.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Evaluations {
    /// Evaluations so far, for their ids.
    #[serde(default)]
    pub made: u32,
    /// The newest ones, oldest first, at most [`Evaluation::KEPT`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept: Vec<Evaluation>,
    /// What has to have passed at exactly the commit that lands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gates: Option<Box<Suite>>,
}

impl Evaluations {
    /// None was ever made and nothing is asked for.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The newest.
    pub fn newest(&self) -> Option<&Evaluation> {
        self.kept.last()
    }

    /// The one that runs.
    pub fn running(&self) -> Option<&Evaluation> {
        self.newest().filter(|newest| newest.state == EvaluationState::Running)
    }
}

/// How a commit stands before the gates of its landing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateStanding {
    /// Nothing was judged by them.
    Unjudged,
    /// They judge it now.
    Running,
    /// Each required evaluator passed at exactly this commit.
    Passed,
    /// One did not.
    Failed,
    /// They judged another commit than this.
    Stale,
    /// They judged this commit, but its target has moved since: what would land was judged by nobody.
    Moved,
}

/// The gates of a landing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateView {
    /// The suite's name.
    pub suite: String,
    /// Evaluators that have to pass.
    pub required: Vec<String>,
    /// How the commit stands.
    pub standing: GateStanding,
    /// Required evaluators that have not passed at it.
    pub failed: Vec<String>,
    /// What a person should look at before it lands, one sentence: it changes what tells judges how to judge, and does not land by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asks: Option<String>,
    /// The newest evaluation by them, of this commit if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluation: Option<EvaluationId>,
    /// The commit that it judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judged: Option<Oid>,
}

/// Where the suite of an evaluation comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SuiteFrom {
    /// The text of a file that a person passed: they stand for its commands.
    Text {
        /// The file's content.
        text: String,
        /// Its name, for messages.
        path: String,
    },
    /// A suite that was read already: the gates of a batch.
    Suite(Box<Suite>),
}

/// Parameters of `evaluation/start`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartEvaluation {
    /// Which session.
    pub session: SessionId,
    /// By what; absent: the session's gates, else those of the trusted `.divisi.toml`, else those of the configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suite: Option<SuiteFrom>,
    /// Judge what its landing would make of the target as it is now, rather than the session's commit alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub merged: bool,
    /// With `merged`: the target; absent: the base's branch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onto: Option<String>,
}

/// Parameters of `evaluation/list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListEvaluations {
    /// Which session.
    pub session: SessionId,
}

/// Parameters of `evaluation/check`: problems of a suite file, each with line, column and suggestion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckSuite {
    /// The file's content.
    pub text: String,
}

#[cfg(test)]
pub(crate) mod samples;
