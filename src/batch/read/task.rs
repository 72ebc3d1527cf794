//! Tasks: prompts, repositories, and what comes before.

use std::collections::{HashMap, HashSet};

use super::part::{Part, TextOr, require_id};
use super::{cases, suites, unique};
use crate::base::near::near;
use crate::base::yaml::{Place, Problems};
use crate::model::plan::{PlanPrompt, PlanRepository, PlanTask};

pub(super) fn read(mut part: Part<'_>, problems: &mut Problems) -> Option<PlanTask> {
    let id = part.id(problems);
    let evaluation = part.word("type", problems) == Some("evaluation");
    if evaluation {
        return cases::read(part, id, problems);
    }
    for key in cases::KEYS {
        if let Some(node) = part.node(key) {
            problems.tell(node.at, format!("'{key}' is only for tasks of type 'evaluation'"));
        }
    }
    let prompts = prompts(&mut part, problems);
    let repositories = repositories(&mut part, problems);
    let priority = part.number("priority", problems).map_or(0, |number| i32::try_from(number).unwrap_or(i32::MAX));
    let depends_on = part.texts("depends_on", problems);
    let timeout_sec = part.number("timeout_sec", problems);
    let number = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    let repeat = part.number("repeat", problems).map(number);
    let evaluators = suites::evaluators(&mut part, problems);
    let restore = suites::restore(&mut part, problems);
    let at = part.node("best_of").map(|node| node.at);
    let best_of = part.number("best_of", problems).map(number);
    if let Some(at) = at.filter(|_| repeat.is_some()) {
        problems.tell(at, "a task has 'best_of' or 'repeat': both say how often every agent works on it");
    }
    let at = part.node("judge").map(|node| node.at);
    let judge = part.one("judge", problems).and_then(|part| suites::judge(part, problems));
    if let Some(at) = at.filter(|_| best_of.is_none()) {
        problems.tell(at, "'judge' compares the candidates of 'best_of', which this task does not have");
    }
    part.finish(problems);
    Some(PlanTask {
        id: id?,
        prompts,
        repositories,
        priority,
        depends_on,
        timeout_sec,
        repeat,
        evaluators,
        restore,
        best_of,
        judge,
        cases: None,
    })
}

fn prompts(part: &mut Part<'_>, problems: &mut Problems) -> Vec<PlanPrompt> {
    let mut prompts: Vec<(Place, PlanPrompt)> = Vec::new();
    for (index, item) in part.text_or_many("prompts", problems).into_iter().enumerate() {
        let nth = format!("p{}", index + 1);
        match item {
            TextOr::Text(at, text) => {
                if text.trim().is_empty() {
                    problems.tell(at, "a prompt is empty");
                }
                prompts.push((at, PlanPrompt { id: nth, text, file: None, follow_ups: Vec::new(), case: None }));
            }
            TextOr::Part(mut part) => {
                let at = part.at();
                let id = part.text("id", problems).unwrap_or(nth);
                require_id(&id, at, problems);
                let text = part.text("prompt", problems);
                let file = part.text("prompt_file", problems);
                let follow_ups = part.texts("follow_ups", problems);
                part.finish(problems);
                match (&text, &file) {
                    (Some(text), None) if text.trim().is_empty() => problems.tell(at, "a prompt is empty"),
                    (Some(_), None) | (None, Some(_)) => {}
                    (None, None) => problems.tell(at, "a prompt needs 'prompt' or 'prompt_file'"),
                    (Some(_), Some(_)) => problems.tell(at, "a prompt has 'prompt' or 'prompt_file', not both"),
                }
                prompts.push((at, PlanPrompt { id, text: text.unwrap_or_default(), file, follow_ups, case: None }));
            }
        }
    }
    unique("prompt", prompts.iter().map(|(at, prompt)| (*at, prompt.id.as_str())), problems);
    prompts.into_iter().map(|(_, prompt)| prompt).collect()
}

fn repositories(part: &mut Part<'_>, problems: &mut Problems) -> Vec<PlanRepository> {
    let mut repositories: Vec<(Place, PlanRepository)> = Vec::new();
    for item in part.text_or_many("repositories", problems) {
        let (at, path, base) = match item {
            TextOr::Text(at, path) => (at, Some(path), None),
            TextOr::Part(mut part) => {
                let at = part.at();
                let path = part.require_text("path", problems);
                let base = part.text("base", problems);
                part.finish(problems);
                (at, path, base)
            }
        };
        let Some(path) = path else { continue };
        if path.trim().is_empty() {
            problems.tell(at, "a repository's path is empty");
        }
        repositories.push((at, PlanRepository { path, base, absolute: String::new(), commit: None }));
    }
    unique("repository", repositories.iter().map(|(at, repository)| (*at, repository.path.as_str())), problems);
    repositories.into_iter().map(|(_, repository)| repository).collect()
}

/// Tells of dependencies that are not there or go in circles, and of repositories with two bases.
pub(super) fn require_references(tasks: &[(Place, PlanTask)], problems: &mut Problems) {
    let known: HashMap<&str, &PlanTask> = tasks.iter().map(|(_, task)| (task.id.as_str(), task)).collect();
    for (at, task) in tasks {
        for other in task.depends_on.iter().filter(|other| !known.contains_key(other.as_str())) {
            let nearest = near(other, tasks.iter().map(|(_, task)| task.id.as_str())).first().copied();
            problems.tell_with(*at, format!("'{}' depends on '{other}', which is no task", task.id), nearest);
        }
    }
    require_no_circle(tasks, &known, problems);
    let mut bases: std::collections::BTreeMap<&str, &Option<String>> = std::collections::BTreeMap::new();
    for (at, task) in tasks {
        for repository in &task.repositories {
            let known = bases.entry(&repository.path).or_insert(&repository.base);
            if **known != repository.base {
                problems.tell(
                    *at,
                    format!(
                        "the repository '{}' has another base in another task: write its path differently there (a trailing slash will do)",
                        repository.path
                    ),
                );
            }
        }
    }
}

/// Dependencies in circles that are told, at most: who mends these sees the others.
const CIRCLES: usize = 10;

/// Tells of tasks that depend on themselves.
fn require_no_circle(tasks: &[(Place, PlanTask)], known: &HashMap<&str, &PlanTask>, problems: &mut Problems) {
    let depends = |task: &'_ PlanTask| -> Vec<&PlanTask> {
        task.depends_on.iter().filter_map(|other| known.get(other.as_str()).copied()).collect()
    };
    // Who depends on nothing that is left is in no circle, one after the other.
    let mut waits: HashMap<&str, usize> =
        tasks.iter().map(|(_, task)| (task.id.as_str(), depends(task).len())).collect();
    let mut after: HashMap<&str, Vec<&str>> = HashMap::new();
    for (_, task) in tasks {
        for other in depends(task) {
            after.entry(&other.id).or_default().push(&task.id);
        }
    }
    let mut free: Vec<&str> = waits.iter().filter(|(_, left)| **left == 0).map(|(id, _)| *id).collect();
    while let Some(id) = free.pop() {
        waits.remove(id);
        for other in after.get(id).into_iter().flatten() {
            if let Some(left) = waits.get_mut(other) {
                *left = left.saturating_sub(1);
                if *left == 0 {
                    free.push(other);
                }
            }
        }
    }
    let mut told = 0;
    for (at, task) in tasks.iter().filter(|(_, task)| waits.contains_key(task.id.as_str())) {
        let (mut seen, mut open) = (HashSet::new(), vec![task]);
        while let Some(next) = open.pop() {
            if depends(next).iter().any(|other| other.id == task.id) {
                problems.tell(*at, format!("'{}' depends on itself", task.id));
                told += 1;
                break;
            }
            open.extend(depends(next).into_iter().filter(|other| seen.insert(other.id.as_str())));
        }
        if told == CIRCLES {
            return;
        }
    }
}
