//! The files of a worktree's untracked `AGENT_CONTEXT/` directory: what an agent can read about its task without asking.

use crate::model::worktree::Worktree;

/// The directory's name.
pub const DIRECTORY: &str = "AGENT_CONTEXT";

/// The files for a session, as relative names and whole contents. A name that ends with a slash is an empty directory's.
pub fn files(name: &str, prompt: &str, worktree: &Worktree) -> Vec<(String, String)> {
    let base = &worktree.base;
    let ports_end = worktree.port + super::port::COUNT - 1;
    vec![
        ("task.md".to_owned(), format!("# Task\n\n{}\n", prompt.trim_end())),
        (
            "base.md".to_owned(),
            format!(
                "# Base\n\n- session: {name}\n- branch: {}\n- base: {} ({})\n- ports for this worktree: {} to {ports_end}\n",
                worktree.branch.trim_start_matches("refs/heads/"),
                base.label,
                base.commit,
                worktree.port,
            ),
        ),
        (
            "rules.md".to_owned(),
            "# Rules\n\n\
             - Work only inside this directory: it is a git worktree of its own, other agents work in others.\n\
             - Uncommitted changes are committed for you when you stop. Committing yourself is fine; do not switch branches or push.\n\
             - Servers you start listen on the ports named in base.md (the first is in the variable DIVISI_PORT).\n\
             - Messages for you may appear as files in inbox/, one each, the oldest name first.\n\
             - This directory is not part of the repository: do not add it to a commit.\n"
                .to_owned(),
        ),
        ("inbox/".to_owned(), String::new()),
    ]
}
