//! Writes a session's `AGENT_CONTEXT/`: task, rules, inbox. Untracked, and never committed by us.

use std::path::{Component, Path};

use crate::model::Refusal;
use crate::model::worktree::Worktree;

use super::admin;
use super::beneath::Beneath;
use super::status::CONTEXT;
use super::text;

/// Writes the files, each in one step.
pub(super) fn write(worktree: &Worktree, files: &[(String, String)]) -> Result<(), Refusal> {
    admin::require(worktree)?;
    for (name, _) in files {
        if !plain(name) {
            return Err(Refusal::internal(format!(
                "'{}' is not a plain relative name for a file in {CONTEXT}",
                crate::base::text::visible_line(name, 80)
            )));
        }
    }
    let failed = |name: &str, error: &std::io::Error| {
        Refusal::environment(format!(
            "cannot write {CONTEXT}/{name} in {}: {error}",
            text::path(Path::new(&worktree.path))
        ))
        .hint(format!("if {CONTEXT} is a link or not a directory, remove it; is the disk full?"))
    };
    let root = Beneath::open(Path::new(&worktree.path)).map_err(|error| failed("", &error))?;
    for (name, content) in files {
        let written = match name.strip_suffix('/') {
            Some(directory) => root.make_directory(&format!("{CONTEXT}/{directory}")),
            None => root.write(&format!("{CONTEXT}/{name}"), content.as_bytes()),
        };
        written.map_err(|error| failed(name, &error))?;
    }
    Ok(())
}

fn plain(name: &str) -> bool {
    let name = name.strip_suffix('/').unwrap_or(name);
    !name.is_empty()
        && !name.contains('\\')
        && !name.chars().any(char::is_control)
        && !name.ends_with('/')
        && Path::new(name).components().all(|part| matches!(part, Component::Normal(part) if part != ".git"))
}
