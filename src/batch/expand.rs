//! The matrix: which combinations a plan runs, in an order that only the plan decides.

use crate::model::batch::{Run, RunState};
use crate::model::id::{BatchId, RunId};
use crate::model::plan::{Plan, PlanPrompt, PlanTask, Selector};

/// Runs of one batch at most: more is a mistake in the plan.
pub const MOST_RUNS: usize = 10_000;

/// The runs of a plan: tasks, then prompts (or cases), repositories and agents in the order of the plan, then
/// repetitions. The same plan gives the
/// same runs under the same numbers every time. Stops one behind [`MOST_RUNS`].
pub fn runs(plan: &Plan, batch: &BatchId) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for task in &plan.tasks {
        let repeat = task.best_of.or(task.repeat).unwrap_or(plan.execution.repeat);
        for prompt in &task.prompts {
            for repository in places(task, prompt) {
                for agent in &plan.agents {
                    let one = Combination { agent: &agent.id, task: &task.id, prompt: &prompt.id, repository };
                    if !is_wanted(plan, &one) {
                        continue;
                    }
                    for repetition in 1..=repeat {
                        if runs.len() > MOST_RUNS {
                            return runs;
                        }
                        let number = u32::try_from(runs.len() + 1).unwrap_or(u32::MAX);
                        runs.push(Run {
                            id: RunId(format!("{batch}.r{number}")),
                            number,
                            task: task.id.clone(),
                            prompt: prompt.id.clone(),
                            agent: agent.id.clone(),
                            repository: repository.to_owned(),
                            repetition,
                            state: RunState::Queued,
                            reason: None,
                            not_before: None,
                            discounted: 0,
                            attempts: Vec::new(),
                        });
                    }
                }
            }
        }
    }
    runs
}

/// Whether an agent works on a task at all.
pub fn is_run(plan: &Plan, task: &PlanTask, agent: &str) -> bool {
    let repositories = |prompt| places(task, prompt).into_iter().map(move |repository| (prompt, repository));
    task.prompts.iter().flat_map(repositories).any(|(prompt, repository)| {
        is_wanted(plan, &Combination { agent, task: &task.id, prompt: &prompt.id, repository })
    })
}

/// Where a prompt is worked on, as runs name it: in every repository of its task, or in that of its case.
fn places<'a>(task: &'a PlanTask, prompt: &'a PlanPrompt) -> Vec<&'a str> {
    match &prompt.case {
        Some(case) => vec![&case.group],
        None => task.repositories.iter().map(|repository| repository.path.as_str()).collect(),
    }
}

struct Combination<'a> {
    agent: &'a str,
    task: &'a str,
    prompt: &'a str,
    repository: &'a str,
}

fn is_wanted(plan: &Plan, one: &Combination<'_>) -> bool {
    (plan.include.is_empty() || plan.include.iter().any(|selector| takes(selector, one)))
        && !plan.exclude.iter().any(|selector| takes(selector, one))
}

fn takes(selector: &Selector, one: &Combination<'_>) -> bool {
    let same = |named: &Option<String>, is: &str| named.as_deref().is_none_or(|named| named == is);
    same(&selector.agent, one.agent)
        && same(&selector.task, one.task)
        && same(&selector.prompt, one.prompt)
        && same(&selector.repository, one.repository)
}

#[cfg(test)]
mod tests;
