//! Makes a session's worktree and branch.
//!
//! Git's own `worktree add` shows its administrative directory before it is complete, which makes git commands beside it fail, and
//! leaves residue when killed. So the directory is built aside and published with one rename; only that and the branch happen under
//! the repository's lock, and the checkout runs outside of it. Refs kept in a reftable need git itself to register the worktree.
//!
//! Order, for who has to clean up: directory, branch, file `.git`, registration, files, copies, mark of completion.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::host::port::CreatedWorktree;
use crate::model::Refusal;
use crate::model::id::Oid;
use crate::model::worktree::Worktree;

use super::admin;
use super::command::{Git, LONG_DEADLINE, Place};
use super::status::CONTEXT;
use super::{include, refs, text};

/// What was made so far, for taking it back.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "four things, each made or not")]
struct Made {
    directory: bool,
    branch: bool,
    aside: bool,
    registration: bool,
}

/// Makes worktree and branch at the base.
pub(super) fn create(git: &Git, worktree: &Worktree) -> Result<CreatedWorktree, Refusal> {
    let notes = build(git, worktree, worktree.first_commit(), &|git, worktree| {
        let mut notes = check_out(git, &admin::place(worktree), worktree.first_commit())?;
        notes.extend(include::include(git, worktree)?);
        Ok(notes)
    })?;
    Ok(CreatedWorktree { head: worktree.first_commit().clone(), notes, stat: None })
}

/// Puts the files into a registered worktree; notes about them.
pub(super) type Fill<'a> = dyn Fn(&Git, &Worktree) -> Result<Vec<String>, Refusal> + 'a;

/// Registers the worktree with its branch at `start`, lets `fill` put files there, and marks it complete; on failure nothing is left.
pub(super) fn build(git: &Git, worktree: &Worktree, start: &Oid, fill: &Fill<'_>) -> Result<Vec<String>, Refusal> {
    validate(worktree)?;
    let mut made = Made::default();
    let outcome = register(git, worktree, start, &mut made).and_then(|()| fill(git, worktree)).and_then(|notes| {
        admin::mark(&admin::git_dir(worktree), &worktree.session)
            .map_err(|error| cannot("finish", worktree, &error))?;
        Ok(notes)
    });
    outcome.map_err(|refusal| match take_back(git, worktree, start, &made) {
        Ok(()) => refusal,
        Err(left) => refusal.hint(format!("{left}; divisi doctor --fix")),
    })
}

fn cannot(what: &str, worktree: &Worktree, error: &io::Error) -> Refusal {
    let path = text::path(Path::new(&worktree.path));
    let refusal = Refusal::environment(format!("cannot {what} the worktree {path}: {error}"));
    match error.raw_os_error() {
        Some(code) if code == rustix::io::Errno::NOSPC.raw_os_error() => {
            refusal.hint("free some disk space, then try again")
        }
        Some(code) if code == rustix::io::Errno::ACCESS.raw_os_error() => {
            refusal.hint("make the directory writable, or set git.worktrees_root to another one")
        }
        _ => refusal,
    }
}

/// Everything that can be known before anything is made; that the commit exists is what making the branch checks first.
fn validate(worktree: &Worktree) -> Result<(), Refusal> {
    let path = Path::new(&worktree.path);
    let odd = |what: &str| Err(Refusal::internal(format!("the worktree of session {} {what}", worktree.session)));
    if !admin::valid_id(worktree.session.as_str()) {
        return odd("has an id that cannot be part of a path");
    }
    let plain =
        path.components().all(|part| matches!(part, std::path::Component::RootDir | std::path::Component::Normal(_)));
    if !path.is_absolute() || !plain || worktree.path.chars().any(char::is_control) || path.parent().is_none() {
        return odd("has a path that is not plain and absolute");
    }
    if !worktree.branch.starts_with("refs/heads/") || worktree.branch.chars().any(|c| c.is_control() || c == ' ') {
        return odd("has a branch that is not one");
    }
    if path.symlink_metadata().is_ok() {
        return Err(taken(&format!("the path {} exists already", text::path(path))));
    }
    if admin::git_dir(worktree).symlink_metadata().is_ok() {
        return Err(taken(&format!("git has a worktree named {} already", admin::id(&worktree.session)))
            .hint("if it was left by an interrupted creation: divisi doctor --fix"));
    }
    if path.parent().is_some_and(|root| root.symlink_metadata().is_ok_and(|meta| !meta.is_dir())) {
        return Err(Refusal::user(format!(
            "the directory for worktrees, {}, is a link or not a directory",
            text::path(path.parent().unwrap_or(path))
        ))
        .hint("remove it, or set git.worktrees_root to another directory"));
    }
    Ok(())
}

fn taken(what: &str) -> Refusal {
    Refusal::conflict(what).hint("choose another name: --name NAME")
}

/// Everything under the repository's lock.
fn register(git: &Git, worktree: &Worktree, start: &Oid, made: &mut Made) -> Result<(), Refusal> {
    let path = Path::new(&worktree.path);
    let common_dir = Path::new(&worktree.common_dir);
    let place = admin::common(worktree);
    let root = path.parent().unwrap_or(path);
    let sparse = Sparse::of(git, common_dir)?;
    let _writer = git.writer(common_dir)?;
    hide(worktree).map_err(|error| cannot("hide", worktree, &error))?;
    fs::create_dir_all(root).map_err(|error| cannot("make the directory for", worktree, &error))?;
    match fs::create_dir(path) {
        Ok(()) => made.directory = true,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(taken(&format!("the path {} exists already", text::path(path))));
        }
        Err(error) => return Err(cannot("make", worktree, &error)),
    }
    if !refs::create(git, &place, &worktree.branch, start)? {
        return Err(taken(&format!(
            "the branch {} exists already, or its name is in the way of another",
            worktree.branch
        )));
    }
    made.branch = true;
    if common_dir.join("reftable").is_dir() {
        return register_by_git(git, worktree, made);
    }
    let git_dir = admin::git_dir(worktree);
    let aside = aside(worktree);
    // Left by a creation of this very session that was killed; nobody else builds here.
    discard_directory(&aside).map_err(|error| cannot("clear the way for", worktree, &error))?;
    made.aside = true;
    let publish = || -> io::Result<()> {
        fs::create_dir_all(&aside)?;
        fs::create_dir_all(common_dir.join("worktrees"))?;
        let mut pointer = path.join(".git").into_os_string();
        pointer.push("\n");
        fs::write(aside.join("gitdir"), pointer.as_bytes())?;
        fs::write(aside.join("commondir"), "../..\n")?;
        fs::write(aside.join("HEAD"), format!("ref: {}\n", worktree.branch))?;
        fs::write(aside.join("locked"), admin::reason(&worktree.session))?;
        sparse.write(&aside)?;
        fs::write(path.join(".git"), admin::pointer_to(&git_dir))?;
        fs::rename(&aside, &git_dir)
    };
    publish().map_err(|error| cannot("register", worktree, &error))?;
    made.registration = true;
    Ok(())
}

/// Where the administrative directory is built.
pub(super) fn aside(worktree: &Worktree) -> PathBuf {
    Path::new(&worktree.common_dir).join("divisi").join(format!("new-{}", worktree.session))
}

/// Where git registers a worktree of a repository with a reftable: under the name that its id shall have.
pub(super) fn detour(worktree: &Worktree) -> PathBuf {
    let path = Path::new(&worktree.path);
    path.parent().unwrap_or(path).join(".new").join(admin::id(&worktree.session))
}

/// Lets git register the worktree without files, then moves it to its path.
fn register_by_git(git: &Git, worktree: &Worktree, made: &mut Made) -> Result<(), Refusal> {
    let detour = detour(worktree);
    let branch = worktree.branch.strip_prefix("refs/heads/").unwrap_or(&worktree.branch);
    discard_directory(&detour).map_err(|error| cannot("clear the way for", worktree, &error))?;
    made.registration = true;
    git.call(&admin::common(worktree))
        .args(["worktree", "add", "--quiet", "--no-checkout", "--lock", "--reason", &admin::reason(&worktree.session)])
        .arg(&detour)
        .arg(branch)
        .writes()
        .ok()?;
    let git_dir = admin::git_dir(worktree);
    let settle = || -> io::Result<()> {
        let mut pointer = Path::new(&worktree.path).join(".git").into_os_string();
        pointer.push("\n");
        fs::write(Path::new(&worktree.path).join(".git"), admin::pointer_to(&git_dir))?;
        fs::write(git_dir.join("gitdir"), pointer.as_bytes())?;
        discard_directory(&detour)?;
        match fs::remove_dir(detour.parent().unwrap_or(&detour)) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
            Err(error) => Err(error),
        }
    };
    settle().map_err(|error| cannot("register", worktree, &error))
}

/// Removes a directory that may not be there.
pub(super) fn discard_directory(path: &Path) -> io::Result<()> {
    match super::trash::delete(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}

/// Puts the files of a commit into a worktree that has none; notes about what is not there.
pub(super) fn check_out(git: &Git, place: &Place, commit: &Oid) -> Result<Vec<String>, Refusal> {
    let read = git
        .call(place)
        .args(["read-tree", "-u", "--reset", "--no-recurse-submodules", commit.as_str()])
        .writes()
        .fetches()
        .deadline(LONG_DEADLINE)
        .ok();
    if let Err(refusal) = read {
        let known = git.call(place).args(["cat-file", "-e", &format!("{commit}^{{commit}}")]).run()?;
        return Err(if known.code == Some(0) { refusal } else { refs::unknown_commit() });
    }
    let mut notes = Vec::new();
    let attributes = fs::read(place.directory().join(".gitattributes")).unwrap_or_default();
    if !git.settings.lfs && String::from_utf8_lossy(&attributes).contains("filter=lfs") {
        notes.push("large files kept in LFS are pointers here (git.lfs = true fetches them)".to_owned());
    }
    if place.directory().join(".gitmodules").is_file() {
        notes.push("submodules are empty here (git submodule update --init fills them)".to_owned());
    }
    Ok(notes)
}

/// Hides worktrees and context directories from `git status`, once, without a tracked file.
fn hide(worktree: &Worktree) -> io::Result<()> {
    let mut wanted = vec![format!("{CONTEXT}/").into_bytes()];
    let root = Path::new(&worktree.path).parent().unwrap_or(Path::new("/"));
    if worktree.repository != worktree.common_dir
        && let Ok(relative) = root.strip_prefix(&worktree.repository)
    {
        let mut line = b"/".to_vec();
        line.extend_from_slice(relative.as_os_str().as_bytes());
        line.push(b'/');
        wanted.insert(0, line);
    }
    let directory = Path::new(&worktree.common_dir).join("info");
    let file = directory.join("exclude");
    let mut content = match fs::read(&file) {
        Ok(content) => content,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    wanted.retain(|line| !content.split(|byte| *byte == b'\n').any(|known| known == line.as_slice()));
    if wanted.is_empty() {
        return Ok(());
    }
    if !content.is_empty() && !content.ends_with(b"\n") {
        content.push(b'\n');
    }
    for line in wanted {
        content.extend_from_slice(&line);
        content.push(b'\n');
    }
    fs::create_dir_all(&directory)?;
    let aside = directory.join("exclude.divisi");
    fs::write(&aside, content)?;
    // A link to a file kept elsewhere stays one.
    let file = file.canonicalize().unwrap_or(file);
    fs::rename(&aside, &file).or_else(|_| fs::copy(&aside, &file).and_then(|_| fs::remove_file(&aside)))
}

/// The main worktree's sparse checkout, which a new worktree takes over, as with git's own command.
#[derive(Debug, Default)]
struct Sparse {
    patterns: Option<Vec<u8>>,
    config: Vec<u8>,
}

impl Sparse {
    fn of(git: &Git, common_dir: &Path) -> Result<Self, Refusal> {
        let Ok(patterns) = fs::read(common_dir.join("info/sparse-checkout")) else { return Ok(Self::default()) };
        let place = Place::Common(common_dir.to_owned());
        let is = |key: &str| -> Result<bool, Refusal> {
            let said = git.call(&place).args(["config", "--type=bool", "--get", key]).run()?;
            Ok(said.code == Some(0) && said.stdout.starts_with(b"true"))
        };
        if !is("core.sparseCheckout")? {
            return Ok(Self::default());
        }
        let mut config = Vec::new();
        if is("extensions.worktreeConfig")? {
            let cone = is("core.sparseCheckoutCone")?;
            let index = is("index.sparse")?;
            config = format!(
                "[core]\n\tsparseCheckout = true\n\tsparseCheckoutCone = {cone}\n[index]\n\tsparse = {index}\n"
            )
            .into_bytes();
        }
        Ok(Self { patterns: Some(patterns), config })
    }

    fn write(&self, git_dir: &Path) -> io::Result<()> {
        if let Some(patterns) = &self.patterns {
            fs::create_dir_all(git_dir.join("info"))?;
            fs::write(git_dir.join("info/sparse-checkout"), patterns)?;
        }
        if !self.config.is_empty() {
            fs::write(git_dir.join("config.worktree"), &self.config)?;
        }
        Ok(())
    }
}

/// Takes back exactly what was made.
fn take_back(git: &Git, worktree: &Worktree, start: &Oid, made: &Made) -> Result<(), Refusal> {
    let _writer = git.writer(Path::new(&worktree.common_dir))?;
    let mut gone = Vec::new();
    if made.registration {
        gone.push(admin::git_dir(worktree));
        gone.push(detour(worktree));
    }
    if made.aside {
        gone.push(aside(worktree));
    }
    if made.directory {
        gone.push(PathBuf::from(&worktree.path));
    }
    for directory in gone {
        discard_directory(&directory).map_err(|error| cannot("clean up", worktree, &error))?;
    }
    if made.branch {
        refs::delete(git, &admin::common(worktree), &worktree.branch, start)?;
    }
    if made.directory {
        refs::sweep(Path::new(&worktree.common_dir), &worktree.branch);
    }
    Ok(())
}
