//! How an environment is made that many cases share: commands, what of the tree they read, and what they make.
//!
//! What is not declared is not there when the commands run, so cases that read the same get the same, and nothing else.

use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

/// How an environment is made.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Recipe {
    /// For whom, in words: the repository and its versions. Decides nothing.
    pub name: String,
    /// Commands of `sh`, one script. They run in a directory that has of the tree what they read, with `CASE_ROOT` as the directory of
    /// everything beside the tree.
    pub script: String,
    /// A command of `sh` that says what the script will find on this machine, such as which interpreter; what it prints belongs to the
    /// environment's key.
    pub asks: Option<String>,
    /// Files of requirements in the tree, which may name others.
    pub requirements: Vec<String>,
    /// Other files and directories of the tree that the script reads. What is not there is no fault.
    pub reads: Vec<String>,
    /// What it makes in the tree.
    pub makes: Vec<String>,
    /// What it makes below `CASE_ROOT`.
    pub makes_beside: Vec<String>,
}

impl Recipe {
    /// Everything that decides what it makes, apart from the tree and the machine.
    pub fn text(&self) -> String {
        let mut text = self.script.clone();
        let lists = [("requirements", &self.requirements), ("reads", &self.reads), ("makes", &self.makes)];
        for (name, list) in lists.into_iter().chain([("beside", &self.makes_beside)]) {
            for item in list {
                text.extend(["\0", name, "\0", item]);
            }
        }
        text.extend(["\0asks\0", self.asks.as_deref().unwrap_or_default()]);
        text
    }
}

/// The files that a file of requirements names, below the tree: `-r` and `-c` with what they say, relative to the file itself.
pub fn named_by(requirements: &str, text: &str) -> Vec<String> {
    let beside = Path::new(requirements).parent().unwrap_or_else(|| Path::new(""));
    let lines = text.lines().map(str::trim);
    let file = |line: &str| -> Option<String> {
        let options = ["--requirement", "--constraint", "-r", "-c"];
        let rest = options.iter().find_map(|option| line.strip_prefix(option))?;
        let name = rest.trim_start_matches(|letter: char| letter == '=' || letter.is_whitespace());
        let name = name.split(" #").next().unwrap_or(name).trim();
        // What comes from elsewhere is not in the tree.
        if name.is_empty() || name.contains("://") {
            return None;
        }
        plain(&beside.join(name))
    };
    lines.filter_map(file).collect()
}

/// A path without `.` and `..`; absent where it leads out.
fn plain(path: &Path) -> Option<String> {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => plain.push(name),
            Component::CurDir => {}
            Component::ParentDir if plain.pop() => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    plain.to_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests;
