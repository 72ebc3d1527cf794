//! Suites: what a session's work is judged by.

use serde::{Deserialize, Serialize};

use super::judge::Judge;
pub use ground::{Preparation, Protected};

mod ground;

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
    /// What is done in the clean checkout before they run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prepare: Option<Preparation>,
    /// What it means when the session changed what tells judges how to judge.
    #[serde(default, skip_serializing_if = "Protected::is_usual")]
    pub protected: Protected,
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
    /// Memory of all processes of a program together, MiB; who has more is ended. 0: as much as there is.
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
    /// Asks an agent, in a session of its own, what the change is worth by a rubric.
    Judge(Judge),
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
            Self::Judge(_) => "judge",
        }
    }

    /// Who is asked, when it is a judge.
    pub fn judge(&self) -> Option<&Judge> {
        match self {
            Self::Judge(judge) => Some(judge),
            _ => None,
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
        /// `JUnit` XML.
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
