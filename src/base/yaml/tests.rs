use proptest::prelude::*;

use super::*;

fn read(text: &str) -> (Option<Node>, Vec<String>) {
    let mut problems = Problems::default();
    let node = parse(text, &mut problems);
    (node, problems.into_sorted().iter().map(ToString::to_string).collect())
}

#[test]
fn a_document_keeps_the_places_of_keys_and_values() {
    let (node, problems) = read("version: 1\nlist:\n  - one\n  - {two: 2}\n");
    assert_eq!(problems, Vec::<String>::new());
    let Value::Map(entries) = node.unwrap().value else { panic!("a mapping was written") };
    assert_eq!((entries[0].0.at, entries[0].1.at), (Place { line: 1, column: 1 }, Place { line: 1, column: 10 }));
    let items = entries[1].1.items();
    assert_eq!((items[0].at, items[1].at), (Place { line: 3, column: 5 }, Place { line: 4, column: 5 }));
}

#[test]
fn json_is_read_by_the_same_reader() {
    let (node, problems) = read("{\"a\": [1, \"x\", null], \"b\": {\"c\": true}}");
    assert_eq!(problems, Vec::<String>::new());
    let Value::Map(entries) = node.unwrap().value else { panic!("a mapping was written") };
    let values: Vec<_> = entries[0].1.items().iter().map(|item| item.value.clone()).collect();
    assert_eq!(values, [Value::Plain("1".to_owned()), Value::Quoted("x".to_owned()), Value::Null]);
}

#[test]
fn an_unknown_key_is_told_with_the_one_that_was_meant() {
    let mut problems = Problems::default();
    let node = parse("name: x\ntimeout_secs: 4\nweight: much\nrequired: maybe\n", &mut problems).unwrap();
    let mut fields = Fields::of(&node, "an evaluator", &mut problems).unwrap();
    assert_eq!(fields.require_text("name", &mut problems).as_deref(), Some("x"));
    assert_eq!(fields.number("timeout_sec", 1..=10, &mut problems), None);
    assert_eq!(fields.number("weight", 0..=100, &mut problems), None);
    assert_eq!(fields.flag("required", &mut problems), None);
    assert_eq!(fields.choice("kind", &[("script", 1)], &mut problems), None);
    fields.require("command", &mut problems);
    fields.finish(&mut problems);
    let told: Vec<String> = problems.into_sorted().iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "1:1: an evaluator needs 'command'",
            "2:1: an evaluator has no 'timeout_secs' (did you mean 'timeout_sec'?)",
            "3:9: 'weight' has to be a whole number, 0 to 100",
            "4:11: 'required' has to be true or false",
        ]
    );
}

#[test]
fn a_word_that_is_none_of_them_is_told_with_the_nearest() {
    let mut problems = Problems::default();
    let node = parse("kind: scirpt", &mut problems).unwrap();
    let mut fields = Fields::of(&node, "it", &mut problems).unwrap();
    assert_eq!(fields.choice("kind", &[("script", 1), ("tests", 2)], &mut problems), None);
    assert_eq!(
        problems.into_sorted()[0].to_string(),
        "1:7: 'kind' has no 'scirpt': it is one of script, tests (did you mean script?)"
    );
}

#[test]
fn amounts_are_exact() {
    let mut problems = Problems::default();
    let node = parse("a: 20\nb: 0.25\nc: 1.0000001\nd: -1\ne: '3'\n", &mut problems).unwrap();
    let mut fields = Fields::of(&node, "it", &mut problems).unwrap();
    let read: Vec<_> = ["a", "b", "c", "d", "e"].map(|key| fields.millionths(key, &mut problems)).into();
    assert_eq!(read, [Some(20_000_000), Some(250_000), None, None, None]);
}

#[test]
fn what_cannot_be_read_is_told_where_it_stands() {
    for (text, told) in [
        ("a: 1\na: 2\n", "2:1: 'a' is here a second time (first in line 1)"),
        ("a: [1, 2\nb: 3\n", "2:"),
        ("a: *b\n", "1:4: "),
        ("a: !run x\n", "1:"),
        ("", "1:1: the document is empty"),
        ("a: 1\n---\nb: 2\n", "2:"),
        ("? [1]\n: 2\n", "1:"),
    ] {
        let (_, problems) = read(text);
        assert!(problems.first().is_some_and(|problem| problem.starts_with(told)), "{text:?}: {problems:?}");
    }
}

#[test]
fn aliases_that_multiply_are_bounded() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let before = format!("*a{}", level - 1);
        text = format!("{text}a{level}: &a{level} [{}]\n", vec![before; 10].join(", "));
    }
    let (node, problems) = read(&text);
    assert!(node.is_none() && problems[0].contains("more than"), "{problems:?}");
}

#[test]
fn values_that_nest_without_end_are_bounded() {
    for text in ["[".repeat(100_000), "- ".repeat(100_000), "{a: ".repeat(50_000)] {
        let (node, problems) = read(&text);
        assert!(node.is_none() && !problems.is_empty());
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_told(text in "[\\[\\]{}:,\\-&*!|>'\"#%@a\\n \\t]{0,200}") {
        let (node, problems) = read(&text);
        prop_assert!(node.is_some() || !problems.is_empty());
    }

    #[test]
    fn any_characters_are_read_or_told(text in any::<String>()) {
        let (node, problems) = read(&text);
        prop_assert!(node.is_some() || !problems.is_empty());
    }
}
