//! The Responses API.

use std::io::Result;

use serde_json::{Value, json};

use super::http::Reply;
use super::plan::Act;
use super::{CACHED, Call, INPUT, OUTPUT, REASONING, fresh, text_of, tools};

pub(super) fn read(body: &Value) -> Call {
    let input = match &body["input"] {
        Value::String(text) => vec![json!({"type": "message", "role": "user", "content": text})],
        Value::Array(items) => items.clone(),
        _ => Vec::new(),
    };
    // The newest models get their tools as an item of the input.
    let more = input.iter().filter(|item| item["type"] == "additional_tools").map(|item| &item["tools"]);
    let lists: Vec<&Value> = std::iter::once(&body["tools"]).chain(more).collect();
    let mut call = Call { tools: tools::declared(&lists), ..Call::default() };
    for item in input.iter().rev() {
        let kind = item["type"].as_str().unwrap_or("message");
        if kind.ends_with("_call_output") {
            call.step += 1;
        } else if kind == "message" && item["role"] == "user" {
            let words = text_of(&item["content"]);
            if words.contains("<environment_context>") && !words.contains("@@") {
                continue;
            }
            call.words = words;
            break;
        }
    }
    call
}

fn item(act: &Act, call: &Call) -> Value {
    match act {
        Act::Say(text) => json!({
            "type": "message", "id": fresh("msg_"), "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": text, "annotations": []}],
        }),
        Act::Use(wish) => {
            let made = wish.with(&call.tools);
            if made.custom {
                json!({
                    "type": "custom_tool_call", "id": fresh("ctc_"), "call_id": fresh("call_"), "name": made.name,
                    "input": made.arguments, "status": "completed",
                })
            } else {
                json!({
                    "type": "function_call", "id": fresh("fc_"), "call_id": fresh("call_"), "name": made.name,
                    "arguments": made.arguments.to_string(), "status": "completed",
                })
            }
        }
    }
}

pub(super) fn write(body: &Value, call: &Call, acts: &[Act], reply: &mut Reply<'_>) -> Result<()> {
    let output: Vec<Value> = acts.iter().map(|act| item(act, call)).collect();
    let usage = json!({
        "input_tokens": INPUT, "input_tokens_details": {"cached_tokens": CACHED}, "output_tokens": OUTPUT,
        "output_tokens_details": {"reasoning_tokens": REASONING}, "total_tokens": INPUT + OUTPUT,
    });
    let begun = json!({
        "id": fresh("resp_"), "object": "response", "created_at": 1, "status": "in_progress", "model": body["model"], "output": [],
        "usage": null, "error": null, "incomplete_details": null, "instructions": null, "parallel_tool_calls": true, "tools": [],
        "tool_choice": "auto", "metadata": {},
    });
    let mut completed = begun.clone();
    completed["status"] = json!("completed");
    completed["output"] = json!(output);
    completed["usage"] = usage;
    if body["stream"] != true {
        return reply.json(200, &completed);
    }
    reply.begin()?;
    let mut number = 0;
    let mut event = |reply: &mut Reply<'_>, kind: &str, mut fields: Value| {
        fields["type"] = json!(kind);
        fields["sequence_number"] = json!(number);
        number += 1;
        reply.event(Some(kind), &fields.to_string())
    };
    event(reply, "response.created", json!({"response": begun}))?;
    for (index, item) in output.iter().enumerate() {
        let id = &item["id"];
        let mut opening = item.clone();
        opening["status"] = json!("in_progress");
        let (field, what) = match item["type"].as_str() {
            Some("message") => ("content", "response.output_text"),
            Some("custom_tool_call") => ("input", "response.custom_tool_call_input"),
            _ => ("arguments", "response.function_call_arguments"),
        };
        opening[field] = if field == "content" { json!([]) } else { json!("") };
        event(reply, "response.output_item.added", json!({"output_index": index, "item": opening}))?;
        if field == "content" {
            let part = json!({"type": "output_text", "text": "", "annotations": []});
            let at = json!({"output_index": index, "content_index": 0, "item_id": id});
            event(reply, "response.content_part.added", merged(&at, json!({"part": part})))?;
            let text = item.pointer("/content/0/text").and_then(Value::as_str).unwrap_or_default();
            for word in text.split_inclusive(' ') {
                event(reply, "response.output_text.delta", merged(&at, json!({"delta": word})))?;
                if reply.hang_after_first {
                    return reply.hang();
                }
            }
            event(reply, "response.output_text.done", merged(&at, json!({"text": text})))?;
            event(reply, "response.content_part.done", merged(&at, json!({"part": item["content"][0]})))?;
        } else {
            let at = json!({"output_index": index, "item_id": id});
            event(reply, &format!("{what}.delta"), merged(&at, json!({"delta": item[field]})))?;
            event(reply, &format!("{what}.done"), merged(&at, json!({field: item[field]})))?;
        }
        event(reply, "response.output_item.done", json!({"output_index": index, "item": item}))?;
    }
    event(reply, "response.completed", json!({"response": completed}))?;
    reply.end()
}

fn merged(at: &Value, more: Value) -> Value {
    let mut whole = at.clone();
    if let (Some(whole), Value::Object(more)) = (whole.as_object_mut(), more) {
        whole.extend(more);
    }
    whole
}
