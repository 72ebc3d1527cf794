//! Which commits cannot be below a ref, because the ref was there before they were made.
//!
//! Asking git which refs contain a commit takes a process for every removal. Most of the time the answer follows from what was seen:
//! a ref that already pointed where it points before a commit was made does not contain it, and a commit that was made here contains
//! what its parents contain. Whoever cannot tell from that asks git.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::model::id::Oid;

use super::loose::listing::{Listings, Refs};

/// Commits that are remembered: about 200 bytes each. Forgetting costs a question, nothing else.
const REMEMBERED: usize = 4096;

/// Where branches and tags of everybody are.
const EVERYBODYS: [&str; 3] = ["refs/heads", "refs/remotes", "refs/tags"];

/// What was seen and made, in order.
#[derive(Debug, Default)]
pub(super) struct Ages {
    known: Mutex<Known>,
    listings: Listings,
}

#[derive(Debug, Default)]
struct Known {
    now: u64,
    /// Since when it is known that refs point there.
    seen: HashMap<Oid, u64>,
    /// When a commit was made here, and on what.
    made: HashMap<Oid, (u64, Vec<Oid>)>,
}

impl Ages {
    /// Everybody's refs, if their files tell.
    fn refs(&self, common_dir: &Path) -> Option<Vec<Refs>> {
        self.listings.of(common_dir, &EVERYBODYS)
    }

    /// Notes where refs point, before something is made.
    pub(super) fn observe(&self, common_dir: &Path) {
        let Some(refs) = self.refs(common_dir) else { return };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.now += 1;
        let now = known.now;
        if known.seen.len() > REMEMBERED {
            *known = Known { now, ..Known::default() };
        }
        for (_, oid) in refs.iter().flat_map(|refs| refs.iter()) {
            if !known.seen.contains_key(oid) {
                known.seen.insert(oid.clone(), now);
            }
        }
    }

    /// Notes that a commit was made.
    pub(super) fn made(&self, commit: &Oid, parents: &[&Oid]) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.now += 1;
        let now = known.now;
        if known.made.len() > REMEMBERED {
            *known = Known { now, ..Known::default() };
        }
        let parents = parents.iter().map(|parent| (*parent).clone()).collect();
        known.made.entry(commit.clone()).or_insert((now, parents));
    }

    /// Whether a commit is known to be one that the repository has, or had a moment ago.
    pub(super) fn knows(&self, commit: &Oid) -> bool {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.made.contains_key(commit) || known.seen.contains_key(commit)
    }

    /// Whether it is certain that no ref of everybody's but `own` has a commit.
    pub(super) fn only_in(&self, common_dir: &Path, own: &str, commit: &Oid) -> bool {
        let Some(refs) = self.refs(common_dir) else { return false };
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((born, _)) = known.made.get(commit) else { return false };
        let mut others = refs.iter().flat_map(|refs| refs.iter()).filter(|(name, _)| name != own);
        others.all(|(_, tip)| known.lacks(tip, commit, *born))
    }
}

impl Known {
    /// Whether a tip certainly does not contain a commit that was made at `born`.
    fn lacks(&self, tip: &Oid, commit: &Oid, born: u64) -> bool {
        let mut open = vec![tip];
        let mut looked = 0;
        while let Some(tip) = open.pop() {
            looked += 1;
            if tip == commit || looked > REMEMBERED {
                return false;
            }
            if self.seen.get(tip).is_some_and(|since| *since < born) {
                continue;
            }
            match self.made.get(tip) {
                Some((_, parents)) => open.extend(parents),
                None => return false,
            }
        }
        true
    }
}

#[cfg(test)]
mod tests;
