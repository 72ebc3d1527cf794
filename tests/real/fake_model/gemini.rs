//! Gemini's `generateContent` and `streamGenerateContent`.

use std::io::Result;

use serde_json::{Map, Value, json};

use super::http::Reply;
use super::plan::Act;
use super::{CACHED, Call, INPUT, OUTPUT, REASONING, fresh, text_of, tools};

pub(super) fn read(body: &Value) -> Call {
    let mut call = Call { tools: tools::declared(&[&body["tools"]]), ..Call::default() };
    for content in body["contents"].as_array().into_iter().flatten().rev() {
        if content["role"] != "user" {
            continue;
        }
        let results = content["parts"]
            .as_array()
            .is_some_and(|parts| parts.iter().any(|part| part.get("functionResponse").is_some()));
        if results {
            call.step += 1;
        } else {
            call.words = text_of(&content["parts"]);
            break;
        }
    }
    call
}

/// An object of the schema the client asks for, with nothing in it.
fn filled(schema: &Value) -> Value {
    let properties = schema["properties"].as_object().cloned().unwrap_or_default();
    let value = |schema: &Value| match schema["enum"].as_array().and_then(|values| values.first()) {
        Some(first) => first.clone(),
        None => match schema["type"].as_str().unwrap_or("string").to_lowercase().as_str() {
            "number" | "integer" => json!(1),
            "boolean" => json!(false),
            "array" => json!([]),
            "object" => json!({}),
            _ => json!("x"),
        },
    };
    properties.iter().map(|(name, schema)| (name.clone(), value(schema))).collect::<Map<_, _>>().into()
}

pub(super) fn write(body: &Value, call: &Call, acts: &[Act], reply: &mut Reply<'_>, stream: bool) -> Result<()> {
    let config = &body["generationConfig"];
    let schema = config.get("responseJsonSchema").or_else(|| config.get("responseSchema"));
    let parts: Vec<Value> = match schema {
        Some(schema) => vec![json!({"text": filled(schema).to_string()})],
        None => acts
            .iter()
            .map(|act| match act {
                Act::Say(text) => json!({"text": text}),
                Act::Use(wish) => {
                    let made = wish.with(&call.tools);
                    json!({"functionCall": {"name": made.name, "args": made.arguments, "id": fresh("fc")}})
                }
            })
            .collect(),
    };
    let usage = json!({
        "promptTokenCount": INPUT, "candidatesTokenCount": OUTPUT, "totalTokenCount": INPUT + OUTPUT + REASONING,
        "cachedContentTokenCount": CACHED, "thoughtsTokenCount": REASONING,
    });
    let response = |parts: &[Value], finish: Option<&str>| {
        let mut candidate = json!({"content": {"role": "model", "parts": parts}, "index": 0});
        if let Some(finish) = finish {
            candidate["finishReason"] = json!(finish);
        }
        json!({"candidates": [candidate], "usageMetadata": usage, "modelVersion": "fake", "responseId": fresh("r")})
    };
    if !stream {
        return reply.json(200, &response(&parts, Some("STOP")));
    }
    reply.begin()?;
    for (index, part) in parts.iter().enumerate() {
        let last = index + 1 == parts.len() && !reply.hang_after_first;
        reply.event(None, &response(std::slice::from_ref(part), last.then_some("STOP")).to_string())?;
        if reply.hang_after_first {
            return reply.hang();
        }
    }
    reply.end()
}
