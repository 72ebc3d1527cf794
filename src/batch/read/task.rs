//! Tasks: prompts, repositories, and what comes before.

use std::collections::{HashMap, VecDeque};

use super::part::{Part, TextOr, require_id};
use super::{cases, suites, unique};
use crate::base::near::near;
use crate::base::yaml::{Node, Place, Problems};
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

/// Where tasks say on what they depend: by the task and the other one.
pub(super) fn dependencies(plan: &Node) -> HashMap<(String, String), Place> {
    let mut places = HashMap::new();
    for task in plan.at_key("tasks").map_or(&[][..], Node::items) {
        let Some(id) = task.at_key("id").and_then(Node::text) else { continue };
        for other in task.at_key("depends_on").map_or(&[][..], Node::items) {
            places.extend(other.text().map(|name| ((id.to_owned(), name.to_owned()), other.at)));
        }
    }
    places
}

/// Tells of dependencies that are not there or go in circles, and of repositories with two bases. `places` has where tasks say on what
/// they depend; what is not in it is told at the task.
pub(super) fn require_references(
    tasks: &[(Place, PlanTask)],
    places: &HashMap<(String, String), Place>,
    problems: &mut Problems,
) {
    let known: HashMap<&str, &PlanTask> = tasks.iter().map(|(_, task)| (task.id.as_str(), task)).collect();
    for (at, task) in tasks {
        for other in task.depends_on.iter().filter(|other| !known.contains_key(other.as_str())) {
            let nearest = near(other, tasks.iter().map(|(_, task)| task.id.as_str())).first().copied();
            let at = places.get(&(task.id.clone(), other.clone())).unwrap_or(at);
            problems.tell_with(*at, format!("'{}' depends on '{other}', which is no task", task.id), nearest);
        }
    }
    require_no_circle(tasks, &known, places, problems);
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

/// Names of a circle that are told, at most.
const LONGEST: usize = 6;

/// Tells of tasks that depend on themselves.
fn require_no_circle(
    tasks: &[(Place, PlanTask)],
    known: &HashMap<&str, &PlanTask>,
    places: &HashMap<(String, String), Place>,
    problems: &mut Problems,
) {
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
        // Who is seen, by whom first: that is the way back.
        let (mut by, mut open) = (HashMap::<&str, &str>::new(), VecDeque::from([task]));
        while let Some(next) = open.pop_front() {
            if depends(next).iter().any(|other| other.id == task.id) {
                let mut way = vec![next.id.as_str()];
                while let Some(before) = by.get(way[way.len() - 1]) {
                    way.push(before);
                }
                way.reverse();
                let first = way.get(1).copied().unwrap_or(&task.id);
                let at = places.get(&(task.id.clone(), first.to_owned())).unwrap_or(at);
                problems.tell(*at, format!("'{}' depends on itself{}", task.id, through(&way[1..])));
                told += 1;
                break;
            }
            for other in depends(next) {
                if !by.contains_key(other.id.as_str()) && other.id != task.id {
                    by.insert(&other.id, &next.id);
                    open.push_back(other);
                }
            }
        }
        if told == CIRCLES {
            return;
        }
    }
}

/// Over whom a task depends on itself.
fn through(others: &[&str]) -> String {
    match others {
        [] => String::new(),
        many if many.len() > LONGEST => {
            format!(", through {} and {} more", many[..LONGEST].join(", "), many.len() - LONGEST)
        }
        few => format!(", through {}", few.join(", ")),
    }
}
