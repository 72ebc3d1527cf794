use super::*;
use crate::batch::expand;
use crate::model::attempt::{Outcome, Validity};
use crate::model::batch::samples::{attempt, batch, plan};
use crate::model::case::CaseAttempt;

/// A batch of two agents on prompts of one task, each `repeat` times, with what came of each run: `+` passed, `-` failed.
fn of_words(prompts: &[&str], repeat: u32, one: &str, two: &str) -> (Batch, Vec<Run>) {
    let mut plan = plan();
    plan.execution.repeat = repeat;
    let prompt = plan.tasks[0].prompts[0].clone();
    plan.tasks[0].prompts =
        prompts.iter().map(|id| crate::model::plan::PlanPrompt { id: (*id).to_owned(), ..prompt.clone() }).collect();
    let batch = batch(plan);
    let mut runs = expand::runs(&batch.plan, &batch.id);
    let (mut one, mut two) = (one.chars(), two.chars());
    for run in &mut runs {
        let word = if run.agent == "one" { one.next() } else { two.next() }.unwrap();
        let mut made = attempt(1);
        (run.state, made.outcome) = match word {
            '+' => (RunState::Passed, Some(AttemptOutcome::Done)),
            '-' => (RunState::Failed, Some(AttemptOutcome::Failed)),
            'i' => (RunState::Failed, Some(AttemptOutcome::Infrastructure)),
            'c' => (RunState::Cancelled, Some(AttemptOutcome::Cancelled)),
            other => panic!("{other}"),
        };
        run.attempts = vec![made];
    }
    (batch, runs)
}

fn close(told: f64, expected: f64) {
    assert!((told - expected).abs() < 1e-9, "{told} is not {expected}");
}

#[test]
fn chances_within_several_attempts_are_estimated_from_repetitions() {
    // 2 of 4 and 1 of 4: within one attempt (1/2 + 1/4) / 2, within two (5/6 + 1/2) / 2.
    let (batch, runs) = of_words(&["a", "b"], 4, "++--+---", "++++++++");
    let told = of(&batch, &runs);
    let one = &told.agents[0];
    assert_eq!((one.agent.as_str(), one.counted, one.passed, one.pass_at.len()), ("one", 8, 3, 4));
    close(one.pass_at[0].any, 0.375);
    close(one.pass_at[1].any, f64::midpoint(5.0 / 6.0, 0.5));
    close(one.pass_at[3].any, 1.0);
    close(one.pass_at[1].all, (1.0 / 6.0) / 2.0);
    assert!(one.share.low < 0.375 && one.share.high > 0.375 && one.share.low > 0.1, "{:?}", one.share);
    let variances: Vec<(&str, &str, usize, f64)> = told
        .repeated
        .iter()
        .map(|repeated| (repeated.prompt.as_str(), repeated.agent.as_str(), repeated.passed, repeated.variance))
        .collect();
    assert_eq!(variances, [("a", "one", 2, 0.25), ("a", "two", 4, 0.0), ("b", "one", 1, 0.1875), ("b", "two", 4, 0.0)]);
}

#[test]
fn two_agents_are_compared_on_what_both_worked_on() {
    let prompts = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let (batch, runs) = of_words(&prompts, 1, "-------+", "++++++-+");
    let told = of(&batch, &runs);
    assert!(
        told.repeated.is_empty() && told.agents.iter().all(|agent| agent.pass_at.is_empty()),
        "nothing is repeated"
    );
    let pair = &told.pairs[0];
    assert_eq!((pair.one.as_str(), pair.other.as_str(), told.pairs.len()), ("one", "two", 1));
    assert_eq!((pair.common, pair.both, pair.neither, pair.only_one, pair.only_other), (8, 1, 1, 0, 6));
    // Twice the chance of six heads in a row.
    close(pair.p_value, 2.0 / 64.0);
    // Of repetitions the greater part decides: half is not enough.
    let (batch, runs) = of_words(&["a"], 2, "+-", "++");
    assert_eq!(of(&batch, &runs).pairs[0].only_other, 1);
}

#[test]
fn what_says_nothing_of_an_agent_is_not_counted() {
    let (batch, mut runs) = of_words(&["a", "b", "c"], 1, "+ic", "++-");
    let told = of(&batch, &runs);
    assert_eq!((told.agents[0].counted, told.agents[0].passed, told.pairs[0].common), (1, 1, 1));
    // Of a case its tests have the last word, and one that says nothing here counts for nobody.
    let judged = |verdict: Outcome, validity: Option<Validity>| {
        let case = CaseAttempt { verdict: Some(verdict), validity, ..CaseAttempt::default() };
        Some(Box::new(case))
    };
    runs[0].attempts[0].case = judged(Outcome::Unresolved, None);
    runs[1].attempts[0].case = judged(Outcome::Resolved, Some(Validity::NullPasses));
    let told = of(&batch, &runs);
    assert_eq!((told.agents[0].counted, told.agents[0].passed), (1, 0));
    assert_eq!((told.agents[1].counted, told.agents[1].passed, told.pairs.len()), (2, 1, 0));
    assert!(of(&batch, &[]).is_empty());
}
