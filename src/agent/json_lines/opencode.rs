//! `opencode run --format json`: no final event, so the last step has to say that it was the last.

use serde_json::Value;

use crate::host::port::Update;
use crate::model::agent::ToolStatus;
use crate::model::usage::{Usage, UsageScope, UsageSource};

use super::super::acp::wire;
use super::super::calls;
use super::super::failure::FailureKind;
use super::super::turns::done;
use super::{Listener, Page, micros};

pub(super) struct Opencode;

impl Listener for Opencode {
    fn on_event(&mut self, event: &Value, page: &mut Page, updates: &mut Vec<Update>) -> bool {
        if let Some(id) = wire::text(event, "sessionID") {
            page.ready.name = Some("opencode".to_owned());
            page.opened(id, updates);
        }
        let part = event.get("part").unwrap_or(&Value::Null);
        match wire::text(event, "type").unwrap_or_default() {
            "step_start" => page.verdict = None,
            "text" => page.speech.whole(false, wire::text(part, "text").unwrap_or_default()),
            "reasoning" => page.speech.whole(true, wire::text(part, "text").unwrap_or_default()),
            "tool_use" => return on_tool(part, page, updates),
            "step_finish" => {
                updates.extend(usage(part).map(Update::Usage));
                let reason = wire::text(part, "reason").unwrap_or("stop");
                if reason != "tool-calls" {
                    page.fault = None;
                    page.verdict = Some(done(reason).into());
                }
            }
            "error" => {
                let error = event.get("error").unwrap_or(&Value::Null);
                let status = error.pointer("/data/statusCode").and_then(Value::as_u64);
                let words =
                    error.pointer("/data/message").and_then(Value::as_str).or_else(|| wire::text(error, "name"));
                page.verdict = None;
                let words = words.unwrap_or("it gave no reason");
                // How long to wait is only in the header.
                let header = error.pointer("/data/responseHeaders/retry-after").and_then(Value::as_str);
                let words = match header.filter(|after| after.parse::<f64>().is_ok()) {
                    Some(after) => format!("{words} (retry after {after} s)"),
                    None => words.to_owned(),
                };
                let named = wire::text(error, "name").and_then(FailureKind::named);
                let kind = named.unwrap_or_else(|| FailureKind::of(status, &words));
                page.fault = Some(kind.told(&words, page.login, None));
            }
            _ => return false,
        }
        true
    }
}

fn on_tool(part: &Value, page: &mut Page, updates: &mut Vec<Update>) -> bool {
    let (Some(id), Some(name)) = (wire::text(part, "callID"), wire::text(part, "tool")) else {
        return false;
    };
    let state = part.get("state").unwrap_or(&Value::Null);
    updates.append(&mut page.speech.said);
    page.speech.interrupted_by_tool();
    page.turns.calls.named(id, name, state.get("input").unwrap_or(&Value::Null), ToolStatus::InProgress);
    let call = page.turns.calls.upsert(id, |call| {
        match wire::text(state, "status") {
            Some("completed") => call.status = ToolStatus::Completed,
            Some("error") => call.status = ToolStatus::Failed,
            _ => {}
        }
        let shown = wire::text(state, "output").or_else(|| wire::text(state, "error")).unwrap_or_default();
        calls::set_text(call, shown);
    });
    updates.push(Update::Tool(call));
    true
}

/// Per step; input excludes the cache, output the reasoning.
fn usage(part: &Value) -> Option<Usage> {
    let tokens = part.get("tokens")?;
    let number = |path: &str| tokens.pointer(path).and_then(Value::as_u64).unwrap_or_default();
    let cost_micros = part.get("cost").and_then(Value::as_f64).and_then(micros);
    Some(Usage {
        scope: UsageScope::Step,
        source: UsageSource::Reported,
        input: number("/input"),
        cache_read: number("/cache/read"),
        cache_write: number("/cache/write"),
        output: number("/output"),
        reasoning: number("/reasoning"),
        currency: cost_micros.map(|_| "USD".to_owned()),
        cost_micros,
        ..Usage::default()
    })
}
