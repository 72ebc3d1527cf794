//! A case: a task, the files it is done in, and a way to tell whether it was done.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::base::hex;
use crate::eval::swebench::Instance;

use self::recipe::Recipe;

pub mod amp;
mod bytes;
pub mod environment;
pub mod humaneval;
pub mod own;
pub mod polyglot;
pub mod recipe;
pub mod scripted;
pub mod swebench;

/// One case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// Unique in its suite: letters, digits, `.`, `_`, `-` and `/`.
    pub id: String,
    /// Its repository or language: reports count by it.
    pub group: String,
    /// Where its files come from.
    pub source: Source,
    /// The task, as the agent reads it.
    pub prompt: String,
    /// Prompts that follow, one after the other, whatever came of those before.
    pub follow_ups: Vec<String>,
    /// What it needs and shares with others: made once, and put into each fresh checkout before anything else.
    pub environment: Option<Recipe>,
    /// A command of `sh`, run once in each fresh checkout after that; what it makes is not part of the patch.
    pub setup: Option<String>,
    /// Variables of the setup and of the tests.
    pub variables: Vec<(String, String)>,
    /// The command of `sh` that tests.
    pub test: String,
    /// What its end says.
    pub grading: Grading,
    /// Patterns (git's glob pathspecs) of files that are as in the source when the tests run, whatever the agent did to them.
    pub restore: Vec<String>,
    /// Patterns of what is carried over from the agent's checkout; empty: everything.
    pub carry: Vec<String>,
    /// Files that only the checkout of the tests has.
    pub hidden: Files,
    /// Files that must exist in the end.
    pub expected_files: Vec<String>,
    /// What resolves it.
    pub reference: Option<Reference>,
    /// How often the agent may try: after a failure it reads what the tests said.
    pub iterations: u32,
    /// How long things may take.
    pub limits: Limits,
}

/// Files by their paths below the checkout.
pub type Files = BTreeMap<String, File>;

/// A file's content.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct File {
    /// Its bytes.
    #[serde(with = "bytes")]
    pub bytes: Vec<u8>,
    /// Whether it is a program.
    pub executable: bool,
}

impl From<String> for File {
    fn from(text: String) -> Self {
        Self { bytes: text.into_bytes(), executable: false }
    }
}

/// Where a case's files come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// One commit of a repository. Of its history the agent sees nothing.
    Commit {
        /// Its path.
        repository: String,
        /// A commit's id, or a name that git resolves in it.
        base: String,
    },
    /// A directory's files; `.git` is left out.
    Directory(String),
    /// These.
    Files(Files),
}

/// What resolves a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reference {
    /// A patch in git's format.
    Patch(String),
    /// Files that replace those of the source.
    Files(Files),
    /// A command of `sh` in the checkout.
    Command(String),
}

/// How the tests' end becomes a verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Grading {
    /// Exit code 0 says that it is done.
    ExitCode,
    /// The instance has the script, and its log is graded as SWE-bench does.
    Swebench(Box<Instance>),
}

/// How long the parts of an attempt may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// `setup`.
    pub setup: Duration,
    /// The agent, with all its turns.
    pub agent: Duration,
    /// One run of the tests.
    pub test: Duration,
    /// What each command of the case may use.
    pub uses: Uses,
}

/// What each command of a case may use; absent: what the run says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Uses {
    /// Memory of all its processes together, MiB; 0: as much as there is.
    pub memory_mb: Option<u64>,
    /// Processes at one time.
    pub processes: Option<u64>,
    /// Output, KiB.
    pub output_kb: Option<u64>,
    /// Whether tests may use the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<bool>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            setup: Duration::from_secs(600),
            agent: Duration::from_secs(1800),
            test: Duration::from_secs(600),
            uses: Uses::default(),
        }
    }
}

impl Case {
    /// A hash of everything that decides its verdict, 16 hexadecimal digits: results of two runs compare only where it is the same.
    /// Of sources outside of the case (a commit's name, a directory) only the name is part of it.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        let mut add = |part: &[u8]| {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        };
        add(self.id.as_bytes());
        add(self.prompt.as_bytes());
        for text in self.follow_ups.iter().chain(&self.restore).chain(&self.carry).chain(&self.expected_files) {
            add(text.as_bytes());
        }
        add(self.setup.as_deref().unwrap_or_default().as_bytes());
        if let Some(environment) = &self.environment {
            add(environment.text().as_bytes());
        }
        for (name, value) in &self.variables {
            add(name.as_bytes());
            add(value.as_bytes());
        }
        add(self.test.as_bytes());
        if let Grading::Swebench(instance) = &self.grading {
            add(instance.eval_script.as_deref().unwrap_or_default().as_bytes());
            for test in instance.fail_to_pass.iter().chain(&instance.pass_to_pass) {
                add(test.as_bytes());
            }
        }
        for (path, file) in &self.hidden {
            add(path.as_bytes());
            add(&file.bytes);
        }
        match &self.source {
            Source::Commit { repository, base } => {
                add(repository.rsplit('/').next().unwrap_or_default().as_bytes());
                add(base.as_bytes());
            }
            Source::Directory(path) => add(path.rsplit('/').next().unwrap_or_default().as_bytes()),
            Source::Files(files) => {
                for (path, file) in files {
                    add(path.as_bytes());
                    add(&file.bytes);
                }
            }
        }
        hex::encode(&hash.finalize()[..8])
    }
}

/// Whether a path stays below the checkout it is meant for and out of git's directory.
pub fn is_inside(path: &str) -> bool {
    !path.is_empty()
        && !path.starts_with('/')
        && !path.contains('\0')
        && path
            .split('/')
            .all(|part| !part.is_empty() && part != "." && part != ".." && !part.eq_ignore_ascii_case(".git"))
}

#[cfg(test)]
mod tests;
