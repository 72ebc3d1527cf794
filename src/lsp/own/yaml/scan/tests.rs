use super::*;

/// The place of `|`: the path in words, what can be put there, and what stands there.
fn at(text: &str) -> Option<(String, Spot, String)> {
    let place = text.find('|').unwrap();
    let text = text.replacen('|', "", 1);
    let cursor = scan(&text, place).cursor?;
    let words: Vec<String> = cursor
        .path
        .iter()
        .map(|step| match step {
            Step::Key(name) => name.clone(),
            Step::Item(number) => number.to_string(),
        })
        .collect();
    Some((words.join("."), cursor.spot, text[cursor.span].to_owned()))
}

#[expect(clippy::unnecessary_wraps, reason = "it is compared with what may be nothing")]
fn key(path: &str, word: &str) -> Option<(String, Spot, String)> {
    Some((path.to_owned(), Spot::Key, word.to_owned()))
}

#[expect(clippy::unnecessary_wraps, reason = "it is compared with what may be nothing")]
fn value(path: &str, word: &str) -> Option<(String, Spot, String)> {
    Some((path.to_owned(), Spot::Value, word.to_owned()))
}

#[test]
fn places_in_blocks_are_found() {
    assert_eq!(at("|"), key("", ""));
    assert_eq!(at("ver|"), key("", "ver"));
    assert_eq!(at("version: 3\n|"), key("", ""));
    assert_eq!(at("execution:\n  |\nagents:\n"), key("execution", ""));
    assert_eq!(at("execution:\n  conc|: 4\n"), key("execution", "conc"));
    assert_eq!(at("execution:\n  keep: fai| # why\n"), value("execution.keep", "fai"));
    assert_eq!(at("execution:\n  keep:|\n"), value("execution.keep", ""));
    assert_eq!(at("execution:\n  keep: |\n  seed: 1\n"), value("execution.keep", ""));
    assert_eq!(at("tasks:\n  - id: a\n    pro|\n"), key("tasks.0", "pro"));
    assert_eq!(at("tasks:\n  - id: a\n  - id: b\n    |\n"), key("tasks.1", ""));
    assert_eq!(at("tasks:\n- id: a\n- |\n"), key("tasks.1", ""));
    assert_eq!(at("tasks:\n- id: a\nmat|\n"), key("", "mat"));
    assert_eq!(at("tasks:\n  - id: a\n    depends_on:\n      - b|\n"), key("tasks.0.depends_on.0", "b"));
    assert_eq!(at("tasks:\n  - id: 'a|'\n"), value("tasks.0.id", "'a'"));
}

#[test]
fn places_between_braces_are_found() {
    assert_eq!(at("limits: {mem|}\n"), key("limits", "mem"));
    assert_eq!(at("limits: {memory_mb: 1, |}\n"), key("limits", ""));
    assert_eq!(at("limits: {network: |}\n"), value("limits.network", ""));
    assert_eq!(at("evaluators:\n  - {id: a, kind: te|}\n"), value("evaluators.0.kind", "te"));
    assert_eq!(at("a: [x, y|, z]\n"), value("a.1", "y"));
    assert_eq!(at("{\"tasks\": [{\"id\": \"a\"}, {\"i|"), key("tasks.1", "\"i"));
    assert_eq!(at("{\"execution\": {\"keep\": \"no|\"}}"), value("execution.keep", "\"no\""));
    assert_eq!(at("limits: {a: 1}\nev|"), key("", "ev"));
}

#[test]
fn nothing_is_put_into_comments_and_texts() {
    assert_eq!(at("# ver|\n"), None);
    assert_eq!(at("a: 1 # ver|\n"), None);
    assert_eq!(at("prompt: >\n  some te|xt: x\nb: 1\n"), None);
    assert_eq!(at("prompt: >\n  text\nb: |"), value("b", ""));
}

#[test]
fn keys_are_told_with_their_values() {
    let read =
        scan("tasks:\n  - {id: a, type: batch}\n  - id: b # two\n    prompts: [x]\nagents: [{\"id\": \"q\"}]\n", 0);
    assert_eq!(read.ids("tasks"), ["a", "b"]);
    assert_eq!(read.ids("agents"), ["q"]);
    let path = [Step::Key("tasks".to_owned()), Step::Item(0)];
    assert_eq!(read.value(&path, "type"), Some("batch"));
}
