//! A model server that plays scripts: the other end of what agents talk to, on loopback, for the tests.
//!
//! It speaks the Anthropic Messages API, the Responses and Chat Completions APIs and `generateContent`, streaming and not. It
//! keeps no state: how far a script is follows from the tool results in the request. Which script is played is the first part of the
//! path (`http://127.0.0.1:PORT/write/v1/messages`), or the last `@@script=ARGUMENT` in the last words of the user.

mod anthropic;
mod chat;
mod gemini;
mod http;
mod plan;
mod responses;
mod tools;

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::thread;

use serde_json::{Value, json};

use http::{Reply, Request};
use plan::{Act, Script};

/// What every model call is said to have used: 1200 tokens of input of which 1000 were cached, 42 of output of which 7 were thoughts.
pub(super) const INPUT: u64 = 1200;
pub(super) const CACHED: u64 = 1000;
pub(super) const OUTPUT: u64 = 42;
pub(super) const REASONING: u64 = 7;

/// The words before the port number in the line that says where it listens.
pub(super) const ANNOUNCEMENT: &str = "fake model on port ";

/// The variable that makes [`serve`] serve.
pub(super) const SERVE: &str = "DIVISI_TEST_FAKE_MODEL";

/// Not a test: the server itself, run by the harness as a process of its own inside the network namespace.
#[test]
fn serve() {
    if std::env::var_os(SERVE).is_none() {
        return;
    }
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut out = std::io::stdout();
    write!(out, "\n{ANNOUNCEMENT}{port}\n").and_then(|()| out.flush()).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A connection that breaks off is the client's own affair.
            thread::spawn(move || drop(converse(&stream)));
        }
    });
    // Whoever started it holds the other end of standard input, however they end.
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).unwrap();
}

fn converse(stream: &TcpStream) -> std::io::Result<()> {
    let mut reader = std::io::BufReader::new(stream.try_clone()?);
    while let Some(request) = http::read(&mut reader)? {
        let mut reply = Reply::new(stream);
        answer(&request, &mut reply)?;
        if reply.closed {
            return stream.shutdown(std::net::Shutdown::Both);
        }
    }
    Ok(())
}

fn answer(request: &Request, reply: &mut Reply<'_>) -> std::io::Result<()> {
    let path = request.path.split('?').next().unwrap_or_default();
    match request.method.as_str() {
        "HEAD" => return reply.empty(),
        "GET" if path.ends_with("/models") => {
            let model = json!({"id": "fake-model", "object": "model", "type": "model", "display_name": "Fake"});
            return reply.json(200, &json!({"object": "list", "data": [model], "models": [], "has_more": false}));
        }
        "POST" => {}
        _ => return reply.json(404, &json!({"error": {"type": "not_found_error", "message": "no such thing"}})),
    }
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let default = path.split('/').find(|part| !part.is_empty()).unwrap_or_default();
    let (call, style): (Call, Style) = match path {
        _ if path.ends_with("/count_tokens") => return reply.json(200, &json!({"input_tokens": INPUT})),
        _ if path.ends_with(":countTokens") => return reply.json(200, &json!({"totalTokens": INPUT})),
        _ if path.ends_with("/messages") => (anthropic::read(&body), Style::Anthropic),
        _ if path.ends_with("/responses") => (responses::read(&body), Style::OpenAi),
        _ if path.ends_with("/chat/completions") => (chat::read(&body), Style::OpenAi),
        _ if path.ends_with(":streamGenerateContent") || path.ends_with(":generateContent") => {
            (gemini::read(&body), Style::Gemini)
        }
        _ => return reply.json(404, &json!({"error": {"type": "not_found_error", "message": "unknown path"}})),
    };
    let script = Script::choose(&call.words, default);
    if let Some(status) = script.error() {
        return reply.json(status, &style.error(status));
    }
    let acts = if call.tools.is_empty() { vec![Act::Say("Short title".to_owned())] } else { script.step(call.step) };
    let acts = if script.looks() && !call.tools.is_empty() { vec![Act::Say(seen(&body))] } else { acts };
    if script.hangs() && !call.tools.is_empty() {
        reply.hang_after_first = true;
    }
    match path {
        _ if path.ends_with("/messages") => anthropic::write(&body, &call, &acts, reply),
        _ if path.ends_with("/responses") => responses::write(&body, &call, &acts, reply),
        _ if path.ends_with("/chat/completions") => chat::write(&body, &call, &acts, reply),
        _ => gemini::write(&body, &call, &acts, reply, path.ends_with(":streamGenerateContent")),
    }
}

/// What matters of a model call.
#[derive(Debug, Default)]
struct Call {
    /// The last words of the user.
    words: String,
    /// Tool results since then.
    step: usize,
    /// The tools the client declares, by name.
    tools: tools::Declared,
}

#[derive(Debug, Clone, Copy)]
enum Style {
    Anthropic,
    OpenAi,
    Gemini,
}

impl Style {
    fn error(self, status: u16) -> Value {
        let kind = match status {
            401 => "authentication_error",
            429 => "rate_limit_error",
            500 => "api_error",
            529 => "overloaded_error",
            _ => "invalid_request_error",
        };
        let message = format!("fake model says {status}");
        match self {
            Self::Anthropic => json!({"type": "error", "error": {"type": kind, "message": message}}),
            Self::OpenAi => json!({"error": {"message": message, "type": kind, "code": null, "param": null}}),
            Self::Gemini => {
                let name = if status == 400 { "INVALID_ARGUMENT" } else { "INTERNAL" };
                json!({"error": {"code": status, "message": message, "status": name}})
            }
        }
    }
}

/// What is to be seen in a request.
fn seen(body: &Value) -> String {
    fn images(value: &Value) -> usize {
        match value {
            Value::Array(values) => values.iter().map(images).sum(),
            Value::Object(fields) => {
                let own = matches!(fields.get("type").and_then(Value::as_str), Some("image" | "input_image"));
                usize::from(own) + fields.values().map(images).sum::<usize>()
            }
            _ => 0,
        }
    }
    let count = images(&body["messages"]) + images(&body["input"]);
    format!("I see {count} image{}.", if count == 1 { "" } else { "s" })
}

/// The text of a message's content: a string, or blocks that have some.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(blocks) => {
            let texts = blocks.iter().filter_map(|block| block.as_str().or_else(|| block.get("text")?.as_str()));
            texts.collect::<Vec<_>>().join("\n")
        }
        _ => String::new(),
    }
}

/// An id no one else has.
fn fresh(prefix: &str) -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    // Unique across the servers of a run: conversations are resumed against another one.
    format!("{prefix}{:08x}{:06x}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}
