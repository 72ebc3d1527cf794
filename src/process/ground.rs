//! Driver: the places in which evaluators work, `evaluations/<id>` in the state directory.
//!
//! | path | what |
//! |---|---|
//! | `stage/checkout`, `stage/home`, `stage/target` | where a program works |
//! | `kept` | what `stage` was before the first one, for those that come later |
//! | `gone` | what an earlier one made of `stage`, while it is deleted |

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::{Component, Path, PathBuf};

use crate::host::port::{Again, Ground, Grounds, Seal};
use crate::model::Refusal;
use crate::model::id::EvaluationId;

mod kept;

/// The part of a place that programs work in.
const STAGE: &str = "stage";
/// What it was.
const KEPT: &str = "kept";
/// What became of it.
const GONE: &str = "gone";
/// A suite that a person configured is no larger.
const CONFIGURED: u64 = 4 * 1024 * 1024;

/// Reads which suite is configured.
type ReadGates = Box<dyn Fn() -> Result<Option<PathBuf>, Refusal> + Send + Sync>;

/// Places below one directory.
pub struct GroundDriver {
    root: PathBuf,
    gates: Option<ReadGates>,
}

impl std::fmt::Debug for GroundDriver {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("GroundDriver").field("root", &self.root).finish_non_exhaustive()
    }
}

impl GroundDriver {
    /// Below a state directory. Nothing is made before it is needed.
    pub fn new(state_dir: &Path) -> Self {
        Self { root: state_dir.join("evaluations"), gates: None }
    }

    /// Asks for the configured gates each time instead of keeping what was known.
    #[must_use]
    pub fn reading_gates(self, read: impl Fn() -> Result<Option<PathBuf>, Refusal> + Send + Sync + 'static) -> Self {
        Self { gates: Some(Box::new(read)), ..self }
    }

    /// An evaluation's directory. Ids are made by divisi; one that is no plain name is refused before it becomes a path.
    fn directory(&self, evaluation: &EvaluationId) -> Result<PathBuf, Refusal> {
        let name = evaluation.as_str();
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'.';
        if name.is_empty() || name.len() > 64 || name.starts_with('.') || !name.bytes().all(plain) {
            return Err(Refusal::internal(format!("{name:?} is no id of an evaluation")));
        }
        Ok(self.root.join(name))
    }
}

impl Grounds for GroundDriver {
    fn make(&self, evaluation: &EvaluationId) -> Result<Ground, Refusal> {
        let directory = self.directory(evaluation)?;
        let failed = |error: io::Error| {
            Refusal::environment(format!("cannot make the directory {}: {error}", directory.display()))
        };
        delete(&directory).map_err(failed)?;
        let private = |path: &Path| DirBuilder::new().recursive(true).mode(0o700).create(path);
        private(&self.root).map_err(failed)?;
        // Programs name files by where they are, not by the link that led there.
        let directory = self.root.canonicalize().map_err(failed)?.join(evaluation.as_str()).join(STAGE);
        let make = |name: &str| -> Result<String, Refusal> {
            let path = directory.join(name);
            private(&path).map_err(failed)?;
            path.to_str().map(str::to_owned).ok_or_else(|| Refusal::user("the state directory's path is not UTF-8"))
        };
        Ok(Ground { checkout: make("checkout")?, home: make("home")?, target: make("target")? })
    }

    fn keep(&self, ground: &Ground) -> Result<Seal, Refusal> {
        let directory = place_of(ground)?;
        let (stage, kept) = (directory.join(STAGE), directory.join(KEPT));
        delete(&kept).and_then(|()| kept::copy(&stage, &kept)).and_then(|()| kept::seal(&kept)).map_err(|error| {
            Refusal::environment(format!("cannot keep what evaluators begin with, in {}: {error}", kept.display()))
        })
    }

    fn put_back(&self, ground: &Ground, seal: Seal, again: Again) -> Result<(), Refusal> {
        let directory = place_of(ground)?;
        let (stage, kept, gone) = (directory.join(STAGE), directory.join(KEPT), directory.join(GONE));
        let failed = |error: io::Error| {
            Refusal::environment(format!("cannot put {} back to what it was: {error}", stage.display()))
        };
        if !kept::seal(&kept).is_ok_and(|found| found == seal) {
            return Err(Refusal::conflict(format!(
                "an earlier evaluator changed what the later ones begin with, in {}",
                kept.display()
            )));
        }
        delete(&gone).map_err(failed)?;
        match fs::rename(&stage, &gone) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        let deleted = std::thread::scope(|scope| {
            let deleting = scope.spawn(|| delete(&gone));
            let made = match again {
                Again::Copied => kept::copy(&kept, &stage),
                Again::Moved => fs::rename(&kept, &stage),
            };
            let deleted = deleting.join().unwrap_or_else(|_| Err(io::Error::other("its thread did not end")));
            made.map(|()| deleted)
        });
        if let Err(error) = deleted.map_err(failed)? {
            // It is out of everybody's way, and goes with the whole place.
            tracing::warn!(%error, path = %gone.display(), "what an evaluator left cannot be deleted yet");
        }
        Ok(())
    }

    fn without_git(&self, ground: &Ground) -> Result<(), Refusal> {
        let path = Path::new(&ground.checkout).join(".git");
        let deleted = match path.symlink_metadata() {
            Ok(meta) if meta.is_dir() => delete(&path),
            Ok(_) => fs::remove_file(&path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        };
        deleted.map_err(|error| Refusal::environment(format!("cannot delete {}: {error}", path.display())))
    }

    fn remove(&self, evaluation: &EvaluationId) -> Result<(), Refusal> {
        let directory = self.directory(evaluation)?;
        delete(&directory)
            .map_err(|error| Refusal::environment(format!("cannot delete {}: {error}", directory.display())))?;
        // Only when it is empty.
        let _ = fs::remove_dir(&self.root);
        Ok(())
    }

    fn sweep(&self) {
        if let Err(error) = delete(&self.root) {
            tracing::warn!(%error, "what evaluations left behind cannot be deleted");
        }
    }

    fn clear(&self, ground: &Ground, path: &str) -> Result<(), String> {
        let failed = |why: &dyn std::fmt::Display| {
            format!("{}, of an earlier evaluator, cannot be deleted: {why}", crate::base::text::visible_line(path, 200))
        };
        let root = Path::new(&ground.checkout);
        let whole = root.join(path);
        let (Some(parent), Some(name)) = (whole.parent(), whole.file_name()) else {
            return Err(failed(&"it is no file"));
        };
        // A directory that is not there yet has no file.
        let Ok(parent) = parent.canonicalize() else { return Ok(()) };
        let home = root.canonicalize().map_err(|error| failed(&error))?;
        if !parent.starts_with(&home) {
            return Err(failed(&"it leads out of the checkout"));
        }
        match fs::remove_file(parent.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(&error)),
            _ => Ok(()),
        }
    }

    fn read(&self, ground: &Ground, path: &str, limit: u64) -> Result<String, String> {
        let root = Path::new(&ground.checkout);
        let below = Path::new(path).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        let failed = |why: &dyn std::fmt::Display| {
            format!("{} cannot be read: {why}", crate::base::text::visible_line(path, 200))
        };
        if !below {
            return Err(failed(&"it is not below the checkout"));
        }
        let whole = root.join(path).canonicalize().map_err(|error| failed(&error))?;
        let home = root.canonicalize().map_err(|error| failed(&error))?;
        if !whole.starts_with(&home) {
            return Err(failed(&"it leads out of the checkout"));
        }
        // Not blocked by a pipe, not led elsewhere by a link that came since.
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        let flags = i32::try_from(flags.bits()).map_err(|error| failed(&error))?;
        let file = OpenOptions::new().read(true).custom_flags(flags).open(&whole).map_err(|error| failed(&error))?;
        text_of(&file, limit).map_err(|why| failed(&why))
    }

    fn has(&self, ground: &Ground, program: &str, search: &str) -> bool {
        if program.starts_with('/') {
            return Path::new(program).is_file();
        }
        if program.contains('/') {
            return Path::new(&ground.checkout).join(program).is_file();
        }
        which::which_in(program, Some(search), &ground.checkout).is_ok()
    }

    fn gates(&self, known: Option<PathBuf>) -> Result<Option<PathBuf>, Refusal> {
        self.gates.as_ref().map_or(Ok(known), |read| read())
    }

    fn configured(&self, path: &str) -> Result<String, Refusal> {
        let failed = |why: &dyn std::fmt::Display| {
            Refusal::environment(format!("cannot read the suite of evaluation.gates, {path}: {why}"))
                .hint("divisi config set evaluation.gates FILE")
        };
        let file = File::open(path).map_err(|error| failed(&error))?;
        text_of(&file, CONFIGURED).map_err(|why| failed(&why))
    }

    fn lend_cargo(&self, ground: &Ground, cargo_home: &str) {
        let own = Path::new(&ground.home).join(".cargo");
        if fs::create_dir_all(&own).is_err() {
            return;
        }
        // Without it the evaluation only takes longer.
        for name in ["registry", "git", "bin"] {
            let from = Path::new(cargo_home).join(name);
            if from.exists() {
                let _ = symlink(&from, own.join(name));
            }
        }
        for name in ["config.toml", "config"] {
            // Not lent but given: through a link an evaluator would write it for everybody.
            let Ok(file) = File::open(Path::new(cargo_home).join(name)) else { continue };
            if let Ok(text) = text_of(&file, CONFIGURED) {
                let _ = fs::write(own.join(name), text);
            }
        }
    }
}

/// The directory of the evaluation that a place is of.
fn place_of(ground: &Ground) -> Result<PathBuf, Refusal> {
    let directory = Path::new(&ground.checkout).parent().filter(|stage| stage.ends_with(STAGE)).and_then(Path::parent);
    directory
        .map(Path::to_owned)
        .ok_or_else(|| Refusal::internal(format!("{} is no place of an evaluation", ground.checkout)))
}

fn text_of(file: &File, limit: u64) -> Result<String, String> {
    let meta = file.metadata().map_err(|error| error.to_string())?;
    if !meta.is_file() {
        return Err("it is no ordinary file".to_owned());
    }
    if meta.len() > limit {
        return Err(format!("it is larger than {} KiB", limit / 1024));
    }
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Removes a directory and all below it, links not followed, also where directories were made read-only. One that is not there is no
/// error.
fn delete(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_up(path);
            fs::remove_dir_all(path)
        }
        outcome => outcome,
    }
}

fn open_up(directory: &Path) {
    let Ok(meta) = directory.symlink_metadata() else { return };
    if meta.is_dir() {
        // What cannot be opened makes the removal fail, which is reported.
        let _ = fs::set_permissions(directory, Permissions::from_mode(meta.permissions().mode() | 0o700));
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            open_up(&entry.path());
        }
    }
}

#[cfg(test)]
mod tests;
