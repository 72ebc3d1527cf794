//! What a run is judged by: the plan's evaluators, then the task's, then the agent's.
//!
//! They are one suite. An evaluator with the id of an earlier one takes its place, so the agent's word counts before the task's and the
//! task's before the plan's; one with an id of its own comes after them. Paths to restore add up. Attempts at cases of a benchmark are
//! judged by the cases' tests and nothing else.

use sha2::{Digest as _, Sha256};

use crate::base::hex;
use crate::model::batch::{JudgedBy, OneJudgedBy};
use crate::model::evaluation::{Evaluator, Limits, Protected, Suite};
use crate::model::judge::Judge;
use crate::model::plan::{Plan, PlanAgent, PlanTask};

/// Where an evaluator of a run stands in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Beside the tasks.
    Plan,
    /// At the task.
    Task,
    /// At the agent.
    Agent,
}

impl Level {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Task => "task",
            Self::Agent => "agent",
        }
    }
}

/// The evaluators of a task's runs by an agent, each with where it comes from.
pub fn merged<'a>(plan: &'a Plan, task: &'a PlanTask, agent: &'a PlanAgent) -> Vec<(Level, &'a Evaluator)> {
    if task.cases.is_some() {
        return Vec::new();
    }
    let of_plan = plan.suite.as_ref().map(|suite| suite.evaluators.as_slice()).unwrap_or_default();
    let levels = [(Level::Plan, of_plan), (Level::Task, &task.evaluators), (Level::Agent, &agent.evaluators)];
    let mut all: Vec<(Level, &Evaluator)> = Vec::new();
    for (level, evaluators) in levels {
        for evaluator in evaluators {
            match all.iter_mut().find(|(_, known)| known.id == evaluator.id) {
                Some(known) => *known = (level, evaluator),
                None => all.push((level, evaluator)),
            }
        }
    }
    all
}

/// What the runs of a task by an agent are judged by; absent: nothing. The suite of a plan whose tasks and agents add nothing is the
/// plan's own, so batches of an older divisi keep theirs.
pub fn of(plan: &Plan, task: &str, agent: &str) -> Option<Suite> {
    let own = || plan.suite.as_ref().map(|suite| (**suite).clone()).filter(|suite| !suite.evaluators.is_empty());
    let task = plan.tasks.iter().find(|known| known.id == task);
    let agent = plan.agents.iter().find(|known| known.id == agent);
    if task.is_some_and(|task| task.cases.is_some()) {
        return None;
    }
    let (Some(task), Some(agent)) = (task, agent) else { return own() };
    if task.evaluators.is_empty() && agent.evaluators.is_empty() && task.restore.is_empty() {
        return own();
    }
    let evaluators: Vec<Evaluator> = merged(plan, task, agent).into_iter().map(|(_, one)| one.clone()).collect();
    if evaluators.is_empty() {
        return None;
    }
    let of_plan = plan.suite.as_deref().cloned();
    let mut restore = of_plan.as_ref().map(|suite| suite.restore.clone()).unwrap_or_default();
    for path in &task.restore {
        if !restore.contains(path) {
            restore.push(path.clone());
        }
    }
    let limits = of_plan.as_ref().map_or_else(Limits::default, |suite| suite.limits);
    let prepare = of_plan.as_ref().and_then(|suite| suite.prepare.clone());
    let protected = of_plan.as_ref().map_or_else(Protected::default, |suite| suite.protected);
    let name = of_plan.map_or_else(|| plan.name.clone(), |suite| suite.name);
    let mut suite = Suite { name, evaluators, restore, prepare, protected, limits, digest: String::new() };
    suite.digest = digest(&suite);
    Some(suite)
}

/// What tells a suite that was read from a plan from any other.
pub fn digest(suite: &Suite) -> String {
    hex::encode(&Sha256::digest(serde_json::to_string(suite).unwrap_or_default()))
}

/// Every agent that a plan has judge.
pub fn judges(plan: &Plan) -> Vec<&Judge> {
    let of_plan = plan.suite.iter().flat_map(|suite| &suite.evaluators);
    let of_tasks = plan.tasks.iter().flat_map(|task| &task.evaluators);
    let of_agents = plan.agents.iter().flat_map(|agent| &agent.evaluators);
    let evaluators = of_plan.chain(of_tasks).chain(of_agents).filter_map(|evaluator| evaluator.kind.judge());
    evaluators.chain(plan.tasks.iter().filter_map(|task| task.judge.as_ref())).collect()
}

/// What each task's runs are judged by, for a person: agents with the same are told together.
pub fn told(plan: &Plan, is_run: &dyn Fn(&PlanTask, &str) -> bool) -> Vec<JudgedBy> {
    let mut all: Vec<JudgedBy> = Vec::new();
    for task in &plan.tasks {
        let others = all.len();
        for agent in plan.agents.iter().filter(|agent| is_run(task, &agent.id)) {
            let one = |(level, evaluator): (Level, &Evaluator)| OneJudgedBy {
                id: evaluator.id.clone(),
                kind: evaluator.kind.as_str().to_owned(),
                required: evaluator.required,
                from: level.as_str().to_owned(),
            };
            let mut evaluators: Vec<OneJudgedBy> = merged(plan, task, agent).into_iter().map(one).collect();
            if task.cases.is_some() {
                let (id, kind, from) = ("tests".to_owned(), "case".to_owned(), "case".to_owned());
                evaluators.push(OneJudgedBy { id, kind, required: true, from });
            }
            match all[others..].iter_mut().find(|known| known.evaluators == evaluators) {
                Some(known) => known.agents.push(agent.id.clone()),
                None => all.push(JudgedBy { task: task.id.clone(), agents: vec![agent.id.clone()], evaluators }),
            }
        }
    }
    all
}

#[cfg(test)]
mod tests;
