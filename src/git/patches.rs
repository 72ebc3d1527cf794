//! What many commits changed, asked of one git process: for reports.

use std::path::Path;

use crate::model::Refusal;
use crate::model::id::Oid;

use super::command::{Git, LONG_DEADLINE, Place};
use super::inspect;

/// Output that is kept, bytes.
const MOST: usize = 64 * 1024 * 1024;

/// The patches of `changes` (a commit and what it is compared with), in their order.
pub(super) fn patches(
    git: &Git,
    repository: &str,
    changes: &[(Oid, Oid)],
    limit: usize,
) -> Result<Vec<String>, Refusal> {
    let mut found = vec![String::new(); changes.len()];
    let wanted: Vec<usize> = (0..changes.len()).filter(|at| changes[*at].0 != changes[*at].1).collect();
    if wanted.is_empty() {
        return Ok(found);
    }
    let facts = inspect::inspect(git, repository)?.facts;
    let place = Place::Common(Path::new(&facts.common_dir).to_owned());
    // A commit with the parent it is to be taken for: git writes its id, then the patch.
    let lines: Vec<String> = wanted.iter().map(|at| format!("{} {}\n", changes[*at].0, changes[*at].1)).collect();
    let input = lines.concat();
    let finished = git
        .call(&place)
        .args(["diff-tree", "--stdin", "-r", "-p", "--always", "--no-color", "--no-ext-diff", "--no-textconv"])
        .args(["--find-renames", "--unified=3", "--no-relative", "--src-prefix=a/", "--dst-prefix=b/"])
        .input(input)
        .limit(MOST)
        .deadline(LONG_DEADLINE)
        .run()?;
    // Lines of a patch never begin with a digit or letter that makes them a commit's id, so an id alone begins the next patch.
    let mut next = wanted.iter();
    let mut current: Option<usize> = None;
    let mut upcoming = next.next();
    for line in String::from_utf8_lossy(&finished.stdout).lines() {
        if let Some(at) = upcoming
            && line == changes[*at].0.as_str()
        {
            current = Some(*at);
            upcoming = next.next();
            continue;
        }
        let Some(patch) = current.map(|at| &mut found[at]) else { continue };
        if patch.len() + line.len() < limit {
            patch.push_str(line);
            patch.push('\n');
        } else if !patch.ends_with("[cut]\n") {
            patch.push_str("[cut]\n");
        }
    }
    Ok(found)
}
