//! Repeating a run: its cases, seed, agent and limits again, and what is not as it was.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use sha2::{Digest as _, Sha256};

use super::container::{Fixed, Yard};
use super::load::{self, Places, Suite};
use super::{environments as shared, machine, record};
use crate::base::hex;
use crate::eval::case::Case;
use crate::model::Refusal;
use crate::model::attempt::{Asked, BenchRequest, Contestant};
use crate::model::bench_run::{CaseRecord, Difference, Repeat, Repeated, RunRecord, RunSetup};
use crate::model::container::{Containers, Image};

/// What is said of a case that is not there any more.
const GONE: &str = "not there";

/// Finds out what to run, and what is not as it was.
///
/// # Errors
/// When the directory is of no run that can be repeated, or what it needs is not here.
pub fn rerun(wanted: &Repeat) -> Result<Repeated, Refusal> {
    let earlier = record::load(&wanted.directory).map_err(Refusal::user)?;
    let shown = wanted.directory.display();
    let Some(setup) = earlier.setup.as_ref().filter(|setup| !earlier.cases.is_empty() && !setup.asked.agent.is_empty())
    else {
        return Err(Refusal::user(format!("{shown} is of a validation, or of a run of an earlier divisi"))
            .hint("divisi bench validate SUITE, or divisi bench run SUITE --agent NAME"));
    };
    let here = |given: &Option<PathBuf>, then: Option<&PathBuf>, option: &str| match given.as_ref().or(then) {
        Some(path) if !path.exists() => {
            Err(Refusal::user(format!("the run used {}, which is not here", path.display()))
                .hint(format!("say where it is: {option}")))
        }
        path => Ok(path.cloned()),
    };
    let suite = here(&wanted.suite, Some(&setup.suite), "--suite PATH")?.unwrap_or_default();
    let repositories = here(&wanted.repositories, setup.repositories.as_ref(), "--repos DIRECTORY")?;
    let environments = here(&wanted.environments, setup.environments.as_ref(), "--environments FILE")?;
    let environment = variables(setup, &wanted.environment)?;
    let places = Places {
        repositories: repositories.as_deref(),
        environments: environments.as_deref(),
        without_clones: earlier.cases.iter().all(|case| case.image.is_some()),
        ..Places::default()
    };
    let cases = load::load(&suite, places)?;
    let mut differences = Vec::new();
    let only = compare_cases(&earlier, &cases, &mut differences);
    if only.is_empty() {
        return Err(Refusal::user(format!("{} has none of the cases of {shown}", suite.display())));
    }
    compare_tools(&earlier, &environment, &mut differences);
    for (name, was) in &setup.variables {
        let now =
            environment.iter().find(|(known, _)| known == name).map_or_else(String::new, |(_, value)| hash(value));
        note(&mut differences, &format!("variable {name} (hash)"), was, &now);
    }
    let request = BenchRequest {
        suite,
        only,
        // The recorded cases are what the seed chose.
        size: None,
        seed: earlier.seed,
        attempts: earlier.attempts,
        concurrency: setup.concurrency,
        directory: wanted.out.clone(),
        repositories,
        environments,
        environment,
        contestant: setup.asked.contestant(),
        asked: setup.asked.clone(),
        keep: false,
        allowance: setup.allowance,
        limits: setup.limits,
        cache: wanted.cache.clone(),
        containers: Containers::Auto,
        images: images(&earlier),
        network: setup.network,
        retries: setup.retries,
    };
    Ok(Repeated { request, differences })
}

/// In which image each case of a run was judged, if in any.
pub(super) fn images(record: &RunRecord) -> Fixed {
    record.cases.iter().map(|case| (case.id.clone(), case.image.clone())).collect()
}

/// What of the environments of a run's cases is not as in an earlier run: packages, where both runs say which.
///
/// # Errors
/// When a run cannot be read.
pub fn environments(earlier: &Path, later: &Path) -> Result<Vec<Difference>, Refusal> {
    let of = |run: &Path| -> Result<BTreeMap<String, String>, Refusal> {
        let results = record::read(run).map_err(Refusal::user)?;
        Ok(results.into_iter().filter_map(|result| Some((result.case, result.environment?))).collect())
    };
    let (was, now) = (of(earlier)?, of(later)?);
    let mut differences = Vec::new();
    let mut told = BTreeSet::new();
    for (case, was) in &was {
        let Some(now) = now.get(case).filter(|now| *now != was) else { continue };
        // Many cases share one: it is told of the first.
        if !told.insert((was, now)) {
            continue;
        }
        let packages = |run: &Path, id: &str| shared::of_run(run, id).map(|record| record.packages);
        match (packages(earlier, was), packages(later, now)) {
            (Some(before), Some(after)) if before != after => {
                let only = |these: &[String], those: &[String]| {
                    let only: Vec<&str> = these.iter().filter(|one| !those.contains(one)).map(String::as_str).collect();
                    if only.is_empty() { GONE.to_owned() } else { only.join(" ") }
                };
                note(
                    &mut differences,
                    &format!("packages of case {case}"),
                    &only(&before, &after),
                    &only(&after, &before),
                );
            }
            _ => note(&mut differences, &format!("environment of case {case}"), was, now),
        }
    }
    Ok(differences)
}

/// What is recorded of a request and its cases.
pub(super) fn setup(request: &BenchRequest, contestants: &[Contestant], yard: &Yard<'_>) -> RunSetup {
    let asked = if contestants == [request.contestant.clone()] { request.asked.clone() } else { Asked::default() };
    RunSetup {
        suite: request.suite.clone(),
        size: request.size,
        concurrency: request.concurrency,
        repositories: request.repositories.clone(),
        environments: request.environments.clone(),
        variables: request.environment.iter().map(|(name, value)| (name.clone(), hash(value))).collect(),
        asked,
        allowance: request.allowance,
        limits: request.limits,
        network: request.network,
        engine: yard.title(),
        retries: request.retries,
    }
}

/// What is recorded of a case.
pub(super) fn case(case: &Case, image: Option<&Image>, network: Option<bool>) -> CaseRecord {
    CaseRecord {
        id: case.id.clone(),
        digest: case.digest(),
        environment: environment(case, image, network),
        prompt: case.prompt.clone(),
        follow_ups: case.follow_ups.clone(),
        image: image.cloned(),
    }
}

/// A hash of what a case's tests run in: what prepares its checkout, the image, whether there is a network.
pub(super) fn environment(case: &Case, image: Option<&Image>, network: Option<bool>) -> String {
    let mut all = case.setup.clone().unwrap_or_default();
    all.extend(image.into_iter().flat_map(|image| ["\0image\0", &image.id]));
    // As it is without a word about it: nothing, so that this is the hash that it always was.
    if network.or(case.limits.uses.network).is_some_and(|network| network == image.is_some()) {
        all.push_str("\0network");
    }
    if let Some(environment) = &case.environment {
        all.extend(["\0", &environment.text()]);
    }
    for (name, value) in &case.variables {
        all.extend(["\0", name, "\0", value]);
    }
    hash(&all)
}

fn hash(text: &str) -> String {
    hex::encode(&Sha256::digest(text)[..8])
}

/// The values of the variables that the run had.
fn variables(setup: &RunSetup, given: &[(String, String)]) -> Result<Vec<(String, String)>, Refusal> {
    let mut all = given.to_vec();
    for (name, _) in &setup.variables {
        if all.iter().any(|(known, _)| known == name) {
            continue;
        }
        let value = std::env::var(name).map_err(|_| {
            Refusal::user(format!(
                "the run had a variable {name}, whose value is not recorded and which is not set here"
            ))
            .hint(format!("--env {name}=VALUE"))
        })?;
        all.push((name.clone(), value));
    }
    Ok(all)
}

/// The ids of the recorded cases that are there.
fn compare_cases(earlier: &RunRecord, suite: &Suite, differences: &mut Vec<Difference>) -> Vec<String> {
    let network = earlier.setup.as_ref().and_then(|setup| setup.network);
    let now: BTreeMap<&str, &Case> = suite.cases.iter().map(|case| (case.id.as_str(), case)).collect();
    let mut there = Vec::new();
    for was in &earlier.cases {
        let Some(now) = now.get(was.id.as_str()) else {
            note(differences, &format!("case {}", was.id), &was.digest, GONE);
            continue;
        };
        there.push(was.id.clone());
        note(differences, &format!("case {}", was.id), &was.digest, &now.digest());
        note(
            differences,
            &format!("environment of case {}", was.id),
            &was.environment,
            &environment(now, was.image.as_ref(), network),
        );
    }
    there
}

fn compare_tools(earlier: &RunRecord, given: &[(String, String)], differences: &mut Vec<Difference>) {
    note(differences, "divisi", &earlier.divisi, env!("CARGO_PKG_VERSION"));
    let environment: Vec<(OsString, OsString)> = std::env::vars_os().collect();
    let now = machine::tools(&environment, given, &AtomicBool::new(false));
    let of = |tools: &[(String, String)], name: &str| {
        tools.iter().find(|(known, _)| known == name).map_or_else(|| GONE.to_owned(), |(_, said)| said.clone())
    };
    let mut names: Vec<&String> = earlier.tools.iter().chain(&now).map(|(name, _)| name).collect();
    names.sort();
    names.dedup();
    for name in names {
        note(differences, name, &of(&earlier.tools, name), &of(&now, name));
    }
}

fn note(differences: &mut Vec<Difference>, what: &str, was: &str, now: &str) {
    if was != now {
        differences.push(Difference { what: what.to_owned(), was: was.to_owned(), now: now.to_owned() });
    }
}

/// Where a run is: a directory, or the name or the beginning of the name of one below `runs`.
///
/// # Errors
/// When there is none, or several begin so.
pub fn find(name: &str, runs: &Path) -> Result<PathBuf, Refusal> {
    let is_run = |path: &Path| path.join(record::FILE).is_file();
    let direct = Path::new(name);
    if is_run(direct) {
        return std::path::absolute(direct)
            .map_err(|error| Refusal::user(format!("failed to make {name} absolute: {error}")));
    }
    let entries = std::fs::read_dir(runs).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut all: Vec<PathBuf> = entries.filter(|path| is_run(path)).collect();
    all.sort();
    let called = |path: &Path| path.file_name().map(|found| found.to_string_lossy().into_owned()).unwrap_or_default();
    if let Some(exact) = all.iter().find(|path| called(path) == name) {
        return Ok(exact.clone());
    }
    let fits: Vec<&PathBuf> = all.iter().filter(|path| !name.is_empty() && called(path).starts_with(name)).collect();
    match *fits {
        [one] => Ok(one.clone()),
        [] => {
            let refusal = Refusal::user(format!("there is no run {name:?}, neither here nor in {}", runs.display()));
            let newest = all.iter().rev().take(5).map(|path| called(path)).collect::<Vec<_>>();
            Err(if newest.is_empty() { refusal } else { refusal.hint(format!("there are {}", newest.join(", "))) })
        }
        _ => {
            let names: Vec<String> = fits.iter().take(5).map(|path| called(path)).collect();
            Err(Refusal::user(format!("several runs begin with {name:?}: {}", names.join(", "))))
        }
    }
}

#[cfg(test)]
mod tests;
