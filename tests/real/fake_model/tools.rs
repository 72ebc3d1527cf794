//! What the model wants done, as calls of the tools a client declares.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// The tools a client declares, by name.
pub(super) type Declared = BTreeMap<String, Value>;

/// What the model wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wish {
    Write { path: String, text: String },
    Edit { path: String, old: String, new: String },
    Read { path: String },
    Shell { command: String },
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Use {
    pub(super) name: String,
    pub(super) arguments: Value,
    /// The tool takes text, not JSON.
    pub(super) custom: bool,
}

/// Collects declarations, whatever shape they have.
pub(super) fn declared(lists: &[&Value]) -> Declared {
    let mut tools = Declared::new();
    for tool in lists.iter().filter_map(|list| list.as_array()).flatten() {
        if let Some(functions) = tool.get("functionDeclarations").and_then(Value::as_array) {
            tools.append(&mut declared(&[&json!(functions)]));
        } else if tool.get("type").and_then(Value::as_str) == Some("namespace") {
            tools.append(&mut declared(&[&tool["tools"]]));
        } else {
            let tool = tool.get("function").filter(|function| function.is_object()).unwrap_or(tool);
            let name = tool.get("name").or_else(|| tool.get("type")).and_then(Value::as_str).unwrap_or("?");
            tools.insert(name.to_owned(), tool.clone());
        }
    }
    tools
}

fn properties(tool: &Value) -> Map<String, Value> {
    let schema = ["input_schema", "parameters", "parametersJsonSchema"].iter().find_map(|name| tool.get(name));
    schema.and_then(|schema| schema.get("properties")?.as_object().cloned()).unwrap_or_default()
}

const WRITE: [&str; 4] = ["Write", "write", "write_file", "create"];
const EDIT: [&str; 3] = ["Edit", "edit", "replace"];
const READ: [&str; 4] = ["Read", "read", "read_file", "view"];
const SHELL: [&str; 6] = ["Bash", "bash", "run_shell_command", "exec_command", "shell_command", "shell"];
const PATHS: [&str; 4] = ["file_path", "filePath", "path", "absolute_path"];

impl Wish {
    /// The call that fulfils it; a shell does when there is no better tool.
    pub(super) fn with(&self, tools: &Declared) -> Use {
        let found = |names: &[&str]| names.iter().find_map(|name| tools.get_key_value(*name));
        let function = |name: &str, arguments: Map<String, Value>| Use {
            name: name.to_owned(),
            arguments: arguments.into(),
            custom: false,
        };
        match self {
            Self::Write { path, text } => {
                if let Some((name, tool)) = found(&WRITE) {
                    let mut arguments = path_argument(tool, path);
                    let field = if properties(tool).contains_key("file_text") { "file_text" } else { "content" };
                    arguments.insert(field.to_owned(), json!(text));
                    return function(name, arguments);
                }
                let lines = text.lines().map(|line| ["+", line, "\n"].concat()).collect::<Vec<_>>().concat();
                patch(tools, &format!("*** Add File: {}\n{lines}", base(path)))
                    .unwrap_or_else(|| shell(tools, &format!("printf '%s' '{text}' > '{path}'")))
            }
            Self::Edit { path, old, new } => {
                if let Some((name, tool)) = found(&EDIT) {
                    let mut arguments = path_argument(tool, path);
                    for field in properties(tool).keys() {
                        if field == "edits" {
                            arguments.insert(field.clone(), json!([{"oldText": old, "newText": new}]));
                        }
                        let value = match field.as_str() {
                            "old_string" | "oldString" | "old_str" => old,
                            "new_string" | "newString" | "new_str" => new,
                            "instruction" => "Change the title.",
                            _ => continue,
                        };
                        arguments.insert(field.clone(), json!(value));
                    }
                    return function(name, arguments);
                }
                patch(tools, &format!("*** Update File: {}\n@@\n-# {old}\n+# {new}\n", base(path)))
                    .unwrap_or_else(|| shell(tools, &format!("sed -i 's/{old}/{new}/' '{path}'")))
            }
            Self::Read { path } => match found(&READ) {
                Some((name, tool)) => function(name, path_argument(tool, path)),
                None => shell(tools, &format!("cat '{path}'")),
            },
            Self::Shell { command } => shell(tools, command),
        }
    }
}

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn path_argument(tool: &Value, path: &str) -> Map<String, Value> {
    let properties = properties(tool);
    let field = PATHS.iter().find(|field| properties.contains_key(**field)).unwrap_or(&PATHS[0]);
    Map::from_iter([((*field).to_owned(), json!(path))])
}

fn patch(tools: &Declared, change: &str) -> Option<Use> {
    let tool = tools.get("apply_patch")?;
    let text = format!("*** Begin Patch\n{change}*** End Patch\n");
    let custom = tool.get("type").and_then(Value::as_str) == Some("custom");
    let arguments = if custom {
        json!(text)
    } else {
        let field = properties(tool).keys().next().cloned().unwrap_or_else(|| "input".to_owned());
        json!({field: text})
    };
    Some(Use { name: "apply_patch".to_owned(), arguments, custom })
}

fn shell(tools: &Declared, command: &str) -> Use {
    let found = SHELL.iter().find_map(|name| tools.get_key_value(*name));
    let Some((name, tool)) = found else {
        return Use { name: "no_shell_tool".to_owned(), arguments: json!({}), custom: false };
    };
    let properties = properties(tool);
    let field = if properties.contains_key("cmd") { "cmd" } else { "command" };
    let words = properties.get(field).and_then(|field| field.get("type")).and_then(Value::as_str) == Some("array");
    let mut arguments =
        Map::from_iter([(field.to_owned(), if words { json!(["bash", "-lc", command]) } else { json!(command) })]);
    if properties.contains_key("description") {
        arguments.insert("description".to_owned(), json!("run a command"));
    }
    Use { name: name.clone(), arguments: arguments.into(), custom: false }
}

#[test]
fn a_wish_takes_the_tools_that_are_there() {
    let schema = |fields: &[&str]| {
        let properties: Map<String, Value> =
            fields.iter().map(|field| ((*field).to_owned(), json!({"type": "string"}))).collect();
        json!({"properties": properties})
    };
    let write = Wish::Write { path: "/w/a.txt".to_owned(), text: "x\n".to_owned() };
    let tools = declared(&[&json!([{"name": "Write", "input_schema": schema(&["file_path", "content"])}])]);
    assert_eq!(write.with(&tools).arguments, json!({"file_path": "/w/a.txt", "content": "x\n"}));
    let tools = declared(&[&json!([{"type": "custom", "name": "apply_patch"}])]);
    let made = write.with(&tools);
    assert!(made.custom && made.arguments == "*** Begin Patch\n*** Add File: a.txt\n+x\n*** End Patch\n");
    let tools = declared(&[
        &json!([{"functionDeclarations": [{"name": "run_shell_command", "parametersJsonSchema": schema(&["command"])}]}]),
    ]);
    assert_eq!(write.with(&tools).name, "run_shell_command");
    assert_eq!(Wish::Shell { command: "ls".to_owned() }.with(&Declared::new()).name, "no_shell_tool");
}
