//! Tool calls of agents that name them in their own ways, as the words of the model.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::model::agent::{ClaimedDiff, Location, ToolCall, ToolStatus};

use super::acp::wire;
use super::output::floor_boundary;

/// How much text of one call is kept: the end of it.
const TEXT: usize = 64 * 1024;

/// The tool calls of a conversation, by their ids. Everything is an upsert.
#[derive(Debug, Clone, Default)]
pub(super) struct Calls {
    calls: BTreeMap<String, ToolCall>,
    streams: BTreeMap<String, Stream>,
}

/// Output of a call that comes in pieces.
#[derive(Debug, Clone, Copy, Default)]
struct Stream {
    /// Bytes so far.
    total: usize,
    /// When it is told again.
    next: usize,
}

/// How much streamed output is told piece by piece. Beyond that it is told whenever it has doubled, for every update carries the
/// whole call: a flood must not become a flood of calls.
const LIVE: usize = 4 * 1024;

impl Stream {
    /// Whether so many bytes are worth an update.
    fn is_news(&mut self, total: usize) -> bool {
        self.total = total;
        let news = total <= LIVE || total >= self.next;
        if news {
            self.next = total.saturating_mul(2);
        }
        news
    }
}

impl Calls {
    /// Changes a call, made when it is new, and gives its newest state.
    pub(super) fn upsert(&mut self, id: &str, change: impl FnOnce(&mut ToolCall)) -> ToolCall {
        let call = self.calls.entry(id.to_owned()).or_insert_with(|| ToolCall {
            id: id.to_owned(),
            kind: "other".to_owned(),
            ..ToolCall::default()
        });
        change(call);
        if call.title.is_empty() {
            call.title = call.name.clone().unwrap_or_else(|| id.to_owned());
        }
        call.clone()
    }

    /// A call by name and arguments, with what they tell of it.
    pub(super) fn named(&mut self, id: &str, name: &str, input: &Value, status: ToolStatus) -> ToolCall {
        self.upsert(id, |call| {
            call.name = Some(name.to_owned());
            kind_of(name).clone_into(&mut call.kind);
            if !input.is_null() {
                call.input = input.clone();
            }
            call.title = title(name, &call.kind, &call.input);
            call.locations =
                path(&call.input).map(|path| Location { path: path.to_owned(), line: None }).into_iter().collect();
            call.diffs = diffs(&call.kind, &call.input);
            if !over(call.status) {
                call.status = status;
            }
        })
    }

    /// Adds a piece of output; the call when that is worth an update. The whole comes with the call's end.
    pub(super) fn stream(&mut self, id: &str, piece: &str) -> Option<ToolCall> {
        let stream = self.streams.entry(id.to_owned()).or_default();
        let news = stream.is_news(stream.total.saturating_add(piece.len()));
        let call = self.upsert(id, |call| append(call, piece));
        news.then_some(call)
    }

    /// Replaces the output so far; the call when that is worth an update.
    pub(super) fn stream_whole(&mut self, id: &str, text: &str) -> Option<ToolCall> {
        let news = self.streams.entry(id.to_owned()).or_default().is_news(text.len());
        let call = self.upsert(id, |call| set_text(call, text));
        news.then_some(call)
    }

    /// Marks a call as failed unless it is over already; the call when that changed it.
    pub(super) fn fail(&mut self, id: &str) -> Option<ToolCall> {
        let call = self.calls.get_mut(id).filter(|call| !over(call.status))?;
        call.status = ToolStatus::Failed;
        Some(call.clone())
    }

    /// Marks every call that is not over as failed.
    pub(super) fn fail_open(&mut self) -> Vec<ToolCall> {
        let ids: Vec<String> = self.calls.keys().cloned().collect();
        ids.iter().filter_map(|id| self.fail(id)).collect()
    }

    /// Forgets calls that are over.
    pub(super) fn forget_finished(&mut self) {
        self.calls.retain(|_, call| !over(call.status));
        self.streams.retain(|id, _| self.calls.contains_key(id));
    }
}

fn over(status: ToolStatus) -> bool {
    matches!(status, ToolStatus::Completed | ToolStatus::Failed)
}

/// The status of a finished call.
pub(super) fn finished(failed: bool) -> ToolStatus {
    if failed { ToolStatus::Failed } else { ToolStatus::Completed }
}

/// Adds to a call's text, of which the end is kept.
pub(super) fn append(call: &mut ToolCall, text: &str) {
    call.text.push_str(text);
    if call.text.len() > 2 * TEXT {
        let from = floor_boundary(&call.text, call.text.len() - TEXT);
        call.text.drain(..from);
    }
}

/// Replaces a call's text, of which the end is kept.
pub(super) fn set_text(call: &mut ToolCall, text: &str) {
    call.text.clear();
    append(call, &text[floor_boundary(text, text.len().saturating_sub(TEXT))..]);
}

/// ACP's kind for a tool of this name; agents use the same few words for them.
pub(super) fn kind_of(name: &str) -> &'static str {
    let lower = name.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if lower.starts_with("mcp__") {
        "other"
    } else if has(&["todo", "plan_update", "update_plan"]) {
        "think"
    } else if has(&["bash", "shell", "exec", "terminal", "run_command"]) {
        "execute"
    } else if has(&["webfetch", "web_fetch", "websearch", "web_search", "google_web", "fetch"]) {
        "fetch"
    } else if has(&["exitplanmode", "enterplanmode", "exit_plan", "enter_plan"]) {
        "switch_mode"
    } else if has(&["write", "edit", "replace", "patch", "create_file", "str_replace"]) {
        "edit"
    } else if has(&["grep", "glob", "search", "find"]) {
        "search"
    } else if has(&["read", "view", "list", "ls", "cat"]) && !lower.contains("thread") {
        "read"
    } else if has(&["delete", "remove"]) {
        "delete"
    } else if has(&["think", "todo", "task", "agent", "plan"]) {
        "think"
    } else {
        "other"
    }
}

fn path(input: &Value) -> Option<&str> {
    ["file_path", "filePath", "path", "absolute_path", "notebook_path", "filename"]
        .iter()
        .find_map(|name| wire::text(input, name))
}

fn title(name: &str, kind: &str, input: &Value) -> String {
    if kind == "execute"
        && let Some(command) = wire::text(input, "command").or_else(|| wire::text(input, "cmd"))
    {
        return command.to_owned();
    }
    let about = path(input).map(|path| path.rsplit('/').next().unwrap_or(path)).or_else(|| {
        ["pattern", "query", "url", "description", "skill"].iter().find_map(|field| wire::text(input, field))
    });
    match about {
        Some(about) => format!("{name} {about}"),
        None => name.to_owned(),
    }
}

fn diffs(kind: &str, input: &Value) -> Vec<ClaimedDiff> {
    let Some(path) = path(input).filter(|_| kind == "edit") else {
        return Vec::new();
    };
    let old = ["old_string", "oldString", "oldText", "old_str"].iter().find_map(|name| input.get(name)?.as_str());
    let new = ["new_string", "newString", "newText", "new_str", "content", "file_text"]
        .iter()
        .find_map(|name| input.get(name)?.as_str());
    let diff = new.map(|new| ClaimedDiff {
        path: path.to_owned(),
        old_text: old.map(str::to_owned),
        new_text: new.to_owned(),
    });
    diff.into_iter().collect()
}

/// The text of a tool's result: a string, or content blocks.
pub(super) fn result_text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => {
            let texts: Vec<String> = blocks
                .iter()
                .map(|block| match block.get("type").and_then(Value::as_str) {
                    Some("image") => "(an image)".to_owned(),
                    _ => wire::text(block, "text").unwrap_or_default().to_owned(),
                })
                .filter(|text| !text.is_empty())
                .collect();
            texts.join("\n")
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests;
