use serde_json::{Value, json};

use super::{Call, LONGEST_TEXT, answer, folders, list, read, selected, told};
use crate::model::editor::{EditorQuestion, Position, Selection};

#[test]
fn every_tool_that_is_offered_is_understood() {
    for tool in list() {
        let name = tool["name"].as_str().unwrap();
        let given: serde_json::Map<String, Value> = tool["inputSchema"]["required"]
            .as_array()
            .unwrap()
            .iter()
            .map(|name| (name.as_str().unwrap().to_owned(), json!("/w/x")))
            .collect();
        let missing_one = given.keys().next().cloned();
        read(name, &Value::Object(given.clone())).unwrap();
        // A diff has two names for its file.
        if let Some(missing) = missing_one.filter(|_| name != "openDiff") {
            let mut less = given;
            less.remove(&missing);
            assert!(read(name, &Value::Object(less)).is_err(), "{name} without {missing}");
        }
    }
    assert!(read("executeCode", &json!({ "code": "1" })).is_err(), "it is not offered");
}

#[test]
fn a_diff_is_read_and_bounded() {
    let arguments =
        json!({ "old_file_path": "/w/a", "new_file_path": "/w/a", "new_file_contents": "new\n", "tab_name": "t" });
    let question = EditorQuestion::ReviewDiff { path: "/w/a".to_owned(), text: "new\n".to_owned() };
    assert_eq!(read("openDiff", &arguments), Ok(Call::Diff { tab: "t".to_owned(), question: question.clone() }));
    assert_eq!(answer(&question, json!({ "accepted": "mine\n" })).unwrap(), ["FILE_SAVED", "mine\n"]);
    assert_eq!(answer(&question, json!({})).unwrap(), ["DIFF_REJECTED"]);
    assert!(answer(&question, json!("yes")).is_err());
    let mut long = arguments.clone();
    long["new_file_contents"] = json!("x".repeat(LONGEST_TEXT + 1));
    assert!(read("openDiff", &long).unwrap_err().contains("more than"));
    let mut relative = arguments;
    relative["new_file_path"] = json!("a");
    relative["old_file_path"] = json!("../a");
    assert!(read("openDiff", &relative).is_err());
}

#[test]
fn diagnostics_come_as_claude_reads_them() {
    let question = read("getDiagnostics", &json!({ "uri": "file:///w/a b%20.rs" })).unwrap();
    let Call::Ask(question) = question else { panic!("{question:?}") };
    assert_eq!(question, EditorQuestion::Diagnostics { path: Some("/w/a b%20.rs".to_owned()) });
    let said = json!([{ "path": "/w/a", "diagnostics": [{
        "message": "no", "severity": "warning", "start": { "line": 1, "character": 2 }, "end": { "line": 1, "character": 3 }, "source": "ls",
    }] }]);
    let shown: Value = serde_json::from_str(&answer(&question, said).unwrap()[0]).unwrap();
    assert_eq!(shown[0]["uri"], "file:///w/a");
    assert_eq!(
        shown[0]["diagnostics"][0],
        json!({ "message": "no", "severity": "Warning", "source": "ls",
                "range": { "start": { "line": 1, "character": 2 }, "end": { "line": 1, "character": 3 } } })
    );
}

#[test]
fn selections_folders_and_documents_have_their_shapes() {
    let selection = Selection {
        path: "/w/a".to_owned(),
        text: "x".to_owned(),
        start: Position { line: 3, character: 0 },
        end: Position { line: 3, character: 1 },
    };
    let shown = told(Some(&selection));
    assert_eq!(shown["fileUrl"], "file:///w/a");
    assert_eq!(shown["selection"]["isEmpty"], false);
    assert_eq!(selected(&selection)["success"], true);
    let nothing = told(None);
    assert_eq!((&nothing["text"], &nothing["filePath"]), (&json!(""), &json!("")));
    assert_eq!(nothing["selection"]["end"], json!({ "line": 0, "character": 0 }));
    assert_eq!(folders("/r/.worktrees/one")["folders"][0]["name"], "one");
    let none: Value = serde_json::from_str(&answer(&EditorQuestion::Selection {}, Value::Null).unwrap()[0]).unwrap();
    assert_eq!(none["success"], false);
    let save = EditorQuestion::Save { path: "/w/a".to_owned() };
    let shown = |state: Value| serde_json::from_str::<Value>(&answer(&save, state).unwrap()[0]).unwrap();
    assert_eq!(shown(json!({ "open": false }))["success"], false);
    assert_eq!(shown(json!({ "open": true }))["saved"], true);
    assert_eq!(shown(json!({ "open": true, "problem": "read-only" }))["message"], "read-only");
}
