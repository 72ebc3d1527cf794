//! `gemini -p --output-format stream-json`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::base::text::visible_line;
use crate::host::port::Update;
use crate::model::agent::ToolStatus;
use crate::model::usage::{ModelUsage, Usage, UsageScope, UsageSource};

use super::super::acp::wire;
use super::super::calls;
use super::super::failure::FailureKind;
use super::super::turns::done;
use super::{Listener, Page};

#[derive(Debug, Default)]
pub(super) struct Gemini {
    /// The conversation's id, until the conversation is one: without an answer of the model Gemini does not keep it.
    id: Option<String>,
}

impl Gemini {
    fn answered(&mut self, page: &mut Page, updates: &mut Vec<Update>) {
        if let Some(id) = self.id.take() {
            page.opened(&id, updates);
        }
    }
}

impl Listener for Gemini {
    fn on_event(&mut self, event: &Value, page: &mut Page, updates: &mut Vec<Update>) -> bool {
        let text = |field: &str| wire::text(event, field).unwrap_or_default();
        match text("type") {
            "init" => {
                page.ready.name = Some("Gemini CLI".to_owned());
                self.id = Some(text("session_id").to_owned());
            }
            "message" if text("role") == "user" => {}
            "message" => {
                self.answered(page, updates);
                page.speech.piece(false, text("content"));
            }
            "tool_use" => {
                self.answered(page, updates);
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
                page.verdict = Some(if text("status") == "success" {
                    done("success").into()
                } else {
                    let (status, words) = failure(event);
                    FailureKind::of(status, &words).told(&words, page.login, None).into()
                });
            }
            _ => return false,
        }
        true
    }
}

/// `[API Error: {"error":{"code":400,"message":"...",...}}]`, without the wrapping, and the status in it.
fn failure(event: &Value) -> (Option<u64>, String) {
    let message = event.pointer("/error/message").and_then(Value::as_str).unwrap_or("it gave no reason");
    let plain = message.strip_prefix("[API Error: ").and_then(|rest| rest.strip_suffix(']')).unwrap_or(message);
    let inner: Value = serde_json::from_str(plain).unwrap_or_default();
    let words = inner.pointer("/error/message").and_then(Value::as_str).unwrap_or(plain);
    (inner.pointer("/error/code").and_then(Value::as_u64), words.to_owned())
}

/// Input includes the cache; what the total has beyond input and output are thoughts.
fn usage(stats: &Value) -> Option<Usage> {
    let number = |name: &str| stats.get(name).and_then(Value::as_u64).unwrap_or_default();
    let (input, output) = (number("input_tokens"), number("output_tokens"));
    if input == 0 && output == 0 {
        return None;
    }
    let whole = counts(stats);
    let models: BTreeMap<String, ModelUsage> = stats
        .get("models")
        .and_then(Value::as_object)
        .map(|models| models.iter().map(|(name, told)| (name.clone(), counts(told))).collect())
        .unwrap_or_default();
    Some(Usage {
        scope: UsageScope::Turn,
        source: UsageSource::Reported,
        input: whole.input,
        cache_read: whole.cache_read,
        output: whole.output,
        reasoning: whole.reasoning,
        models: models.into_iter().filter(|(_, model)| model.tokens() != [0; 5]).collect(),
        ..Usage::default()
    })
}

fn counts(stats: &Value) -> ModelUsage {
    let number = |name: &str| stats.get(name).and_then(Value::as_u64).unwrap_or_default();
    let (input, output, cached) = (number("input_tokens"), number("output_tokens"), number("cached"));
    ModelUsage {
        input: input.saturating_sub(cached),
        cache_read: cached,
        output,
        reasoning: number("total_tokens").saturating_sub(input).saturating_sub(output),
        ..ModelUsage::default()
    }
}
