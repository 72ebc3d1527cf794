//! Recognises a repository: where its parts are, and whether it can be worked in.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::host::port::RepositoryFacts;
use crate::model::Refusal;

use super::call::failed;
use super::command::{Git, Place};
use super::text;

/// The directory in a repository that holds worktrees, unless the user moved it.
const ROOT_NAME: &str = ".worktrees";

/// A repository and the worktree around the path that was asked about.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// What the port tells.
    pub(super) facts: RepositoryFacts,
    /// The common directory.
    pub(super) common_dir: PathBuf,
    /// The main worktree; none in a bare repository.
    pub(super) main: Option<PathBuf>,
    /// The worktree around the path; none inside the git directory or a bare repository.
    pub(super) top: Option<PathBuf>,
    /// Where `HEAD` is read for the path.
    pub(super) place: Place,
}

/// Finds the repository around a path.
pub(super) fn inspect(git: &Git, path: &str) -> Result<Found, Refusal> {
    let start = Path::new(path);
    if !start.is_absolute() {
        return Err(Refusal::user(format!("{} is not an absolute path", text::path(start))));
    }
    let start = if start.is_file() { start.parent().unwrap_or(start) } else { start };
    if !start.is_dir() {
        return Err(Refusal::user(format!("{} does not exist", text::path(start))));
    }
    let place = Place::Anywhere(start.to_owned());
    // The last question is an error without a worktree around the path; the answers before it are there all the same.
    let finished = git
        .ask(&place)
        .args([
            "rev-parse",
            "--path-format=absolute",
            "--git-dir",
            "--git-common-dir",
            "--is-bare-repository",
            "--show-toplevel",
        ])
        .run()?;
    let said = String::from_utf8_lossy(&finished.stderr);
    if finished.code != Some(0) && !said.contains("must be run in a work tree") {
        return Err(unworkable(start, failed("git rev-parse", &finished)));
    }
    let answer = finished.stdout;
    let lines: Vec<&[u8]> = answer.strip_suffix(b"\n").unwrap_or(&answer).split(|byte| *byte == b'\n').collect();
    let (git_dir, common_dir, bare, top) = match lines[..] {
        [git_dir, common_dir, bare, top] if finished.code == Some(0) => (git_dir, common_dir, bare, Some(top)),
        [git_dir, common_dir, bare] => (git_dir, common_dir, bare, None),
        _ => {
            return Err(Refusal::user(format!(
                "the path of the repository at {} has a line break in it, which divisi does not support",
                text::path(start)
            ))
            .hint("rename the directory"));
        }
    };
    let git_dir = canonical(Path::new(text::os(git_dir)))?;
    let common_dir = canonical(Path::new(text::os(common_dir)))?;
    let top = match top {
        Some(top) => {
            let top = canonical(Path::new(text::os(top)))?;
            belongs(&top, &git_dir)?;
            Some(top)
        }
        None => None,
    };
    let linked = git_dir != common_dir;
    let bare = if linked { is_bare(git, &common_dir)? } else { bare == b"true" };
    let main = if bare {
        None
    } else if !linked && top.is_some() {
        top.clone()
    } else {
        Some(main_of(git, &common_dir)?)
    };
    let repository = main.clone().unwrap_or_else(|| common_dir.clone());
    let worktrees_root = root_of(git, &repository, &common_dir, main.is_none());
    let facts = RepositoryFacts {
        repository: plain(&repository)?,
        common_dir: plain(&common_dir)?,
        worktrees_root: plain(&worktrees_root)?,
    };
    let place = match &top {
        Some(top) => Place::Worktree { git_dir, common_dir: common_dir.clone(), files: top.clone() },
        None => Place::Common(common_dir.clone()),
    };
    Ok(Found { facts, common_dir, main, top, place })
}

/// Files belong to a git directory when they say so themselves: otherwise a planted `core.worktree` could make any directory the
/// "main worktree", in which worktrees are made and from which files are copied.
fn belongs(files: &Path, git_dir: &Path) -> Result<(), Refusal> {
    let own = files.join(".git");
    let named = super::admin::pointer(files).unwrap_or(own);
    if super::admin::same(&named, git_dir) {
        return Ok(());
    }
    Err(Refusal::user(format!(
        "the repository {} says that its files are in {} (core.worktree), which does not belong to it",
        text::path(git_dir),
        text::path(files)
    ))
    .hint("git config --unset core.worktree"))
}

/// A clearer word than git's for the usual reasons.
fn unworkable(start: &Path, refusal: Refusal) -> Refusal {
    let shown = text::path(start);
    let said = &refusal.message;
    if said.contains("not a git repository") {
        Refusal::user(format!("{shown} is not inside a git repository")).hint("git init, and make a first commit")
    } else if said.contains("dubious ownership") {
        Refusal::user(format!("the repository at {shown} belongs to another user, so git does not open it"))
            .hint(format!("if you trust it: git config --global --add safe.directory '{shown}'"))
    } else if said.contains("unknown repository") || said.contains("Expected git repo version") {
        Refusal::user(format!("the repository at {shown} is of a kind this git is too old for: {said}"))
    } else if said.contains("bad config") {
        Refusal::user(format!("the configuration of the repository at {shown} is damaged: {said}"))
    } else {
        refusal
    }
}

/// Whether a common directory is that of a bare repository.
fn is_bare(git: &Git, common_dir: &Path) -> Result<bool, Refusal> {
    let place = Place::Common(common_dir.to_owned());
    let said = git.call(&place).args(["config", "--type=bool", "--get", "core.bare"]).run()?;
    Ok(said.code == Some(0) && said.stdout.starts_with(b"true"))
}

/// The main worktree, found from the common directory.
fn main_of(git: &Git, common_dir: &Path) -> Result<PathBuf, Refusal> {
    let place = Place::Common(common_dir.to_owned());
    let said = git.call(&place).args(["config", "--get", "core.worktree"]).run()?;
    let named = String::from_utf8_lossy(&said.stdout).trim_end_matches('\n').to_owned();
    if said.code == Some(0) && !named.is_empty() {
        let main = canonical(&common_dir.join(named))?;
        belongs(&main, common_dir)?;
        return Ok(main);
    }
    match (common_dir.file_name(), common_dir.parent()) {
        (Some(name), Some(parent)) if name == ".git" => Ok(parent.to_owned()),
        _ => Err(Refusal::user(format!(
            "cannot tell where the main worktree of {} is (its git directory is kept elsewhere)",
            text::path(common_dir)
        ))
        .hint("run divisi inside the main worktree")),
    }
}

/// Where new worktrees go.
fn root_of(git: &Git, repository: &Path, common_dir: &Path, bare: bool) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;
    if let Some(root) = &git.settings.worktrees_root {
        let mut digest = hex(&Sha256::digest(common_dir.as_os_str().as_bytes()));
        digest.truncate(8);
        let name = repository.file_name().map_or_else(|| "root".to_owned(), |name| name.to_string_lossy().into_owned());
        let name: String = name.chars().map(|c| if c.is_control() { '-' } else { c }).collect();
        return root.join(format!("{name}-{digest}"));
    }
    if bare {
        let mut name = repository.file_name().unwrap_or_default().to_owned();
        name.push(ROOT_NAME);
        return repository.with_file_name(name);
    }
    repository.join(ROOT_NAME)
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut digits = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

/// Without links and dots.
pub(super) fn canonical(path: &Path) -> Result<PathBuf, Refusal> {
    path.canonicalize()
        .map_err(|error| Refusal::environment(format!("cannot follow the path {}: {error}", text::path(path))))
}

/// As text, if it can be said in a protocol.
fn plain(path: &Path) -> Result<String, Refusal> {
    match path.to_str() {
        Some(text) if !text.chars().any(char::is_control) => Ok(text.to_owned()),
        _ => Err(Refusal::user(format!(
            "the path {} is not UTF-8 or has control characters in it, which divisi does not support for the \
             repository itself (files inside may have such names)",
            text::path(path)
        ))
        .hint("rename the directory")),
    }
}
