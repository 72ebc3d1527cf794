//! A checkout apart from every repository: its own git directory, in which nothing of the user's configuration acts, with the objects
//! of the repository lent to it.

use std::path::{Path, PathBuf};

use crate::host::port::Apart;
use crate::model::Refusal;
use crate::model::id::Oid;
use crate::model::worktree::Worktree;

use super::command::{Git, LONG_DEADLINE, Place};
use super::{admin, text};

/// Puts the files of a commit into a directory, over what lies there. What `restore` names is as the base has it.
pub(super) fn check_out(
    git: &Git,
    worktree: &Worktree,
    commit: &Oid,
    base: &Oid,
    restore: &[String],
    into: &str,
) -> Result<Apart, Refusal> {
    let directory = PathBuf::from(into);
    let anywhere = Place::Anywhere(directory.clone());
    let format = if commit.as_str().len() == 64 { "sha256" } else { "sha1" };
    git.ask(&anywhere).args(["init", "--quiet", "--template=", &format!("--object-format={format}")]).writes().ok()?;
    let git_dir = directory.join(".git");
    lend(worktree, &git_dir)?;
    let place = Place::Worktree { common_dir: git_dir.clone(), git_dir, files: directory };
    git.call(&place).args(["update-ref", "--no-deref", "HEAD", commit.as_str()]).writes().ok()?;
    git.call(&place).args(["read-tree", commit.as_str()]).writes().ok()?;
    let mut notes = Vec::new();
    for pattern in restore {
        let spec = format!(":(top,glob){pattern}");
        let call =
            git.call(&place).args(["restore", "--staged", "--no-overlay", "--source", base.as_str(), "--", &spec]);
        let finished = call.writes().run()?;
        if finished.code != Some(0) {
            let said = text::said(&finished.stderr);
            if !said.contains("did not match") {
                return Err(Refusal::environment(format!("cannot restore {pattern} from the base: {said}")));
            }
            notes.push(format!("restore: neither the commit nor the base has {pattern}"));
        }
    }
    git.call(&place).args(["checkout-index", "--all", "--force", "--quiet"]).writes().deadline(LONG_DEADLINE).ok()?;
    let names = |listed: &[u8]| -> Vec<String> {
        let names = listed.split(|byte| *byte == 0).filter(|name| !name.is_empty());
        names.map(|name| String::from_utf8_lossy(name).into_owned()).collect()
    };
    let files = names(&git.call(&place).args(["ls-files", "-z"]).ok()?);
    let restored = if restore.is_empty() {
        Vec::new()
    } else {
        names(
            &git.call(&place)
                .args(["diff-index", "--cached", "--name-only", "-z", "--no-renames", commit.as_str()])
                .ok()?,
        )
    };
    if files.iter().any(|file| file == ".gitmodules") {
        notes.push("submodules are empty in the checkout".to_owned());
    }
    Ok(Apart { files, restored, notes })
}

/// Objects are read where they are; nothing is written there.
fn lend(worktree: &Worktree, git_dir: &Path) -> Result<(), Refusal> {
    let objects = Path::new(&worktree.common_dir).join("objects");
    let odd = objects.to_str().is_none_or(|path| path.contains('\n') || path.starts_with(['"', '#']));
    let failed = |why: &dyn std::fmt::Display| {
        Refusal::environment(format!("cannot lend the objects of {}: {why}", text::path(&objects)))
    };
    if odd || !admin::valid_id(worktree.session.as_str()) {
        return Err(failed(&"its path cannot be written down"));
    }
    let info = git_dir.join("objects/info");
    std::fs::create_dir_all(&info)
        .and_then(|()| std::fs::write(info.join("alternates"), format!("{}\n", objects.display())))
        .map_err(|error| failed(&error))
}
