//! What is done in a checkout for its environment: the commands that make one are run, what they made is copied away and back.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::copy::Copier;
use super::keep::remove_directory;
use super::{BESIDE, TREE, unkept};
use crate::bench::checkout::unprepared;
use crate::bench::command::{For, Ran, Scene};
use crate::bench::machine::{Machine, Unrun};
use crate::bench::words;
use crate::eval::case::Case;
use crate::eval::case::recipe::Recipe;

/// Where an environment goes.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) case: &'a Case,
    pub(super) recipe: &'a Recipe,
    pub(super) files: &'a Path,
    pub(super) root: &'a Path,
}

/// An empty directory to make one in, beside a checkout's files.
pub(super) fn bare(place: Place<'_>) -> Result<PathBuf, Unrun> {
    let root = place.root.join("environment");
    remove_directory(&root)
        .and_then(|()| fs::create_dir_all(root.join("files")))
        .map_err(|error| Unrun::Failed(format!("failed to make {}: {error}", root.display())))?;
    Ok(root)
}

/// What a command says in an empty directory; why not, where it failed.
pub(super) fn run_in(machine: &Machine<'_>, place: Place<'_>, command: &str) -> Result<Result<String, String>, Unrun> {
    let root = bare(place)?;
    let scene = Scene { case: place.case, files: &root.join("files"), own: &root };
    let said = match machine.commands.run(command, For::Setup, scene, place.case.limits.setup)? {
        Ran::Ended { code: Some(0), said, .. } => Ok(String::from_utf8_lossy(&said).trim().to_owned()),
        failed => {
            let (Ran::Ended { said, .. } | Ran::TimedOut { said }) = &failed;
            let why = format!("what the environment needs is not here: {}", words::telling(said));
            unprepared("looking for what the environment needs", failed, place.case, place.root);
            Err(why)
        }
    };
    remove_directory(&root).map_err(|error| unkept(&root, &error))?;
    Ok(said)
}

pub(super) fn run_script(
    machine: &Machine<'_>,
    case: &Case,
    recipe: &Recipe,
    files: &Path,
    root: &Path,
) -> Result<(), Unrun> {
    let scene = Scene { case, files, own: root };
    match machine.commands.run(&recipe.script, For::Setup, scene, case.limits.setup)? {
        Ran::Ended { code: Some(0), .. } => Ok(()),
        failed => Err(unprepared("making the environment", failed, case, root)),
    }
}

/// Keeps one thing that was made; what was not made is not there in copies either.
pub(super) fn keep_one(copier: &mut Copier<'_>, from: &Path, to: &Path, below: &str, name: &str) -> io::Result<()> {
    let (from, whole, to) = (from.join(name), to, to.join(name));
    match fs::symlink_metadata(&from) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(_) => {}
    }
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
        // A link in the tree must not lead out of the checkout.
        if !parent.canonicalize()?.starts_with(whole.canonicalize()?) {
            let why = format!("a link leads {name:?} out of the checkout");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
    }
    copier.copy(&from, &to, &format!("{below}/{name}"))
}

/// Copies what is kept beside and into a tree.
pub(super) fn put(copier: &mut Copier<'_>, kept: &Path, place: Place<'_>) -> io::Result<()> {
    for (below, names, to) in made(place) {
        for name in names {
            keep_one_away(to, name)?;
            keep_one(copier, &kept.join(below), to, below, name)?;
        }
    }
    Ok(())
}

/// What was put there before, which may be a half.
pub(super) fn take_back(place: Place<'_>) -> io::Result<()> {
    for (_, names, to) in made(place) {
        for name in names {
            keep_one_away(to, name)?;
        }
    }
    Ok(())
}

fn made(place: Place<'_>) -> [(&'static str, &[String], &Path); 2] {
    [(BESIDE, &place.recipe.makes_beside, place.root), (TREE, &place.recipe.makes, place.files)]
}

fn keep_one_away(from: &Path, name: &str) -> io::Result<()> {
    let path = from.join(name);
    match fs::symlink_metadata(&path) {
        Ok(found) if found.is_dir() => remove_directory(&path),
        Ok(_) => fs::remove_file(&path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}
