//! The Chat Completions API.

use std::io::Result;

use serde_json::{Value, json};

use super::http::Reply;
use super::plan::Act;
use super::{CACHED, Call, INPUT, OUTPUT, REASONING, fresh, text_of, tools};

pub(super) fn read(body: &Value) -> Call {
    let mut call = Call { tools: tools::declared(&[&body["tools"]]), ..Call::default() };
    for message in body["messages"].as_array().into_iter().flatten().rev() {
        match message["role"].as_str() {
            Some("tool") => call.step += 1,
            Some("user") => {
                call.words = text_of(&message["content"]);
                break;
            }
            _ => {}
        }
    }
    call
}

pub(super) fn write(body: &Value, call: &Call, acts: &[Act], reply: &mut Reply<'_>) -> Result<()> {
    let usage = json!({
        "prompt_tokens": INPUT, "completion_tokens": OUTPUT, "total_tokens": INPUT + OUTPUT,
        "prompt_tokens_details": {"cached_tokens": CACHED}, "completion_tokens_details": {"reasoning_tokens": REASONING},
    });
    let mut text = String::new();
    let mut calls = Vec::new();
    for act in acts {
        match act {
            Act::Say(words) => text.push_str(words),
            Act::Use(wish) => {
                let made = wish.with(&call.tools);
                let function = json!({"name": made.name, "arguments": made.arguments.to_string()});
                calls.push(
                    json!({"index": calls.len(), "id": fresh("call_"), "type": "function", "function": function}),
                );
            }
        }
    }
    let finish = if calls.is_empty() { "stop" } else { "tool_calls" };
    let id = fresh("chatcmpl-");
    if body["stream"] != true {
        let mut message = json!({"role": "assistant", "content": text});
        if !calls.is_empty() {
            message["tool_calls"] = json!(calls);
        }
        let choice = json!({"index": 0, "message": message, "finish_reason": finish});
        let whole = json!({"id": id, "object": "chat.completion", "created": 1, "model": body["model"], "choices": [choice], "usage": usage});
        return reply.json(200, &whole);
    }
    let chunk = |choices: Value| json!({"id": id, "object": "chat.completion.chunk", "created": 1, "model": body["model"], "choices": choices});
    let delta =
        |delta: Value, finish: Value| chunk(json!([{"index": 0, "delta": delta, "finish_reason": finish}])).to_string();
    reply.begin()?;
    reply.event(None, &delta(json!({"role": "assistant", "content": ""}), Value::Null))?;
    for word in text.split_inclusive(' ') {
        reply.event(None, &delta(json!({"content": word}), Value::Null))?;
        if reply.hang_after_first {
            return reply.hang();
        }
    }
    for call in calls {
        reply.event(None, &delta(json!({"tool_calls": [call]}), Value::Null))?;
    }
    reply.event(None, &delta(json!({}), json!(finish)))?;
    let mut last = chunk(json!([]));
    last["usage"] = usage;
    reply.event(None, &last.to_string())?;
    reply.event(None, "[DONE]")?;
    reply.end()
}
