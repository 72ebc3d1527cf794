//! The keys of a benchmark's suite (`divisi bench`), in one place: what the reader takes, and what its JSON Schema says.

use serde_json::Value;

use super::environment::ENVIRONMENT;
use crate::base::yaml::table::{Key, Kind, Table, json, key, needed};

/// Seconds in a day: the longest time limit.
const DAY: u64 = 24 * 3600;

/// The whole file.
pub const CASES: Table = Table {
    what: "the suite",
    keys: &[
        needed("version", Kind::Number(1, 1), "The shape of the file: 1."),
        key("name", Kind::Text, "The suite's name, for people and reports."),
        key("description", Kind::Text, "What it is for."),
        key("defaults", Kind::One(&DEFAULTS), "What cases have that say nothing else."),
        needed("cases", Kind::Many(&CASE), "The cases."),
    ],
};

const REPOSITORY: Key = key("repository", Kind::Text, "The repository that a case begins in, relative to this file.");
const BASE: Key = key("base", Kind::Text, "The commit, branch or tag that a case begins at; HEAD without it.");
const DIRECTORY: Key = key("directory", Kind::Text, "Or the directory that a case begins with, relative to this file.");
const NEEDS: Key = key(
    "environment",
    Kind::One(&ENVIRONMENT),
    "What cases need and share: made once, kept, and copied into each checkout. A case's own takes the place of the defaults'.",
);
const SETUP: Key = key(
    "setup",
    Kind::Text,
    "A command of `sh`, run once in each fresh checkout after that; what it makes is not part of the patch.",
);
const SCRIPT: Key = key("script_command", Kind::Text, "The command that judges: it is done when that exits with 0.");
const RESTORE: Key =
    key("restore", Kind::Texts, "Patterns of files that are as in the source when the command judges.");
const ITERATIONS: Key = key("max_iterations", Kind::Number(1, 100), "How often the agent may try; 1 without it.");
const REFERENCE: Key = key("reference", Kind::One(&SOLUTION), "A solution, for `divisi bench validate`.");
const SETUP_TIMEOUT: Key = key("setup_timeout_sec", Kind::Number(1, DAY), "How long the preparation may take.");
const TIMEOUT: Key = key("timeout_sec", Kind::Number(1, DAY), "How long the agent may take.");
const TEST_TIMEOUT: Key = key("test_timeout_sec", Kind::Number(1, DAY), "How long the command that judges may take.");
const MEMORY: Key = key(
    "memory_mb",
    Kind::Number(0, 1 << 20),
    "Memory of a preparation or a judgement, all processes together, MiB; 0, the default: as much as there is.",
);
const PROCESSES: Key =
    key("processes", Kind::Number(1, 1 << 20), "Processes of a preparation or a judgement at one time.");
const NETWORK: Key = key(
    "network",
    Kind::Flag,
    "Whether the command that judges may use the network; `--network` and `bench.network` decide otherwise.",
);
const OUTPUT: Key =
    key("output_kb", Kind::Number(1, 1 << 20), "Output of a preparation or a judgement that is kept, KiB.");

/// What cases have that say nothing else.
pub const DEFAULTS: Table = Table {
    what: "'defaults'",
    keys: &[
        REPOSITORY,
        BASE,
        DIRECTORY,
        NEEDS,
        SETUP,
        SCRIPT,
        RESTORE,
        ITERATIONS,
        REFERENCE,
        SETUP_TIMEOUT,
        TIMEOUT,
        TEST_TIMEOUT,
        MEMORY,
        PROCESSES,
        OUTPUT,
        NETWORK,
    ],
};

/// One case.
pub const CASE: Table = Table {
    what: "a case",
    keys: &[
        needed("id", Kind::Text, "Its name: letters, digits, `.`, `_`, `-` and `/`, at most 120."),
        key("prompt", Kind::Text, "What is asked."),
        key("prompt_file", Kind::Text, "The file with what is asked, relative to this file."),
        key("follow_ups", Kind::Texts, "What is asked after that, whatever came of what was before."),
        key("carry", Kind::Texts, "Patterns of what is carried over from the agent's checkout; everything without it."),
        key("expected_files", Kind::Texts, "Files that have to be there in the end."),
        key(
            "hidden_files",
            Kind::TextMap,
            "Files that only the judge's checkout has, by the files beside this one that they become.",
        ),
        key("group", Kind::Text, "Under what it is counted; the suite's name without it."),
        REPOSITORY,
        BASE,
        DIRECTORY,
        NEEDS,
        SETUP,
        SCRIPT,
        RESTORE,
        ITERATIONS,
        REFERENCE,
        SETUP_TIMEOUT,
        TIMEOUT,
        TEST_TIMEOUT,
        MEMORY,
        PROCESSES,
        OUTPUT,
        NETWORK,
    ],
};

/// A solution.
pub const SOLUTION: Table = Table {
    what: "'reference'",
    keys: &[
        key("patch", Kind::Text, "A patch beside this file."),
        key("files", Kind::TextMap, "Files of the checkout, by the files beside this one that they become."),
        key("command", Kind::Text, "A command that solves it."),
    ],
};

/// The JSON Schema (2020-12) of such suites.
pub fn schema() -> Value {
    json::document("divisi bench suite", &CASES)
}
