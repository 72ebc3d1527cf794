//! Copies of directories that know where they lie: what names the place they were made in is found once, and rewritten in each copy.
//!
//! Links of any kind would let what a case writes reach the next one, so every copy has files of its own.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, FileTimes, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use memchr::memmem::Finder;
use sha2::{Digest as _, Sha256};

use crate::base::hex;

/// Copies trees, counts what is in them, and hashes all of it as it is where it comes from.
pub(super) struct Copier<'a> {
    place: Finder<'a>,
    what: What<'a>,
    hash: Sha256,
    /// Files so far.
    pub(super) files: u64,
    /// Their bytes.
    pub(super) bytes: u64,
}

/// What is done with files that name the place.
enum What<'a> {
    /// They are taken down: those that can be rewritten, and one that cannot.
    Find { naming: BTreeSet<String>, fixed: Option<String> },
    /// They are rewritten.
    Rewrite { to: &'a [u8], naming: &'a BTreeSet<String> },
}

/// What was found in a tree.
pub(super) struct Found {
    /// The files that name the place, as texts do.
    pub(super) naming: BTreeSet<String>,
    /// One that names it as no text does, and so cannot be moved.
    pub(super) fixed: Option<String>,
}

impl<'a> Copier<'a> {
    /// Copies of a tree that was made at `place`, to find what names it.
    pub(super) fn finding(place: &'a Path) -> Self {
        Self::new(place, What::Find { naming: BTreeSet::new(), fixed: None })
    }

    /// Copies that name `to` where these files name `place`.
    pub(super) fn rewriting(place: &'a Path, to: &'a Path, naming: &'a BTreeSet<String>) -> Self {
        Self::new(place, What::Rewrite { to: to.as_os_str().as_bytes(), naming })
    }

    fn new(place: &'a Path, what: What<'a>) -> Self {
        let place = Finder::new(place.as_os_str().as_bytes());
        Self { place, what, hash: Sha256::new(), files: 0, bytes: 0 }
    }

    /// Copies a file, a link, or a directory with everything in it; `name` is what it is called here. `to` must not exist.
    pub(super) fn copy(&mut self, from: &Path, to: &Path, name: &str) -> io::Result<()> {
        let metadata = fs::symlink_metadata(from)?;
        let mode = metadata.permissions().mode() & 0o7777;
        if metadata.is_symlink() {
            let target = fs::read_link(from)?.into_os_string().into_vec();
            self.note(b"link", name, 0, &target);
            let target = self.moved(target);
            symlink(std::ffi::OsStr::from_bytes(&target), to)
        } else if metadata.is_dir() {
            self.note(b"directory", name, mode, b"");
            // Its owner has to be able to fill it; what it may be is said afterwards.
            DirBuilder::new().mode(0o700).create(to)?;
            let mut names = fs::read_dir(from)?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()?;
            names.sort();
            for entry in names {
                let below = format!("{name}/{}", entry.to_string_lossy());
                self.copy(&from.join(&entry), &to.join(&entry), &below)?;
            }
            fs::set_permissions(to, Permissions::from_mode(mode))
        } else if metadata.is_file() {
            let bytes = fs::read(from)?;
            self.note(b"file", name, mode, &bytes);
            self.files += 1;
            self.bytes += bytes.len() as u64;
            let bytes = self.look(name, bytes);
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
            file.write_all(&bytes)?;
            file.set_permissions(Permissions::from_mode(mode))?;
            // What was compiled of a file holds as long as that is as old as it was.
            file.set_times(FileTimes::new().set_modified(metadata.modified()?))
        } else {
            // A socket or a pipe is of a process that made the environment and is gone.
            Ok(())
        }
    }

    fn note(&mut self, kind: &[u8], name: &str, mode: u32, content: &[u8]) {
        for part in [kind, name.as_bytes(), &mode.to_le_bytes(), content] {
            self.hash.update((part.len() as u64).to_le_bytes());
            self.hash.update(part);
        }
    }

    /// The content of a file's copy.
    fn look(&mut self, name: &str, bytes: Vec<u8>) -> Vec<u8> {
        match &mut self.what {
            // Python corrects the names in what it compiled when it loads it.
            What::Find { .. } if Path::new(name).extension().is_some_and(|extension| extension == "pyc") => {}
            What::Find { naming, fixed } => {
                if self.place.find(&bytes).is_some() {
                    if bytes.contains(&0) {
                        fixed.get_or_insert_with(|| name.to_owned());
                    } else {
                        naming.insert(name.to_owned());
                    }
                }
            }
            What::Rewrite { naming, .. } if naming.contains(name) => return self.moved(bytes),
            What::Rewrite { .. } => {}
        }
        bytes
    }

    /// With another place in the place of the one that is named.
    fn moved(&self, bytes: Vec<u8>) -> Vec<u8> {
        let What::Rewrite { to, .. } = &self.what else { return bytes };
        let mut moved = Vec::with_capacity(bytes.len());
        let mut rest = 0;
        for at in self.place.find_iter(&bytes) {
            moved.extend_from_slice(&bytes[rest..at]);
            moved.extend_from_slice(to);
            rest = at + self.place.needle().len();
        }
        moved.extend_from_slice(&bytes[rest..]);
        moved
    }

    /// Says what was found, and the hash of everything.
    pub(super) fn end(self) -> (Found, String) {
        let digest = hex::encode(&self.hash.finalize());
        match self.what {
            What::Find { naming, fixed } => (Found { naming, fixed }, digest),
            What::Rewrite { .. } => (Found { naming: BTreeSet::new(), fixed: None }, digest),
        }
    }
}

/// Whether somebody holds a file's lock, and the file with the lock where nobody did.
pub(super) fn try_lock(path: &Path, shared: bool) -> io::Result<Option<File>> {
    let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(0o600).open(path)?;
    let locked = if shared { file.try_lock_shared() } else { file.try_lock() };
    match locked {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}
