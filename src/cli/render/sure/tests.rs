use super::*;
use crate::model::batch::{AgentStatistics, Pair, Repeated};
use crate::model::bench::{PassAt, Share};

#[test]
fn what_is_repeated_or_compared_is_said_and_nothing_else() {
    assert!(lines(&Statistics::default()).is_empty());
    let share = Share { share: 0.5, low: 0.15, high: 0.85 };
    let agent =
        |pass_at: Vec<PassAt>| AgentStatistics { agent: "one".to_owned(), counted: 4, passed: 2, share, pass_at };
    let repeated = |passed: usize, variance: f64| Repeated {
        task: "fix".to_owned(),
        prompt: "p1".to_owned(),
        repository: ".".to_owned(),
        agent: "one\u{1b}[31m".to_owned(),
        attempts: 2,
        passed,
        variance,
    };
    let pair = Pair {
        one: "one".to_owned(),
        other: "two".to_owned(),
        common: 9,
        both: 1,
        neither: 2,
        only_one: 0,
        only_other: 6,
        p_value: 0.031_25,
    };
    let once = Statistics { agents: vec![agent(Vec::new())], ..Statistics::default() };
    assert!(lines(&once).is_empty(), "a rate alone is in the table");
    let at = |k: usize, any: f64| PassAt { k, any, all: 0.0 };
    let all = Statistics {
        agents: vec![agent(vec![at(1, 0.5), at(2, 0.833)])],
        repeated: vec![repeated(1, 0.25), repeated(2, 0.0)],
        pairs: vec![pair],
    };
    let said = lines(&all);
    assert_eq!(said[0], "one: 2 of 4 passed, 50 % (15 to 85); pass@1 50 %, pass@2 83 %");
    assert!(
        said[1].starts_with("unsteady: fix/p1 in . by one") && said[1].ends_with("1 of 2, variance 0.25"),
        "{said:?}"
    );
    assert!(!said[1].contains('\u{1b}'));
    assert_eq!(
        said[2],
        "one and two on the same 9: 0 only by one, 6 only by two, 1 by both, 2 by neither; p = 0.031 (McNemar)"
    );
    assert_eq!(said.len(), 3);
}
