//! Tasks of the type `evaluation`: cases of a benchmark instead of prompts and repositories.

use super::part::Part;
use crate::base::near::near;
use crate::base::yaml::{Place, Problems};
use crate::model::case::{CaseSelection, PlanCases, unfit};
use crate::model::container::Containers;
use crate::model::plan::{Plan, PlanTask, Selector};

/// What only such tasks have.
pub(super) const KEYS: [&str; 9] = [
    "dataset",
    "cases_dir",
    "script_command",
    "select",
    "repos_dir",
    "environments_file",
    "variables",
    "containers",
    "network",
];

/// What they do not have, and why not.
const FOREIGN: [(&str, &str); 6] = [
    ("prompts", "what is asked is in the cases"),
    ("repositories", "where it is worked on is in the cases; 'repos_dir' says where clones are"),
    ("evaluators", "the cases' own tests judge"),
    ("restore", "what is restored is in the cases"),
    ("best_of", "every attempt at a case counts; 'repeat' makes several"),
    ("judge", "the cases' own tests judge"),
];

/// Reads one; its cases are read later.
pub(super) fn read(mut part: Part<'_>, id: Option<String>, problems: &mut Problems) -> Option<PlanTask> {
    for (key, why) in FOREIGN {
        if let Some(node) = part.node(key) {
            problems.tell(node.at, format!("'{key}' is not for tasks of type 'evaluation': {why}"));
        }
    }
    let mut places = vec![("task", part.at())];
    for key in KEYS {
        places.extend(part.node(key).map(|node| (key, node.at)));
    }
    let dataset = part.text("dataset", problems);
    let cases_dir = part.text("cases_dir", problems);
    let script_command = part.text("script_command", problems);
    let repos_dir = part.text("repos_dir", problems);
    let environments_file = part.text("environments_file", problems);
    let variables = part.text_map("variables", problems);
    for (name, (at, _)) in &variables {
        if let Some(why) = unfit(name) {
            problems.tell(*at, why);
        }
    }
    let containers = part.word("containers", problems);
    let containers = Containers::WORDS.iter().find(|(word, _)| Some(*word) == containers).map(|(_, chosen)| *chosen);
    let network = part.flag("network", problems);
    for (key, text) in [("dataset", &dataset), ("cases_dir", &cases_dir), ("script_command", &script_command)] {
        if text.as_ref().is_some_and(|text| text.trim().is_empty()) {
            problems.tell(place(&places, key), format!("'{key}' is empty"));
        }
    }
    if dataset.is_none() && cases_dir.is_none() {
        problems
            .tell(part.at(), "a task of type 'evaluation' needs 'dataset', 'cases_dir' or both: where its cases are");
    }
    let mut select = CaseSelection::default();
    if let Some(mut chosen) = part.one("select", problems) {
        for key in ["ids", "repositories", "languages", "size"] {
            places.extend(chosen.node(key).map(|node| (key, node.at)));
        }
        select = CaseSelection {
            ids: chosen.texts("ids", problems),
            repositories: chosen.texts("repositories", problems),
            languages: chosen.texts("languages", problems),
            size: chosen.number("size", problems).and_then(|size| u32::try_from(size).ok()),
            seed: chosen.number("seed", problems).unwrap_or(0),
        };
        chosen.finish(problems);
    }
    let priority = part.number("priority", problems).map_or(0, |number| i32::try_from(number).unwrap_or(i32::MAX));
    let depends_on = part.texts("depends_on", problems);
    let timeout_sec = part.number("timeout_sec", problems);
    let repeat = part.number("repeat", problems).map(|number| u32::try_from(number).unwrap_or(u32::MAX));
    part.finish(problems);
    let cases = PlanCases {
        dataset,
        cases_dir,
        script_command,
        repos_dir,
        environments_file,
        variables: variables.into_iter().map(|(name, (_, value))| (name, value)).collect(),
        containers,
        network,
        select,
        file: String::new(),
        places,
    };
    Some(PlanTask { priority, depends_on, timeout_sec, repeat, ..task(id?, cases) })
}

/// A task with cases and nothing else.
pub(super) fn task(id: String, cases: PlanCases) -> PlanTask {
    PlanTask {
        id,
        prompts: Vec::new(),
        repositories: Vec::new(),
        priority: 0,
        depends_on: Vec::new(),
        timeout_sec: None,
        repeat: None,
        evaluators: Vec::new(),
        restore: Vec::new(),
        best_of: None,
        judge: None,
        cases: Some(Box::new(cases)),
    }
}

/// Where a key of a task stands.
fn place(places: &[(&str, Place)], key: &str) -> Place {
    let found = places.iter().find(|(known, _)| *known == key).or_else(|| places.first());
    found.map_or(Place { line: 1, column: 1 }, |(_, at)| *at)
}

/// Tells of selectors that name no prompt and no case, or a repository that none has.
pub(super) fn require_selectors(plan: &Plan, find: &dyn Fn(&str) -> Place, problems: &mut Problems) {
    let prompts: Vec<&str> =
        plan.tasks.iter().flat_map(|task| &task.prompts).map(|prompt| prompt.id.as_str()).collect();
    let of_cases = plan.tasks.iter().flat_map(|task| &task.prompts).filter_map(|prompt| prompt.case.as_ref());
    let repositories: Vec<&str> = plan
        .tasks
        .iter()
        .flat_map(|task| &task.repositories)
        .map(|repository| repository.path.as_str())
        .chain(of_cases.map(|case| case.group.as_str()))
        .collect();
    let mut require = |what: &str, name: &Option<String>, known: &[&str]| {
        if let Some(name) = name.as_deref().filter(|name| !known.contains(name)) {
            let nearest = near(name, known.iter().copied()).first().copied();
            let message = format!("the matrix names the {what} '{name}', which neither the plan nor its cases have");
            problems.tell_with(find(name), message, nearest);
        }
    };
    for Selector { prompt, repository, .. } in plan.include.iter().chain(&plan.exclude) {
        require("prompt", prompt, &prompts);
        require("repository", repository, &repositories);
    }
}
