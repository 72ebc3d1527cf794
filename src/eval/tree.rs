//! The files of a checkout, and what programs mean when they name one.

use std::collections::BTreeSet;

/// Components of a name that is looked at.
const DEEP: usize = 100;

/// A checkout.
#[derive(Debug, Clone, Copy)]
pub struct Tree<'a> {
    /// Its path, as programs see it.
    pub root: &'a str,
    /// The files of its commit, relative.
    pub files: &'a BTreeSet<String>,
}

impl Tree<'_> {
    /// The file of the commit that a program means. Programs name files from the checkout, in full, from somewhere below (cobertura), or
    /// behind the name of a package (go). What is no file of the commit is nothing that a person could be sent to: it may lie anywhere.
    pub fn place(&self, named: &str) -> Option<String> {
        let below = named.strip_prefix(self.root).and_then(|rest| rest.strip_prefix('/'));
        let parts = parts(below.unwrap_or(named))?;
        (0..parts.len()).map(|from| parts[from..].join("/")).find(|path| self.files.contains(path))
    }
}

/// The components of a path, without what leads nowhere; none when it leads out of where it begins, or is no path.
fn parts(path: &str) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part if parts.len() < DEEP => parts.push(part),
            _ => return None,
        }
    }
    Some(parts)
}

#[cfg(test)]
mod tests;
