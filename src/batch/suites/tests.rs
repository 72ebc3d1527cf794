use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{digest, merged, of, told};
use crate::batch::read;
use crate::model::batch::samples::plan;
use crate::model::evaluation::{Evaluator, EvaluatorKind, Limits, Protected, Suite};
use crate::model::plan::Plan;

fn evaluator(id: &str, minimum: u8) -> Evaluator {
    let kind = EvaluatorKind::Secrets {};
    Evaluator { id: id.to_owned(), kind, weight: 1, required: true, timeout_sec: 1, minimum: Some(minimum) }
}

fn with(of_plan: &[&str], of_task: &[&str], of_agent: &[&str]) -> Plan {
    let list = |ids: &[&str], minimum| ids.iter().map(|id| evaluator(id, minimum)).collect::<Vec<_>>();
    let mut plan = plan();
    plan.suite = (!of_plan.is_empty()).then(|| {
        let (evaluators, restore) = (list(of_plan, 1), vec!["tests/**".to_owned()]);
        let mut suite = Suite {
            name: "p".to_owned(),
            evaluators,
            restore,
            prepare: None,
            protected: Protected::default(),
            limits: Limits::default(),
            digest: String::new(),
        };
        suite.digest = digest(&suite);
        Box::new(suite)
    });
    plan.tasks[0].evaluators = list(of_task, 2);
    plan.agents[0].evaluators = list(of_agent, 3);
    plan
}

#[test]
fn the_agents_word_counts_before_the_tasks_and_the_tasks_before_the_plans() {
    let mut plan = with(&["a", "b", "c"], &["b", "d"], &["c", "d", "e"]);
    plan.tasks[0].restore = vec!["spec/**".to_owned(), "tests/**".to_owned()];
    let suite = of(&plan, "fix", "one").unwrap();
    let all: Vec<_> = suite.evaluators.iter().map(|one| (one.id.as_str(), one.minimum.unwrap())).collect();
    assert_eq!(all, [("a", 1), ("b", 2), ("c", 3), ("d", 3), ("e", 3)]);
    assert_eq!(suite.restore, ["tests/**", "spec/**"]);
    let other = of(&plan, "fix", "two").unwrap();
    assert_eq!(other.evaluators.len(), 4, "what stands at an agent is not another's");
    assert_ne!(suite.digest, other.digest, "what judged one does not count as what judges the other");
}

#[test]
fn a_plan_whose_tasks_add_nothing_keeps_its_own_suite() {
    let plan = with(&["a"], &[], &[]);
    assert_eq!(of(&plan, "fix", "one"), plan.suite.clone().map(|suite| *suite));
    assert_eq!(of(&with(&[], &[], &[]), "fix", "one"), None);
    assert_eq!(of(&with(&[], &[], &["x"]), "fix", "two"), None);
    assert_eq!(of(&with(&[], &[], &["x"]), "fix", "one").unwrap().evaluators.len(), 1);
}

#[test]
fn agents_with_the_same_are_told_together() {
    let plan = with(&["a"], &["b"], &["b"]);
    let told = told(&plan, &|_, _| true);
    let shown: Vec<String> = told
        .iter()
        .map(|one| {
            let all: Vec<String> = one.evaluators.iter().map(|one| format!("{} {}", one.id, one.from)).collect();
            format!("{}: {}", one.agents.join(" "), all.join(", "))
        })
        .collect();
    assert_eq!(shown, ["one: a plan, b agent", "two: a plan, b task"]);
}

#[test]
fn a_run_that_lands_without_anything_that_says_it_passed_is_told() {
    let text = |evaluators: &str, matrix: &str| {
        format!(
            "version: 3\nagents:\n  - {{id: a, agent: shell, {evaluators}}}\n  - {{id: b, agent: shell}}\n\
             tasks: [{{id: t, prompts: [x], repositories: [.]}}]\n{matrix}\nland: on_pass\n"
        )
    };
    let one = "evaluators: [{id: s, kind: secrets}]";
    let problems = read::read(&text(one, ""), None).unwrap_err();
    assert!(problems[0].message.contains("runs of the task 't' by the agent 'b'"), "{problems:?}");
    let plan = read::read(&text(one, "matrix: {include: [{agent: a}]}"), None).unwrap();
    assert!(plan.land && plan.suite.is_none() && plan.agents[0].evaluators[0].required);
}

proptest! {
    /// Whatever three lists there are: every id is there once, and the last list that has it decides.
    #[test]
    fn merging_loses_nothing_and_doubles_nothing(
        lists in proptest::collection::vec(proptest::collection::btree_set("[a-e]", 0..5), 3),
    ) {
        let ids: Vec<Vec<&str>> = lists.iter().map(|list| list.iter().map(String::as_str).collect()).collect();
        let plan = with(&ids[0], &ids[1], &ids[2]);
        let merged = merged(&plan, &plan.tasks[0], &plan.agents[0]);
        let all: BTreeSet<&str> = ids.iter().flatten().copied().collect();
        prop_assert_eq!(merged.iter().map(|(_, one)| one.id.as_str()).collect::<BTreeSet<_>>(), all.clone());
        prop_assert_eq!(merged.len(), all.len());
        for (_, one) in merged {
            let last = (0..3).rev().find(|level| ids[*level].contains(&one.id.as_str())).unwrap();
            prop_assert_eq!(usize::from(one.minimum.unwrap()), last + 1);
        }
    }
}
