//! Whether an agent is logged in, concluded from variables and files alone: nothing is asked, nothing is spent, no content is read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::model::login::{Login, LoginState};

/// The section `login` of a definition: where the agent looks for its credential.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LoginRule {
    /// Variables that hold a credential.
    #[serde(default)]
    variables: Vec<String>,
    /// The directory of `files`; `~/` is the home.
    directory: Option<String>,
    /// A variable that names another directory.
    directory_variable: Option<String>,
    /// Files that are there, and not empty, once somebody logged in.
    #[serde(default)]
    files: Vec<String>,
    /// What it means when there is none of them: `no`, or `unknown` (the default) where the agent may also use a keychain or needs no
    /// account with every model.
    absent: Option<Absent>,
    /// How to log in.
    hint: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Absent {
    No,
    Unknown,
    NotNeeded,
}

impl LoginRule {
    /// The login state in an environment; of the variables those named count, when any are.
    pub(super) fn check(&self, environment: &BTreeMap<String, String>, set: Option<&BTreeSet<String>>) -> Login {
        let set = |name: &&String| match set {
            Some(names) => names.contains(*name),
            None => environment.get(*name).is_some_and(|value| !value.is_empty()),
        };
        if let Some(name) = self.variables.iter().find(set) {
            return Login { state: LoginState::Yes, because: Some(format!("{name} is set")), hint: None };
        }
        let directory = self.directory(environment);
        let there = |file: &&String| directory.as_deref().is_some_and(|directory| is_filled(&directory.join(file)));
        if let Some(file) = self.files.iter().find(there) {
            let place = directory.as_deref().unwrap_or(Path::new("")).join(file);
            let shown = crate::base::text::visible_line(&place.display().to_string(), 200);
            return Login { state: LoginState::Yes, because: Some(format!("{shown} is there")), hint: None };
        }
        let state = match self.absent {
            Some(Absent::No) => LoginState::No,
            Some(Absent::NotNeeded) => LoginState::NotNeeded,
            Some(Absent::Unknown) | None => LoginState::Unknown,
        };
        Login { state, because: None, hint: self.hint.clone() }
    }

    fn directory(&self, environment: &BTreeMap<String, String>) -> Option<PathBuf> {
        let named = self.directory_variable.as_ref().and_then(|name| environment.get(name));
        if let Some(directory) = named.filter(|directory| !directory.is_empty()) {
            return Some(PathBuf::from(directory));
        }
        let directory = self.directory.as_deref()?;
        match directory.strip_prefix("~/") {
            Some(rest) => Some(Path::new(environment.get("HOME")?).join(rest)),
            None => Some(PathBuf::from(directory)),
        }
    }

    /// Lays this over an earlier rule.
    pub(super) fn over(self, earlier: Option<&Self>) -> Self {
        let Some(earlier) = earlier.cloned() else { return self };
        let or = |mine: Vec<String>, theirs: Vec<String>| if mine.is_empty() { theirs } else { mine };
        Self {
            variables: or(self.variables, earlier.variables),
            directory: self.directory.or(earlier.directory),
            directory_variable: self.directory_variable.or(earlier.directory_variable),
            files: or(self.files, earlier.files),
            absent: self.absent.or(earlier.absent),
            hint: self.hint.or(earlier.hint),
        }
    }
}

fn is_filled(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.len() > 2)
}
