//! Compares a repository with what is known of it, and repairs what can be repaired without losing work.

use std::collections::HashSet;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::model::Refusal;
use crate::model::id::{Oid, SessionId};
use crate::model::query::Finding;
use crate::model::worktree::{Base, Worktree, WorktreeState};

use super::admin::{self, Presence};
use super::command::Git;
use super::inspect::{Found, inspect};
use super::preflight::short;
use super::snapshot::PREFIX;
use super::{checkouts, lock, text, trash};

mod repair;

/// A lock file younger than this may belong to somebody who has just closed it.
const STALE: Duration = Duration::from_secs(60);

/// An index aside lives as long as one operation, which has half an hour at most.
const STALE_INDEX: Duration = Duration::from_secs(60 * 60);

/// Something that was found, and what it is about.
#[derive(Debug)]
enum Trouble {
    /// A worktree of ours that no known session owns.
    OrphanWorktree { worktree: Worktree, living: Option<u32> },
    /// A branch of ours that no known session owns.
    OrphanBranch { name: String, tip: Oid },
    /// A directory among the worktrees that git does not know.
    OrphanDirectory(PathBuf),
    /// A known session without its worktree.
    MissingWorktree { worktree: Worktree, why: &'static str },
    /// A lock file without an owner.
    StaleLock { path: PathBuf, age: Duration },
    /// What a removal or creation left to delete.
    Leftover(PathBuf),
}

/// What is wrong, as the port tells it.
pub(super) fn scan(git: &Git, repository: &str, known: &[Worktree]) -> Result<Vec<Finding>, Refusal> {
    let found = inspect(git, repository)?;
    Ok(troubles(git, &found, known)?.iter().map(|trouble| trouble.finding(&found.facts.repository)).collect())
}

/// Repairs it; what was done, one sentence each.
pub(super) fn fix(git: &Git, repository: &str, known: &[Worktree]) -> Result<Vec<String>, Refusal> {
    let found = inspect(git, repository)?;
    let mut done = Vec::new();
    // Locks first: they are in the way of everything else.
    let mut all = troubles(git, &found, known)?;
    all.sort_by_key(|trouble| !matches!(trouble, Trouble::StaleLock { .. }));
    for trouble in all {
        match repair::repair(git, &found, &trouble) {
            Ok(Some(sentence)) => done.push(sentence),
            Ok(None) => {}
            Err(refusal) => done.push(format!("not repaired: {}", refusal.message)),
        }
    }
    Ok(done)
}

/// Everything that is wrong.
fn troubles(git: &Git, found: &Found, known: &[Worktree]) -> Result<Vec<Trouble>, Refusal> {
    let live: Vec<&Worktree> = known
        .iter()
        .filter(|worktree| worktree.common_dir == found.facts.common_dir)
        .filter(|worktree| !matches!(worktree.state, WorktreeState::Removed | WorktreeState::Failed))
        .collect();
    let sessions: HashSet<&str> = live.iter().map(|worktree| worktree.session.as_str()).collect();
    let mut troubles = Vec::new();
    let mut orphan_branches_known = HashSet::new();
    for entry in fs::read_dir(found.common_dir.join("worktrees")).into_iter().flatten().flatten() {
        let Some(worktree) = ours(found, &entry.path()) else { continue };
        if sessions.contains(worktree.session.as_str()) {
            continue;
        }
        orphan_branches_known.insert(worktree.branch.clone());
        let living = living(Path::new(&worktree.path));
        troubles.push(Trouble::OrphanWorktree { worktree, living });
    }
    for worktree in &live {
        if worktree.state != WorktreeState::Ready {
            continue;
        }
        let why = match admin::presence(worktree) {
            Presence::Whole => continue,
            Presence::Incomplete => "its creation was not finished",
            Presence::Emptied => "its directory is gone",
            Presence::Absent => "git does not know it any more",
            Presence::Foreign => "git has it at another path",
        };
        troubles.push(Trouble::MissingWorktree { worktree: (*worktree).clone(), why });
    }
    let listed = git
        .call(&found.place)
        .args(["for-each-ref", "--format=%(objectname) %(refname)", "refs/heads/divisi/"])
        .text()?;
    for (tip, name) in listed.lines().filter_map(|line| line.split_once(' ')) {
        let owned = live.iter().any(|worktree| worktree.branch == name) || orphan_branches_known.contains(name);
        if !owned {
            troubles.push(Trouble::OrphanBranch { name: name.to_owned(), tip: Oid(tip.to_owned()) });
        }
    }
    directories(git, found, &live, &mut troubles)?;
    locks(found, &mut troubles);
    Ok(troubles)
}

/// A registration of ours, as far as its files tell.
fn ours(found: &Found, git_dir: &Path) -> Option<Worktree> {
    let id = git_dir.file_name()?.to_str()?.strip_prefix("divisi-")?;
    let session = admin::locked_for(git_dir).or_else(|| admin::valid_id(id).then(|| SessionId(id.to_owned())))?;
    if session.as_str() != id {
        return None;
    }
    let path =
        admin::target(git_dir).or_else(|| Some(Path::new(&found.facts.worktrees_root).join(format!(".lost-{id}"))))?;
    let name = path.file_name()?.to_string_lossy().into_owned();
    let head = fs::read_to_string(git_dir.join("HEAD")).unwrap_or_default();
    let branch = head.trim().strip_prefix("ref: ").filter(|branch| branch.starts_with("refs/heads/divisi/"));
    Some(Worktree {
        start: None,
        session,
        repository: found.facts.repository.clone(),
        common_dir: found.facts.common_dir.clone(),
        path: path.to_str()?.to_owned(),
        branch: branch.map_or_else(|| format!("refs/heads/divisi/{name}/work"), str::to_owned),
        base: Base { label: String::new(), branch: None, commit: Oid(String::new()) },
        state: WorktreeState::Ready,
        port: 0,
        preserved: None,
    })
}

/// A process that works in a directory.
fn living(directory: &Path) -> Option<u32> {
    let directory = directory.canonicalize().ok()?;
    fs::read_dir("/proc").ok()?.flatten().find_map(|process| {
        let pid = process.file_name().to_str()?.parse().ok()?;
        fs::read_link(process.path().join("cwd")).ok()?.starts_with(&directory).then_some(pid)
    })
}

/// Directories among the worktrees that nobody knows, and what waits to be deleted.
fn directories(git: &Git, found: &Found, live: &[&Worktree], troubles: &mut Vec<Trouble>) -> Result<(), Refusal> {
    let mut roots = vec![PathBuf::from(&found.facts.worktrees_root)];
    for worktree in live {
        let root = Path::new(&worktree.path).parent().map(Path::to_owned);
        roots.extend(root.filter(|root| !roots.contains(root)));
    }
    let registered: Vec<PathBuf> =
        checkouts::of(git, &found.place)?.into_iter().map(|checkout| checkout.path).collect();
    for root in roots {
        troubles.extend(trash::thrown(&root).into_iter().map(Trouble::Leftover));
        for entry in fs::read_dir(&root).into_iter().flatten().flatten() {
            let path = entry.path();
            let hidden = entry.file_name().as_bytes().starts_with(b".");
            let known = live.iter().any(|worktree| admin::same(Path::new(&worktree.path), &path))
                || registered.iter().any(|registered| admin::same(registered, &path));
            if !hidden && !known && path.is_dir() {
                troubles.push(Trouble::OrphanDirectory(path));
            }
        }
    }
    for registration in fs::read_dir(found.common_dir.join("worktrees")).into_iter().flatten().flatten() {
        for entry in fs::read_dir(registration.path()).into_iter().flatten().flatten() {
            // Indexes of a daemon that was killed.
            let aside = entry.file_name().as_bytes().starts_with(PREFIX.as_bytes());
            if aside && lock::age(&entry.path()).is_some_and(|age| age > STALE_INDEX) {
                troubles.push(Trouble::Leftover(entry.path()));
            }
        }
    }
    for entry in fs::read_dir(found.common_dir.join("divisi")).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let ours =
            [&b"new-"[..], b"gone-", b"divisi-landing-"].iter().any(|prefix| name.as_bytes().starts_with(prefix));
        if ours && lock::age(&entry.path()).is_some_and(|age| age > STALE) {
            troubles.push(Trouble::Leftover(entry.path()));
        }
    }
    Ok(())
}

/// Lock files that are old and that no process has open.
fn locks(found: &Found, troubles: &mut Vec<Trouble>) {
    let mut candidates: Vec<PathBuf> = ["index", "HEAD", "packed-refs", "config", "shallow"]
        .iter()
        .map(|name| found.common_dir.join(format!("{name}.lock")))
        .collect();
    for entry in fs::read_dir(found.common_dir.join("worktrees")).into_iter().flatten().flatten() {
        candidates.extend(["index.lock", "HEAD.lock"].map(|name| entry.path().join(name)));
    }
    walk_locks(&found.common_dir.join("refs"), 0, &mut candidates);
    for path in candidates {
        let Some(age) = lock::age(&path) else { continue };
        if age > STALE && lock::holders(&path).is_empty() {
            troubles.push(Trouble::StaleLock { path, age });
        }
    }
}

fn walk_locks(directory: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    if depth > 16 {
        return;
    }
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => walk_locks(&path, depth + 1, found),
            Ok(kind) if kind.is_file() && path.extension().is_some_and(|extension| extension == "lock") => {
                found.push(path);
            }
            _ => {}
        }
    }
}

impl Trouble {
    fn finding(&self, repository: &str) -> Finding {
        let some = |text: &str| Some(text.to_owned());
        let (kind, level, message, subject, fix, hint) = match self {
            Self::OrphanWorktree { worktree, living: None } => (
                "orphan_worktree",
                "warning",
                format!("the worktree {} belongs to session {}, which is not known", worktree.path, worktree.session),
                worktree.path.clone(),
                some("keep its work in refs/divisi/preserved, then remove it"),
                None,
            ),
            Self::OrphanWorktree { worktree, living: Some(pid) } => (
                "orphan_worktree",
                "warning",
                format!("the worktree {} belongs to an unknown session, and process {pid} works in it", worktree.path),
                worktree.path.clone(),
                None,
                some(&format!("end process {pid}, then run doctor again")),
            ),
            Self::OrphanBranch { name, .. } => (
                "orphan_branch",
                "warning",
                format!("the branch {} belongs to no known session", short(name)),
                name.clone(),
                some("keep its commits in refs/divisi/preserved unless another branch has them, then delete it"),
                None,
            ),
            Self::OrphanDirectory(path) => (
                "orphan_directory",
                "warning",
                format!("the directory {} is among the worktrees, but git does not know it", text::path(path)),
                path.to_string_lossy().into_owned(),
                None,
                some("look into it, and delete it if it is not needed"),
            ),
            Self::MissingWorktree { worktree, why } => (
                "missing_worktree",
                "error",
                format!("session {} has no worktree at {}: {why}", worktree.session, worktree.path),
                worktree.path.clone(),
                None,
                some(&format!(
                    "divisi remove {0}, then divisi restore {0}: its commits are on {1}",
                    worktree.session,
                    short(&worktree.branch)
                )),
            ),
            Self::StaleLock { path, age } => (
                "stale_lock",
                "warning",
                format!("the lock file {} is {} s old and no process holds it", text::path(path), age.as_secs()),
                path.to_string_lossy().into_owned(),
                some("delete it"),
                None,
            ),
            Self::Leftover(path) => (
                "leftover",
                "warning",
                format!("{} was removed but not deleted", text::path(path)),
                path.to_string_lossy().into_owned(),
                some("delete it"),
                None,
            ),
        };
        Finding {
            kind: kind.to_owned(),
            level: level.to_owned(),
            message,
            repository: some(repository),
            subject: Some(subject),
            fix,
            hint,
        }
    }
}
