//! A fresh checkout of a case, of which git knows one commit and nothing else, and the way back: what somebody made of it, as a patch.
//!
//! A worktree of an ordinary clone shows an agent every later commit, the fix among them.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::command::{For, Ran, Scene};
use super::machine::{Machine, Unrun};
use super::words;
use crate::base::text::visible_line;
use crate::eval::case::{Case, Files, Source, is_inside};
use crate::model::bench_environment::EnvironmentRecord;
use crate::model::worktree::CONTEXT;

/// A checkout of a case.
pub(super) struct Checkout {
    /// Where everything of it is.
    pub(super) root: PathBuf,
    /// Its files, with a git directory that whoever works there may do anything to.
    pub(super) files: PathBuf,
    /// A copy of the git directory as it was at first, out of reach: patches are made with it, and nothing that an agent configured
    /// there is run.
    own: PathBuf,
    /// The environment that was put there.
    pub(super) environment: Option<EnvironmentRecord>,
}

/// In a `file:` address everything else stands for itself.
const IN_ADDRESS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

impl Checkout {
    /// Makes one in a directory that does not exist, and runs the case's setup.
    pub(super) fn make(machine: &Machine<'_>, case: &Case, root: &Path) -> Result<Self, Unrun> {
        let files = root.join("files");
        fs::create_dir_all(&files).map_err(|error| unmade(&files, &error))?;
        machine.git(&files, &["init", "--quiet", "--template="])?;
        machine.git(&files, &["symbolic-ref", "HEAD", "refs/heads/main"])?;
        match &case.source {
            Source::Commit { repository, base } => fetch(machine, &files, repository, base)?,
            Source::Directory(from) => {
                copy(Path::new(from), &files).map_err(|error| unmade(Path::new(from), &error))?;
                commit(machine, &files, &["--force"])?;
            }
            Source::Files(source) => {
                write(&files, source)?;
                commit(machine, &files, &["--force"])?;
            }
        }
        let shared = case.environment.as_ref();
        let environment =
            shared.map(|recipe| machine.environments.provide(machine, case, recipe, &files, root)).transpose()?;
        if let Some(setup) = &case.setup {
            prepare(machine, case, setup, &files, root)?;
        }
        if case.setup.is_some() || shared.is_some_and(|recipe| !recipe.makes.is_empty()) {
            amend(machine, &files)?;
        }
        let own = root.join("git");
        copy(&files.join(".git"), &own).map_err(|error| unmade(&own, &error))?;
        // What a session of divisi has in its worktree beside the files is nobody's work.
        fs::create_dir_all(own.join("info"))
            .and_then(|()| fs::write(own.join("info/exclude"), format!("/{CONTEXT}/\n")))
            .map_err(|error| unmade(&own, &error))?;
        Ok(Self { root: root.to_owned(), files, own, environment })
    }

    /// Finds one again that was made in that directory. What a git that was killed has locked is free again.
    pub(super) fn again(root: &Path) -> Result<Self, Unrun> {
        let own = root.join("git");
        match fs::remove_file(own.join("index.lock")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unmade(&own, &error)),
            _ => {}
        }
        if !own.join("HEAD").is_file() {
            return Err(Unrun::Failed(format!("the case's repository is gone from {}", root.display())));
        }
        Ok(Self { root: root.to_owned(), files: root.join("files"), own, environment: None })
    }

    /// Git over some files with the git directory that nobody else can reach.
    fn git(&self, machine: &Machine<'_>, files: &Path, arguments: &[&str]) -> Result<Vec<u8>, Unrun> {
        let git_dir = format!("--git-dir={}", self.own.display());
        let work_tree = format!("--work-tree={}", files.display());
        let mut all = vec![git_dir.as_str(), work_tree.as_str()];
        all.extend(arguments);
        machine.git(files, &all)
    }

    /// The patch from the checkout as it was to what is in `files` (the checkout's own, or those of a worktree that began with its
    /// commit), of the paths that match.
    pub(super) fn patch(&self, machine: &Machine<'_>, files: &Path, of: &[String]) -> Result<Vec<u8>, Unrun> {
        self.git(machine, files, &["add", "--all", "--", "."])?;
        let patterns: Vec<String> = of.iter().map(|pattern| pathspec(pattern)).collect();
        let mut arguments = vec!["diff", "--cached", "--binary", "--full-index", "--no-color", "--no-ext-diff"];
        arguments.extend(["--no-textconv", "--no-renames", "HEAD", "--"]);
        arguments.extend(patterns.iter().map(String::as_str));
        self.git(machine, files, &arguments)
    }

    /// Puts a patch on the files; the last words of what failed otherwise.
    pub(super) fn apply(&self, machine: &Machine<'_>, patch: &Path) -> Result<Result<(), String>, Unrun> {
        let patch = patch.display().to_string();
        let mut said = String::new();
        for how in [&["apply"][..], &["apply", "--3way"]] {
            let mut arguments = how.to_vec();
            arguments.extend(["--whitespace=nowarn", "--", &patch]);
            match self.git(machine, &self.files, &arguments) {
                Ok(_) => return Ok(Ok(())),
                Err(Unrun::Failed(why)) => said = why,
                Err(other) => return Err(other),
            }
            self.git(machine, &self.files, &["reset", "--quiet", "--hard", "HEAD"])?;
            self.git(machine, &self.files, &["clean", "--quiet", "-d", "--force"])?;
        }
        Ok(Err(said))
    }

    /// Makes the files that match as they were at first; those that were not there go.
    pub(super) fn restore(&self, machine: &Machine<'_>, patterns: &[String]) -> Result<(), Unrun> {
        if patterns.is_empty() {
            return Ok(());
        }
        // Ignored files too: a test file does not escape by a line in .gitignore.
        self.git(machine, &self.files, &["add", "--all", "--force", "--", "."])?;
        let patterns: Vec<String> = patterns.iter().map(|pattern| pathspec(pattern)).collect();
        let mut arguments = vec!["diff", "--cached", "--name-status", "--no-renames", "-z", "HEAD", "--"];
        arguments.extend(patterns.iter().map(String::as_str));
        let changed = self.git(machine, &self.files, &arguments)?;
        let mut words = changed.split(|byte| *byte == 0);
        while let (Some(status), Some(path)) = (words.next(), words.next()) {
            let path = String::from_utf8_lossy(path);
            if status == b"A" {
                self.git(machine, &self.files, &["rm", "--quiet", "--force", "--", &literal(&path)])?;
            } else {
                self.git(machine, &self.files, &["checkout", "--quiet", "HEAD", "--", &literal(&path)])?;
            }
        }
        Ok(())
    }

    /// Writes files into it.
    pub(super) fn write(&self, files: &Files) -> Result<(), Unrun> {
        write(&self.files, files)
    }
}

fn unmade(path: &Path, error: &io::Error) -> Unrun {
    Unrun::Failed(format!("failed to make {}: {error}", path.display()))
}

fn pathspec(pattern: &str) -> String {
    format!(":(glob){pattern}")
}

fn literal(path: &str) -> String {
    format!(":(literal){path}")
}

/// One commit of a repository on this machine, with nothing before or after it.
fn fetch(machine: &Machine<'_>, files: &Path, repository: &str, base: &str) -> Result<(), Unrun> {
    let revision = format!("{base}^{{commit}}");
    let found =
        machine.git(Path::new(repository), &["rev-parse", "--verify", "--quiet", "--end-of-options", &revision]);
    let found = found.map_err(|why| match why {
        Unrun::Failed(_) => Unrun::Never(format!("{repository} has no commit {}", visible_line(base, 60))),
        other => other,
    })?;
    let id = String::from_utf8_lossy(&found).trim().to_owned();
    // As an address, or git would copy everything.
    let address = format!("file://{}", utf8_percent_encode(repository, IN_ADDRESS));
    let serve = "--upload-pack=git -c uploadpack.allowAnySHA1InWant=true upload-pack";
    let fetch = ["fetch", "--quiet", "--depth=1", "--no-tags", serve, &address, &id];
    machine.git(files, &fetch)?;
    machine.git(files, &["reset", "--quiet", "--hard", &id])?;
    // Says where it came from.
    match fs::remove_file(files.join(".git/FETCH_HEAD")) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unmade(files, &error)),
        _ => Ok(()),
    }
}

fn commit(machine: &Machine<'_>, files: &Path, how: &[&str]) -> Result<(), Unrun> {
    let mut add = vec!["add", "--all"];
    add.extend(how);
    machine.git(files, &add)?;
    machine.git(files, &["commit", "--quiet", "--no-verify", "--allow-empty", "--message", "The case"])?;
    Ok(())
}

/// Runs the setup.
fn prepare(machine: &Machine<'_>, case: &Case, setup: &str, files: &Path, root: &Path) -> Result<(), Unrun> {
    let scene = Scene { case, files, own: root };
    match machine.commands.run(setup, For::Setup, scene, case.limits.setup)? {
        Ran::Ended { code: Some(0), .. } => {}
        failed => return Err(unprepared("the setup", failed, case, root)),
    }
    Ok(())
}

/// Why a preparation failed, in the line of its output that tells it; all of the output is beside what was prepared.
pub(super) fn unprepared(what: &str, ran: Ran, case: &Case, root: &Path) -> Unrun {
    let (why, said) = match ran {
        Ran::Ended { over: Some(why), said, .. } => (format!("{what} was ended: {why}"), said),
        Ran::Ended { code, said, .. } => {
            let code = code.map_or_else(|| "a signal".to_owned(), |code| format!("code {code}"));
            (format!("{what} ended with {code}: {}", words::telling(&said)), said)
        }
        Ran::TimedOut { said } => (format!("{what} did not end within {} s", case.limits.setup.as_secs()), said),
    };
    if let Err(error) = fs::write(root.join(words::LOG), &said) {
        tracing::warn!(root = %root.display(), %error, "what a preparation said is not kept");
    }
    Unrun::Failed(why)
}

/// What the preparation said that failed last below a directory of checkouts, moved to another directory: whether there was one.
pub(super) fn keep_log(work: &Path, to: &Path) -> io::Result<bool> {
    let mut logs: Vec<(std::time::SystemTime, PathBuf)> = Vec::new();
    let below = fs::read_dir(work).into_iter().flatten().flatten().map(|entry| entry.path());
    for root in below.chain([work.to_owned()]) {
        for place in [root.join(words::LOG), root.join("environment").join(words::LOG)] {
            if let Ok(found) = fs::symlink_metadata(&place)
                && found.is_file()
            {
                logs.push((found.modified()?, place));
            }
        }
    }
    let Some((_, newest)) = logs.into_iter().max() else { return Ok(false) };
    fs::create_dir_all(to)?;
    fs::copy(newest, to.join(words::LOG))?;
    Ok(true)
}

/// What was made in the tree becomes part of the one commit.
fn amend(machine: &Machine<'_>, files: &Path) -> Result<(), Unrun> {
    machine.git(files, &["add", "--all"])?;
    let amend = ["commit", "--quiet", "--no-verify", "--amend", "--no-edit", "--allow-empty"];
    machine.git(files, &amend)?;
    Ok(())
}

/// Writes files below a directory.
fn write(root: &Path, files: &Files) -> Result<(), Unrun> {
    for (path, file) in files {
        if !is_inside(path) {
            return Err(Unrun::Never(format!("a file of the case lies outside of it: {}", visible_line(path, 200))));
        }
        let target = root.join(path);
        let written = || -> io::Result<()> {
            if let Some(parent) = target.parent() {
                fs::create_dir_all(parent)?;
                // An agent's link must not lead a file of the case out of the checkout.
                if !parent.canonicalize()?.starts_with(root.canonicalize()?) {
                    return Err(io::Error::other("a link leads out of the checkout"));
                }
            }
            match fs::remove_file(&target) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            fs::write(&target, &file.bytes)?;
            if file.executable {
                fs::set_permissions(&target, fs::Permissions::from_mode(0o755))?;
            }
            Ok(())
        };
        written().map_err(|error| unmade(&target, &error))?;
    }
    Ok(())
}

/// Copies a directory's files and links, without git's directory.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            if entry.file_name() != ".git" {
                copy(&entry.path(), &target)?;
            }
        } else if kind.is_symlink() {
            symlink(fs::read_link(entry.path())?, target)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
