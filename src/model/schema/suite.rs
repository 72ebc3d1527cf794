//! The keys of an evaluation suite, in one place: what the reader takes, and what its JSON Schema says.

use serde_json::Value;

use crate::base::yaml::table::{Key, Kind, Table, json, key, needed};
use crate::model::suite::{Linter, OutputFormat, TestRunner};

/// Seconds in a day: the longest time limit.
const DAY: u64 = 24 * 3600;
/// MiB in a TiB.
const TIB: u64 = 1 << 20;
/// The largest count.
const MANY: u64 = 0xffff_ffff;

/// Kinds of evaluators.
pub const KINDS: &[&str] =
    &["script", "tests", "lint", "coverage", "complexity", "duplication", "diff_size", "secrets", "conflicts", "judge"];
const FORMATS: &[&str] = &names::<{ OutputFormat::ALL.len() }, OutputFormat>(OutputFormat::ALL);
const RUNNERS: &[&str] = &names::<{ TestRunner::ALL.len() }, TestRunner>(TestRunner::ALL);
const LINTERS: &[&str] = &names::<{ Linter::ALL.len() }, Linter>(Linter::ALL);

/// The words of a table of words.
const fn names<const N: usize, T>(all: &[(&'static str, T)]) -> [&'static str; N] {
    let mut names = [""; N];
    let mut at = 0;
    while at < N {
        names[at] = all[at].0;
        at += 1;
    }
    names
}

/// The whole file.
pub const SUITE: Table = Table {
    what: "a suite",
    keys: &[
        needed("version", Kind::Number(1, 1), "The shape of the file: 1."),
        key("name", Kind::Text, "The suite's name; `suite` without it."),
        key("restore", Kind::Texts, "Paths and globs that are taken from the base before anything is judged."),
        key("limits", Kind::One(&LIMITS), "What evaluators may use."),
        PREPARE,
        PROTECTED,
        needed(
            "evaluators",
            Kind::Many(&EVALUATOR),
            "What judges. When none of them is required all are: a suite that nothing can fail is no gate.",
        ),
    ],
};

/// What is run before the evaluators.
pub const PREPARE: Key = key(
    "prepare",
    Kind::One(&PREPARATION),
    "A command that is run once in the clean checkout (say `npm ci`): every evaluator begins with what it made.",
);

/// What a change of what tells judges how to judge means.
pub const PROTECTED: Key = key(
    "protected",
    Kind::Word(&["ask", "note", "fail", "restore"]),
    "When the session changed what tells judges how to judge (conftest.py, package.json, CI ...): `ask`, the usual, shows it before a \
     landing and lands nothing by itself; `note` only says so; `fail` does not pass; `restore` judges with these files of the base.",
);

/// What is run before the evaluators.
pub const PREPARATION: Table = Table {
    what: "'prepare'",
    keys: &[
        needed(
            "command",
            Kind::Text,
            "The command, for `/bin/sh -c`. When it fails nothing that runs a program passes.",
        ),
        key("timeout_sec", Kind::Number(1, DAY), "How long it may take; 600 without it."),
        key("network", Kind::Flag, "Whether it may use the network; as the limits say without it."),
    ],
};

/// What evaluators may use.
pub const LIMITS: Table = Table {
    what: "the limits",
    keys: &[
        key(
            "memory_mb",
            Kind::Number(0, TIB),
            "Memory of a program and all it starts together, MiB: with more it is ended; 0, the default: as much as there is.",
        ),
        key(
            "cpu_sec",
            Kind::Number(0, DAY),
            "CPU time of each program, seconds; 0, the default: only the time-out counts.",
        ),
        key("processes", Kind::Number(8, 100_000), "Processes of the evaluation at one time; 512 without it."),
        key("file_mb", Kind::Number(1, TIB), "The largest file a program may write, MiB; 4096 without it."),
        key("output_kb", Kind::Number(1, TIB), "Output of one evaluator that is read, KiB; 16384 without it."),
        key("network", Kind::Flag, "Whether its programs may use the network; true without it."),
    ],
};

/// One evaluator.
pub const EVALUATOR: Table = Table {
    what: "an evaluator",
    keys: &[
        needed("id", Kind::Text, "Its name: letters, digits, `_` and `-`, at most 60."),
        needed("kind", Kind::Word(KINDS), "What it does."),
        key("required", Kind::Flag, "Whether the evaluation passes only when it passes."),
        key("weight", Kind::Number(0, 1_000), "How much its score counts; 1 without it."),
        key("minimum", Kind::Number(0, 100), "The score below which it does not pass."),
        key("timeout_sec", Kind::Number(1, DAY), "How long it may take; 600 without it."),
        needed("command", Kind::Text, "The command, for `/bin/sh -c`; it passes when that exits with 0.")
            .with(&["script"]),
        key("format", Kind::Word(FORMATS), "What it prints; without it only the exit code counts.").with(&["script"]),
        key("report", Kind::Text, "A file it writes instead of printing, relative to the checkout.").with(&["script"]),
        key("runner", Kind::Word(RUNNERS), "What runs the tests; without it found by the project's files.")
            .with(&["tests"]),
        key("changed", Kind::Flag, "Only tests that the diff touches, where the runner can.").with(&["tests"]),
        key("linter", Kind::Word(LINTERS), "What lints; without it found by the project's files.").with(&["lint"]),
        needed(
            "report",
            Kind::Text,
            "The coverage report (lcov, Cobertura or llvm-cov JSON), relative to the checkout.",
        )
        .with(&["coverage"]),
        key("command", Kind::Text, "The command that writes the report; without it an earlier evaluator did.")
            .with(&["coverage"]),
        key("changed", Kind::Number(0, 100), "Per cent of the changed lines that have to be covered.")
            .with(&["coverage"]),
        key("maximum", Kind::Number(1, MANY), "The most branches a changed function may have; 15 without it.")
            .with(&["complexity"]),
        key("lines", Kind::Number(3, 1_000), "How many lines in a row make a copy; 8 without it.")
            .with(&["duplication"]),
        key("maximum", Kind::Number(0, MANY), "Copied lines that may be added; 0 without it.").with(&["duplication"]),
        key("lines", Kind::Number(0, MANY), "Lines added and removed, at most.").with(&["diff_size"]),
        key("files", Kind::Number(0, MANY), "Files changed, at most.").with(&["diff_size"]),
        needed("agent", Kind::Agent, "Who judges: its name in `divisi agents`.").with(&["judge"]),
        needed("rubric", Kind::Text, "What good work is.").with(&["judge"]),
        key("model", Kind::Text, "The model to ask for.").with(&["judge"]),
        key("mode", Kind::Text, "The mode to ask for.").with(&["judge"]),
        key("profile", Kind::Text, "A profile of the configuration.").with(&["judge"]),
    ],
};

/// The JSON Schema (2020-12) of suites.
pub fn schema() -> Value {
    json::document("divisi evaluation suite", &SUITE)
}
