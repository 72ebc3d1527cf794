//! Which cases a task of a plan means: the suite by its name, and the choice among its cases.

use std::path::{Path, PathBuf};

use crate::base::near::near;
use crate::base::text::visible_line;
use crate::bench::load::{self, Places, Suite};
use crate::eval::case::{Case, Grading};
use crate::host::port::Unfound;
use crate::model::Refusal;
use crate::model::case::PlanCases;
use crate::model::container::Containers;

/// Endings of files that may be suites.
const ENDINGS: [&str; 5] = ["yaml", "yml", "json", "jsonl", "parquet"];
/// Words of a file's name that say which part of a dataset it is.
const PARTS: [&str; 6] = ["test", "dev", "train", "validation", "val", "of"];
/// Files of a directory of instances at most.
const FILES: usize = 10_000;

/// The suite's file or directory, and the cases.
pub(super) fn find(directory: &Path, wanted: &PlanCases) -> Result<(PathBuf, Vec<Case>), Unfound> {
    let key = if wanted.dataset.is_some() { "dataset" } else { "cases_dir" };
    let unfound = |message: String| Unfound { key, message, near: None };
    let base = match &wanted.cases_dir {
        Some(below) => directory.join(below),
        None => directory.to_owned(),
    };
    let path = match &wanted.dataset {
        None => base,
        Some(name) => named(&base, name)?,
    };
    let usual = directory.join("repos");
    let repositories = match &wanted.repos_dir {
        Some(below) => Some(directory.join(below)),
        None => usual.is_dir().then_some(usual),
    };
    if let Some(missing) = repositories.as_ref().filter(|path| !path.is_dir()) {
        let message =
            format!("{} is no directory: clones of the cases' repositories are looked for there", missing.display());
        return Err(Unfound { key: "repos_dir", message, near: None });
    }
    let environments = wanted.environments_file.as_ref().map(|below| directory.join(below));
    let places = Places {
        repositories: repositories.as_deref(),
        environments: environments.as_deref(),
        script_command: wanted.script_command.as_deref(),
        without_clones: false,
    };
    let told = |refusal: &Refusal| {
        // The hint of the command line is not one for a plan.
        let message = if refusal.hints.iter().any(|hint| hint.contains("--repos")) {
            format!(
                "{}: 'repos_dir' says it, a directory with a clone of each as owner__repo; 'repos' beside the plan without it",
                refusal.message
            )
        } else {
            refusal.message.clone()
        };
        unfound(format!("the cases cannot be read: {message}"))
    };
    let (path, suite) = match files_of(&path)? {
        Files::One(file) => {
            let suite = load::load(&file, places).map_err(|refusal| told(&refusal))?;
            (file, suite)
        }
        Files::Each(files) => {
            let name = path.file_name().map_or_else(|| "cases".to_owned(), |name| name.to_string_lossy().into_owned());
            let mut suite = Suite { name, cases: Vec::new() };
            for file in files {
                let more = load::load(&file, places).map_err(|refusal| told(&refusal))?;
                if let Some(twice) = more.cases.iter().find(|case| suite.cases.iter().any(|known| known.id == case.id))
                {
                    return Err(unfound(format!("{} has the case {} once more", file.display(), twice.id)));
                }
                suite.cases.extend(more.cases);
            }
            (path, suite)
        }
    };
    let cases = chosen(suite, wanted)?;
    let has_images = || cases.iter().any(|case| matches!(case.grading, Grading::Swebench(_)));
    if wanted.containers == Some(Containers::Always) && !has_images() {
        let message =
            "none of the cases is an instance of SWE-bench, and only these have images of containers".to_owned();
        return Err(Unfound { key: "containers", message, near: None });
    }
    Ok((path, cases))
}

/// Cases by ids, then by repository and language, then drawn.
fn chosen(suite: Suite, wanted: &PlanCases) -> Result<Vec<Case>, Unfound> {
    let select = &wanted.select;
    let with = |key: &'static str| {
        move |refusal: Refusal| Unfound { key, message: refusal.message, near: refusal.hints.first().cloned() }
    };
    let cases = suite.choose(&select.ids, None, 0).map_err(with("ids"))?;
    let is_repository = |case: &Case, name: &String| {
        let group = &case.group;
        group.eq_ignore_ascii_case(name) || group.rsplit('/').next().is_some_and(|end| end.eq_ignore_ascii_case(name))
    };
    let none = |key: &'static str, what: &str, known: Vec<String>| Unfound {
        key,
        message: format!("no case of {} is {what} what is asked for: there are {}", suite.name, listed(known)),
        near: None,
    };
    let of_repositories: Vec<Case> = cases
        .iter()
        .filter(|case| {
            select.repositories.is_empty() || select.repositories.iter().any(|name| is_repository(case, name))
        })
        .cloned()
        .collect();
    if of_repositories.is_empty() {
        return Err(none("repositories", "of", cases.into_iter().map(|case| case.group).collect()));
    }
    let in_languages: Vec<Case> = of_repositories
        .iter()
        .filter(|case| {
            let spoken = language(case);
            select.languages.is_empty() || select.languages.iter().any(|name| name.eq_ignore_ascii_case(&spoken))
        })
        .cloned()
        .collect();
    if in_languages.is_empty() {
        return Err(none("languages", "in", of_repositories.iter().map(language).collect()));
    }
    let rest = Suite { name: suite.name, cases: in_languages };
    rest.choose(&[], select.size.map(|size| size as usize), select.seed).map_err(with("size"))
}

/// What a case is written in, where that is known.
fn language(case: &Case) -> String {
    match &case.grading {
        Grading::Swebench(instance) => {
            instance.language().map_or_else(String::new, |language| language.name().to_owned())
        }
        Grading::ExitCode => case.group.clone(),
    }
}

fn listed(mut names: Vec<String>) -> String {
    names.sort();
    names.dedup();
    names.retain(|name| !name.is_empty());
    let shown: Vec<String> = names.iter().take(8).map(|name| visible_line(name, 60)).collect();
    let more = if names.len() > shown.len() { ", ..." } else { "" };
    format!("{}{more}", shown.join(", "))
}

/// What has a name in a directory: a file, a file without its ending, or what is called almost so (`swe-bench-lite` is
/// `SWE-bench_Lite.test.jsonl`).
fn named(base: &Path, name: &str) -> Result<PathBuf, Unfound> {
    let exact = base.join(name);
    if exact.exists() {
        return Ok(exact);
    }
    let entries = std::fs::read_dir(base).map_err(|error| Unfound {
        key: "cases_dir",
        message: format!("failed to read the directory {}: {error}", base.display()),
        near: None,
    })?;
    let mut known: Vec<(String, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path())))
        .filter(|(_, path)| path.is_dir() || is_suite(path))
        .collect();
    known.sort();
    // A hub's name has its owner before it.
    let wanted = folded(name.rsplit('/').next().unwrap_or(name));
    let stem = |file: &str, path: &Path| {
        let ending = path.extension().and_then(|ending| ending.to_str());
        let stem = ending.filter(|_| path.is_file()).and_then(|ending| file.strip_suffix(ending));
        folded(stem.unwrap_or(file))
    };
    for end in ["", "test"] {
        let fits: Vec<&PathBuf> = known
            .iter()
            .filter(|(file, path)| stem(file, path).strip_prefix(&wanted) == Some(end))
            .map(|(_, path)| path)
            .collect();
        match fits[..] {
            [] => {}
            [one] => return Ok(one.clone()),
            _ => {
                let names = fits.iter().map(|path| path.file_name().unwrap_or_default().to_string_lossy().into_owned());
                let message =
                    format!("'{}' fits several: {}", visible_line(name, 80), names.collect::<Vec<_>>().join(", "));
                return Err(Unfound { key: "dataset", message, near: None });
            }
        }
    }
    let names: Vec<String> = known.into_iter().map(|(file, _)| file).collect();
    let near = near(name, names.iter().map(String::as_str)).first().map(|near| (*near).to_owned());
    let there = if names.is_empty() { "it has no suites".to_owned() } else { format!("it has {}", listed(names)) };
    let message = format!("there is no suite '{}' in {}: {there}", visible_line(name, 80), base.display());
    Err(Unfound { key: "dataset", message, near })
}

/// Letters and digits, in small.
fn folded(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|character| character.to_ascii_lowercase()).collect()
}

fn is_suite(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    path.is_file() && ending.is_some_and(|ending| ENDINGS.contains(&ending))
}

/// Where the cases are.
enum Files {
    /// In a file, or in a directory of exercises.
    One(PathBuf),
    /// In each of these, all together.
    Each(Vec<PathBuf>),
}

/// What of a path is to be read. Of a dataset's directory the file with the tests' part; of one with an instance in each file all.
fn files_of(path: &Path) -> Result<Files, Unfound> {
    if !path.is_dir() {
        return Ok(Files::One(path.to_owned()));
    }
    let read = |directory: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| is_suite(path)).collect();
        files.sort();
        files
    };
    let mut files = read(path);
    if files.is_empty() {
        files = read(&path.join("data"));
    }
    // The parts of one dataset are called alike but for which part it is.
    let words = |file: &Path| -> Vec<String> {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
        stem.split(['.', '-', '_']).map(str::to_owned).collect()
    };
    let name = |file: &Path| -> Vec<String> {
        let is_part = |word: &str| PARTS.contains(&word) || word.bytes().all(|byte| byte.is_ascii_digit());
        words(file).into_iter().filter(|word| !is_part(word)).collect()
    };
    let is_one = files.windows(2).all(|pair| name(&pair[0]) == name(&pair[1]));
    let is_test = |file: &&PathBuf| is_one && words(file).iter().any(|word| word == "test");
    let tests: Vec<&PathBuf> = files.iter().filter(is_test).collect();
    match (&files[..], &tests[..]) {
        // A directory of exercises, or nothing: the reader says which.
        ([], _) => Ok(Files::One(path.to_owned())),
        ([one], _) => Ok(Files::One(one.clone())),
        (_, [one]) => Ok(Files::One((*one).clone())),
        (all, _) if all.len() <= FILES && all.iter().all(|file| file.extension().is_some_and(|end| end == "json")) => {
            Ok(Files::Each(files))
        }
        (all, _) => {
            let names = all.iter().filter_map(|path| path.file_name());
            let names = names.map(|name| name.to_string_lossy().into_owned()).collect();
            let message = format!("{} has several suites: {}; 'dataset' names one", path.display(), listed(names));
            Err(Unfound { key: "cases_dir", message, near: None })
        }
    }
}
