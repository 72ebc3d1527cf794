//! What judges: evaluators of the plan, of tasks and of agents, and who compares candidates.

use std::collections::BTreeSet;

use super::part::Part;
use crate::base::yaml::{Node, Place, Problems};
use crate::batch::{expand, suites};
use crate::eval::suite as eval;
use crate::model::evaluation::{Evaluator, Preparation, Protected, Suite};
use crate::model::judge::Judge;
use crate::model::plan::{Plan, PlanAgent, PlanTask};

/// The evaluators of a part. When none is marked as required all of these are, whatever the other parts say.
pub(super) fn evaluators(part: &mut Part<'_>, problems: &mut Problems) -> Vec<Evaluator> {
    part.node("evaluators").map(|node| eval::evaluators(node, problems)).unwrap_or_default()
}

/// Paths that are taken from the base.
pub(super) fn restore(part: &mut Part<'_>, problems: &mut Problems) -> Vec<String> {
    let items: &[Node] = part.node("restore").map_or(&[], Node::items);
    eval::below_all(items, "restore", problems)
}

/// What is run before anything is judged.
pub(super) fn prepare(part: &mut Part<'_>, problems: &mut Problems) -> Option<Preparation> {
    part.node("prepare").and_then(|node| eval::preparation(node, problems))
}

/// What a change of what tells judges how to judge means.
pub(super) fn protected(part: &mut Part<'_>, problems: &mut Problems) -> Protected {
    let word = part.word("protected", problems);
    Protected::ALL.iter().find(|(name, _)| Some(*name) == word).map_or_else(Protected::default, |(_, known)| *known)
}

/// Who compares.
pub(super) fn judge(mut part: Part<'_>, problems: &mut Problems) -> Option<Judge> {
    let at = part.at();
    let agent = part.require_text("agent", problems);
    let model = part.text("model_override", problems);
    let mode = part.text("agent_mode", problems);
    let profile = part.text("profile", problems);
    let rubric = part.text("rubric", problems).unwrap_or_default();
    let wait_sec = part.number("timeout_sec", problems).unwrap_or(600);
    part.finish(problems);
    eval::require_rubric(&rubric, at, problems);
    Some(Judge { agent: agent?, model, mode, profile, rubric, wait_sec })
}

/// The plan's judge is the judge of tasks with candidates that name none.
pub(super) fn hand_on(judge: Option<Judge>, tasks: &mut [(Place, PlanTask)], problems: &mut Problems) {
    let Some(judge) = judge else { return };
    if let Some((at, _)) = tasks.first().filter(|_| tasks.iter().all(|(_, task)| task.best_of.is_none())) {
        problems.tell(*at, "the plan has a 'judge' and no task with 'best_of', whose candidates it would compare");
    }
    for (_, task) in tasks.iter_mut().filter(|(_, task)| task.best_of.is_some() && task.judge.is_none()) {
        task.judge = Some(judge.clone());
    }
}

/// Says of evaluators that do not judge what somebody may think they judge: attempts at cases, which the cases' own tests judge. `at` is
/// where those of the plan stand.
pub(super) fn not_of_cases(
    at: Option<Place>,
    agents: &[(Place, PlanAgent)],
    tasks: &[(Place, PlanTask)],
) -> Vec<String> {
    let cases: Vec<&str> =
        tasks.iter().filter(|(_, task)| task.cases.is_some()).map(|(_, task)| task.id.as_str()).collect();
    if cases.is_empty() {
        return Vec::new();
    }
    let named = cases.iter().map(|id| format!("'{id}'")).collect::<Vec<_>>().join(", ");
    let of_plan = at.map(|at| (at, "the plan's 'evaluators'".to_owned()));
    let of_agents = agents.iter().filter(|(_, agent)| !agent.evaluators.is_empty());
    let of_agents = of_agents.map(|(at, agent)| (*at, format!("the 'evaluators' of the agent '{}'", agent.id)));
    let told = |(at, whose): (Place, String)| {
        format!("line {}: {whose} do not judge {named}: its cases' own tests do, and nothing else", at.line)
    };
    of_plan.into_iter().chain(of_agents).map(told).collect()
}

/// Tells of runs that would be landed although nothing says whether they pass, and of too many evaluators together.
pub(super) fn require_some(plan: &Plan, land: Option<Place>, problems: &mut Problems) {
    let all = |task: &PlanTask| {
        let agents = plan.agents.iter().filter(|agent| expand::is_run(plan, task, &agent.id));
        agents.map(|agent| (agent.id.clone(), suites::merged(plan, task, agent).len())).collect::<Vec<_>>()
    };
    let mut told = BTreeSet::new();
    for task in &plan.tasks {
        for (agent, count) in all(task) {
            if let Some(at) = land.filter(|_| count == 0) {
                let nobody = plan.suite.as_ref().is_none_or(|suite| suite.evaluators.is_empty())
                    && plan.tasks.iter().all(|task| task.evaluators.is_empty())
                    && plan.agents.iter().all(|agent| agent.evaluators.is_empty());
                let message = if nobody {
                    "'on_pass' needs 'evaluators' that say what passes".to_owned()
                } else {
                    format!(
                        "'on_pass' needs 'evaluators' that say what passes: runs of the task '{}' by the agent '{agent}' have none",
                        task.id
                    )
                };
                if told.insert(message.clone()) {
                    problems.tell_with(at, message, Some("never"));
                }
            }
            if count > Suite::MOST {
                let message = format!("runs of the task '{}' by '{agent}' have {count} evaluators", task.id);
                problems.tell(Place { line: 1, column: 1 }, format!("{message}: at most {} are run", Suite::MOST));
            }
        }
    }
}
