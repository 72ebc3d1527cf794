//! Which instances of a dataset are meant.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use super::instance::{Dataset, Instance};

/// What is asked for; everything that is given has to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Only these ids.
    pub ids: Vec<String>,
    /// Only these projects: `owner/repo`, or `repo`.
    pub repos: Vec<String>,
    /// Only projects in these languages.
    pub languages: Vec<String>,
    /// Draw, reproducibly.
    pub seed: Option<u64>,
    /// At most so many: with a seed drawn, otherwise the first ones.
    pub size: Option<usize>,
}

impl Selection {
    /// The instances, in the order of the dataset.
    ///
    /// # Errors
    /// The ids that the dataset does not have.
    pub fn of<'d>(&self, dataset: &'d Dataset) -> Result<Vec<&'d Instance>, Vec<String>> {
        let known: BTreeSet<&str> = dataset.instances.iter().map(|instance| &*instance.instance_id).collect();
        let unknown: Vec<String> = self.ids.iter().filter(|id| !known.contains(&***id)).cloned().collect();
        if !unknown.is_empty() {
            return Err(unknown);
        }
        let wanted: BTreeSet<&str> = self.ids.iter().map(String::as_str).collect();
        let mut chosen: Vec<_> = dataset
            .instances
            .iter()
            .filter(|instance| wanted.is_empty() || wanted.contains(&*instance.instance_id))
            .filter(|instance| self.repos.is_empty() || self.repos.iter().any(|repo| is_repo(&instance.repo, repo)))
            .filter(|instance| {
                let spoken = instance.language().map_or("", |language| language.name());
                self.languages.is_empty() || self.languages.iter().any(|language| language.eq_ignore_ascii_case(spoken))
            })
            .collect();
        let Some(size) = self.size.filter(|size| *size < chosen.len()) else { return Ok(chosen) };
        if let Some(seed) = self.seed {
            let mut lots: Vec<_> = chosen.iter().map(|instance| lot(seed, &instance.instance_id)).collect();
            lots.sort_unstable();
            let last = lots[size.saturating_sub(1)];
            chosen.retain(|instance| size > 0 && lot(seed, &instance.instance_id) <= last);
        } else {
            chosen.truncate(size);
        }
        Ok(chosen)
    }
}

fn is_repo(repo: &str, wanted: &str) -> bool {
    repo.eq_ignore_ascii_case(wanted) || repo.rsplit('/').next().is_some_and(|name| name.eq_ignore_ascii_case(wanted))
}

/// What an instance draws; depends on nothing but the seed and its id, so that two datasets draw alike what they share.
fn lot(seed: u64, instance_id: &str) -> [u8; 32] {
    Sha256::new().chain_update(seed.to_le_bytes()).chain_update(instance_id).finalize().into()
}

#[cfg(test)]
mod tests;
