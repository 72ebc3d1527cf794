//! A repository that divisi makes for a first try: git with an identity of the repository's own, and nothing of the user's settings
//! that would run a program or ask a question.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::model::Refusal;

/// Settings of the scratch repository. The user may sign every commit and run hooks everywhere: not for an example.
const SETTINGS: [(&str, &str); 8] = [
    ("user.name", "divisi try"),
    ("user.email", "try@divisi.invalid"),
    ("commit.gpgSign", "false"),
    ("tag.gpgSign", "false"),
    ("core.hooksPath", "/dev/null"),
    ("core.autocrlf", "false"),
    ("core.fsmonitor", "false"),
    ("gc.auto", "0"),
];

/// Makes an empty repository whose branch is `main`.
///
/// # Errors
/// When git cannot be started, or refuses.
pub fn init(dir: &Path) -> Result<(), Refusal> {
    std::fs::create_dir_all(dir)
        .map_err(|error| Refusal::environment(format!("failed to make {}: {error}", dir.display())))?;
    run(dir, &["init", "--quiet", "--template="])?;
    // Not `--initial-branch`: git 2.27 and older do not know it.
    run(dir, &["symbolic-ref", "HEAD", "refs/heads/main"])?;
    for (name, value) in SETTINGS {
        run(dir, &["config", name, value])?;
    }
    Ok(())
}

/// Commits everything in it.
///
/// # Errors
/// When git refuses.
pub fn commit(dir: &Path, subject: &str) -> Result<(), Refusal> {
    run(dir, &["add", "--all"])?;
    run(dir, &["commit", "--quiet", "--no-verify", "--message", subject])?;
    Ok(())
}

/// Its newest commits as git draws them, one per line. Subjects in it may be anyone's.
///
/// # Errors
/// When git refuses.
pub fn history(dir: &Path) -> Result<String, Refusal> {
    let format = "--format=%h%d %s";
    run(dir, &["log", "--graph", "--no-color", "--decorate=short", "--branches", "--max-count=12", format])
}

fn run(dir: &Path, arguments: &[&str]) -> Result<String, Refusal> {
    let mut command = Command::new("git");
    for (name, _) in std::env::vars_os() {
        let keep = ["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_EXEC_PATH"];
        if name.to_string_lossy().starts_with("GIT_") && !keep.iter().any(|kept| name == *kept) {
            command.env_remove(name);
        }
    }
    command.arg("--no-pager").args(arguments).current_dir(dir).stdin(Stdio::null());
    let output: Output = command.output().map_err(|error| {
        Refusal::environment(format!("failed to run git: {error}")).hint("install git; divisi needs nothing else")
    })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let verb = arguments.first().unwrap_or(&"");
    let why = String::from_utf8_lossy(&output.stderr);
    Err(Refusal::environment(format!("failed to git {verb} in {}: {}", dir.display(), why.trim())))
}
