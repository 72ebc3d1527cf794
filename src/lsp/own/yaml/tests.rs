use std::path::Path;

use super::*;
use crate::lsp::own::{completion, hover, kind};

fn around<'a>(path: &'a str, text: &'a str) -> Around<'a> {
    Around { path: Path::new(path), text, config_dir: None, agents: &[] }
}

/// The words that can stand where `|` is, and the first one's text.
fn words(path: &str, text: &str) -> Vec<String> {
    suggestions(path, text).into_iter().map(|found| found.label).collect()
}

fn suggestions(path: &str, text: &str) -> Vec<Suggestion> {
    let at = text.find('|').unwrap();
    let text = text.replacen('|', "", 1);
    let around = around(path, &text);
    kind(&around).unwrap().complete(&text, at, &around)
}

const PLAN: &str = "/r/plan.yaml";
const GATES: &str = "/r/gates.yaml";

#[test]
fn a_document_is_known_by_what_it_says_and_then_by_its_name() {
    let name = |path: &str, text: &str| of(Path::new(path), text).map(|kind| kind.name);
    assert_eq!(name("/r/x.yaml", "version: 3\nagents: []\ntasks: []"), Some("plan"));
    assert_eq!(name("/r/x.yml", "version: 1\nevaluators: []"), Some("suite"));
    assert_eq!(name("/r/suite.yaml", "version: 1\ncases: []"), Some("bench"));
    assert_eq!(name("/r/x.json", "{\"version\": 3, \"agents\": [], \"tasks\": [{\"version\": 1}]}"), Some("plan"));
    assert_eq!(name("/r/nightly.plan.yaml", ""), Some("plan"));
    assert_eq!(name("/r/gates.yaml", "evaluators:\n"), Some("suite"));
    assert_eq!(name("/r/x.yaml", "# divisi: bench\nversion: 1\nevaluators: []"), Some("bench"));
    for (path, text) in [
        ("/r/x.yaml", ""),
        ("/r/plan.yaml", "services: {}\nversion: 3\n"),
        ("/r/compose.yaml", "version: 3\nservices: {}\n"),
        ("/r/plan.txt", "version: 3\nagents: []\ntasks: []"),
    ] {
        assert_eq!(name(path, text), None, "{path} {text}");
    }
}

#[test]
fn keys_and_values_are_suggested_where_they_fit() {
    assert!(words(PLAN, "|").contains(&"tasks".to_owned()));
    assert_eq!(words(PLAN, "execution:\n  keep: |\ntasks: []\n"), ["all", "failed", "none"]);
    let keys = words(PLAN, "tasks:\n  - id: a\n    |\n");
    assert!(keys.contains(&"depends_on".to_owned()) && !keys.contains(&"id".to_owned()), "{keys:?}");
    assert_eq!(words(PLAN, "tasks:\n  - id: a\n  - id: b\n    depends_on: [|]\n"), ["a", "b"]);
    assert_eq!(words(PLAN, "tasks: []\nagents: [{id: q}]\nmatrix: {exclude: [{agent: |}]}\n"), ["q"]);
    assert!(words(PLAN, "tasks: []\nagents:\n  - {id: q, agent: |}\n").contains(&"claude".to_owned()));
    // What an evaluator has depends on its kind.
    let keys = words(GATES, "evaluators:\n  - id: a\n    kind: coverage\n    |\n");
    assert!(keys.contains(&"report".to_owned()) && !keys.contains(&"runner".to_owned()), "{keys:?}");
    assert_eq!(words(GATES, "evaluators:\n  - {kind: tests, changed: |}\n"), ["true", "false"]);
    let tasks = &suggestions(PLAN, "version: 3\ntasks:\n  |\n");
    assert_eq!(tasks[0].insert, "- id: ");
    let budget = suggestions(PLAN, "tasks: []\nexecution:\n  bud|\n");
    let budget = budget.iter().find(|found| found.label == "budget").unwrap();
    assert_eq!(budget.insert, "budget:\n    ");
    let tight = suggestions(PLAN, "tasks: []\nland:|\n");
    assert_eq!(tight[0].insert, " never");
    assert_eq!(suggestions(PLAN, "{\"tasks\": [], \"land\": \"|\"}")[0].insert, "\"never\"");
    assert_eq!(words(PLAN, "tasks: []\n# |"), [""; 0]);
}

#[test]
fn what_a_key_means_is_told_over_it_and_over_its_value() {
    let text = "tasks: []\nexecution:\n  keep: failed\n";
    let around = around(PLAN, text);
    for at in [24, 31] {
        let (_, said) = kind(&around).unwrap().hover(text, at).unwrap();
        assert!(said.contains("execution.keep") && said.contains("`failed`") && said.contains("worktrees"), "{said}");
    }
    assert_eq!(kind(&around).unwrap().hover("# x", 1), None);
}

#[test]
fn a_typo_is_told_where_it_stands_and_can_be_put_right() {
    let text = "version: 1\nevaluatrs: []\nevaluators:\n  - {id: a, kind: \"tets\"}\n";
    let found = diagnostics(text, &SUITE.faults(text), Encoding::Utf16);
    let told: Vec<(u32, u32, u32, String)> = found
        .iter()
        .map(|found| {
            let meant = found.data.as_ref().map_or_else(String::new, |data| data["meant"].as_str().unwrap().to_owned());
            (found.range.start.line, found.range.start.character, found.range.end.character, meant)
        })
        .collect();
    assert_eq!(told, [(1, 0, 9, "evaluators".to_owned()), (3, 19, 23, "tests".to_owned())]);
    assert_eq!(PLAN_OLD.iter().map(|text| super::PLAN.faults(text).len()).sum::<usize>(), 0);
}

/// What only its reader knows is not judged by the description.
const PLAN_OLD: &[&str] = &["version: 2\nwhatever: 1\n", "version: 1.0\n"];

#[test]
fn symbols_are_keys_and_below_them_ids() {
    let found = super::PLAN.outline("version: 3\nagents: [{id: x, agent: y}]\ntasks:\n- id: a\n- {id: b}\n");
    let names: Vec<(&str, usize)> = found.iter().map(|symbol| (symbol.name.as_str(), symbol.inner.len())).collect();
    assert_eq!(names, [("version", 0), ("agents", 1), ("tasks", 2)]);
}

proptest::proptest! {
    #[test]
    fn nothing_written_half_makes_a_panic(text in "[-{}\\[\\]:\"',#|>a-eü𝄞 \n]{0,120}", at in 0_usize..150) {
        for (path, begin) in [(PLAN, "tasks:\n"), (GATES, "evaluators:\n"), ("/r/x.json", "{\"version\":1,\"cases\":")] {
            let text = format!("{begin}{text}");
            let around = around(path, &text);
            let Some(kind) = kind(&around) else { continue };
            completion(kind, &text, at, &around, Encoding::Utf8);
            hover(kind, &text, at, Encoding::Utf32);
            kind.outline(&text);
            diagnostics(&text, &kind.alone(&text), Encoding::Utf16);
            for suggestion in kind.complete(&text, at, &around) {
                proptest::prop_assert!(text.get(suggestion.replaces).is_some());
            }
            crate::lsp::plans::Sketch::of(&text);
        }
    }
}
