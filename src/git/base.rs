//! What a session grows from: branch, tag, commit or pull request, and which names are taken.

use std::fs;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::host::port::ResolvedBase;
use crate::model::Refusal;
use crate::model::id::Oid;
use crate::model::query::RepositoryConfig;
use crate::model::worktree::Base;

use super::command::{Git, Place};
use super::inspect::{Found, hex, inspect};
use super::text;

/// A `.divisi.toml` beyond this is not read, bytes.
const CONFIG_LIMIT: u64 = 256 * 1024;

/// Resolves a base and collects taken names.
pub(super) fn resolve(git: &Git, path: &str, label: Option<&str>) -> Result<ResolvedBase, Refusal> {
    let found = inspect(git, path)?;
    let base = match label {
        None => checked_out(git, &found)?,
        Some(label) => named(git, &found, label)?,
    };
    let taken = taken(git, &found)?;
    let config = config_of(&found)?;
    Ok(ResolvedBase { facts: found.facts, base, taken, config, start: None })
}

/// The commit and branch at `HEAD`.
fn checked_out(git: &Git, found: &Found) -> Result<Base, Refusal> {
    // The usual case in one call: a branch with a commit.
    let both =
        git.call(&found.place).args(["rev-parse", "-q", "HEAD^{commit}", "--symbolic-full-name", "HEAD"]).run()?;
    let said = String::from_utf8_lossy(&both.stdout).into_owned();
    if let (Some(0), Some((commit, branch))) = (both.code, said.trim_end().split_once('\n'))
        && branch.starts_with("refs/heads/")
    {
        return Ok(Base {
            label: short(branch).to_owned(),
            branch: Some(branch.to_owned()),
            commit: Oid(commit.to_owned()),
        });
    }
    let branch = git.call(&found.place).args(["symbolic-ref", "-q", "HEAD"]).maybe_oid()?.map(|branch| branch.0);
    let commit = git.call(&found.place).args(["rev-parse", "--verify", "-q", "HEAD^{commit}"]).maybe_oid()?;
    let Some(commit) = commit else {
        let any = git.call(&found.place).args(["for-each-ref", "--count=1", "refs/heads", "refs/remotes"]).ok()?;
        let name = branch.as_deref().map_or("HEAD", short);
        return Err(if any.is_empty() {
            Refusal::user(format!("the repository {} has no commits yet", found.facts.repository))
                .hint("git commit --allow-empty -m 'First commit'")
        } else {
            Refusal::user(format!("the branch checked out, {name}, has no commits yet"))
                .hint("name another base: --base BRANCH")
        });
    };
    let branch = branch.filter(|branch| branch.starts_with("refs/heads/"));
    let label = branch.as_deref().map_or_else(|| commit.short().to_owned(), |branch| short(branch).to_owned());
    Ok(Base { label, branch, commit })
}

fn short(branch: &str) -> &str {
    branch.strip_prefix("refs/heads/").unwrap_or(branch)
}

/// A label is a name or a commit expression, nothing that could be taken for an option or a pattern.
pub(super) fn valid_label(label: &str) -> bool {
    !label.is_empty()
        && label.len() <= 500
        && !label.starts_with(['-', '/', ':'])
        && !label.ends_with(['/', '.'])
        && !label.contains("..")
        && !label.chars().any(|c| c.is_control() || c.is_whitespace() || "?*[\\:\"'".contains(c))
}

/// Resolves a label that a person gave.
fn named(git: &Git, found: &Found, label: &str) -> Result<Base, Refusal> {
    let shown = crate::base::text::visible_line(label, 100);
    if let Some(number) = label.strip_prefix("pr:") {
        return pull_request(git, found, number, &shown);
    }
    if !valid_label(label) {
        return Err(Refusal::user(format!("'{shown}' is not the name of a branch, tag or commit"))
            .hint("name a branch, a tag, a commit or pr:NUMBER"));
    }
    let bare = label.strip_prefix("refs/heads/").unwrap_or(label);
    let candidates = [
        format!("refs/heads/{bare}"),
        format!("refs/tags/{label}"),
        format!("refs/remotes/{label}"),
        format!("refs/remotes/{label}/HEAD"),
    ];
    let refs = git.call(&found.place).args(["for-each-ref", "--format=%(refname)"]).args(&candidates).text()?;
    let known: Vec<&str> = refs.lines().collect();
    let reference = candidates.iter().find(|candidate| known.contains(&candidate.as_str()));
    let target = reference.map_or(label, String::as_str);
    let Some(commit) = commit_of(git, &found.place, target)? else {
        return Err(if reference.is_some() {
            Refusal::user(format!("'{shown}' names something that is not a commit"))
        } else if label.len() >= 4 && label.chars().all(|c| c.is_ascii_hexdigit()) {
            Refusal::user(format!("there is no branch or tag named '{shown}', and no single commit that begins so"))
                .hint("git log --oneline")
        } else {
            Refusal::user(format!("there is no branch, tag or commit named '{shown}' in {}", found.facts.repository))
                .hint("git branch --all, git tag")
        });
    };
    let branch = reference.filter(|reference| reference.starts_with("refs/heads/")).cloned();
    let label = if branch.is_some() { bare.to_owned() } else { label.to_owned() };
    Ok(Base { label, branch, commit })
}

/// A pull request that was fetched.
fn pull_request(git: &Git, found: &Found, number: &str, shown: &str) -> Result<Base, Refusal> {
    if number.is_empty() || number.len() > 10 || !number.chars().all(|c| c.is_ascii_digit()) {
        return Err(Refusal::user(format!("'{shown}' is not a pull request: write pr:NUMBER")));
    }
    let patterns = [
        format!("refs/pull/{number}/head"),
        format!("refs/remotes/*/pr/{number}"),
        format!("refs/remotes/*/pull/{number}"),
        format!("refs/remotes/*/pull/{number}/head"),
    ];
    let refs = git.call(&found.place).args(["for-each-ref", "--format=%(refname)"]).args(&patterns).text()?;
    let commit = match refs.lines().next() {
        Some(reference) => commit_of(git, &found.place, reference)?,
        None => None,
    };
    let Some(commit) = commit else {
        let remotes = git.call(&found.place).args(["remote"]).text()?;
        let remote =
            if remotes.lines().any(|remote| remote == "origin") { Some("origin") } else { remotes.lines().next() };
        let refusal = Refusal::user(format!("pull request {number} has not been fetched into this repository"));
        return Err(match remote {
            Some(remote) => {
                refusal.hint(format!("git fetch {remote} pull/{number}/head:refs/remotes/{remote}/pr/{number}"))
            }
            None => refusal.hint("the repository has no remote: git remote add origin URL"),
        });
    };
    Ok(Base { label: format!("pr:{number}"), branch: None, commit })
}

/// The commit a name stands for.
pub(super) fn commit_of(git: &Git, place: &Place, name: &str) -> Result<Option<Oid>, Refusal> {
    let finished = git
        .call(place)
        .args(["rev-parse", "--verify", "-q", "--end-of-options"])
        .arg(format!("{name}^{{commit}}"))
        .run()?;
    let text = String::from_utf8_lossy(&finished.stdout).trim().to_owned();
    Ok((finished.code == Some(0) && !text.is_empty()).then_some(Oid(text)))
}

/// Names that new sessions cannot have, case-folded.
fn taken(git: &Git, found: &Found) -> Result<Vec<String>, Refusal> {
    let refs = git
        .call(&found.place)
        .args(["for-each-ref", "--format=%(refname)", "refs/heads/divisi", "refs/heads/divisi/"])
        .ok()?;
    let mut names = Vec::new();
    for line in String::from_utf8_lossy(&refs).lines() {
        if line == "refs/heads/divisi" {
            return Err(Refusal::user("a branch is named 'divisi', so the branches divisi/NAME/work cannot be made")
                .hint("git branch -m divisi another-name"));
        }
        if let Some(name) = line.strip_prefix("refs/heads/divisi/").and_then(|rest| rest.split('/').next()) {
            names.push(name.to_lowercase());
        }
    }
    if let Ok(entries) = fs::read_dir(&found.facts.worktrees_root) {
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().to_lowercase();
            if !name.starts_with('.') {
                names.push(name);
            }
        }
    }
    names.sort();
    names.dedup();
    Ok(names)
}

/// `.divisi.toml`, if there is one.
fn config_of(found: &Found) -> Result<Option<RepositoryConfig>, Refusal> {
    let Some(files) = found.main.as_deref().or(found.top.as_deref()) else { return Ok(None) };
    let path = files.join(".divisi.toml");
    let meta = match path.symlink_metadata() {
        Ok(meta) => meta,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Refusal::environment(format!("cannot read {}: {error}", text::path(&path)))),
    };
    if !meta.is_file() || meta.len() > CONFIG_LIMIT {
        return Err(Refusal::user(format!("{} is not an ordinary file of at most 256 KiB", text::path(&path))));
    }
    let bytes =
        fs::read(&path).map_err(|error| Refusal::environment(format!("cannot read {}: {error}", text::path(&path))))?;
    let digest = hex(&Sha256::digest(&bytes));
    let text = String::from_utf8(bytes).map_err(|_| Refusal::user(format!("{} is not UTF-8", text::path(&path))))?;
    Ok(Some(RepositoryConfig { path: Some(shown(&path)), text, digest, trusted: false }))
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// The repository's `.divisi.toml`; empty without a path when there is none.
pub(super) fn repository_config(git: &Git, path: &str) -> Result<RepositoryConfig, Refusal> {
    let found = inspect(git, path)?;
    Ok(config_of(&found)?.unwrap_or_else(|| RepositoryConfig {
        path: None,
        text: String::new(),
        digest: hex(&Sha256::digest(b"")),
        trusted: false,
    }))
}

#[cfg(test)]
mod tests;
