//! divisi's own suites: a YAML file whose cases name a repository or a directory, a prompt, and the command that judges.

use std::time::Duration;

use crate::base::yaml::{Fields, Node, Problem, Problems, parse};
use crate::model::schema::cases as schema;

use super::environment::{self, Environment};
use super::{Case, Files, Grading, Limits, Reference, Source, Uses, is_inside};

/// The only version there is.
const VERSION: u64 = 1;
/// Seconds that a limit may have at most: a day.
const LONGEST: u64 = 24 * 60 * 60;
/// Characters of an id at most.
const ID: usize = 120;

/// Reads what the suite names beside it: a path relative to it.
pub type Read<'a> = dyn Fn(&str) -> Result<String, String> + 'a;

/// What cases have that say nothing else.
#[derive(Debug, Clone, Default)]
struct Defaults {
    repository: Option<String>,
    base: Option<String>,
    directory: Option<String>,
    environment: Option<Environment>,
    setup: Option<String>,
    script_command: Option<String>,
    restore: Vec<String>,
    iterations: Option<u32>,
    reference: Option<Reference>,
    limits: Limits,
}

/// The cases of a suite's text. `beside` is its directory: relative paths begin there.
///
/// # Errors
/// All problems, with their places.
pub fn cases(text: &str, beside: &str, read: &Read<'_>) -> Result<Vec<Case>, Vec<Problem>> {
    cases_judged_by(text, beside, read, None)
}

/// [`cases`], of which those that do not say what judges them are judged by `script_command`.
///
/// # Errors
/// As [`cases`].
pub fn cases_judged_by(
    text: &str,
    beside: &str,
    read: &Read<'_>,
    script_command: Option<&str>,
) -> Result<Vec<Case>, Vec<Problem>> {
    let mut problems = Problems::default();
    let root = parse(text, &mut problems);
    let otherwise = Defaults { script_command: script_command.map(str::to_owned), ..Defaults::default() };
    let cases = root.map(|root| suite(&root, otherwise, beside, read, &mut problems)).unwrap_or_default();
    if problems.is_empty() { Ok(cases) } else { Err(problems.into_sorted()) }
}

fn suite(root: &Node, otherwise: Defaults, beside: &str, read: &Read<'_>, problems: &mut Problems) -> Vec<Case> {
    let Some(mut fields) = Fields::described(root, &schema::CASES, problems) else { return Vec::new() };
    if fields.require("version", problems).is_some() {
        fields.number("version", VERSION..=VERSION, problems);
    }
    // For people and for reports that name it.
    let name = fields.text("name", problems).unwrap_or_default();
    fields.text("description", problems);
    let defaults = match fields.node("defaults") {
        Some(node) => defaults(node, &otherwise, read, problems),
        None => otherwise,
    };
    let items = fields.require("cases", problems);
    let mut cases: Vec<Case> = Vec::new();
    for item in items.map_or(&[][..], Node::items) {
        if let Some(case) = case(item, &name, &defaults, beside, read, problems) {
            if cases.iter().any(|other| other.id == case.id) {
                problems.tell(item.at, format!("there is a case '{}' already", case.id));
            }
            cases.push(case);
        }
    }
    if let Some(items) = items.filter(|items| items.items().is_empty()) {
        problems.tell(items.at, "the suite has no cases");
    }
    fields.finish(problems);
    cases
}

fn defaults(node: &Node, otherwise: &Defaults, read: &Read<'_>, problems: &mut Problems) -> Defaults {
    let Some(mut fields) = Fields::described(node, &schema::DEFAULTS, problems) else { return Defaults::default() };
    let said = shared(&mut fields, otherwise, read, problems);
    fields.finish(problems);
    said
}

/// What both the defaults and a case may say.
fn shared<'a>(fields: &mut Fields<'a>, or: &Defaults, read: &Read<'_>, problems: &mut Problems) -> Defaults {
    let mut limit = |key: &'a str, otherwise: Duration| {
        fields.number(key, 1..=LONGEST, problems).map_or(otherwise, Duration::from_secs)
    };
    let limits = Limits {
        setup: limit("setup_timeout_sec", or.limits.setup),
        agent: limit("timeout_sec", or.limits.agent),
        test: limit("test_timeout_sec", or.limits.test),
        uses: or.limits.uses,
    };
    let mut most = |key: &'a str, least, otherwise| fields.number(key, least..=1 << 20, problems).or(otherwise);
    let uses = Uses {
        memory_mb: most("memory_mb", 0, or.limits.uses.memory_mb),
        processes: most("processes", 1, or.limits.uses.processes),
        output_kb: most("output_kb", 1, or.limits.uses.output_kb),
        network: fields.flag("network", problems).or(or.limits.uses.network),
    };
    let limits = Limits { uses, ..limits };
    let iterations = fields.number("max_iterations", 1..=100, problems).and_then(|number| u32::try_from(number).ok());
    let restore = fields.node("restore").map(|_| fields.texts("restore", problems));
    Defaults {
        repository: fields.text("repository", problems).or_else(|| or.repository.clone()),
        base: fields.text("base", problems).or_else(|| or.base.clone()),
        directory: fields.text("directory", problems).or_else(|| or.directory.clone()),
        environment: fields
            .node("environment")
            .and_then(|node| environment::of_suite(node, problems))
            .or_else(|| or.environment.clone()),
        setup: fields.text("setup", problems).or_else(|| or.setup.clone()),
        script_command: fields.text("script_command", problems).or_else(|| or.script_command.clone()),
        restore: restore.unwrap_or_else(|| or.restore.clone()),
        iterations: iterations.or(or.iterations),
        reference: fields
            .node("reference")
            .and_then(|node| reference(node, read, problems))
            .or_else(|| or.reference.clone()),
        limits,
    }
}

fn case(
    node: &Node,
    suite: &str,
    defaults: &Defaults,
    beside: &str,
    read: &Read<'_>,
    problems: &mut Problems,
) -> Option<Case> {
    let mut fields = Fields::described(node, &schema::CASE, problems)?;
    let at = fields.at();
    let id = fields.require_text("id", problems);
    let said = shared(&mut fields, &Defaults { directory: None, repository: None, ..defaults.clone() }, read, problems);
    let prompt = prompt(&mut fields, read, problems);
    let follow_ups = fields.texts("follow_ups", problems);
    let carry = fields.texts("carry", problems);
    let expected_files = fields.texts("expected_files", problems);
    let hidden = files(fields.node("hidden_files"), read, problems);
    let group = fields.text("group", problems);
    fields.finish(problems);

    let id = id?;
    if id.len() > ID
        || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte))
        || !is_inside(&id)
    {
        problems.tell(at, format!("the id '{id}' has to be of letters, digits, '.', '_', '-' and '/', at most {ID}"));
        return None;
    }
    for path in &expected_files {
        if !is_inside(path) {
            problems.tell(at, format!("case {id}: the expected file '{path}' lies outside of the checkout"));
        }
    }
    // A case that names one of the two does not mean the default's other.
    let (repository, directory) = match (said.repository, said.directory) {
        (None, None) => (defaults.repository.clone(), defaults.directory.clone()),
        own => own,
    };
    let place = |path: &str| if path.starts_with('/') { path.to_owned() } else { format!("{beside}/{path}") };
    let source = match (repository, directory) {
        (Some(_), Some(_)) => {
            problems.tell(at, format!("case {id} has both 'repository' and 'directory': only one can be its source"));
            return None;
        }
        (Some(repository), None) => {
            Source::Commit { repository: place(&repository), base: said.base.unwrap_or_else(|| "HEAD".to_owned()) }
        }
        (None, Some(directory)) => Source::Directory(place(&directory)),
        (None, None) => {
            problems.tell(at, format!("case {id} needs 'repository' or 'directory'"));
            return None;
        }
    };
    let Some(test) = said.script_command else {
        problems
            .tell(at, format!("case {id} needs 'script_command': the command whose exit code 0 says that it is done"));
        return None;
    };
    let environment = said.environment.unwrap_or_default();
    Some(Case {
        group: group.unwrap_or_else(|| suite.to_owned()),
        id,
        source,
        prompt: prompt?,
        follow_ups,
        environment: environment.recipe_for(if suite.is_empty() { "the suite" } else { suite }),
        setup: said.setup,
        test,
        variables: environment.variables,
        grading: Grading::ExitCode,
        restore: said.restore,
        carry,
        hidden,
        expected_files,
        reference: said.reference,
        iterations: said.iterations.unwrap_or(1),
        limits: said.limits,
    })
}

fn prompt(fields: &mut Fields<'_>, read: &Read<'_>, problems: &mut Problems) -> Option<String> {
    let at = fields.at();
    match (fields.text("prompt", problems), fields.node("prompt_file")) {
        (Some(prompt), None) if !prompt.trim().is_empty() => Some(prompt),
        (None, Some(node)) => {
            let name = node.require_text("'prompt_file'", problems)?;
            beside(node, name, read, problems)
        }
        (Some(_), Some(_)) => {
            problems.tell(at, "a case has either 'prompt' or 'prompt_file'");
            None
        }
        _ => {
            problems.tell(at, "a case needs 'prompt' or 'prompt_file'");
            None
        }
    }
}

/// The content of a file that the suite names.
fn beside(node: &Node, name: &str, read: &Read<'_>, problems: &mut Problems) -> Option<String> {
    read(name).map_err(|why| problems.tell(node.at, why)).ok()
}

/// Files of the checkout by the files beside the suite that have their content.
fn files(node: Option<&Node>, read: &Read<'_>, problems: &mut Problems) -> Files {
    let mut files = Files::new();
    let Some(node) = node else { return files };
    for (key, value) in Fields::open(node, "a mapping of files", problems) {
        if !is_inside(&key.name) {
            problems.tell(key.at, format!("'{}' lies outside of the checkout", key.name));
            continue;
        }
        let content = value.require_text("the file beside the suite", problems).map(str::to_owned);
        if let Some(content) = content.and_then(|name| beside(value, &name, read, problems)) {
            files.insert(key.name.clone(), content.into());
        }
    }
    files
}

fn reference(node: &Node, read: &Read<'_>, problems: &mut Problems) -> Option<Reference> {
    let mut fields = Fields::described(node, &schema::SOLUTION, problems)?;
    let (patch, files_node, command) = (fields.node("patch"), fields.node("files"), fields.text("command", problems));
    fields.finish(problems);
    match (patch, files_node, command) {
        (Some(patch), None, None) => {
            let name = patch.require_text("'patch'", problems)?;
            beside(patch, name, read, problems).map(Reference::Patch)
        }
        (None, Some(node), None) => Some(Reference::Files(files(Some(node), read, problems))),
        (None, None, Some(command)) => Some(Reference::Command(command)),
        _ => {
            problems.tell(node.at, "'reference' has one of 'patch', 'files' and 'command'");
            None
        }
    }
}

#[cfg(test)]
mod tests;
