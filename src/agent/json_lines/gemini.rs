//! `gemini -p --output-format stream-json`.

use serde_json::Value;

use crate::base::text::visible_line;
use crate::host::port::Update;
use crate::model::agent::ToolStatus;
use crate::model::usage::{Usage, UsageScope, UsageSource};

use super::super::acp::wire;
use super::super::calls;
use super::super::failure::Failure;
use super::super::turns::{done, failed};
use super::{Listener, Page};

pub(super) struct Gemini;

impl Listener for Gemini {
    fn on_event(&mut self, event: &Value, page: &mut Page, updates: &mut Vec<Update>) -> bool {
        let text = |field: &str| wire::text(event, field).unwrap_or_default();
        match text("type") {
            "init" => {
                page.ready.name = Some("Gemini CLI".to_owned());
                page.opened(text("session_id"), updates);
            }
            "message" if text("role") == "user" => {}
            "message" => page.speech.piece(false, text("content")),
            "tool_use" => {
                updates.append(&mut page.speech.said);
                page.speech.block_begins();
                page.speech.interrupted_by_tool();
                let input = event.get("parameters").unwrap_or(&Value::Null);
                let call = page.turns.calls.named(text("tool_id"), text("tool_name"), input, ToolStatus::InProgress);
                updates.push(Update::Tool(call));
            }
            "tool_result" => {
                let failed = text("status") != "success";
                let shown = match event.pointer("/error/message").and_then(Value::as_str) {
                    Some(error) if failed => error.to_owned(),
                    _ => event.get("output").map(calls::result_text).unwrap_or_default(),
                };
                let call = page.turns.calls.upsert(text("tool_id"), |call| {
                    call.status = calls::finished(failed);
                    calls::set_text(call, &shown);
                });
                updates.push(Update::Tool(call));
            }
            "error" => {
                updates.push(Update::Notice(visible_line(text("message"), 300)));
                if text("severity") != "warning" {
                    page.on_fault(None, text("message"));
                }
            }
            "result" => {
                updates.extend(event.get("stats").and_then(usage).map(Update::Usage));
                page.verdict = Some(match text("status") {
                    "success" => done("success"),
                    _ => {
                        let words = words(event);
                        failed(Failure::of(None, &words).reason(&words, page.login, None))
                    }
                });
            }
            _ => return false,
        }
        true
    }
}

/// `[API Error: {"error":{"code":400,"message":"...",...}}]`, without the wrapping.
fn words(event: &Value) -> String {
    let message = event.pointer("/error/message").and_then(Value::as_str).unwrap_or("it gave no reason");
    let plain = message.trim_start_matches("[API Error: ").trim_end_matches(']');
    let inner = serde_json::from_str::<Value>(plain).ok();
    let told = inner.as_ref().and_then(|inner| {
        let words = inner.pointer("/error/message").and_then(Value::as_str)?;
        let code = inner.pointer("/error/code").and_then(Value::as_u64)?;
        Some(format!("{words} ({code})"))
    });
    told.unwrap_or_else(|| plain.to_owned())
}

/// Input includes the cache; what the total has beyond input and output are thoughts.
fn usage(stats: &Value) -> Option<Usage> {
    let number = |name: &str| stats.get(name).and_then(Value::as_u64).unwrap_or_default();
    let (input, output, cached) = (number("input_tokens"), number("output_tokens"), number("cached"));
    if input == 0 && output == 0 {
        return None;
    }
    Some(Usage {
        scope: UsageScope::Turn,
        source: UsageSource::Reported,
        input: input.saturating_sub(cached),
        cache_read: cached,
        output,
        reasoning: number("total_tokens").saturating_sub(input).saturating_sub(output),
        ..Usage::default()
    })
}
