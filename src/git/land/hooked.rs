//! Landing with the user's own hooks and signing (`git.run_hooks`), the only place where they run.
//!
//! What runs, for squash and merge landings: one `git commit` without our overrides, as the user would type it, in a worktree aside
//! (`<common>/divisi/divisi-landing-<session>/`) that has the target checked out and the landing's result staged. So `pre-commit`
//! (for a merge too, as when a conflicted merge is committed by hand), `prepare-commit-msg`, `commit-msg`, `post-commit`, the
//! filters of the user's configuration for what a hook adds, and `commit.gpgSign` act exactly as configured. A hook that fails fails
//! the landing, with what it said; a hook that changes staged files changes what lands. Nothing else of a landing runs hooks: not
//! the move of the target, not the update of its checkout. Rebase landings are refused while the option is on, and so are
//! repositories with a reftable.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::model::Refusal;
use crate::model::id::Oid;
use crate::model::landing::{Landing, Strategy};
use crate::model::worktree::Worktree;

use super::Made;
use crate::git::admin;
use crate::git::command::{Git, LONG_DEADLINE, Place};
use crate::git::create::discard_directory;
use crate::git::{refs, text};

/// Hooks run test suites.
const DEADLINE: Duration = Duration::from_secs(60 * 60);

/// A worktree aside, removed when dropped.
struct Aside {
    git_dir: PathBuf,
    files: PathBuf,
}

impl Drop for Aside {
    fn drop(&mut self) {
        // What stays is found by the doctor.
        let _ = discard_directory(&self.git_dir);
        let _ = discard_directory(&self.files);
    }
}

/// Makes the commit as the user would.
pub(super) fn commit(git: &Git, worktree: &Worktree, landing: &Landing, tree: &Oid) -> Result<Made, Refusal> {
    let common_dir = Path::new(&worktree.common_dir);
    let name = format!("divisi-landing-{}", worktree.session);
    let aside =
        Aside { git_dir: common_dir.join("worktrees").join(&name), files: common_dir.join("divisi").join(&name) };
    if common_dir.join("reftable").is_dir() {
        return Ok(Made::Nothing(
            "git.run_hooks is on, but hooks cannot be run in a repository that keeps its refs in a reftable".to_owned(),
        ));
    }
    let failed = |error: std::io::Error| {
        Refusal::environment(format!("cannot make a worktree for hooks at {}: {error}", text::path(&aside.files)))
    };
    discard_directory(&aside.git_dir).and_then(|()| discard_directory(&aside.files)).map_err(failed)?;
    prepare(&aside, landing).map_err(failed)?;
    let place = Place::Worktree {
        git_dir: aside.git_dir.clone(),
        common_dir: common_dir.to_owned(),
        files: aside.files.clone(),
    };
    git.call(&place)
        .args(["read-tree", "-u", "--reset", tree.as_str()])
        .writes()
        .fetches()
        .deadline(LONG_DEADLINE)
        .ok()?;
    if landing.strategy == Strategy::Merge {
        fs::write(aside.git_dir.join("MERGE_HEAD"), format!("{}\n", landing.head)).map_err(failed)?;
        fs::write(aside.git_dir.join("MERGE_MODE"), "no-ff").map_err(failed)?;
    }
    let date = format!("@{} +0000", landing.started_at.div_euclid(1000));
    let finished = git
        .as_the_user(&place)
        .args(["commit", "--quiet", "--cleanup=verbatim", "--no-edit", "-F", "-"])
        .variable("GIT_AUTHOR_DATE", &date)
        .variable("GIT_COMMITTER_DATE", &date)
        .input(landing.message.as_bytes())
        .writes()
        .once()
        .deadline(DEADLINE)
        .run()?;
    if finished.code != Some(0) {
        let mut said = finished.stderr;
        said.extend_from_slice(&finished.stdout);
        return Ok(Made::Nothing(format!("the user's hooks or signing refused the commit: {}", text::said(&said))));
    }
    match refs::read(git, &place, "HEAD")? {
        Some(made) if made != landing.onto_commit => Ok(Made::Commit(made)),
        _ => Ok(Made::Nothing("the user's hooks left no commit".to_owned())),
    }
}

/// A registration with the target's commit checked out, as files on disk.
fn prepare(aside: &Aside, landing: &Landing) -> std::io::Result<()> {
    use std::os::unix::ffi::OsStrExt as _;
    fs::create_dir_all(&aside.files)?;
    fs::create_dir_all(&aside.git_dir)?;
    let mut pointer = aside.files.join(".git").into_os_string();
    pointer.push("\n");
    fs::write(aside.git_dir.join("commondir"), "../..\n")?;
    fs::write(aside.git_dir.join("gitdir"), pointer.as_bytes())?;
    fs::write(aside.git_dir.join("HEAD"), format!("{}\n", landing.onto_commit))?;
    fs::write(aside.git_dir.join("locked"), "divisi landing")?;
    fs::write(aside.files.join(".git"), admin::pointer_to(&aside.git_dir))
}
