//! Items: what it says, thinks and does, each told when it starts and when it is done.

use serde_json::{Value, json};

use crate::host::port::Update;
use crate::model::agent::{ClaimedDiff, Location, ToolCall, ToolStatus};

use super::super::acp::wire;
use super::super::calls;
use super::CodexConversation;

impl CodexConversation {
    /// Takes an item; false when its kind is not known.
    pub(super) fn on_item(&mut self, params: &Value, over: bool, ours: bool, updates: &mut Vec<Update>) -> bool {
        let item = params.get("item").unwrap_or(&Value::Null);
        let (Some(kind), Some(id)) = (wire::text(item, "type"), wire::text(item, "id")) else {
            return false;
        };
        match kind {
            "userMessage" | "hookPrompt" | "functionCallOutput" => {}
            "agentMessage" | "plan" => match (ours, over) {
                (true, true) => self.speech.whole(false, wire::text(item, "text").unwrap_or_default()),
                (true, false) => self.speech.block_begins(),
                (false, _) => {}
            },
            "reasoning" => {
                if ours && over {
                    let lines: Vec<&str> = wire::list(item, "summary").iter().filter_map(Value::as_str).collect();
                    self.speech.whole(true, &lines.join("\n\n"));
                } else if ours {
                    self.speech.block_begins();
                }
            }
            "contextCompaction" => {
                if over {
                    updates.push(Update::Notice("the agent compacted its context".to_owned()));
                }
            }
            _ => {
                updates.append(&mut self.speech.said);
                self.speech.interrupted_by_tool();
                let call = self.turns.calls.upsert(id, |call| fill(call, kind, item, over));
                updates.push(Update::Tool(call));
            }
        }
        true
    }

    /// A piece of a command's output.
    pub(super) fn on_output(&mut self, params: &Value, updates: &mut Vec<Update>) {
        if let (Some(id), Some(delta)) = (wire::text(params, "itemId"), wire::text(params, "delta")) {
            updates.extend(self.turns.calls.stream(id, delta).map(Update::Tool));
        }
    }

    pub(super) fn on_patch(&mut self, params: &Value, updates: &mut Vec<Update>) {
        if let Some(id) = wire::text(params, "itemId") {
            let call = self.turns.calls.upsert(id, |call| changes(call, wire::list(params, "changes")));
            updates.push(Update::Tool(call));
        }
    }

    pub(super) fn on_progress(&mut self, params: &Value, updates: &mut Vec<Update>) {
        if let (Some(id), Some(message)) = (wire::text(params, "itemId"), wire::text(params, "message")) {
            updates.extend(self.turns.calls.stream(id, &format!("{message}\n")).map(Update::Tool));
        }
    }
}

/// Puts what an item tells into its call.
fn fill(call: &mut ToolCall, kind: &str, item: &Value, over: bool) {
    call.name = Some(kind.to_owned());
    let ended = match wire::text(item, "status").unwrap_or_default() {
        "failed" | "declined" | "errored" | "interrupted" => Some(ToolStatus::Failed),
        "completed" => Some(ToolStatus::Completed),
        _ => over.then_some(ToolStatus::Completed),
    };
    // An update that comes late does not open what is over.
    if ended.is_some() || !matches!(call.status, ToolStatus::Completed | ToolStatus::Failed) {
        call.status = ended.unwrap_or(ToolStatus::InProgress);
    }
    let text = |field: &str| wire::text(item, field).map(str::to_owned);
    match kind {
        "commandExecution" => {
            "execute".clone_into(&mut call.kind);
            let command = text("command").unwrap_or_default();
            call.title = match wire::list(item, "commandActions") {
                [only] => wire::text(only, "command").unwrap_or(&command).to_owned(),
                _ => command.clone(),
            };
            call.input = json!({"command": command, "cwd": item.get("cwd")});
            if let Some(output) = wire::text(item, "aggregatedOutput") {
                calls::set_text(call, output);
            }
            if let Some(code) = item.get("exitCode").and_then(Value::as_i64) {
                call.output = json!({"exit_code": code});
            }
        }
        "fileChange" => {
            "edit".clone_into(&mut call.kind);
            changes(call, wire::list(item, "changes"));
        }
        "mcpToolCall" | "dynamicToolCall" | "collabAgentToolCall" => {
            "other".clone_into(&mut call.kind);
            let tool = text("tool").unwrap_or_else(|| "tool".to_owned());
            call.title = match wire::text(item, "server").or_else(|| wire::text(item, "namespace")) {
                Some(server) => format!("{server}: {tool}"),
                None => tool,
            };
            call.input = item.get("arguments").cloned().unwrap_or_default();
            if let Some(result) = item.get("result").filter(|result| !result.is_null()) {
                call.output = result.clone();
                let shown = result.get("content").map(calls::result_text).unwrap_or_default();
                calls::set_text(call, &shown);
            }
            if let Some(error) = item.pointer("/error/message").and_then(Value::as_str) {
                calls::set_text(call, error);
            }
        }
        "webSearch" => {
            "fetch".clone_into(&mut call.kind);
            call.title = format!("Search {}", text("query").unwrap_or_default());
        }
        "imageView" => {
            "read".clone_into(&mut call.kind);
            let path = text("path").unwrap_or_default();
            call.title = format!("View {path}");
            call.locations = vec![Location { path, line: None }];
        }
        _ => kind.clone_into(&mut call.title),
    }
}

/// Puts file changes into a call: new files as claimed texts, patches as text.
fn changes(call: &mut ToolCall, changes: &[Value]) {
    let path = |change: &Value| wire::text(change, "path").map(str::to_owned);
    call.locations = changes.iter().filter_map(path).map(|path| Location { path, line: None }).collect();
    let names: Vec<&str> =
        call.locations.iter().map(|place| place.path.rsplit('/').next().unwrap_or(&place.path)).collect();
    call.title = format!("Edit {}", names.join(", "));
    let added = |change: &&Value| {
        change.pointer("/kind/type").or_else(|| change.get("kind")).and_then(Value::as_str) == Some("add")
    };
    call.diffs = changes
        .iter()
        .filter(added)
        .filter_map(|change| {
            let new_text = wire::text(change, "diff").unwrap_or_default().to_owned();
            Some(ClaimedDiff { path: path(change)?, old_text: None, new_text })
        })
        .collect();
    let patches: Vec<&str> =
        changes.iter().filter(|change| !added(change)).filter_map(|change| wire::text(change, "diff")).collect();
    calls::set_text(call, &patches.join("\n"));
}
