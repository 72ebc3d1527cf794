//! The report of one instance: `report.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Compat, json};

/// Expected tests by what became of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cases {
    /// Those that did what they should.
    pub success: Vec<String>,
    /// Those that did not.
    pub failure: Vec<String>,
}

impl Cases {
    /// How many are in either list.
    pub fn len(&self) -> usize {
        self.success.len() + self.failure.len()
    }

    /// Whether both lists are empty.
    pub fn is_empty(&self) -> bool {
        self.success.is_empty() && self.failure.is_empty()
    }

    /// Nothing that was expected failed; nothing expected is fine too.
    fn all(&self) -> bool {
        self.failure.is_empty()
    }
}

/// What became of all expected tests. The last two are never filled, by the harness neither.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub struct TestsStatus {
    /// Those that failed without the patch.
    pub fail_to_pass: Cases,
    /// Those that passed without it.
    pub pass_to_pass: Cases,
    /// Always empty.
    pub fail_to_fail: Cases,
    /// Always empty.
    pub pass_to_fail: Cases,
}

/// How far a patch gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// Everything expected.
    Full,
    /// Some of what failed passes, and nothing broke.
    Partial,
    /// Nothing of it, or something broke.
    No,
}

impl TestsStatus {
    /// Of the two lists that there are.
    pub fn new(fail_to_pass: Cases, pass_to_pass: Cases) -> Self {
        Self { fail_to_pass, pass_to_pass, ..Self::default() }
    }

    /// The harness' three verdicts.
    pub fn resolution(&self) -> Resolution {
        match (self.fail_to_pass.all(), self.pass_to_pass.all()) {
            (true, true) => Resolution::Full,
            (false, true) if !self.fail_to_pass.success.is_empty() => Resolution::Partial,
            _ => Resolution::No,
        }
    }
}

/// What the harness writes of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "the file has these keys")]
pub struct InstanceReport {
    /// There is no patch at all.
    #[serde(rename = "patch_is_None")]
    pub patch_is_none: bool,
    /// There is one, which may be empty.
    pub patch_exists: bool,
    /// The log could be graded.
    pub patch_successfully_applied: bool,
    /// The verdict.
    pub resolved: bool,
    /// Whether the environment broke; v4 has no such key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub infra_failure: Option<bool>,
    /// A sign in a log that could not be graded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub infra_failure_reason: Option<String>,
    /// Only of a log that could be graded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tests_status: Option<TestsStatus>,
}

impl InstanceReport {
    pub(super) fn new(compat: Compat) -> Self {
        Self {
            patch_is_none: false,
            patch_exists: false,
            patch_successfully_applied: false,
            resolved: false,
            infra_failure: (compat == Compat::V5).then_some(false),
            infra_failure_reason: None,
            tests_status: None,
        }
    }

    /// The bytes of `report.json`: no newline at the end.
    pub fn file(&self, instance_id: &str) -> String {
        json::pretty(&BTreeMap::from([(instance_id, self)]))
    }
}
