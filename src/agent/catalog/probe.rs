//! Asks programs for their versions: at most two seconds each, all at once, and again only when the file has changed.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::model::login::Probe;
use crate::process::run::{Finished, Program, RunError, run};

use super::known;

/// How long a program may take to tell its version.
const DEADLINE: Duration = Duration::from_secs(2);
/// Of what it prints, bytes.
const LIMIT: usize = 64 * 1024;
/// A package's description beyond this is not read, bytes.
const PACKAGE_LIMIT: u64 = 1024 * 1024;
/// Directories above a program in which its package's description is looked for.
const PACKAGE_DEPTH: usize = 5;

/// A program as it is now: another file is another question.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Stamp {
    path: PathBuf,
    /// Seconds and nanoseconds.
    modified: (i64, i64),
    size: u64,
    arguments: Vec<String>,
}

/// What is to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    /// As it was found in `PATH`.
    pub(super) path: PathBuf,
    /// The name by which it is known, its last component.
    pub(super) program: String,
    /// What makes it tell its version; empty: it is not run, only its package is looked at.
    pub(super) arguments: Vec<String>,
    pub(super) environment: BTreeMap<String, String>,
}

/// What programs answered.
#[derive(Debug, Clone, Default)]
pub(super) struct Answers(Arc<Mutex<HashMap<Stamp, Probe>>>);

impl Answers {
    /// What is known already; absent when it was never asked, or the file is another one since.
    pub(super) fn known(&self, question: &Question) -> Option<Probe> {
        let stamp = stamp(question)?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&stamp).cloned()
    }

    /// Asks what is not known. Blocks for two seconds at most, however many there are.
    pub(super) fn ask(&self, questions: &[Question]) {
        let mut open: Vec<(Stamp, &Question)> = Vec::new();
        for question in questions {
            if let (None, Some(stamp)) = (self.known(question), stamp(question))
                && !open.iter().any(|(other, _)| *other == stamp)
            {
                open.push((stamp, question));
            }
        }
        let answers = std::thread::scope(|scope| {
            let running: Vec<_> = open.iter().map(|(_, question)| scope.spawn(|| probe(question))).collect();
            running.into_iter().map(|thread| thread.join().unwrap_or_default()).collect::<Vec<_>>()
        });
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for ((stamp, _), answer) in open.into_iter().zip(answers) {
            // An update leaves an older answer behind.
            known.retain(|other, _| other.path != stamp.path || other.arguments != stamp.arguments);
            known.insert(stamp, answer);
        }
    }
}

fn stamp(question: &Question) -> Option<Stamp> {
    let path = question.path.canonicalize().ok()?;
    let meta = path.metadata().ok()?;
    Some(Stamp {
        path,
        modified: (meta.mtime(), meta.mtime_nsec()),
        size: meta.len(),
        arguments: question.arguments.clone(),
    })
}

fn probe(question: &Question) -> Probe {
    let (version, fault) = match packaged_version(&question.path) {
        Some(version) => (Some(version), None),
        None if question.arguments.is_empty() => (None, None),
        None => match told_version(question) {
            Ok(version) => (Some(version), None),
            Err(fault) => (None, Some(fault)),
        },
    };
    let problems = version.as_deref().map(|version| known::problems(&question.program, version)).unwrap_or_default();
    Probe { version, fault, problems }
}

fn told_version(question: &Question) -> Result<String, String> {
    let arguments: Vec<OsString> = question.arguments.iter().map(OsString::from).collect();
    let environment: Vec<(OsString, OsString)> =
        question.environment.iter().map(|(name, value)| (name.into(), value.into())).collect();
    let asked = run(&Program {
        program: &question.path,
        arguments: &arguments,
        directory: Path::new("/"),
        environment: &environment,
        input: &[],
        deadline: DEADLINE,
        limit: LIMIT,
    });
    let words = question.arguments.join(" ");
    match asked {
        Ok(Finished { code: Some(0), stdout, stderr, .. }) => known::version_in(&String::from_utf8_lossy(&stdout))
            .or_else(|| known::version_in(&String::from_utf8_lossy(&stderr)))
            .ok_or_else(|| format!("{} {words} tells no version", question.program)),
        Ok(Finished { code: Some(code), stderr, .. }) => {
            let last = String::from_utf8_lossy(&stderr).lines().last().unwrap_or_default().to_owned();
            let last = crate::base::text::visible_line(&last, 160);
            Err(format!("{} {words} exits with code {code}: {last}", question.program))
        }
        Ok(Finished { signal, .. }) => {
            Err(format!("{} {words} was ended by signal {}", question.program, signal.unwrap_or_default()))
        }
        Err(RunError::TimedOut { .. }) => {
            Err(format!("{} {words} did not answer within {} s", question.program, DEADLINE.as_secs()))
        }
        Err(error) => Err(error.to_string()),
    }
}

/// The version of the npm package a program belongs to: its description lies beside or above the file that a link in `PATH` leads to.
fn packaged_version(path: &Path) -> Option<String> {
    let real = path.canonicalize().ok()?;
    if !real.components().any(|part| part.as_os_str() == "node_modules") {
        return None;
    }
    for directory in real.ancestors().skip(1).take(PACKAGE_DEPTH) {
        if directory.file_name().is_some_and(|name| name == "node_modules") {
            return None;
        }
        let file = directory.join("package.json");
        let Ok(meta) = file.metadata() else { continue };
        if !meta.is_file() || meta.len() > PACKAGE_LIMIT {
            continue;
        }
        let package: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).ok()?).ok()?;
        // One without a name only says how the files beside it are to be loaded.
        if package.get("name").is_some() {
            let version = known::version_in(package.get("version")?.as_str()?)?;
            // A package with the program for one platform carries that in its version: `0.169.0-linux-x64`.
            let platform = ["-linux", "-darwin", "-win32"].iter().find_map(|platform| version.find(platform));
            return Some(version[..platform.unwrap_or(version.len())].to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests;
