//! Where logs lie: the harness' own tree, or one of the flatter ones that other tools leave.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use super::files;
use crate::eval::swebench::{Prediction, model_directory};
use crate::model::Refusal;

/// Where the harness puts the logs of runs.
pub(super) const TREE: &str = "logs/run_evaluation";

/// The log of a prediction's run, and what the run itself logged.
#[derive(Debug, Default)]
pub(super) struct Logs {
    /// `test_output.txt`, if there is one.
    pub(super) output: Option<Vec<u8>>,
    /// `run_instance.log`, if there is one.
    pub(super) instance: Option<Vec<u8>>,
}

/// Finds the logs of a prediction.
///
/// # Errors
/// When a log is there and cannot be read.
pub(super) fn find(root: &Path, run_id: &str, prediction: &Prediction) -> Result<Logs, Refusal> {
    let (id, model) = (&*prediction.instance_id, model_directory(&prediction.model_name_or_path));
    let below = Path::new(&model).join(id);
    let directories =
        [root.join(TREE).join(run_id).join(&below), root.join(run_id).join(&below), root.join(&below), root.join(id)];
    let mut logs = Logs::default();
    for directory in &directories {
        logs.output = present(&directory.join("test_output.txt"))?;
        logs.instance = present(&directory.join("run_instance.log"))?;
        if logs.output.is_some() || logs.instance.is_some() {
            return Ok(logs);
        }
    }
    let names = [format!("{id}.log"), format!("{id}.txt"), format!("{id}.eval.log"), format!("{id}.{model}.eval.log")];
    for name in names {
        logs.output = present(&root.join(name))?;
        if logs.output.is_some() {
            break;
        }
    }
    Ok(logs)
}

fn present(path: &Path) -> Result<Option<Vec<u8>>, Refusal> {
    match files::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(Refusal::environment(format!("failed to read the log {}: {error}", path.display()))),
    }
}

/// A run's name, from the folder of its logs.
pub(super) fn run_name(root: &Path) -> String {
    let absolute = std::path::absolute(root).unwrap_or_else(|_| root.to_owned());
    absolute.file_name().map_or_else(|| "regraded".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// A path of parts that may come from anyone: none of them leads out of its folder.
///
/// # Errors
/// When one is no plain name.
pub(super) fn inside(root: &Path, parts: &[&str]) -> Result<PathBuf, Refusal> {
    parts.iter().try_fold(root.to_owned(), |path, part| {
        let mut components = Path::new(part).components();
        match (components.next(), components.next()) {
            (Some(Component::Normal(name)), None) if name == OsStr::new(part) && !part.contains('\0') => {
                Ok(path.join(part))
            }
            _ => Err(Refusal::user(format!("failed to write a report for {part:?}: it is no name for a file"))),
        }
    })
}

#[cfg(test)]
mod tests;
