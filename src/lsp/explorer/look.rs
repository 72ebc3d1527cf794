//! Looks for plans and suites in folders, without ever taking long.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Paper, Papers};
use crate::lsp::own::yaml;

/// Directories that are looked into at most.
const DIRECTORIES: usize = 4_000;
/// How deep.
const DEPTH: usize = 8;
/// Files larger than this are neither, bytes.
const LARGEST: u64 = 1 << 20;
/// Documents that are told at most.
const MOST: usize = 500;
/// Where nobody keeps them, beside what is hidden.
const ELSEWHERE: &[&str] = &["node_modules", "target", "vendor", "dist", "build", "__pycache__", "venv"];

/// All plans and suites below these folders.
pub fn all(folders: &[PathBuf]) -> Papers {
    let mut papers = Papers::new();
    let mut left = DIRECTORIES;
    let mut ahead: std::collections::VecDeque<(PathBuf, usize)> =
        folders.iter().map(|folder| (folder.clone(), 0)).collect();
    while let Some((folder, depth)) = ahead.pop_front() {
        if left == 0 || papers.len() >= MOST {
            break;
        }
        left -= 1;
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            let Ok(kind) = entry.file_type() else { continue };
            // A link may lead out of the folder, or in a circle.
            if kind.is_dir() {
                let skipped = name.starts_with('.') && name != ".divisi" || ELSEWHERE.contains(&name.as_ref());
                if !skipped && depth < DEPTH {
                    ahead.push_back((path, depth + 1));
                }
            } else if kind.is_file()
                && let Some(paper) = read(&path)
            {
                papers.insert(path, paper);
            }
        }
    }
    papers
}

/// A file, if it is a plan or a suite.
fn read(path: &Path) -> Option<Paper> {
    let extension = path.extension()?.to_str()?;
    let named = path.file_stem()?.to_str()?.ends_with(|c: char| c.is_ascii_alphanumeric());
    if !["yaml", "yml", "json"].contains(&extension) || !named {
        return None;
    }
    let size = fs::metadata(path).ok()?.len();
    if size == 0 || size > LARGEST {
        return None;
    }
    let text = fs::read_to_string(path).ok()?;
    let kind = yaml::of(path, &text)?.name;
    ["plan", "suite"].contains(&kind).then_some(Paper { kind, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_and_suites_are_found_and_nothing_else() {
        let home = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| {
            let path = home.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            path
        };
        let plan = put("a b/plan.yaml", "version: 3\nagents: []\ntasks: []\n");
        let gates = put("deep/er/x.yml", "version: 1\nevaluators: []\n");
        let hidden = put(".divisi/y.json", "{\"version\": 1, \"evaluators\": []}");
        put("node_modules/plan.yaml", "version: 3\nagents: []\ntasks: []\n");
        put("compose.yaml", "version: 3\nservices: {}\n");
        put("bench.yaml", "version: 1\ncases: []\n");
        put(".git/plan.yaml", "version: 3\nagents: []\ntasks: []\n");
        let found = all(&[home.path().to_owned()]);
        let kinds: Vec<(&PathBuf, &str)> = found.iter().map(|(path, paper)| (path, paper.kind)).collect();
        assert_eq!(kinds, [(&hidden, "suite"), (&plan, "plan"), (&gates, "suite")]);
    }
}
