//! Publishing a commit as a branch of the repository's remote, without running anything the repository names.
//!
//! The push happens from an empty repository made for it, which borrows the objects: hooks, credential helpers, ssh commands and URL
//! rewrites in the repository's own configuration (which an agent may have planted) have no say. The user's global configuration has.

use std::fs::{self, DirBuilder};
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::model::Refusal;

/// What is published, and where.
#[derive(Debug, Clone, Copy)]
pub struct Publication<'a> {
    /// The repository's common git directory.
    pub common_dir: &'a Path,
    /// The commit.
    pub commit: &'a str,
    /// The branch it is published as.
    pub head: &'a str,
}

/// Pushes the commit and returns the remote's URL.
///
/// # Errors
/// When there is no remote, or git refuses.
pub fn push(publication: &Publication<'_>) -> Result<String, Refusal> {
    let config = publication.common_dir.join("config");
    let url = configured(&config, "remote.origin.pushurl")?.or(configured(&config, "remote.origin.url")?).ok_or_else(
        || {
            Refusal::user(format!("failed to push: {} has no remote `origin`", publication.common_dir.display()))
                .hint("git remote add origin URL")
        },
    )?;
    if url.starts_with('-') || url.contains("::") || url.chars().any(char::is_control) {
        return Err(Refusal::user(format!("failed to push: the URL of `origin` ({url}) would run a program")));
    }
    let scratch = Scratch::new()?;
    let format = configured(&config, "extensions.objectformat")?.unwrap_or_else(|| "sha1".to_owned());
    let dir = scratch.0.as_path();
    run(
        git(dir).args(["init", "--quiet", "--bare", "--template=", "--object-format", &format]).arg(dir),
        "prepare the push",
    )?;
    let borrowed = dir.join("objects/info");
    fs::create_dir_all(&borrowed)
        .and_then(|()| {
            fs::write(borrowed.join("alternates"), format!("{}\n", publication.common_dir.join("objects").display()))
        })
        .map_err(|error| Refusal::environment(format!("failed to prepare the push in {}: {error}", dir.display())))?;
    let refspec = format!("{}:refs/heads/{}", publication.commit, publication.head);
    let mut command = git(dir);
    command.arg("--git-dir").arg(dir).args(["push", "--quiet", "--no-verify", "--", &url, &refspec]);
    run(&mut command, &format!("push {} to {url}", publication.head))?;
    Ok(url)
}

/// Opens a pull request with `gh` for a pushed branch; returns what it said.
///
/// # Errors
/// When `gh` refuses.
pub fn open_request(gh: &Path, url: &str, head: &str, base: &str, title: &str, body: &str) -> Result<String, Refusal> {
    let mut command = Command::new(gh);
    command.args(["pr", "create", "--repo", url, "--head", head, "--base", base, "--title", title, "--body-file", "-"]);
    command.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let failed = |error: std::io::Error| Refusal::environment(format!("failed to run {}: {error}", gh.display()));
    let mut child = command.spawn().map_err(failed)?;
    if let Some(mut input) = child.stdin.take() {
        // A `gh` that ends without reading says why itself.
        let _ = input.write_all(body.as_bytes());
    }
    let output = child.wait_with_output().map_err(failed)?;
    said(&output, "open a pull request")
        .map_err(|refusal| refusal.hint(format!("the branch {head} is pushed; gh pr create --head {head}")))
}

fn configured(file: &Path, key: &str) -> Result<Option<String>, Refusal> {
    let mut command = git(Path::new("/"));
    command.args(["config", "--no-includes", "--file"]).arg(file).args(["--get", key]);
    let output = command.output().map_err(|error| Refusal::environment(format!("failed to run git: {error}")))?;
    let value = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Ok((output.status.success() && !value.is_empty()).then_some(value))
}

fn git(dir: &Path) -> Command {
    let mut command = Command::new("git");
    for (name, _) in std::env::vars_os() {
        let keep = ["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_SSH_COMMAND", "GIT_ASKPASS"];
        if name.to_string_lossy().starts_with("GIT_") && !keep.iter().any(|kept| name == *kept) {
            command.env_remove(name);
        }
    }
    command.args(["-c", "core.hooksPath=/dev/null", "-c", "protocol.ext.allow=never"]).current_dir(dir);
    command
}

fn run(command: &mut Command, doing: &str) -> Result<(), Refusal> {
    let output = command
        .stdin(Stdio::inherit())
        .output()
        .map_err(|error| Refusal::environment(format!("failed to {doing}: git cannot be started: {error}")))?;
    said(&output, doing).map(|_| ())
}

fn said(output: &Output, doing: &str) -> Result<String, Refusal> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let why = String::from_utf8_lossy(&output.stderr);
    let why: Vec<_> = why.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    Err(Refusal::environment(format!("failed to {doing}: {}", why.join("; "))))
}

/// A private directory that is removed in the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self, Refusal> {
        let mut random = [0_u8; 8];
        getrandom::fill(&mut random).expect("the system has randomness");
        let path = std::env::temp_dir().join(format!("divisi-push-{:016x}", u64::from_ne_bytes(random)));
        DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .map_err(|error| Refusal::environment(format!("failed to create {}: {error}", path.display())))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // It holds nothing but borrowed objects.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests;
