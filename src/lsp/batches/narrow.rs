//! A plan or a suite with less in it: only some runs, only some evaluators. What is given on is JSON, which is YAML too.

use std::fmt::Write as _;

use serde_json::Value as Json;

use crate::base::yaml::{Node, Problems, Value, parse};

/// A plan of only these combinations, `[{"task", "agent"}]`; nothing when it cannot be read.
pub(in crate::lsp) fn plan(text: &str, only: &Json) -> Option<String> {
    let root = parse(text, &mut Problems::default())?;
    let Value::Map(entries) = &root.value else { return None };
    let mut out = String::from("{");
    for (key, node) in entries.iter().filter(|(key, _)| key.name != "matrix") {
        write_key(&mut out, &key.name);
        write_node(&mut out, node);
        out.push(',');
    }
    // What the plan leaves out stays out.
    let exclude = root.at_key("matrix").and_then(|matrix| matrix.at_key("exclude"));
    out.push_str("\"matrix\":{\"include\":");
    out.push_str(&only.to_string());
    if let Some(exclude) = exclude {
        out.push_str(",\"exclude\":");
        write_node(&mut out, exclude);
    }
    out.push_str("}}");
    Some(out)
}

/// A suite of only these evaluators, by id.
pub(in crate::lsp) fn suite(text: &str, only: &Json) -> Option<String> {
    let root = parse(text, &mut Problems::default())?;
    let Value::Map(entries) = &root.value else { return None };
    let wanted: Vec<&str> = only.as_array()?.iter().filter_map(Json::as_str).collect();
    let mut out = String::from("{");
    for (number, (key, node)) in entries.iter().enumerate() {
        if number > 0 {
            out.push(',');
        }
        write_key(&mut out, &key.name);
        if key.name == "evaluators" {
            let is = |node: &&Node| node.at_key("id").and_then(Node::text).is_some_and(|id| wanted.contains(&id));
            let chosen: Vec<Node> = node.items().iter().filter(is).cloned().collect();
            write_node(&mut out, &Node { at: node.at, value: Value::List(chosen) });
        } else {
            write_node(&mut out, node);
        }
    }
    out.push('}');
    Some(out)
}

fn write_key(out: &mut String, name: &str) {
    // Writing to a String cannot fail.
    let _ = write!(out, "{}:", Json::String(name.to_owned()));
}

fn write_node(out: &mut String, node: &Node) {
    match &node.value {
        Value::Null => out.push_str("null"),
        // What is no number and no flag in YAML is none in JSON either.
        Value::Plain(text) if is_bare(text) => out.push_str(text),
        Value::Plain(text) | Value::Quoted(text) => out.push_str(&Json::String(text.clone()).to_string()),
        Value::List(items) => {
            out.push('[');
            for (number, item) in items.iter().enumerate() {
                if number > 0 {
                    out.push(',');
                }
                write_node(out, item);
            }
            out.push(']');
        }
        Value::Map(entries) => {
            out.push('{');
            for (number, (key, node)) in entries.iter().enumerate() {
                if number > 0 {
                    out.push(',');
                }
                write_key(out, &key.name);
                write_node(out, node);
            }
            out.push('}');
        }
    }
}

/// Whether a plain text can stand without quotes: a number or a flag.
fn is_bare(text: &str) -> bool {
    matches!(text, "true" | "True" | "TRUE" | "false" | "False" | "FALSE")
        || text.bytes().any(|byte| byte.is_ascii_digit())
            && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'_' | b'-' | b'+'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn less_of_a_plan_is_a_plan() {
        let text = "version: 3\nmetadata: {name: \"1.10\", description: 1.10}\nmatrix: {exclude: [{task: b, agent: y}]}\ntasks:\n- id: a\n  prompts: [\"x: 'y'\"]\n";
        let less = plan(text, &json!([{ "task": "a", "agent": "x" }])).unwrap();
        let back = parse(&less, &mut Problems::default()).unwrap();
        let before = parse(text, &mut Problems::default()).unwrap();
        for key in ["version", "metadata", "tasks"] {
            let plain = |node: &Node| {
                let mut out = String::new();
                write_node(&mut out, node.at_key(key).unwrap());
                out
            };
            assert_eq!(plain(&back), plain(&before), "{key}");
        }
        let matrix = back.at_key("matrix").unwrap();
        assert_eq!(matrix.at_key("include").unwrap().items().len(), 1);
        assert_eq!(matrix.at_key("exclude").unwrap().items()[0].at_key("task").unwrap().text(), Some("b"));
    }

    #[test]
    fn less_of_a_suite_is_a_suite() {
        let text = "version: 1\nevaluators: [{id: a, kind: secrets}, {id: b, kind: conflicts, required: true}]\n";
        let less = suite(text, &json!(["b"])).unwrap();
        assert_eq!(less, r#"{"version":1,"evaluators":[{"id":"b","kind":"conflicts","required":true}]}"#);
        assert_eq!(suite("a: [", &json!(["b"])), None);
    }
}
