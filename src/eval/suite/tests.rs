use super::*;

fn told(text: &str) -> Vec<String> {
    parse(text).expect_err("it is wrong").iter().map(ToString::to_string).collect()
}

#[test]
fn a_suite_is_read_with_its_defaults() {
    let suite = parse(
        "version: 1\nname: gates\nrestore: ['tests/**']\nlimits: {memory_mb: 100, network: false}\nevaluators:\n  \
         - {id: unit, kind: tests, required: true}\n  - {id: s, kind: script, command: make check, format: junit, weight: 3}\n",
    )
    .unwrap();
    assert_eq!((suite.name.as_str(), suite.restore.as_slice()), ("gates", &["tests/**".to_owned()][..]));
    assert_eq!((suite.limits.memory_mb, suite.limits.network, suite.limits.processes), (100, false, 512));
    assert_eq!(suite.evaluators[0].timeout_sec, 600);
    assert!(suite.evaluators[0].required && !suite.evaluators[1].required);
    assert_eq!(suite.evaluators[1].weight, 3);
    let back: Suite = serde_json::from_value(serde_json::to_value(&suite).unwrap()).unwrap();
    assert_eq!(back, suite);
}

#[test]
fn when_nothing_is_required_everything_is() {
    let suite = parse("version: 1\nevaluators: [{id: a, kind: secrets}, {id: b, kind: conflicts}]").unwrap();
    assert!(suite.evaluators.iter().all(|evaluator| evaluator.required));
}

#[test]
fn each_mistake_is_told_at_its_place() {
    for (text, expected) in [
        ("evaluators: []", "1:1: a suite needs 'version'"),
        ("version: 2\nevaluators: [{id: a, kind: secrets}]", "1:1: version 2 is not known: suites have version 1"),
        ("version: 1\nevaluatrs: []", "2:1: a suite has no 'evaluatrs' (did you mean 'evaluators'?)"),
        ("version: 1\nevaluators:\n  - {id: a, kind: test}", "3:19: 'kind' has no 'test'"),
        ("version: 1\nevaluators:\n  - {id: a, kind: script}", "3:5: an evaluator needs 'command'"),
        ("version: 1\nevaluators:\n  - {id: a, kind: secrets}\n  - {id: a, kind: secrets}", "4:5: there are two"),
        ("version: 1\nevaluators:\n  - {id: 'a b', kind: secrets}", "3:5: the id 'a b' may only have"),
        ("version: 1\nevaluators: [{id: a, kind: secrets}]\nrestore: [../x]", "3:11: '../x' is not a path below"),
        ("version: 1\nevaluators: [{id: a, kind: secrets, command: x}]", "1"),
        ("version: 1\nevaluators: [{id: a, kind: diff_size}]", "2:14: diff_size needs"),
    ] {
        let told = told(text);
        assert!(told.iter().any(|problem| problem.contains(expected)), "{text}: {told:?}");
    }
}
