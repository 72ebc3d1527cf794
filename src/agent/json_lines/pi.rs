//! `pi --mode json -p`.

use serde_json::Value;

use crate::base::text::visible_line;
use crate::host::port::Update;
use crate::model::agent::ToolStatus;
use crate::model::usage::{Usage, UsageScope, UsageSource};

use super::super::acp::wire;
use super::super::calls;
use super::super::failure::FailureKind;
use super::super::turns::{done, failed, interrupted};
use super::{Listener, Page, micros};

#[derive(Debug, Default)]
pub(super) struct Pi {
    /// Why the last message of the model ended, and its error.
    stop: Option<(String, String)>,
}

impl Listener for Pi {
    fn on_event(&mut self, event: &Value, page: &mut Page, updates: &mut Vec<Update>) -> bool {
        let text = |field: &str| wire::text(event, field).unwrap_or_default();
        match text("type") {
            "session" => {
                page.ready.name = Some("pi".to_owned());
                page.opened(text("id"), updates);
            }
            "agent_start" => page.verdict = None,
            "turn_start"
            | "turn_end"
            | "message_start"
            | "auto_retry_end"
            | "auto_compaction_end"
            | "compaction_end" => {}
            "message_update" => on_piece(event.get("assistantMessageEvent").unwrap_or(&Value::Null), page),
            "message_end" => self.on_message(event.get("message").unwrap_or(&Value::Null), page, updates),
            "tool_execution_start" => {
                updates.append(&mut page.speech.said);
                page.speech.interrupted_by_tool();
                let input = event.get("args").unwrap_or(&Value::Null);
                let call = page.turns.calls.named(text("toolCallId"), text("toolName"), input, ToolStatus::InProgress);
                updates.push(Update::Tool(call));
            }
            "tool_execution_update" => {
                let shown = event.pointer("/partialResult/content").map(calls::result_text).unwrap_or_default();
                updates.extend(page.turns.calls.stream_whole(text("toolCallId"), &shown).map(Update::Tool));
            }
            "tool_execution_end" => {
                let failed = event.get("isError").and_then(Value::as_bool) == Some(true);
                let shown = event.pointer("/result/content").map(calls::result_text).unwrap_or_default();
                let call = page.turns.calls.upsert(text("toolCallId"), |call| {
                    call.status = calls::finished(failed);
                    calls::set_text(call, &shown);
                });
                updates.push(Update::Tool(call));
            }
            "auto_retry_start" => {
                let words = visible_line(text("errorMessage"), 200);
                updates.push(Update::Notice(format!("the model call failed ({words}); the agent tries again")));
            }
            "auto_compaction_start" | "compaction_start" => {
                updates.push(Update::Notice("the agent compacts its context".to_owned()));
            }
            "agent_end" => {
                page.verdict = Some(match &self.stop {
                    Some((stop, error)) if stop == "error" => {
                        FailureKind::of(None, error).told(error, page.login, None).into()
                    }
                    Some((stop, _)) if stop == "aborted" => interrupted("the agent was interrupted").into(),
                    Some((stop, _)) => done(stop).into(),
                    None => failed("the agent ended the turn without a message of the model").into(),
                });
            }
            _ => return false,
        }
        true
    }
}

impl Pi {
    fn on_message(&mut self, message: &Value, page: &mut Page, updates: &mut Vec<Update>) {
        if wire::text(message, "role") != Some("assistant") {
            return;
        }
        for block in wire::list(message, "content") {
            match wire::text(block, "type") {
                Some("text") => page.speech.whole(false, wire::text(block, "text").unwrap_or_default()),
                Some("thinking") => page.speech.whole(true, wire::text(block, "thinking").unwrap_or_default()),
                // Calls come as events of their own.
                _ => {}
            }
        }
        let word = |field: &str| wire::text(message, field).unwrap_or_default().to_owned();
        self.stop = Some((word("stopReason"), word("errorMessage")));
        updates.append(&mut page.speech.said);
        let model = wire::text(message, "model").map(str::to_owned);
        let usage = message.get("usage").map(|told| Usage { model, ..usage(told) });
        updates.extend(usage.map(Update::Usage));
    }
}

fn on_piece(event: &Value, page: &mut Page) {
    let delta = wire::text(event, "delta").unwrap_or_default();
    match wire::text(event, "type").unwrap_or_default() {
        "text_start" | "thinking_start" => page.speech.block_begins(),
        "text_delta" => page.speech.piece(false, delta),
        "thinking_delta" => page.speech.piece(true, delta),
        _ => {}
    }
}

/// Per message of the model; input excludes the cache.
fn usage(told: &Value) -> Usage {
    let number = |name: &str| told.get(name).and_then(Value::as_u64).unwrap_or_default();
    let cost_micros = told.pointer("/cost/total").and_then(Value::as_f64).and_then(micros);
    Usage {
        scope: UsageScope::Step,
        source: UsageSource::Reported,
        input: number("input"),
        cache_read: number("cacheRead"),
        cache_write: number("cacheWrite"),
        output: number("output"),
        currency: cost_micros.map(|_| "USD".to_owned()),
        cost_micros,
        ..Usage::default()
    }
}
