//! The packages that an environment has, as their installers have written them down.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::eval::case::recipe::Recipe;

/// How deep packages of Python lie below what is made: `lib/python3.9/site-packages`.
const DEPTH: usize = 5;

/// The packages with their versions, sorted: of Python by the names of their descriptions, of npm by its own list.
pub(super) fn packages(recipe: &Recipe, files: &Path, root: &Path) -> Vec<String> {
    let mut found = BTreeSet::new();
    let beside = recipe.makes_beside.iter().map(|name| root.join(name));
    for path in beside.chain(recipe.makes.iter().map(|name| files.join(name))) {
        python(&path, DEPTH, &mut found);
        npm(&path, &mut found);
    }
    found.into_iter().collect()
}

fn python(directory: &Path, depth: usize, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let name = entry.file_name().to_string_lossy().into_owned();
        if let Some((package, version)) = name.strip_suffix(".dist-info").and_then(|name| name.rsplit_once('-')) {
            found.insert(format!("{package}=={version}"));
        } else if depth > 0 && name != "node_modules" {
            python(&entry.path(), depth - 1, found);
        }
    }
}

/// What npm says that it has installed in a directory of packages.
fn npm(directory: &Path, found: &mut BTreeSet<String>) {
    let list = fs::read(directory.join(".package-lock.json")).unwrap_or_default();
    let list: Value = serde_json::from_slice(&list).unwrap_or_default();
    for (path, package) in list["packages"].as_object().into_iter().flatten() {
        let name = path.rsplit("node_modules/").next().unwrap_or(path);
        if let Some(version) = package["version"].as_str() {
            found.insert(format!("{name}@{version}"));
        }
    }
}
