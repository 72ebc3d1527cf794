//! What is overridden in every git call, so that nothing planted in a repository runs: the fixed keys, and every filter, merge
//! driver, diff driver and transport program that any configuration file names.
//!
//! The overrides travel as `GIT_CONFIG_COUNT` variables, not as `-c`: a subsection may contain `=`, where `-c` would split the key at
//! the wrong place.
//!
//! The names are read anew when one of the configuration files changed (device, inode, size, modification and change time), and on
//! every call when the repository's own configuration includes other files. What remains is the time between reading the names and
//! git reading its configuration, some milliseconds.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// What stands for every merge driver: git's own merge of texts, with markers. Doing nothing would pass our side off as resolved.
const TEXT_MERGE: &[u8] = b"git merge-file -q --marker-size=%L -L ours -L base -L theirs %A %O %B || exit 1";

/// Keys with the value they get in every call.
const FIXED: &[(&str, &str)] = &[
    ("core.fsmonitor", "false"),
    ("core.pager", "cat"),
    ("core.editor", "true"),
    ("sequence.editor", "true"),
    ("core.askPass", ""),
    ("core.sshCommand", "ssh -o BatchMode=yes"),
    ("core.gitProxy", ""),
    ("core.alternateRefsCommand", "true"),
    ("core.quotePath", "true"),
    ("core.splitIndex", "false"),
    ("credential.helper", ""),
    ("commit.gpgSign", "false"),
    ("tag.gpgSign", "false"),
    ("log.showSignature", "false"),
    ("merge.verifySignatures", "false"),
    ("merge.renormalize", "false"),
    ("merge.autoStash", "false"),
    ("rebase.autoStash", "false"),
    ("rebase.autoSquash", "false"),
    ("rebase.updateRefs", "false"),
    ("rebase.missingCommitsCheck", "ignore"),
    ("rebase.instructionFormat", ""),
    ("rerere.enabled", "false"),
    ("i18n.commitEncoding", "UTF-8"),
    ("i18n.logOutputEncoding", "UTF-8"),
    ("diff.external", ""),
    ("diff.noprefix", "false"),
    ("diff.mnemonicPrefix", "false"),
    ("diff.suppressBlankEmpty", "false"),
    ("diff.autoRefreshIndex", "true"),
    ("diff.submodule", "short"),
    ("status.submoduleSummary", "false"),
    ("status.showUntrackedFiles", "all"),
    ("submodule.recurse", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("apply.ignoreWhitespace", "no"),
    ("apply.whitespace", "nowarn"),
    ("advice.addEmbeddedRepo", "false"),
    ("protocol.ext.allow", "never"),
    ("protocol.fd.allow", "never"),
    ("uploadpack.packObjectsHook", ""),
    ("gc.auto", "0"),
    ("gc.autoDetach", "false"),
    ("maintenance.auto", "false"),
    ("checkout.workers", "0"),
    ("checkout.thresholdForParallelism", "20000"),
    ("core.fsync", "committed,loose-object"),
    ("core.fsyncMethod", "batch"),
];

/// The overrides of one repository, ready to be put into an environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Overrides {
    /// Keys and values in order; later ones win.
    pub(super) pairs: Vec<(Vec<u8>, Vec<u8>)>,
    /// Whether `user.name` and `user.email` are both set somewhere.
    pub(super) identity: bool,
    /// Whether the repository has remotes it may fetch missing objects from.
    pub(super) partial: bool,
}

/// The fixed part. `hooks` is an empty directory that only we write to.
pub(super) fn fixed(hooks: &Path, lfs: bool) -> Vec<(Vec<u8>, Vec<u8>)> {
    use std::os::unix::ffi::OsStrExt as _;
    let mut pairs: Vec<(Vec<u8>, Vec<u8>)> =
        FIXED.iter().map(|(key, value)| (key.as_bytes().to_vec(), value.as_bytes().to_vec())).collect();
    pairs.push((b"core.hooksPath".to_vec(), hooks.as_os_str().as_bytes().to_vec()));
    if lfs {
        // By name, with these words: what a repository's configuration says of it does not count.
        for (key, value) in [
            ("filter.lfs.clean", "git-lfs clean -- %f"),
            ("filter.lfs.smudge", "git-lfs smudge -- %f"),
            ("filter.lfs.process", "git-lfs filter-process"),
            ("filter.lfs.required", "true"),
        ] {
            pairs.push((key.as_bytes().to_vec(), value.as_bytes().to_vec()));
        }
    }
    pairs
}

/// What `git config --list -z --show-scope --show-origin --includes` said.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Listing {
    /// Overrides for what it names.
    pub(super) overrides: Overrides,
    /// Files it came from.
    pub(super) files: Vec<PathBuf>,
    /// Whether the repository's own files include others: then a file that is empty today may matter tomorrow.
    pub(super) includes: bool,
}

/// Reads such a listing; relative file names are relative to `directory`.
pub(super) fn listing(output: &[u8], directory: &Path, lfs: bool) -> Listing {
    let mut found = Listing::default();
    let mut name = false;
    let mut email = false;
    let mut fields = output.split(|byte| *byte == 0);
    while let (Some(scope), Some(origin), Some(entry)) = (fields.next(), fields.next(), fields.next()) {
        if scope == b"command" {
            continue;
        }
        if let Some(file) = origin.strip_prefix(b"file:") {
            let file = directory.join(super::text::os(file));
            if !found.files.contains(&file) {
                found.files.push(file);
            }
        }
        let key = entry.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let value = entry.get(key.len() + 1..).unwrap_or_default();
        name |= key == b"user.name" && !value.is_empty();
        email |= key == b"user.email" && !value.is_empty();
        let own = scope == b"local" || scope == b"worktree";
        found.includes |= own && (key == b"include.path" || key.starts_with(b"includeif."));
        found.overrides.partial |= key == b"extensions.partialclone" || key.ends_with(b".promisor");
        if let Some(pair) = neutral(key, lfs)
            && !found.overrides.pairs.contains(&pair)
        {
            found.overrides.pairs.push(pair);
        }
    }
    found.overrides.identity = name && email;
    found
}

/// The harmless value of a key that names a program.
fn neutral(key: &[u8], lfs: bool) -> Option<(Vec<u8>, Vec<u8>)> {
    let first = key.iter().position(|byte| *byte == b'.')?;
    let last = key.iter().rposition(|byte| *byte == b'.')?;
    if first == last {
        return match key {
            b"lfs.standalonetransferagent" => Some((key.to_vec(), Vec::new())),
            _ => None,
        };
    }
    let (section, subsection, variable) = (&key[..first], &key[first + 1..last], &key[last + 1..]);
    let value: &[u8] = match (section, variable) {
        (b"filter", b"clean" | b"smudge" | b"process" | b"required") if lfs && subsection == b"lfs" => return None,
        (b"filter", b"required") => b"false",
        (b"merge", b"driver") => TEXT_MERGE,
        (b"remote", b"uploadpack") => b"git-upload-pack",
        (b"remote", b"receivepack") => b"git-receive-pack",
        (b"filter", b"clean" | b"smudge" | b"process")
        | (b"diff", b"command" | b"textconv")
        | (b"credential", b"helper")
        | (b"lfs", b"path" | b"clean" | b"smudge" | b"standalonetransferagent") => b"",
        _ => return None,
    };
    Some((key.to_vec(), value.to_vec()))
}

/// What tells that a file changed. The change time cannot be set back by who writes the file.
type Mark = Option<(u64, u64, u64, i64, i64, i64, i64)>;

fn mark(file: &Path) -> Mark {
    let meta = fs::metadata(file).ok()?;
    Some((meta.dev(), meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec()))
}

/// Overrides by repository and worktree, as long as no file changed.
#[derive(Debug, Default)]
pub(super) struct Cache {
    known: Mutex<HashMap<PathBuf, Known>>,
}

#[derive(Debug)]
struct Known {
    marks: Vec<(PathBuf, Mark)>,
    overrides: Arc<Overrides>,
}

impl Cache {
    /// What a worktree without a configuration of its own takes over from its repository, when that is known and unchanged.
    fn inherited(&self, git_dir: &Path, common_dir: &Path) -> Option<Arc<Overrides>> {
        let own = git_dir.join("config.worktree");
        if git_dir == common_dir || mark(&own).is_some() {
            return None;
        }
        let all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.get(common_dir)?;
        let unchanged = known.marks.iter().all(|(file, was)| mark(file) == *was);
        // Not remembered by worktree: those come and go.
        unchanged.then(|| Arc::clone(&known.overrides))
    }

    /// The overrides for a git directory; `list` asks git for the listing when something changed.
    pub(super) fn of<E>(
        &self,
        git_dir: &Path,
        common_dir: &Path,
        list: impl FnOnce() -> Result<Listing, E>,
    ) -> Result<Arc<Overrides>, E> {
        if let Some(known) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(git_dir)
            && known.marks.iter().all(|(file, was)| mark(file) == *was)
        {
            return Ok(Arc::clone(&known.overrides));
        }
        if let Some(overrides) = self.inherited(git_dir, common_dir) {
            return Ok(overrides);
        }
        // Marked before git reads them: a change in between is seen the next time.
        let fixed = [common_dir.join("config"), common_dir.join("config.worktree"), git_dir.join("config.worktree")];
        let before: Vec<(PathBuf, Mark)> = fixed.into_iter().map(|file| (file.clone(), mark(&file))).collect();
        let started = crate::base::clock::now();
        let listing = list()?;
        let overrides = Arc::new(listing.overrides);
        let mut marks = before;
        for file in listing.files {
            if !marks.iter().any(|(known, _)| *known == file) {
                let mark = mark(&file);
                marks.push((file, mark));
            }
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // A file written in this very tick of the clock may be written again without a visible mark.
        let fresh =
            marks.iter().any(|(_, mark)| mark.is_some_and(|mark| mark.5 * 1000 + mark.6 / 1_000_000 >= started - 20));
        if listing.includes || fresh {
            known.remove(git_dir);
        } else {
            if known.len() > 512 {
                known.clear();
            }
            known.insert(git_dir.to_owned(), Known { marks, overrides: Arc::clone(&overrides) });
        }
        Ok(overrides)
    }
}

#[cfg(test)]
mod tests;
