//! Files: the lock file by which an agent finds an endpoint, and the note by which the next daemon finds it again.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::base::atomic_write::atomic_write;
use crate::base::hex;
use crate::base::path::private_directory;

/// What is known of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    pub(super) port: u16,
    pub(super) token: String,
    /// The agent's lock file.
    pub(super) lock: PathBuf,
    pub(super) worktree: String,
}

/// Where Claude Code looks: `ide` in its configuration directory, as the process with this environment sees it.
pub(super) fn directory(environment: &BTreeMap<String, String>) -> Option<PathBuf> {
    let absolute = |path: PathBuf| path.is_absolute().then_some(path);
    let given = environment.get("CLAUDE_CONFIG_DIR").filter(|path| !path.is_empty());
    match given {
        Some(given) => absolute(PathBuf::from(given)),
        None => absolute(Path::new(environment.get("HOME")?).join(".claude")),
    }
    .map(|config| config.join("ide"))
}

/// Where the note of a process is.
pub(super) fn note_file(notes: &Path, job: &str) -> PathBuf {
    notes.join(format!("{}.json", hex::encode(job.as_bytes())))
}

/// Writes the note, then the lock file; both for this user only.
pub(super) fn write(note_file: &Path, note: &Note) -> io::Result<()> {
    if let Some(notes) = note_file.parent() {
        private_directory(notes)?;
    }
    let text = serde_json::to_vec(note).map_err(io::Error::other)?;
    atomic_write(note_file, &text)?;
    if let Some(directory) = note.lock.parent() {
        private_directory(directory)?;
    }
    // The port is ours, so whatever has this name is of somebody who is gone. A link is replaced, not followed.
    match fs::remove_file(&note.lock) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let lock = json!({
        "pid": std::process::id(),
        "workspaceFolders": [note.worktree],
        "ideName": "Neovim (divisi)",
        "transport": "ws",
        "authToken": note.token,
    });
    atomic_write(&note.lock, lock.to_string().as_bytes())
}

/// Takes the lock file away if it is still ours.
pub(super) fn remove(note: &Note) {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Ours {
        auth_token: String,
    }
    let found = fs::read(&note.lock).ok().and_then(|text| serde_json::from_slice::<Ours>(&text).ok());
    if found.is_some_and(|found| found.auth_token == note.token) {
        // Gone this moment, or in a directory that has become read-only: agents look whether its process lives.
        let _ = fs::remove_file(&note.lock);
    }
}

/// Reads and takes away what an earlier daemon left: notes, and the lock files that are its own.
pub(super) fn take_all(notes: &Path) -> HashMap<String, Note> {
    let mut found = HashMap::new();
    for entry in fs::read_dir(notes).into_iter().flatten().flatten() {
        let path = entry.path();
        let note = fs::read(&path).ok().and_then(|text| serde_json::from_slice::<Note>(&text).ok());
        if let Some(note) = note {
            remove(&note);
            if let Some(job) = path.file_stem().and_then(|stem| stem.to_str()).and_then(decoded) {
                found.insert(job, note);
            }
        }
        // What cannot be read is of no use to anybody.
        let _ = fs::remove_file(&path);
    }
    found
}

/// The process in the name of its note.
fn decoded(digits: &str) -> Option<String> {
    let bytes = digits.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    String::from_utf8(bytes.collect::<Option<Vec<u8>>>()?).ok()
}

#[cfg(test)]
mod tests;
