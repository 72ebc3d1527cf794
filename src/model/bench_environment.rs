//! Environments of benchmark cases as they are kept and recorded.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::base::hex;

/// An environment: `environment.json` beside it, and a copy in the directory of each run that used it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentRecord {
    /// Of this file.
    pub version: u32,
    /// Hash of everything that decides what is in it: commands, what of the tree they read, variables, tools, interpreter.
    pub key: String,
    /// Whom it was made for first, in words.
    pub name: String,
    /// The commands that made it.
    pub script: String,
    /// The interpreter that was found.
    #[serde(default)]
    pub found: String,
    /// What of the tree the commands read: paths, with a hash of each.
    #[serde(default)]
    pub reads: Vec<(String, String)>,
    /// What the machine says of its tools.
    #[serde(default)]
    pub tools: Vec<(String, String)>,
    /// The packages in it, with their versions, sorted.
    #[serde(default)]
    pub packages: Vec<String>,
    /// When it was made, milliseconds since the epoch.
    pub made_at: i64,
    /// How long that took, milliseconds.
    pub took_ms: u64,
    /// Its files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Hash of all of its files as they are kept: who takes a copy sees whether they are as they were.
    #[serde(default)]
    pub digest: String,
    /// Where it was made: what names this place is rewritten in a copy.
    #[serde(default)]
    pub made_in: String,
    /// The files that name it.
    #[serde(default)]
    pub naming: Vec<String>,
}

impl EnvironmentRecord {
    /// What results name it by: sixteen hexadecimal digits of its key and its packages. Made again of the same recipe it has another one
    /// when a registry gave other packages.
    pub fn id(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(&self.key);
        for package in &self.packages {
            hash.update("\0");
            hash.update(package);
        }
        hex::encode(&hash.finalize()[..8])
    }
}

/// An environment that is kept on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeptEnvironment {
    /// See [`EnvironmentRecord::id`].
    pub id: String,
    /// Where it is.
    pub path: PathBuf,
    /// When a case last took a copy, milliseconds since the epoch.
    pub used_at: i64,
    /// What it is.
    #[serde(flatten)]
    pub record: EnvironmentRecord,
}

/// Asks for the environments that are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shelve {
    /// Where packages and environments are kept.
    pub cache: PathBuf,
    /// Remove what was not used for longest until at most so many bytes are left.
    pub at_most: Option<u64>,
}

/// The environments that are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shelved {
    /// Where they are.
    pub directory: PathBuf,
    /// Those that are kept, the one that was used last first.
    pub kept: Vec<KeptEnvironment>,
    /// Those that were removed.
    pub removed: Vec<KeptEnvironment>,
}
