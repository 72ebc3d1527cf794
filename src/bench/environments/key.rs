//! What an environment is known by: a hash of everything that decides what is in it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::base::hex;
use crate::bench::machine::Unrun;
use crate::eval::case::is_inside;
use crate::eval::case::recipe::{Recipe, named_by};

/// Files of a tree that a recipe reads at most.
const FILES: usize = 20_000;

/// A file of the tree that a recipe reads.
pub(super) struct Read {
    /// Its path below the tree.
    pub(super) path: String,
    /// Where it is.
    pub(super) from: PathBuf,
    /// A hash of it.
    pub(super) hash: String,
}

/// What of a tree a recipe reads, sorted, each once.
pub(super) fn reads(recipe: &Recipe, tree: &Path) -> Result<Vec<Read>, Unrun> {
    let root = tree.canonicalize().map_err(|error| unread(tree, &error))?;
    let mut all = Vec::new();
    let mut open = recipe.requirements.clone();
    let mut seen = std::collections::BTreeSet::new();
    while let Some(path) = open.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        let Some(from) = found(&root, &path)? else { continue };
        if let Ok(text) = fs::read_to_string(&from) {
            open.extend(named_by(&path, &text));
        }
        gather(&root, &path, &mut all)?;
    }
    for path in &recipe.reads {
        gather(&root, path, &mut all)?;
    }
    all.sort_by(|a, b| a.path.cmp(&b.path));
    all.dedup_by(|a, b| a.path == b.path);
    Ok(all)
}

/// Where a path of the tree is; absent when it is not there. A link does not lead out of the tree.
fn found(root: &Path, path: &str) -> Result<Option<PathBuf>, Unrun> {
    if !is_inside(path) {
        return Err(Unrun::Never(format!("the environment reads {path:?}, which is no path below the tree")));
    }
    match root.join(path).canonicalize() {
        Ok(real) if real.starts_with(root) => Ok(Some(real)),
        Ok(_) => Err(Unrun::Never(format!("the environment reads {path:?}, which leads out of the tree"))),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(unread(&root.join(path), &error)),
    }
}

fn gather(root: &Path, path: &str, all: &mut Vec<Read>) -> Result<(), Unrun> {
    let Some(from) = found(root, path)? else { return Ok(()) };
    let unread = |error: io::Error| unread(&from, &error);
    if from.is_dir() {
        for entry in fs::read_dir(&from).map_err(unread)? {
            let name = entry.map_err(unread)?.file_name();
            let name = name.to_str().ok_or_else(|| Unrun::Never(format!("a name in {path:?} is not valid UTF-8")))?;
            gather(root, &format!("{path}/{name}"), all)?;
        }
    } else {
        if all.len() == FILES {
            return Err(Unrun::Never(format!("the environment reads more than {FILES} files")));
        }
        let hash = hex::encode(&Sha256::digest(fs::read(&from).map_err(unread)?));
        all.push(Read { path: path.to_owned(), from, hash });
    }
    Ok(())
}

fn unread(path: &Path, error: &io::Error) -> Unrun {
    Unrun::Failed(format!("failed to read {}: {error}", path.display()))
}

/// The key of what a recipe makes of these files, with these variables and tools, where `found` is what it found.
pub(super) fn key<'a>(
    recipe: &Recipe,
    found: &str,
    reads: &[Read],
    variables: impl Iterator<Item = &'a (String, String)>,
    tools: &[(String, String)],
) -> String {
    let mut hash = Sha256::new();
    let mut add = |part: &str| {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    };
    for part in ["1", std::env::consts::OS, std::env::consts::ARCH, &recipe.text(), found, "reads"] {
        add(part);
    }
    for read in reads {
        add(&read.path);
        add(&read.hash);
    }
    add("variables");
    for (name, value) in variables {
        add(name);
        add(value);
    }
    add("tools");
    for (name, said) in tools {
        add(name);
        add(said);
    }
    hex::encode(&hash.finalize())
}
