//! The cases of a suite: divisi's own file, a dataset of SWE-bench, a directory of exercises, or a file of `HumanEvalFix` cases.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::files;
use crate::base::text::visible_line;
use crate::base::yaml::Problem;
use crate::eval::case::environment::Environments;
use crate::eval::case::{Case, File, Files, amp, humaneval, own, polyglot, scripted, swebench};
use crate::eval::swebench::{Dataset, Format};
use crate::model::Refusal;

/// A file of a suite that is larger is refused, bytes.
const FILE_LIMIT: u64 = 256 * 1024 * 1024;
/// Files of an exercise at most.
const FILES: usize = 2000;

/// The cases of a suite.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Suite {
    /// Its name.
    pub name: String,
    /// Its cases, in their order.
    pub cases: Vec<Case>,
}

impl Suite {
    /// The cases whose ids are, or lie below, one of `only`, at most `size` of them, chosen by `seed`.
    ///
    /// # Errors
    /// When one of `only` fits no case, or nothing is left.
    pub(super) fn choose(&self, only: &[String], size: Option<usize>, seed: u64) -> Result<Vec<Case>, Refusal> {
        let fits = |case: &Case, word: &String| {
            case.id == *word || case.id.strip_prefix(word.as_str()).is_some_and(|rest| rest.starts_with('/'))
        };
        if let Some(word) = only.iter().find(|word| !self.cases.iter().any(|case| fits(case, word))) {
            let ids = self.cases.iter().map(|case| case.id.as_str());
            let refusal = Refusal::user(format!("suite {} has no case {}", self.name, visible_line(word, 80)));
            return Err(match crate::base::near::near(word, ids).first() {
                Some(near) => refusal.hint(format!("did you mean {near}?")),
                None => refusal,
            });
        }
        let chosen = self.cases.iter().filter(|case| only.is_empty() || only.iter().any(|word| fits(case, word)));
        let mut chosen: Vec<Case> = chosen.cloned().collect();
        if let Some(size) = size.filter(|size| *size < chosen.len()) {
            let mut order: Vec<usize> = (0..chosen.len()).collect();
            order.sort_by_key(|index| mixed(seed, &chosen[*index].id));
            let keep: BTreeSet<usize> = order.into_iter().take(size).collect();
            let mut index = 0;
            chosen.retain(|_| {
                index += 1;
                keep.contains(&(index - 1))
            });
        }
        if chosen.is_empty() {
            return Err(Refusal::user(format!("suite {} has no cases", self.name)));
        }
        Ok(chosen)
    }
}

/// A number that a seed and an id always give, whatever other cases there are.
fn mixed(seed: u64, id: &str) -> u64 {
    use sha2::{Digest as _, Sha256};
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update(id.as_bytes());
    let digest = hash.finalize();
    digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Where what SWE-bench instances need is.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Places<'a> {
    /// The directory of the clones.
    pub repositories: Option<&'a Path>,
    /// The file of environments.
    pub environments: Option<&'a Path>,
    /// What judges cases of divisi's own suites that do not say it themselves.
    pub script_command: Option<&'a str>,
    /// Whether nobody needs clones: references are judged in containers.
    pub without_clones: bool,
}

/// Reads a suite.
///
/// # Errors
/// When it is not there, or nothing that can be read as one; says where.
pub(super) fn load(path: &Path, places: Places<'_>) -> Result<Suite, Refusal> {
    let metadata = fs::metadata(path).map_err(|error| unread(path, &error))?;
    let name = path.file_stem().map_or_else(|| "suite".to_owned(), |name| name.to_string_lossy().into_owned());
    let cases = if metadata.is_dir() {
        exercises(path)?
    } else if metadata.len() > FILE_LIMIT {
        return Err(Refusal::user(format!("{} is no suite: it has {} bytes", path.display(), metadata.len())));
    } else if let Some(format) = is_dataset(path)? {
        instances(path, format, places)?
    } else {
        let text = fs::read_to_string(path).map_err(|error| unread(path, &error))?;
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("jsonl") => lines(path, &text)?,
            Some("json") if amp::is_one(&text) => vec![of_amp(path, &text, places)?],
            Some("yaml" | "yml" | "json") => own_suite(path, &text, places.script_command)?,
            _ => {
                return Err(Refusal::user(format!("{} is no suite", path.display())).hint(
                    "a .yaml file of divisi's own, a .jsonl file of HumanEvalFix cases, or a directory of exercises",
                ));
            }
        }
    };
    let mut seen = BTreeSet::new();
    if let Some(twice) = cases.iter().find(|case| !seen.insert(&case.id)) {
        return Err(Refusal::user(format!("{} has two cases {}", path.display(), twice.id)));
    }
    Ok(Suite { name, cases })
}

fn unread(path: &Path, error: &io::Error) -> Refusal {
    Refusal::user(format!("failed to read {}: {error}", path.display()))
}

fn lines(path: &Path, text: &str) -> Result<Vec<Case>, Refusal> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            humaneval::case(line)
                .map_err(|why| Refusal::user(format!("{}:{}: {}", path.display(), number + 1, visible_line(&why, 300))))
        })
        .collect()
}

/// Whether a file is a dataset of SWE-bench, and how it is written.
fn is_dataset(path: &Path) -> Result<Option<Format>, Refusal> {
    let Some(format) = path.file_name().and_then(|name| Format::of_name(&name.to_string_lossy())) else {
        return Ok(None);
    };
    let mut head = vec![0; 64 * 1024];
    let mut file = fs::File::open(path).map_err(|error| unread(path, &error))?;
    let read = io::Read::read(&mut file, &mut head).map_err(|error| unread(path, &error))?;
    let is_one = format == Format::Parquet || String::from_utf8_lossy(&head[..read]).contains("\"instance_id\"");
    Ok(is_one.then_some(format))
}

/// The instances of a dataset.
fn instances(path: &Path, format: Format, places: Places<'_>) -> Result<Vec<Case>, Refusal> {
    let wrong = |why: String| Refusal::user(format!("{}: {}", path.display(), visible_line(&why, 300)));
    let bytes = fs::read(path).map_err(|error| unread(path, &error))?;
    let dataset = Dataset::read(&bytes, format).map_err(|error| files::unread(path, format, &error))?;
    let environments = match places.environments {
        None => Environments::default(),
        Some(file) => {
            let text = fs::read_to_string(file).map_err(|error| unread(file, &error))?;
            Environments::read(&text).map_err(|problems| told(file, &problems))?
        }
    };
    let Some(repositories) = places.repositories.or(places.without_clones.then_some(Path::new(""))) else {
        return Err(unplaced(path));
    };
    dataset
        .instances
        .iter()
        .map(|instance| {
            let clone = clone(repositories, &instance.repo);
            let environment = environments.of(instance);
            let has_own = instance.eval_script.as_deref().is_some_and(|script| !script.trim().is_empty());
            match places.script_command.filter(|_| !has_own) {
                Some(command) => scripted::case(instance, clone, environment, command).map_err(&wrong),
                None => swebench::case(instance, clone, environment).map_err(&wrong),
            }
        })
        .collect()
}

/// A case of amp-session-manager. Its repository is a path beside it, or has a clone.
fn of_amp(path: &Path, text: &str, places: Places<'_>) -> Result<Case, Refusal> {
    let wrong = |why: String| Refusal::user(format!("{}: {}", path.display(), visible_line(&why, 300)));
    let named = amp::repository(text).map_err(&wrong)?;
    let beside = path.parent().unwrap_or_else(|| Path::new(".")).join(&named);
    let repository = match places.repositories {
        _ if beside.is_dir() => beside.display().to_string(),
        Some(repositories) => clone(repositories, &named),
        None => return Err(unplaced(path)),
    };
    amp::case(text, repository, places.script_command).map_err(wrong)
}

fn unplaced(path: &Path) -> Refusal {
    Refusal::user(format!("{} names repositories, and it is not said where they are", path.display()))
        .hint("--repos DIRECTORY, with a clone of each as owner__repo")
}

/// Where a repository's clone is; where it would be when there is none: its cases say so.
fn clone(directory: &Path, repo: &str) -> String {
    let (owner, name) = repo.split_once('/').unwrap_or(("", repo));
    let candidates = [format!("{owner}__{name}"), format!("{owner}/{name}"), name.to_owned()];
    let found = candidates.iter().map(|candidate| directory.join(candidate)).find(|path| path.is_dir());
    found.unwrap_or_else(|| directory.join(&candidates[0])).display().to_string()
}

/// Problems of a file, one line each.
fn told(path: &Path, problems: &[Problem]) -> Refusal {
    let shown = path.display();
    let said: Vec<String> = problems.iter().take(20).map(|problem| format!("{shown}:{problem}")).collect();
    Refusal::user(said.join("\n"))
}

/// A suite of divisi's own. What it names beside it is read here: prompts, patches, files.
fn own_suite(path: &Path, text: &str, script_command: Option<&str>) -> Result<Vec<Case>, Refusal> {
    let beside = path.parent().unwrap_or_else(|| Path::new("."));
    let beside = beside.canonicalize().map_err(|error| unread(beside, &error))?;
    let read = |name: &str| -> Result<String, String> {
        let file = beside.join(name);
        match fs::metadata(&file) {
            Ok(found) if found.len() > FILE_LIMIT => Err(format!("{name} is too large")),
            _ => fs::read_to_string(&file).map_err(|error| format!("failed to read {name}: {error}")),
        }
    };
    own::cases_judged_by(text, &beside.to_string_lossy(), &read, script_command)
        .map_err(|problems| told(path, &problems))
}

/// The exercises below a directory: `<language>/exercises/practice/<name>`, or of one track only.
fn exercises(path: &Path) -> Result<Vec<Case>, Refusal> {
    let mut cases = Vec::new();
    let track = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if path.join("exercises/practice").is_dir() {
        cases.extend(track_cases(path, &track)?);
    } else {
        for language in names(path)? {
            if path.join(&language).join("exercises/practice").is_dir() && polyglot::is_known(&language) {
                cases.extend(track_cases(&path.join(&language), &language)?);
            }
        }
    }
    if cases.is_empty() {
        return Err(Refusal::user(format!("{} has no exercises", path.display()))
            .hint("exercises lie in <language>/exercises/practice/<name>, for cpp, go, javascript, python and rust"));
    }
    Ok(cases)
}

fn track_cases(track: &Path, language: &str) -> Result<Vec<Case>, Refusal> {
    let practice = track.join("exercises/practice");
    let mut cases = Vec::new();
    for name in names(&practice)? {
        let directory = practice.join(&name);
        if !directory.is_dir() {
            continue;
        }
        let mut files = Files::new();
        gather(&directory, "", &mut files).map_err(|error| unread(&directory, &error))?;
        let case = polyglot::case(language, &name, &files)
            .map_err(|why| Refusal::user(format!("{}: {}", directory.display(), visible_line(&why, 300))))?;
        cases.push(case);
    }
    Ok(cases)
}

/// The names in a directory, sorted.
fn names(path: &Path) -> Result<Vec<String>, Refusal> {
    let read = || -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(path)? {
            names.extend(entry?.file_name().into_string().ok());
        }
        names.sort();
        Ok(names)
    };
    read().map_err(|error| unread(path, &error))
}

/// All files below a directory; links are left out.
fn gather(directory: &Path, prefix: &str, into: &mut Files) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let Some(name) = entry.file_name().into_string().ok().filter(|name| name != ".git") else { continue };
        let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        let kind = entry.file_type()?;
        if kind.is_dir() {
            gather(&entry.path(), &path, into)?;
        } else if kind.is_file() {
            if into.len() == FILES {
                return Err(io::Error::other(format!("more than {FILES} files")));
            }
            let executable = entry.metadata()?.permissions().mode() & 0o111 != 0;
            into.insert(path, File { bytes: fs::read(entry.path())?, executable });
        }
    }
    Ok(())
}
