//! What Claude Code can ask of an editor: names, arguments and answers in its shapes, to and from our own words.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::model::editor::{
    DiffDecision, DocumentState, EditorQuestion, FileDiagnostics, OpenEditor, Position, Selection, Severity, ShownFile,
};

/// Longest text of a proposed file that an editor is shown: it is told to every part of divisi on the way, in one message each.
const LONGEST_TEXT: usize = 2 * 1024 * 1024;

/// A tool call that was understood.
#[derive(Debug, PartialEq)]
pub(super) enum Call {
    /// The editor answers.
    Ask(EditorQuestion),
    /// A person answers, however long that takes; the tab's name takes it back.
    Diff { tab: String, question: EditorQuestion },
    /// A diff needs no answer any more.
    CloseTab(String),
    /// None of them does.
    CloseAllDiffs,
    /// What was selected last.
    LatestSelection,
    /// Where the session works.
    Folders,
}

/// Understands a call.
///
/// # Errors
/// Why not, for the caller.
pub(super) fn read(tool: &str, arguments: &Value) -> Result<Call, String> {
    let text = |name: &str| arguments[name].as_str();
    let needed = |name: &str| text(name).ok_or_else(|| format!("{tool}: `{name}` is missing or no text"));
    let file = |name: &str| absolute(tool, name, needed(name)?);
    Ok(match tool {
        "openDiff" => {
            let path = file("new_file_path").or_else(|_| file("old_file_path"))?;
            let contents = needed("new_file_contents")?;
            if contents.len() > LONGEST_TEXT {
                return Err(format!(
                    "the file has {} bytes, more than the {LONGEST_TEXT} that are shown",
                    contents.len()
                ));
            }
            Call::Diff {
                tab: text("tab_name").unwrap_or(&path).to_owned(),
                question: EditorQuestion::ReviewDiff { path, text: contents.to_owned() },
            }
        }
        "close_tab" => Call::CloseTab(needed("tab_name")?.to_owned()),
        "closeAllDiffTabs" => Call::CloseAllDiffs,
        "openFile" => Call::Ask(EditorQuestion::OpenFile {
            path: file("filePath")?,
            from: text("startText").filter(|text| !text.is_empty()).map(str::to_owned),
            until: text("endText").filter(|text| !text.is_empty()).map(str::to_owned),
            front: arguments["makeFrontmost"].as_bool().unwrap_or(true),
        }),
        "getCurrentSelection" => Call::Ask(EditorQuestion::Selection {}),
        "getLatestSelection" => Call::LatestSelection,
        "getOpenEditors" => Call::Ask(EditorQuestion::OpenEditors {}),
        "getWorkspaceFolders" => Call::Folders,
        "getDiagnostics" => {
            let path = text("uri").filter(|uri| !uri.is_empty()).map(|uri| absolute(tool, "uri", uri)).transpose()?;
            Call::Ask(EditorQuestion::Diagnostics { path })
        }
        "checkDocumentDirty" => Call::Ask(EditorQuestion::IsDirty { path: file("filePath")? }),
        "saveDocument" => Call::Ask(EditorQuestion::Save { path: file("filePath")? }),
        _ => return Err(format!("there is no tool `{}`", crate::base::text::visible_line(tool, 60))),
    })
}

/// A path, or a `file:` address: Claude Code puts the scheme before the path as it is.
fn absolute(tool: &str, name: &str, given: &str) -> Result<String, String> {
    let path = given.strip_prefix("file://").unwrap_or(given);
    if path.starts_with('/') && !path.contains('\0') {
        return Ok(path.to_owned());
    }
    Err(format!("{tool}: `{name}` is not an absolute path"))
}

/// An editor's answer in Claude Code's shape, as pieces of text.
///
/// # Errors
/// When the editor's answer cannot be read.
pub(super) fn answer(question: &EditorQuestion, value: Value) -> Result<Vec<String>, String> {
    let one = |text: Value| Ok(vec![text.to_string()]);
    match question {
        EditorQuestion::ReviewDiff { .. } => Ok(match typed::<DiffDecision>(value)?.accepted {
            Some(text) => vec!["FILE_SAVED".to_owned(), text],
            None => vec!["DIFF_REJECTED".to_owned()],
        }),
        EditorQuestion::OpenFile { path, front: true, .. } => Ok(vec![format!("Opened file: {path}")]),
        EditorQuestion::OpenFile { path, front: false, .. } => {
            let ShownFile { language, lines } = typed(value)?;
            one(json!({ "success": true, "filePath": path, "languageId": language, "lineCount": lines }))
        }
        EditorQuestion::Selection {} => match typed::<Option<Selection>>(value)? {
            Some(selection) => one(selected(&selection)),
            None => one(json!({ "success": false, "message": "No active editor found" })),
        },
        EditorQuestion::OpenEditors {} => {
            let tabs: Vec<Value> = typed::<Vec<OpenEditor>>(value)?.iter().map(tab).collect();
            one(json!({ "tabs": tabs }))
        }
        EditorQuestion::Diagnostics { .. } => {
            let files: Vec<Value> = typed::<Vec<FileDiagnostics>>(value)?.iter().map(diagnosed).collect();
            one(Value::Array(files))
        }
        EditorQuestion::IsDirty { path } => {
            let DocumentState { open, dirty, .. } = typed(value)?;
            one(if open {
                json!({ "success": true, "filePath": path, "isDirty": dirty, "isUntitled": false })
            } else {
                not_open(path)
            })
        }
        EditorQuestion::Save { path } => {
            let DocumentState { open, problem, .. } = typed(value)?;
            one(match (open, problem) {
                (false, _) => not_open(path),
                (true, Some(problem)) => {
                    json!({ "success": false, "filePath": path, "saved": false, "message": problem })
                }
                (true, None) => {
                    json!({ "success": true, "filePath": path, "saved": true, "message": "Document saved successfully" })
                }
            })
        }
    }
}

fn typed<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    serde_json::from_value(value).map_err(|error| format!("the editor's answer cannot be read: {error}"))
}

fn not_open(path: &str) -> Value {
    json!({ "success": false, "message": format!("Document not open: {path}") })
}

fn address(path: &str) -> String {
    format!("file://{path}")
}

fn tab(open: &OpenEditor) -> Value {
    let label = open.path.rsplit('/').next().unwrap_or_default();
    json!({
        "uri": address(&open.path), "isActive": open.active, "label": label, "languageId": open.language,
        "isDirty": open.dirty, "fileName": open.path,
    })
}

fn range(start: Position, end: Position) -> Value {
    json!({ "start": start, "end": end })
}

fn diagnosed(file: &FileDiagnostics) -> Value {
    let diagnostics: Vec<Value> = file
        .diagnostics
        .iter()
        .map(|found| {
            let severity = match found.severity {
                Severity::Error => "Error",
                Severity::Warning => "Warning",
                Severity::Info => "Info",
                Severity::Hint => "Hint",
            };
            let mut shown =
                json!({ "message": found.message, "severity": severity, "range": range(found.start, found.end) });
            for (name, value) in [("source", &found.source), ("code", &found.code)] {
                if let Some(value) = value {
                    shown[name] = json!(value);
                }
            }
            shown
        })
        .collect();
    json!({ "uri": address(&file.path), "diagnostics": diagnostics })
}

/// A selection as a tool's answer.
pub(super) fn selected(selection: &Selection) -> Value {
    let mut shown = told(Some(selection));
    shown["success"] = json!(true);
    shown
}

/// A selection as the notification `selection_changed` has it; nothing selected is an empty one of no file.
pub(super) fn told(selection: Option<&Selection>) -> Value {
    let nothing = Selection::default();
    let Selection { path, text, start, end } = selection.unwrap_or(&nothing);
    let mut range = range(*start, *end);
    range["isEmpty"] = json!(start == end);
    let address = if path.is_empty() { String::new() } else { address(path) };
    json!({ "text": text, "filePath": path, "fileUrl": address, "selection": range })
}

/// The session's worktree.
pub(super) fn folders(worktree: &str) -> Value {
    let name = worktree.rsplit('/').next().unwrap_or_default();
    let folder = json!({ "name": name, "uri": address(worktree), "path": worktree });
    json!({ "success": true, "folders": [folder], "rootPath": worktree })
}

/// What can be called.
pub(super) fn list() -> Vec<Value> {
    let tool = |name: &str, description: &str, properties: Value, required: &[&str]| {
        json!({
            "name": name,
            "description": description,
            "inputSchema": { "type": "object", "properties": properties, "required": required },
        })
    };
    let text = |description: &str| json!({ "type": "string", "description": description });
    let path = || text("Absolute path of the file");
    vec![
        tool(
            "openDiff",
            "Shows what a file would become and waits until a person accepts or rejects it",
            json!({
                "old_file_path": path(), "new_file_path": path(), "new_file_contents": text("What it would hold"),
                "tab_name": text("A name by which close_tab takes it back"),
            }),
            &["old_file_path", "new_file_path", "new_file_contents", "tab_name"],
        ),
        tool("close_tab", "Takes a diff back", json!({ "tab_name": text("Its name") }), &["tab_name"]),
        tool("closeAllDiffTabs", "Takes all diffs of this session back", json!({}), &[]),
        tool(
            "openFile",
            "Shows a file of the worktree",
            json!({
                "filePath": path(), "startText": text("Where the selection begins"),
                "endText": text("Where it ends"), "makeFrontmost": { "type": "boolean" },
            }),
            &["filePath"],
        ),
        tool("getCurrentSelection", "What is selected in the editor now", json!({}), &[]),
        tool("getLatestSelection", "What was selected last in a file of the worktree", json!({}), &[]),
        tool("getOpenEditors", "Files of the worktree that are open in the editor", json!({}), &[]),
        tool("getWorkspaceFolders", "The session's worktree", json!({}), &[]),
        tool(
            "getDiagnostics",
            "What language servers and linters say of files of the worktree that are open in the editor",
            json!({ "uri": text("Only of this file") }),
            &[],
        ),
        tool("checkDocumentDirty", "Whether a file has unsaved changes", json!({ "filePath": path() }), &["filePath"]),
        tool("saveDocument", "Saves a file that is open in the editor", json!({ "filePath": path() }), &["filePath"]),
    ]
}

#[cfg(test)]
mod tests;
