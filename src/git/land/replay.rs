//! Replays a session's commits onto the target without a checkout: authors and dates are kept, and a repeat gives the same commits.

use crate::model::Refusal;
use crate::model::id::Oid;
use crate::model::landing::Landing;

use super::{Made, contains};
use crate::git::command::{Git, Place};
use crate::git::merge;
use crate::git::preflight::short;
use crate::git::snapshot::{Signature, commit, tree_of};

/// One commit as it is stored.
struct Original {
    parent: Oid,
    author: (String, String, String),
    message: Vec<u8>,
}

/// Every commit that the target lacks, on top of it.
pub(super) fn replay(git: &Git, place: &Place, landing: &Landing) -> Result<Made, Refusal> {
    let range = format!("{}..{}", landing.onto_commit, landing.head);
    let listed = git.call(place).args(["rev-list", "--reverse", "--topo-order", "--no-merges", &range]).text()?;
    let merges = git.call(place).args(["rev-list", "--merges", "--count", &range]).text()?;
    let mut onto = landing.onto_commit.clone();
    if merges.trim() == "0" && !listed.is_empty() && contains(git, place, &landing.head, &landing.onto_commit)? {
        // It grew straight from the target: its own commits are the result.
        return Ok(Made::Commit(landing.head.clone()));
    }
    let at = landing.started_at.div_euclid(1000);
    for oid in listed.lines().map(Oid::from) {
        let original = read(git, place, &oid)?;
        let picked = merge::pick(git, place, &original.parent, &oid, &onto)?;
        if !picked.conflicts.is_empty() {
            return Ok(Made::Conflicts(picked.conflicts));
        }
        if picked.tree == tree_of(git, place, &onto)? {
            // The target has this change already.
            continue;
        }
        let signature = Signature { author: Some(original.author), at: Some(at) };
        onto = commit(git, place, &picked.tree, &[&onto], &original.message, &signature)?;
    }
    if onto == landing.onto_commit {
        return Ok(Made::Nothing(format!("there is nothing to land: {} has it all", short(&landing.onto))));
    }
    Ok(Made::Commit(onto))
}

/// Reads a commit's parent, author and message.
fn read(git: &Git, place: &Place, oid: &Oid) -> Result<Original, Refusal> {
    let content = git.call(place).args(["cat-file", "commit", oid.as_str()]).ok()?;
    let broken =
        || Refusal::environment(format!("the commit {} cannot be replayed: it has no parent or author", oid.short()));
    let end = content.windows(2).position(|pair| pair == b"\n\n").ok_or_else(broken)?;
    let header = String::from_utf8_lossy(&content[..end]).into_owned();
    let field = |name: &str| header.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let parent = Oid(field("parent").ok_or_else(broken)?.to_owned());
    let author = field("author").ok_or_else(broken)?;
    let (name, rest) = author.split_once('<').ok_or_else(broken)?;
    let (email, date) = rest.rsplit_once('>').ok_or_else(broken)?;
    let author = (name.trim().to_owned(), email.to_owned(), format!("@{}", date.trim()));
    Ok(Original { parent, author, message: content[end + 2..].to_vec() })
}
