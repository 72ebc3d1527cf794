//! Evaluation: what evaluators say of exactly one commit of a session.

use serde::{Deserialize, Serialize};

use super::id::{EvaluationId, Oid, SessionId};

/// What a session's work is judged by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suite {
    /// Its name.
    pub name: String,
    /// The evaluators, in the order in which they run.
    pub evaluators: Vec<Evaluator>,
    /// Paths and globs (`tests/**`) that are taken from the base before anything is judged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restore: Vec<String>,
    /// What its programs may use.
    #[serde(default)]
    pub limits: Limits,
    /// SHA-256 of what it was read from: a gate counts only an evaluation by the same suite.
    #[serde(default)]
    pub digest: String,
}

impl Suite {
    /// Evaluators of a suite at most.
    pub const MOST: usize = 100;
}

/// What the programs of a suite may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Address space of each program, MiB; 0: as much as there is.
    pub memory_mb: u64,
    /// CPU time of each program, seconds; 0: only the time-out counts.
    pub cpu_sec: u64,
    /// Processes of the evaluation at one time.
    pub processes: u64,
    /// The largest file a program may write, MiB.
    pub file_mb: u64,
    /// Output of one evaluator that is read, KiB; a program that prints more is ended.
    pub output_kb: u64,
    /// Whether its programs may use the network.
    pub network: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory_mb: 0, cpu_sec: 0, processes: 512, file_mb: 4_096, output_kb: 16 * 1024, network: true }
    }
}

/// One evaluator of a suite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evaluator {
    /// Its name, unique in the suite.
    pub id: String,
    /// What it does.
    #[serde(flatten)]
    pub kind: EvaluatorKind,
    /// How much its score counts.
    #[serde(default = "one")]
    pub weight: u32,
    /// Whether the evaluation passes only when it passes.
    #[serde(default)]
    pub required: bool,
    /// After how many seconds it is ended.
    #[serde(default = "ten_minutes")]
    pub timeout_sec: u64,
    /// The least score it passes with; absent: as its kind decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<u8>,
}

fn one() -> u32 {
    1
}

fn ten_minutes() -> u64 {
    600
}

/// What an evaluator does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum EvaluatorKind {
    /// Runs a command; it passes when that exits with 0.
    Script {
        /// The command, for `/bin/sh -c`.
        command: String,
        /// What it prints; absent: only the exit code counts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        format: Option<OutputFormat>,
        /// A file it writes instead of printing, relative to the checkout.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        report: Option<String>,
    },
    /// Runs the project's tests.
    Tests {
        /// With what; absent: found by the project's files.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        runner: Option<TestRunner>,
        /// Only those that the diff touches, where the runner can.
        #[serde(default)]
        changed: bool,
    },
    /// Runs a linter; 100 minus 5 per error minus 1 per warning on lines that the session changed.
    Lint {
        /// With what; absent: found by the project's files.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        linter: Option<Linter>,
    },
    /// Reads a coverage report.
    Coverage {
        /// The report (lcov, Cobertura or llvm-cov JSON), relative to the checkout.
        report: String,
        /// The command that writes it; absent: an earlier evaluator did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        command: Option<String>,
        /// Percent of the lines that the session changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        changed: Option<u8>,
    },
    /// Counts the branches of changed functions.
    Complexity {
        /// The most a function that was changed may have.
        maximum: u32,
    },
    /// Looks for added lines that are a copy of others.
    Duplication {
        /// How many lines in a row make a copy.
        lines: u32,
        /// Copied lines that may be added.
        maximum: u32,
    },
    /// Measures the diff.
    DiffSize {
        /// Lines added and removed at most.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lines: Option<u32>,
        /// Files at most.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        files: Option<u32>,
    },
    /// Looks for credentials in added lines.
    Secrets {},
    /// Looks for conflict markers in added lines, and for conflicts with the base as it is now.
    Conflicts {},
}

impl EvaluatorKind {
    /// Its name in a suite file.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Script { .. } => "script",
            Self::Tests { .. } => "tests",
            Self::Lint { .. } => "lint",
            Self::Coverage { .. } => "coverage",
            Self::Complexity { .. } => "complexity",
            Self::Duplication { .. } => "duplication",
            Self::DiffSize { .. } => "diff_size",
            Self::Secrets {} => "secrets",
            Self::Conflicts {} => "conflicts",
        }
    }

    /// Whether it runs something of the repository: a program, or a script with the repository's files.
    pub fn runs(&self) -> bool {
        match self {
            Self::Script { .. } | Self::Tests { .. } | Self::Lint { .. } => true,
            Self::Coverage { command, .. } => command.is_some(),
            _ => false,
        }
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$of])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// All, with their names.
            pub const ALL: &'static [(&'static str, Self)] = &[$(($word, Self::$variant)),+];

            /// Its name.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }
    };
}

words!(
    /// What a program prints.
    OutputFormat {
        /// `{"score": 0..100, "passed": bool, "details": text, "findings": [{file, line, column, message, severity}]}`.
        Json = "json",
        /// JUnit XML.
        Junit = "junit",
        /// The Test Anything Protocol.
        Tap = "tap",
        /// SARIF 2.1.0.
        Sarif = "sarif",
        /// cargo's messages (`--message-format json`) or libtest's lines.
        Cargo = "cargo",
        /// pytest's lines (`-rA` or `-v`).
        Pytest = "pytest",
        /// The JSON of vitest or jest.
        Vitest = "vitest",
        /// `go test -json`.
        Go = "go",
    }
);

words!(
    /// What runs a project's tests.
    TestRunner {
        /// `cargo test`.
        Cargo = "cargo",
        /// `pytest`.
        Pytest = "pytest",
        /// `go test`.
        Go = "go",
        /// `vitest`.
        Vitest = "vitest",
        /// `jest`.
        Jest = "jest",
        /// `npm test`.
        Npm = "npm",
        /// `pnpm test`.
        Pnpm = "pnpm",
        /// `ctest`.
        Ctest = "ctest",
    }
);

words!(
    /// A linter.
    Linter {
        /// `cargo clippy`.
        Clippy = "clippy",
        /// `ruff`.
        Ruff = "ruff",
        /// `eslint`.
        Eslint = "eslint",
        /// `golangci-lint`.
        GolangciLint = "golangci-lint",
        /// `shellcheck`.
        Shellcheck = "shellcheck",
    }
);

words!(
    /// How bad a finding is.
    Severity {
        /// It has to be changed.
        Error = "error",
        /// It should be.
        Warning = "warning",
        /// It is worth knowing.
        Note = "note",
    }
);

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
    #[serde(default = "one")]
    pub weight: u32,
    /// How long it took, milliseconds.
    #[serde(default)]
    pub duration_ms: u64,
    /// A few lines, raw: what it says, or the end of what its program printed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub details: String,
    /// What it found, at most [`EvalFinding::MOST`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<EvalFinding>,
}

impl EvaluatorResult {
    /// Whether it is satisfied. What was not judged is not.
    pub fn passed(&self) -> bool {
        self.outcome == EvaluatorOutcome::Passed
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
