//! `copilot -p --output-format json`: a log of events; it tells no tokens.

use serde_json::Value;

use crate::base::text::visible_line;
use crate::host::port::Update;
use crate::model::agent::ToolStatus;

use super::super::acp::wire;
use super::super::calls;
use super::super::turns::{done, failed, interrupted};
use super::{Listener, Page};

/// Events that say nothing a person needs.
const SILENT: [&str; 17] = [
    "user.message",
    "assistant.idle",
    "assistant.intent",
    "assistant.message_start",
    "assistant.tool_call_delta",
    "assistant.turn_start",
    "assistant.turn_end",
    "assistant.turn_retry",
    "assistant.usage",
    "agent.interrupted",
    "model.call_start",
    "model.call_finished",
    "model.call_final_result",
    "model.call_failure",
    "session.title_changed",
    // The same text comes with the result of the tool.
    "tool.shell_output",
    "tool.user_requested",
];

#[derive(Debug, Default)]
pub(super) struct Copilot {
    aborted: bool,
}

impl Listener for Copilot {
    fn on_event(&mut self, event: &Value, page: &mut Page, updates: &mut Vec<Update>) -> bool {
        let kind = wire::text(event, "type").unwrap_or_default();
        let data = event.get("data").unwrap_or(&Value::Null);
        let text = |field: &str| wire::text(data, field).unwrap_or_default();
        match kind {
            "assistant.message_delta" => page.speech.piece(false, text("deltaContent")),
            "assistant.reasoning_delta" => page.speech.piece(true, text("deltaContent")),
            "assistant.message" => {
                page.fault = None;
                page.speech.whole(false, text("content"));
            }
            "assistant.reasoning" => page.speech.whole(true, text("content")),
            "tool.execution_start" => {
                updates.append(&mut page.speech.said);
                page.speech.interrupted_by_tool();
                let input = data.get("arguments").unwrap_or(&Value::Null);
                let call = page.turns.calls.named(text("toolCallId"), text("toolName"), input, ToolStatus::InProgress);
                updates.push(Update::Tool(call));
            }
            "tool.execution_partial_result" | "tool.execution_progress" => {
                let more = wire::text(data, "partialOutput")
                    .or_else(|| wire::text(data, "progressMessage"))
                    .unwrap_or_default();
                updates.extend(page.turns.calls.stream(text("toolCallId"), more).map(Update::Tool));
            }
            "tool.execution_complete" => {
                let failed = data.get("success").and_then(Value::as_bool) != Some(true);
                let shown = data.pointer("/result/content").or_else(|| data.pointer("/error/message"));
                let shown = shown.and_then(Value::as_str).unwrap_or_default().to_owned();
                let call = page.turns.calls.upsert(text("toolCallId"), |call| {
                    call.status = calls::finished(failed);
                    calls::set_text(call, &shown);
                });
                updates.push(Update::Tool(call));
            }
            "session.error" => {
                let status = data.get("statusCode").and_then(Value::as_u64);
                updates.push(Update::Notice(visible_line(text("message"), 300)));
                page.on_fault(status, text("message"));
            }
            "session.info" | "session.warning" => updates.push(Update::Notice(visible_line(text("message"), 300))),
            "abort" => self.aborted = true,
            "result" => {
                page.ready.name = Some("Copilot CLI".to_owned());
                if let Some(id) = wire::text(event, "sessionId") {
                    page.opened(id, updates);
                }
                let code = event.get("exitCode").and_then(Value::as_i64).unwrap_or_default();
                page.verdict = Some(match (&page.fault, code) {
                    _ if self.aborted => interrupted("the agent was interrupted").into(),
                    (Some(fault), _) => fault.clone().into(),
                    (None, 0) => done("exit 0").into(),
                    (None, code) => failed(format!("the agent failed (its result says exit {code})")).into(),
                });
            }
            _ => return SILENT.contains(&kind) || (kind.starts_with("session.") && kind != "session."),
        }
        true
    }
}
