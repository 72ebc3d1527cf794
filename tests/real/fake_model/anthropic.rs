//! Anthropic's Messages API.

use std::io::Result;

use serde_json::{Value, json};

use super::http::Reply;
use super::plan::Act;
use super::{CACHED, Call, INPUT, OUTPUT, fresh, text_of, tools};

/// What matters of a request. Text in `<system-reminder>` is the client's own, not the user's.
pub(super) fn read(body: &Value) -> Call {
    let mut call = Call { tools: tools::declared(&[&body["tools"]]), ..Call::default() };
    for message in body["messages"].as_array().into_iter().flatten().rev() {
        if message["role"] == "system" {
            // What the user says while a tool runs comes so, behind the tool's result.
            let words = text_of(&message["content"]);
            if words.starts_with("The user sent a new message") && words.contains("@@") {
                call.words = words;
                break;
            }
        }
        if message["role"] != "user" {
            continue;
        }
        let results = message["content"]
            .as_array()
            .is_some_and(|blocks| blocks.iter().any(|block| block["type"] == "tool_result"));
        let words = text_of(&message["content"]);
        // After an interrupted tool the next prompt comes in one message with the tool's result.
        if results && !words.contains("@@") {
            call.step += 1;
            continue;
        }
        if words.contains("@@")
            || words.lines().any(|line| !line.trim().is_empty() && !line.trim_start().starts_with('<'))
        {
            call.words = words;
            break;
        }
    }
    call
}

pub(super) fn write(body: &Value, call: &Call, acts: &[Act], reply: &mut Reply<'_>) -> Result<()> {
    let usage = |output: u64| json!({"input_tokens": INPUT - CACHED, "cache_creation_input_tokens": 0, "cache_read_input_tokens": CACHED, "output_tokens": output});
    let blocks: Vec<Value> = acts
        .iter()
        .map(|act| match act {
            Act::Say(text) => json!({"type": "text", "text": text}),
            Act::Use(wish) => {
                let call = wish.with(&call.tools);
                json!({"type": "tool_use", "id": fresh("toolu_"), "name": call.name, "input": call.arguments})
            }
        })
        .collect();
    let stop = if blocks.iter().any(|block| block["type"] == "tool_use") { "tool_use" } else { "end_turn" };
    let mut message = json!({
        "id": fresh("msg_"), "type": "message", "role": "assistant", "model": body["model"], "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": usage(1),
    });
    if body["stream"] != true {
        message["content"] = json!(blocks);
        message["stop_reason"] = json!(stop);
        message["usage"] = usage(OUTPUT);
        return reply.json(200, &message);
    }
    reply.begin()?;
    let event = |reply: &mut Reply<'_>, value: Value| reply.event(value["type"].as_str(), &value.to_string());
    event(reply, json!({"type": "message_start", "message": message}))?;
    for (index, block) in blocks.iter().enumerate() {
        let mut opening = block.clone();
        let deltas = if block["type"] == "text" {
            opening["text"] = json!("");
            let words = block["text"].as_str().unwrap_or_default().split_inclusive(' ');
            words.map(|word| json!({"type": "text_delta", "text": word})).collect()
        } else {
            opening["input"] = json!({});
            vec![json!({"type": "input_json_delta", "partial_json": block["input"].to_string()})]
        };
        event(reply, json!({"type": "content_block_start", "index": index, "content_block": opening}))?;
        for delta in deltas {
            event(reply, json!({"type": "content_block_delta", "index": index, "delta": delta}))?;
            if reply.hang_after_first {
                return reply.hang();
            }
        }
        event(reply, json!({"type": "content_block_stop", "index": index}))?;
    }
    let delta = json!({"stop_reason": stop, "stop_sequence": null});
    event(reply, json!({"type": "message_delta", "delta": delta, "usage": usage(OUTPUT)}))?;
    event(reply, json!({"type": "message_stop"}))?;
    reply.end()
}
