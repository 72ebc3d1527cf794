//! `codex exec --json`.

use serde_json::{Value, json};

use crate::base::text::visible_line;
use crate::host::port::Update;
use crate::model::agent::{Location, PlanEntry, ToolCall, ToolStatus};
use crate::model::usage::{Usage, UsageScope, UsageSource};

use super::super::acp::wire;
use super::super::calls;
use super::super::codex::failures;
use super::super::turns::done;
use super::{Listener, Page};

#[derive(Debug, Default)]
pub(super) struct CodexExec {
    begun: bool,
}

impl Listener for CodexExec {
    fn on_event(&mut self, event: &Value, page: &mut Page, updates: &mut Vec<Update>) -> bool {
        match wire::text(event, "type").unwrap_or_default() {
            "thread.started" => {
                page.ready.name = Some("Codex".to_owned());
                if let Some(id) = wire::text(event, "thread_id") {
                    page.opened(id, updates);
                }
            }
            "turn.started" => {
                self.begun = true;
                page.verdict = None;
            }
            "item.started" | "item.updated" => return on_item(event, false, page, updates),
            "item.completed" => return on_item(event, true, page, updates),
            "turn.completed" => {
                page.fault = None;
                page.verdict = Some(done("completed").into());
                updates.extend(event.get("usage").map(usage).map(Update::Usage));
            }
            "turn.failed" => {
                let error = event.get("error").unwrap_or(&Value::Null);
                let words = failures::words(error);
                page.verdict = Some(failures::of_error(error).told(&words, page.login, None).into());
            }
            "error" => {
                let words = failures::words(event);
                updates.push(Update::Notice(visible_line(&words, 300)));
                // While it reconnects nothing is lost.
                page.fault = Some(failures::of_error(event).told(&words, page.login, None));
            }
            _ => return false,
        }
        true
    }

    fn tells_every_failure(&self) -> bool {
        self.begun
    }
}

/// Input includes the cache, output the reasoning; in a resumed conversation it is the total of the whole.
fn usage(told: &Value) -> Usage {
    let number = |name: &str| told.get(name).and_then(Value::as_u64).unwrap_or_default();
    let (cached, written) = (number("cached_input_tokens"), number("cache_write_input_tokens"));
    let reasoning = number("reasoning_output_tokens");
    Usage {
        scope: UsageScope::Session,
        source: UsageSource::Reported,
        input: number("input_tokens").saturating_sub(cached).saturating_sub(written),
        cache_read: cached,
        cache_write: written,
        output: number("output_tokens").saturating_sub(reasoning),
        reasoning,
        ..Usage::default()
    }
}

fn on_item(event: &Value, over: bool, page: &mut Page, updates: &mut Vec<Update>) -> bool {
    let item = event.get("item").unwrap_or(&Value::Null);
    let (Some(id), Some(kind)) = (wire::text(item, "id"), wire::text(item, "type")) else {
        return false;
    };
    let text = wire::text(item, "text").unwrap_or_default();
    match kind {
        "agent_message" | "reasoning" => {
            if over {
                page.speech.whole(kind == "reasoning", text);
            }
        }
        "todo_list" => {
            let entry = |entry: &Value| {
                let completed = entry.get("completed").and_then(Value::as_bool) == Some(true);
                Some(PlanEntry {
                    content: wire::text(entry, "text")?.to_owned(),
                    status: if completed { "completed" } else { "pending" }.to_owned(),
                    priority: String::new(),
                })
            };
            updates.push(Update::Plan(wire::list(item, "items").iter().filter_map(entry).collect()));
        }
        // Told in the middle of the work, and not fatal.
        "error" => updates.push(Update::Notice(visible_line(wire::text(item, "message").unwrap_or("an error"), 300))),
        "command_execution" | "file_change" | "mcp_tool_call" | "web_search" | "collab_tool_call" => {
            updates.append(&mut page.speech.said);
            page.speech.interrupted_by_tool();
            let call = page.turns.calls.upsert(id, |call| fill(call, kind, item, over));
            updates.push(Update::Tool(call));
        }
        _ => return false,
    }
    true
}

fn fill(call: &mut ToolCall, kind: &str, item: &Value, over: bool) {
    call.name = Some(kind.to_owned());
    call.status = match wire::text(item, "status").unwrap_or_default() {
        "failed" | "declined" => ToolStatus::Failed,
        "completed" => ToolStatus::Completed,
        _ if over => ToolStatus::Completed,
        _ => ToolStatus::InProgress,
    };
    match kind {
        "command_execution" => {
            "execute".clone_into(&mut call.kind);
            let command = wire::text(item, "command").unwrap_or_default();
            command.clone_into(&mut call.title);
            call.input = json!({"command": command});
            calls::set_text(call, wire::text(item, "aggregated_output").unwrap_or_default());
            if let Some(code) = item.get("exit_code").and_then(Value::as_i64) {
                call.output = json!({"exit_code": code});
            }
        }
        "file_change" => {
            "edit".clone_into(&mut call.kind);
            let paths = wire::list(item, "changes").iter().filter_map(|change| wire::text(change, "path"));
            call.locations = paths.map(|path| Location { path: path.to_owned(), line: None }).collect();
            let names: Vec<&str> =
                call.locations.iter().map(|place| place.path.rsplit('/').next().unwrap_or(&place.path)).collect();
            call.title = format!("Edit {}", names.join(", "));
        }
        "web_search" => {
            "fetch".clone_into(&mut call.kind);
            call.title = format!("Search {}", wire::text(item, "query").unwrap_or_default());
        }
        _ => {
            let tool = wire::text(item, "tool").unwrap_or(kind);
            call.title = match wire::text(item, "server") {
                Some(server) => format!("{server}: {tool}"),
                None => tool.to_owned(),
            };
            call.input = item.get("arguments").cloned().unwrap_or_default();
            let shown = item.pointer("/result/content").map(calls::result_text).unwrap_or_default();
            calls::set_text(call, &shown);
        }
    }
}
