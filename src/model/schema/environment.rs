//! The keys of environments that cases of benchmarks share: in a suite, and in the file for SWE-bench's instances.

use serde_json::Value;

use crate::base::yaml::table::{Key, Kind, Table, json, key, needed};

const PYTHON: Key = key(
    "python",
    Kind::Text,
    "The interpreter of a virtual environment, made by `uv`: a version, or a path. Its programs come first on the PATH.",
);
const PACKAGES: Key = key("packages", Kind::Texts, "What is installed into it, as requirements, all at once.");
const REQUIREMENTS: Key =
    key("requirements", Kind::Texts, "Files of requirements in the tree that are installed before.");
const VARIABLES: Key =
    key("variables", Kind::TextMap, "Variables of everything that prepares and tests; no credentials.");
const INSTALL: Key = key(
    "install",
    Kind::Texts,
    "Commands of `sh` after that, run once for all that need the same, in a directory that has of the tree only what they read.",
);
const READS: Key = key("reads", Kind::Texts, "Files and directories of the tree that `install` reads.");
const MAKES: Key =
    key("makes", Kind::Texts, "Files and directories that `install` makes in the tree, copied into each checkout.");

/// What a suite's cases share.
pub const ENVIRONMENT: Table = Table {
    what: "'environment'",
    keys: &[
        PYTHON,
        PACKAGES,
        REQUIREMENTS,
        key(
            "exclude_newer",
            Kind::Text,
            "The last day whose packages count, as `2023-09-30`: so it is the same on any other day.",
        ),
        VARIABLES,
        INSTALL,
        READS,
        MAKES,
    ],
};

/// The file for SWE-bench's instances.
pub const FILE: Table = Table {
    what: "the file of environments",
    keys: &[
        needed("version", Kind::Number(1, 1), "The shape of the file: 1."),
        needed("environments", Kind::Many(&ENTRY), "What instances need; the first that fits one holds."),
    ],
};

/// What some instances need.
pub const ENTRY: Table = Table {
    what: "an environment",
    keys: &[
        needed("repo", Kind::Text, "The instances' repository, `owner/repo`."),
        key("versions", Kind::Texts, "Only for these versions of the project."),
        key("instances", Kind::Texts, "Only for these instances."),
        PYTHON,
        PACKAGES,
        REQUIREMENTS,
        key(
            "exclude_newer",
            Kind::Text,
            "The last day whose packages count, as `2023-09-30`, or `created`: the instance's own.",
        ),
        VARIABLES,
        INSTALL,
        READS,
        MAKES,
        key("pre_install", Kind::Texts, "Commands of `sh` after that, run in each checkout."),
    ],
};

/// The JSON Schema (2020-12) of files for `--environments`.
pub fn schema() -> Value {
    json::document("divisi bench environments", &FILE)
}
