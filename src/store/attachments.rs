//! Attached files, copied at acceptance: `attachments/<session>/<digest>-<name>` in the state directory, readable by the user alone.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::base::hex;
use crate::base::path::private_directory;
use crate::base::text::visible_line;
use crate::host::port::{Attachments, Content};
use crate::model::Refusal;
use crate::model::attachment::{Attach, Attachment, IMAGES_TOGETHER, LARGEST_FILE, LARGEST_IMAGE, MOST};
use crate::model::id::SessionId;

/// Texts of at most so many bytes are told whole.
const WHOLE_TEXT: u64 = 128 * 1024;
/// Digits of the digest in a file's name: enough that two files of a session do not meet.
const DIGITS: usize = 16;

/// Copies of attached files under one directory.
#[derive(Debug)]
pub struct AttachmentFiles {
    root: PathBuf,
}

impl AttachmentFiles {
    /// Below a state directory. Nothing is made before it is needed.
    pub fn new(state_dir: &Path) -> Self {
        Self { root: state_dir.join("attachments") }
    }

    /// A session's directory. Ids are made by divisi; one that is no plain name is refused before it becomes a path.
    fn directory(&self, session: &SessionId) -> Result<PathBuf, Refusal> {
        let name = session.as_str();
        if name.is_empty() || name.len() > 64 || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(Refusal::internal(format!("{name:?} is no session id")));
        }
        Ok(self.root.join(name))
    }

    fn path(&self, session: &SessionId, attachment: &Attachment) -> Result<PathBuf, Refusal> {
        let digits = attachment.digest.get(..DIGITS).unwrap_or(&attachment.digest);
        Ok(self.directory(session)?.join(format!("{digits}-{}", plain(&attachment.name))))
    }

    fn keep_one(&self, session: &SessionId, wanted: &Attach) -> Result<(Attachment, Option<PathBuf>), Refusal> {
        let (attachment, bytes) = look(wanted)?;
        let path = self.path(session, &attachment)?;
        let failed = |error: io::Error| Refusal::environment(format!("failed to write {}: {error}", path.display()));
        let directory = self.directory(session)?;
        private_directory(&self.root).and_then(|()| private_directory(&directory)).map_err(failed)?;
        if path.exists() {
            return Ok((attachment, None)); // The same content under the same name: kept for an earlier prompt.
        }
        let draft = path.with_extension("new");
        let written = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft).and_then(
            |mut file: File| {
                file.write_all(&bytes)?;
                file.sync_all()?;
                fs::rename(&draft, &path)?;
                File::open(&directory)?.sync_all()
            },
        );
        if let Err(error) = written {
            // The failure that is told is the first one.
            let _ = fs::remove_file(&draft);
            return Err(failed(error));
        }
        Ok((attachment, Some(path)))
    }
}

/// Reads a file and says what it is.
fn look(wanted: &Attach) -> Result<(Attachment, Vec<u8>), Refusal> {
    let path = Path::new(&wanted.path);
    let shown = visible_line(&wanted.path, 200);
    if !path.is_absolute() {
        return Err(Refusal::user(format!("cannot attach {shown}: the path is not absolute")));
    }
    let failed = |error: io::Error| Refusal::user(format!("cannot attach {shown}: {error}"));
    // Not to be kept waiting by a pipe that nobody writes to.
    let nonblocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = OpenOptions::new().read(true).custom_flags(nonblocking).open(path).map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(Refusal::user(format!("cannot attach {shown}: it is not a plain file")));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(failed)?;
    let size = bytes.len() as u64;
    let media_type = sniff(&bytes);
    let image = media_type.starts_with("image/");
    let most = if image { LARGEST_IMAGE } else { LARGEST_FILE };
    if size > most {
        let (what, most) = (if image { "an image" } else { "a file" }, most / 1024 / 1024);
        return Err(Refusal::user(format!("cannot attach {shown}: {what} may have at most {most} MiB"))
            .hint("name its path in the prompt instead: agents can read files themselves"));
    }
    if wanted.image && !image {
        return Err(Refusal::user(format!("cannot attach {shown} as an image: its content is {media_type}"))
            .hint("images are PNG, JPEG, GIF or WebP; attach anything else with --file"));
    }
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let digest = hex::encode(&Sha256::digest(&bytes));
    Ok((Attachment { name, media_type: media_type.to_owned(), size, digest }, bytes))
}

/// What some content is, by the content alone.
fn sniff(bytes: &[u8]) -> &'static str {
    match bytes {
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => "image/png",
        [0xff, 0xd8, 0xff, ..] => "image/jpeg",
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => "image/gif",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
        [b'%', b'P', b'D', b'F', b'-', ..] => "application/pdf",
        _ if !bytes.contains(&0) && std::str::from_utf8(bytes).is_ok() => "text/plain",
        _ => "application/octet-stream",
    }
}

/// A file name of harmless characters, with its extension: agents look at that.
fn plain(name: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let plain: String = name.chars().map(|c| if harmless(c) { c } else { '_' }).collect();
    let skip = plain.len().saturating_sub(80);
    let plain = plain[skip..].trim_start_matches('.').to_owned();
    if plain.is_empty() { "file".to_owned() } else { plain }
}

impl Attachments for AttachmentFiles {
    fn keep(&self, session: &SessionId, files: &[Attach]) -> Result<Vec<Attachment>, Refusal> {
        if files.len() > MOST {
            return Err(Refusal::user(format!("cannot attach {} files: at most {MOST} go with a prompt", files.len())));
        }
        let mut kept = Vec::new();
        let mut made = Vec::new();
        let mut outcome = Ok(());
        for file in files {
            match self.keep_one(session, file) {
                Ok((attachment, path)) => {
                    kept.push(attachment);
                    made.extend(path);
                }
                Err(refusal) => {
                    outcome = Err(refusal);
                    break;
                }
            }
        }
        let images: u64 = kept.iter().filter(|one| one.is_image()).map(|one| one.size).sum();
        if outcome.is_ok() && images > IMAGES_TOGETHER {
            let most = IMAGES_TOGETHER / 1024 / 1024;
            outcome = Err(Refusal::user(format!("cannot attach images of more than {most} MiB together")));
        }
        if outcome.is_err() {
            for path in made {
                // What stays is swept at the next start.
                let _ = fs::remove_file(path);
            }
        }
        outcome.map(|()| kept)
    }

    fn load(&self, session: &SessionId, attachment: &Attachment) -> Content {
        let path = self.path(session, attachment).unwrap_or_default();
        let whole = attachment.is_image() || (attachment.media_type == "text/plain" && attachment.size <= WHOLE_TEXT);
        let bytes = if whole { fs::read(&path).ok() } else { None };
        // What was changed in its place is not what was accepted.
        let bytes = bytes.filter(|bytes| bytes.len() as u64 == attachment.size);
        Content {
            name: attachment.name.clone(),
            media_type: attachment.media_type.clone(),
            path: path.display().to_string(),
            bytes,
        }
    }

    fn forget(&self, session: &SessionId) -> Result<(), Refusal> {
        let directory = self.directory(session)?;
        match fs::remove_dir_all(&directory) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Refusal::environment(format!("failed to delete {}: {error}", directory.display())))
            }
            _ => Ok(()),
        }
    }

    fn sweep(&self, sessions: &BTreeSet<SessionId>) {
        for entry in fs::read_dir(&self.root).into_iter().flatten().flatten() {
            let id = SessionId(entry.file_name().to_string_lossy().into_owned());
            if !sessions.contains(&id)
                && let Err(refusal) = self.forget(&id)
            {
                tracing::warn!(%refusal, "attachments of no session stay");
            }
        }
    }
}

#[cfg(test)]
mod tests;
