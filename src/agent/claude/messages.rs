//! What it says and does in a turn: messages, tool calls and their results, and what the system tells of itself.

use serde_json::Value;

use crate::base::text::visible_line;
use crate::host::port::Update;
use crate::model::agent::{PlanEntry, ToolStatus};

use super::super::acp::wire;
use super::super::calls;
use super::super::failure::{Failure, at};
use super::super::turns::Phase;
use super::{ClaudeConversation, LOGIN};

impl ClaudeConversation {
    pub(super) fn on_assistant(&mut self, message: &Value, updates: &mut Vec<Update>) -> bool {
        let Some(content) = message.pointer("/message/content").and_then(Value::as_array) else {
            return false;
        };
        let parent = wire::text(message, "parent_tool_use_id").map(str::to_owned);
        if let (Some(running), None) = (&mut self.turns.running, message.get("error")) {
            running.fault = None;
        }
        if parent.is_none() {
            self.spent.on_assistant(message);
        }
        // A failure is told as a message too; the result repeats it as what it is.
        let failed = message.get("error").is_some_and(Value::is_string);
        for block in content {
            match wire::text(block, "type").unwrap_or_default() {
                "text" if failed => {}
                "text" => match &parent {
                    None => self.speech.whole(false, wire::text(block, "text").unwrap_or_default()),
                    Some(parent) => {
                        self.on_subagent_text(parent, wire::text(block, "text").unwrap_or_default(), updates);
                    }
                },
                "thinking" if parent.is_none() => {
                    self.speech.whole(true, wire::text(block, "thinking").unwrap_or_default());
                }
                "thinking" | "redacted_thinking" => {}
                "tool_use" | "server_tool_use" | "mcp_tool_use" => {
                    updates.append(&mut self.speech.said);
                    self.on_tool_use(block, updates);
                }
                kind if kind.ends_with("tool_result") => {
                    updates.append(&mut self.speech.said);
                    self.on_tool_result(block, updates);
                }
                _ => updates.push(Update::Raw(block.clone())),
            }
        }
        true
    }

    fn on_tool_use(&mut self, block: &Value, updates: &mut Vec<Update>) {
        let (Some(id), Some(name)) = (wire::text(block, "id"), wire::text(block, "name")) else {
            updates.push(Update::Raw(block.clone()));
            return;
        };
        self.speech.interrupted_by_tool();
        let input = block.get("input").unwrap_or(&Value::Null);
        updates.push(Update::Tool(self.turns.calls.named(id, name, input, ToolStatus::InProgress)));
        self.tasks.on_use(id, name, input);
        if name == "TodoWrite" {
            updates.push(Update::Plan(wire::list(input, "todos").iter().filter_map(plan_entry).collect()));
        }
    }

    fn on_subagent_text(&mut self, parent: &str, text: &str, updates: &mut Vec<Update>) {
        let call = self.turns.calls.upsert(parent, |call| {
            if !call.text.is_empty() {
                call.text.push_str("\n\n");
            }
            calls::append(call, text);
        });
        updates.push(Update::Tool(call));
    }

    fn on_tool_result(&mut self, block: &Value, updates: &mut Vec<Update>) {
        let Some(id) = wire::text(block, "tool_use_id") else {
            updates.push(Update::Raw(block.clone()));
            return;
        };
        let failed = block.get("is_error").and_then(Value::as_bool) == Some(true);
        let text = block.get("content").map(calls::result_text).unwrap_or_default();
        updates.extend(self.tasks.on_result(id, failed, &text).map(Update::Plan));
        let call = self.turns.calls.upsert(id, |call| {
            call.status = calls::finished(failed || call.status == ToolStatus::Failed);
            calls::set_text(call, &text);
        });
        updates.push(Update::Tool(call));
    }

    pub(super) fn on_user(&mut self, message: &Value, updates: &mut Vec<Update>) -> bool {
        match message.pointer("/message/content") {
            // Our own prompt, or "[Request interrupted by user]".
            Some(Value::String(_)) => true,
            Some(Value::Array(blocks)) => {
                for block in blocks.iter().filter(|block| wire::text(block, "type") == Some("tool_result")) {
                    self.on_tool_result(block, updates);
                }
                true
            }
            _ => false,
        }
    }

    /// A piece of a message, with `--include-partial-messages`.
    pub(super) fn on_stream_event(&mut self, message: &Value) -> bool {
        if wire::text(message, "parent_tool_use_id").is_some() {
            return true;
        }
        let event = message.get("event").unwrap_or(&Value::Null);
        match wire::text(event, "type").unwrap_or_default() {
            "content_block_start" => self.speech.block_begins(),
            "content_block_delta" => {
                let delta = event.get("delta").unwrap_or(&Value::Null);
                match wire::text(delta, "type").unwrap_or_default() {
                    "text_delta" => self.speech.piece(false, wire::text(delta, "text").unwrap_or_default()),
                    "thinking_delta" => self.speech.piece(true, wire::text(delta, "thinking").unwrap_or_default()),
                    // Arguments and signatures come whole in the message.
                    _ => {}
                }
            }
            // The last is Qwen Code's: what it pursues across turns; nothing unless it was told to.
            "message_start" | "message_delta" | "message_stop" | "content_block_stop" | "ping" | "goal_state" => {}
            _ => return false,
        }
        true
    }

    pub(super) fn on_system(&mut self, message: &Value, updates: &mut Vec<Update>) -> bool {
        match wire::text(message, "subtype").unwrap_or_default() {
            "init" => self.on_init(message, updates),
            "status" => {
                if wire::text(message, "status") == Some("compacting") {
                    updates.push(Update::Notice("the agent compacts its context".to_owned()));
                }
                self.on_current(wire::text(message, "permissionMode"), None, updates);
            }
            "api_retry" => self.on_retry(message, updates),
            "compact_boundary" => updates.push(Update::Notice("the agent compacted its context".to_owned())),
            "permission_denied" => {
                let text = wire::text(message, "message").unwrap_or("a tool was denied");
                updates.push(Update::Notice(format!("denied: {}", visible_line(text, 300))));
            }
            "informational" | "warning" | "notification" => {
                let text = wire::text(message, "content")
                    .or_else(|| wire::text(message, "message"))
                    .or_else(|| wire::text(message, "text"));
                let Some(text) = text else { return false };
                updates.push(Update::Notice(visible_line(text, 1000)));
            }
            "hook_started" | "hook_progress" => {}
            "hook_response" => {
                let failed = wire::text(message, "outcome").is_some_and(|outcome| outcome != "success");
                if failed {
                    let name = wire::text(message, "hook_name").unwrap_or("a hook");
                    let said =
                        wire::text(message, "stderr").or_else(|| wire::text(message, "output")).unwrap_or_default();
                    updates.push(Update::Notice(visible_line(&format!("the hook {name} failed: {said}"), 300)));
                }
            }
            _ => return false,
        }
        true
    }

    fn on_init(&mut self, message: &Value, updates: &mut Vec<Update>) {
        let before = self.ready.clone();
        if let Some(id) = wire::text(message, "session_id") {
            self.ready.conversation = Some(id.to_owned());
        }
        if let Some(version) = wire::text(message, "claude_code_version") {
            self.ready.version = Some(version.to_owned());
        }
        // The id of a new conversation is known only now; without it nothing can be resumed.
        if self.ready != before && self.turns.phase == Phase::Ready {
            updates.push(Update::Ready(self.ready.clone()));
        }
        self.on_current(wire::text(message, "permissionMode"), wire::text(message, "model"), updates);
    }

    fn on_current(&mut self, mode: Option<&str>, model: Option<&str>, updates: &mut Vec<Update>) {
        let new_mode = mode.is_some_and(|mode| self.options.set_mode(mode));
        let new_model = model.is_some_and(|model| self.options.set_model(model));
        if new_mode || new_model {
            updates.push(Update::Options(self.options.view()));
        }
    }

    fn on_retry(&mut self, message: &Value, updates: &mut Vec<Update>) {
        let number = |field: &str| message.get(field).and_then(Value::as_u64);
        let status = number("error_status");
        let words = match (status, wire::text(message, "error")) {
            (Some(status), _) => format!("error {status}"),
            (None, Some(error)) if error != "unknown" => error.to_owned(),
            _ => "no answer".to_owned(),
        };
        let (attempt, most) = (number("attempt").unwrap_or_default(), number("max_retries").unwrap_or_default());
        let delay = number("retry_delay_ms").unwrap_or_default();
        updates.push(Update::Notice(format!(
            "the model call failed ({words}); the agent tries again in {}.{} s ({attempt} of {most})",
            delay / 1000,
            delay % 1000 / 100
        )));
        if let Some(running) = &mut self.turns.running {
            running.fault = Some(Failure::of(status, &words).reason(&words, LOGIN, None));
        }
    }

    pub(super) fn on_rate_limit(&mut self, message: &Value, updates: &mut Vec<Update>) -> bool {
        let Some(limit) = message.get("rate_limit_info").filter(|limit| limit.is_object()) else {
            return false;
        };
        let status = wire::text(limit, "status").unwrap_or("unknown");
        if status == "allowed" {
            return true;
        }
        let when = limit.get("resetsAt").and_then(Value::as_u64).map(at);
        let kind = wire::text(limit, "rateLimitType").unwrap_or("usage").replace('_', " ");
        let lifted = when.as_ref().map(|when| format!("; it is lifted {when}")).unwrap_or_default();
        if status == "rejected" {
            updates.push(Update::Notice(format!("the {kind} limit is reached{lifted}")));
            self.retry = when;
        } else {
            updates.push(Update::Notice(format!("the {kind} limit is near{lifted}")));
        }
        true
    }
}

fn plan_entry(todo: &Value) -> Option<PlanEntry> {
    Some(PlanEntry {
        content: wire::text(todo, "content")?.to_owned(),
        status: wire::text(todo, "status").unwrap_or("pending").to_owned(),
        priority: String::new(),
    })
}
