//! Tool calls, merged to their newest state.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::model::agent::{ClaimedDiff, Location, ToolCall, ToolStatus};

use super::super::output::floor_boundary;
use super::wire;

/// How much of a command's streamed output is kept in its tool call.
const TERMINAL_TEXT: usize = 64 * 1024;

/// How much text of a tool call is passed on: its end. Every update carries the whole call, and the journal has it all.
const TEXT: usize = 256 * 1024;

/// The kinds the protocol knows.
const KINDS: [&str; 10] =
    ["read", "edit", "delete", "move", "search", "execute", "think", "fetch", "switch_mode", "other"];

/// A tool call with what its shown form is made of.
#[derive(Debug, Clone, Default)]
struct Tool {
    call: ToolCall,
    content: String,
    terminal: String,
}

/// The tool calls of a conversation, by their ids.
///
/// Everything is an upsert: agents update calls they never announced, announce a call twice, and leave fields out.
#[derive(Debug, Clone, Default)]
pub(super) struct ToolBook {
    tools: BTreeMap<String, Tool>,
}

impl ToolBook {
    /// Merges a `tool_call`, a `tool_call_update` or the `toolCall` of a permission request. Nothing when it has no id.
    pub(super) fn merge(&mut self, update: &Value) -> Option<&ToolCall> {
        let id = wire::text(update, "toolCallId")?;
        let tool = self.tools.entry(id.to_owned()).or_insert_with(|| Tool {
            call: ToolCall { id: id.to_owned(), kind: "other".to_owned(), ..ToolCall::default() },
            ..Tool::default()
        });
        let call = &mut tool.call;
        let meta = update.get("_meta").unwrap_or(&Value::Null);
        if let Some(kind) = wire::text(update, "kind").filter(|kind| KINDS.contains(kind)) {
            kind.clone_into(&mut call.kind);
        }
        let name = wire::text(update, "name").or_else(|| meta.pointer("/claudeCode/toolName").and_then(Value::as_str));
        if let Some(name) = name {
            call.name = Some(name.to_owned());
        }
        match wire::text(update, "title") {
            Some(title) => title.clone_into(&mut call.title),
            None if call.title.is_empty() => call.title = call.name.clone().unwrap_or_else(|| id.to_owned()),
            None => {}
        }
        if let Some(status) = update.get("status").and_then(|status| serde_json::from_value(status.clone()).ok()) {
            call.status = status;
        }
        for (field, place) in [("rawInput", &mut call.input), ("rawOutput", &mut call.output)] {
            if let Some(value) = update.get(field).filter(|value| !value.is_null()) {
                place.clone_from(value);
            }
        }
        if let Some(locations) = update.get("locations").and_then(Value::as_array) {
            call.locations = locations.iter().filter_map(location).collect();
        }
        if let Some(content) = update.get("content").and_then(Value::as_array) {
            call.diffs = content.iter().filter_map(diff).collect();
            let texts = content.iter().filter_map(|part| wire::block_text(part.get("content")?));
            tool.content = texts.collect::<Vec<_>>().join("\n");
        }
        tool.add_terminal(meta);
        tool.call.text.clone_from(&tool.content);
        if !tool.content.is_empty() && !tool.terminal.is_empty() && !tool.content.ends_with('\n') {
            tool.call.text.push('\n');
        }
        tool.call.text.push_str(&tool.terminal);
        if tool.call.text.len() > TEXT {
            let from = floor_boundary(&tool.call.text, tool.call.text.len() - TEXT);
            tool.call.text.replace_range(..from, &format!("[{from} bytes left out]\n"));
        }
        Some(&tool.call)
    }

    /// Marks a call as failed unless it is over already; the call when that changed it.
    pub(super) fn fail(&mut self, id: &str) -> Option<ToolCall> {
        let call = &mut self.tools.get_mut(id)?.call;
        if matches!(call.status, ToolStatus::Completed | ToolStatus::Failed) {
            return None;
        }
        call.status = ToolStatus::Failed;
        Some(call.clone())
    }

    /// Marks every call that is not over as failed.
    pub(super) fn fail_open(&mut self) -> Vec<ToolCall> {
        let ids: Vec<String> = self.tools.keys().cloned().collect();
        ids.iter().filter_map(|id| self.fail(id)).collect()
    }

    /// Forgets calls that are over.
    pub(super) fn forget_finished(&mut self) {
        self.tools.retain(|_, tool| !matches!(tool.call.status, ToolStatus::Completed | ToolStatus::Failed));
    }
}

impl Tool {
    /// Codex streams a command's output as an extension, for a terminal the client never made.
    fn add_terminal(&mut self, meta: &Value) {
        if let Some(delta) = meta.pointer("/terminal_output_delta/data").and_then(Value::as_str) {
            self.terminal.push_str(delta);
            if self.terminal.len() > 2 * TERMINAL_TEXT {
                let from = floor_boundary(&self.terminal, self.terminal.len() - TERMINAL_TEXT);
                self.terminal.drain(..from);
            }
        }
        if let Some(exit) = meta.get("terminal_exit").filter(|exit| exit.is_object()) {
            self.call.output = exit.clone();
        }
    }
}

fn location(value: &Value) -> Option<Location> {
    let line = value.get("line").and_then(Value::as_u64).and_then(|line| u32::try_from(line).ok());
    Some(Location { path: wire::text(value, "path")?.to_owned(), line })
}

fn diff(part: &Value) -> Option<ClaimedDiff> {
    if part.get("type").and_then(Value::as_str) != Some("diff") {
        return None;
    }
    Some(ClaimedDiff {
        path: wire::text(part, "path")?.to_owned(),
        old_text: part.get("oldText").and_then(Value::as_str).map(str::to_owned),
        new_text: part.get("newText").and_then(Value::as_str).unwrap_or_default().to_owned(),
    })
}

/// The command line of a call that executes one: a string, or words that are joined as a shell would read them.
pub(in crate::agent) fn command_line(call: &ToolCall) -> Option<String> {
    if call.kind != "execute" {
        return None;
    }
    match call.input.get("command")? {
        Value::String(command) if !command.is_empty() => Some(command.clone()),
        Value::Array(words) if !words.is_empty() => {
            let words: Option<Vec<String>> = words.iter().map(|word| word.as_str().map(quoted)).collect();
            words.map(|words| words.join(" "))
        }
        _ => None,
    }
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
