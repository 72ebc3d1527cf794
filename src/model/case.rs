//! Cases of benchmarks in plans: which are meant, and how far an attempt at one is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::attempt::{Outcome, Validity};
use super::container::Containers;
use super::id::RunId;
use super::secret::names_a_credential;
use crate::base::yaml::Place;

/// Which cases a task of the type `evaluation` has.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PlanCases {
    /// The suite: a file or directory in `cases_dir`, by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// Where suites are, relative to the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cases_dir: Option<String>,
    /// What judges cases that do not say it themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script_command: Option<String>,
    /// Where clones of the repositories are that instances name, relative to the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repos_dir: Option<String>,
    /// What instances need to run here, a file, relative to the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environments_file: Option<String>,
    /// Variables of setups and tests, as this machine needs them: they do not make a case another one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
    /// Whether instances of SWE-bench are judged in containers; absent: as `bench.containers` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub containers: Option<Containers>,
    /// Whether tests may use the network; absent: as `bench.network` says, else as the case does, else not in a container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<bool>,
    /// Which of the cases.
    #[serde(default)]
    pub select: CaseSelection,
    /// The suite's file, absolute, once it was found.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub file: String,
    /// Where the keys stand in the plan's text.
    #[serde(skip)]
    pub places: Vec<(&'static str, Place)>,
}

impl PlanCases {
    /// Where a key stands in the plan's text; else where the task does.
    pub fn place(&self, key: &str) -> Place {
        let found = self.places.iter().find(|(known, _)| *known == key).or_else(|| self.places.first());
        found.map_or(Place { line: 1, column: 1 }, |(_, at)| *at)
    }
}

/// Which cases of a suite; everything that is given has to hold.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CaseSelection {
    /// Those with these ids, or below them; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<String>,
    /// Those of these repositories: `owner/repo`, or `repo`; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repositories: Vec<String>,
    /// Those in these languages; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<String>,
    /// At most so many, chosen by `seed`; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u32>,
    /// What the choice depends on.
    #[serde(default)]
    pub seed: u64,
}

/// Why a variable of this name is none that a file gives to cases.
pub fn unfit(name: &str) -> Option<String> {
    if name.is_empty() || name.contains('=') || name.contains(char::is_control) {
        return Some(format!("{name:?} is no name of a variable"));
    }
    names_a_credential(name)
        .then(|| format!("{name} names a credential, and what stands here is stored with every run"))
}

/// A case as a plan knows it. What it is made of is kept beside the database, under its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanCase {
    /// Its repository or language: reports count by it, and limits for repositories are for it.
    pub group: String,
    /// The hash of everything in it, as it was when the batch began.
    pub key: String,
    /// How often the agent may try: after a failure it reads what the tests said.
    pub iterations: u32,
    /// How long the agent may take, seconds, where the case says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_sec: Option<u64>,
}

/// How far an attempt at a case is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CaseAttempt {
    /// The repository of one commit in which the agent works; absent: it is being prepared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// Since when the agent is at work, milliseconds since the epoch; absent: it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_since: Option<i64>,
    /// How long it was at work before that, milliseconds.
    #[serde(default)]
    pub worked_ms: i64,
    /// How often the tests were run.
    #[serde(default)]
    pub iterations: u32,
    /// The session's turns when they were run last.
    #[serde(default)]
    pub judged_turns: u32,
    /// Milliseconds of preparing trees.
    #[serde(default)]
    pub prepare_ms: u64,
    /// Milliseconds of the tests.
    #[serde(default)]
    pub test_ms: u64,
    /// The SHA-256 of the newest patch.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub patch_sha256: String,
    /// What came of it; of several tries the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Outcome>,
    /// What is known of the case on this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validity: Option<Validity>,
}

impl CaseAttempt {
    /// The verdict in a few words, with what makes it say nothing.
    pub fn words(&self) -> Option<String> {
        let word = self.verdict.as_ref()?.word();
        Some(match self.flaw() {
            Some(flaw) => format!("{word} (not counted: the case {flaw})"),
            None => word.to_owned(),
        })
    }

    /// Why no attempt at such a case says anything.
    pub fn flaw(&self) -> Option<&'static str> {
        self.validity.filter(|validity| validity.is_flaw()).map(Validity::words)
    }

    /// Why it is an attempt's end, one line; nothing to say of one that is resolved.
    pub fn reason(&self) -> Option<String> {
        let verdict = self.verdict.as_ref()?;
        match (verdict, verdict.why()) {
            (Outcome::Resolved, _) => self.flaw().map(|flaw| format!("not counted: the case {flaw}")),
            (_, Some(why)) => Some(format!("{}: {why}", self.words()?)),
            (_, None) => self.words(),
        }
    }

    /// What is being done, where that is not the agent's work.
    pub fn activity(&self) -> Option<&'static str> {
        match (&self.repository, self.working_since, &self.verdict) {
            (None, ..) => Some("preparing the case"),
            (Some(_), None, None) => Some("the case's tests run"),
            (Some(_), None, Some(_)) => Some("the case's tests run again"),
            _ => None,
        }
    }
}

/// Something about an attempt at a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseChange {
    /// The attempt's run.
    pub run: RunId,
    /// What.
    #[serde(flatten)]
    pub step: CaseStep,
}

/// A step of an attempt at a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "step")]
pub enum CaseStep {
    /// Its repository is there; the agent begins.
    Ready {
        /// The repository.
        repository: String,
        /// Milliseconds it took.
        prepare_ms: u64,
    },
    /// The agent has done what was asked: the tests run.
    Judging,
    /// The tests said something.
    Judged {
        /// What.
        verdict: Outcome,
        /// The session's turns until then.
        turns: u32,
        /// Milliseconds of making the tests' tree,
        prepare_ms: u64,
        /// and of the tests.
        test_ms: u64,
        /// The SHA-256 of the patch.
        patch_sha256: String,
        /// What is known of the case on this machine.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        validity: Option<Validity>,
    },
    /// It failed, so the agent tries again.
    Again,
    /// There is a verdict without tests: the agent failed, somebody stopped it, this machine cannot run it.
    Unjudged {
        /// What.
        verdict: Outcome,
    },
}

impl CaseAttempt {
    /// Goes on by a step, at a time in milliseconds since the epoch.
    pub fn take(&mut self, step: &CaseStep, time: i64) {
        let rest = |case: &mut Self| {
            if let Some(since) = case.working_since.take() {
                case.worked_ms = case.worked_ms.saturating_add(time.saturating_sub(since).max(0));
            }
        };
        match step {
            CaseStep::Ready { repository, prepare_ms } => {
                self.repository = Some(repository.clone());
                self.prepare_ms = self.prepare_ms.saturating_add(*prepare_ms);
                self.working_since = Some(time);
            }
            CaseStep::Judging => rest(self),
            CaseStep::Judged { verdict, turns, prepare_ms, test_ms, patch_sha256, validity } => {
                rest(self);
                self.verdict = Some(verdict.clone());
                self.iterations = self.iterations.saturating_add(1);
                self.judged_turns = *turns;
                self.prepare_ms = self.prepare_ms.saturating_add(*prepare_ms);
                self.test_ms = self.test_ms.saturating_add(*test_ms);
                self.patch_sha256.clone_from(patch_sha256);
                self.validity = *validity;
            }
            CaseStep::Again => self.working_since = Some(time),
            CaseStep::Unjudged { verdict } => {
                rest(self);
                self.verdict = Some(verdict.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests;
