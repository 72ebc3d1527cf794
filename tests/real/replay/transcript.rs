//! A transcript, read.

use std::fs;
use std::path::{Path, PathBuf};

use divisi::agent::json_lines::Dialect;
use divisi::model::job::JobEnd;
use serde_json::Value;

/// What was spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Acp,
    Claude,
    Codex,
    Lines(Dialect),
    /// No protocol: text for people, or a terminal's screen. As with a shell job the exit code decides.
    Text,
}

impl Protocol {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Acp => "ACP",
            Self::Claude => "Claude Code",
            Self::Codex => "Codex",
            Self::Text => "text",
            Self::Lines(Dialect::Amp) => "Amp lines",
            Self::Lines(Dialect::Claude) => "Claude Code lines",
            Self::Lines(Dialect::Codex) => "Codex lines",
            Self::Lines(Dialect::Copilot) => "Copilot lines",
            Self::Lines(Dialect::Gemini) => "Gemini lines",
            Self::Lines(Dialect::Opencode) => "opencode lines",
            Self::Lines(Dialect::Pi) => "pi lines",
            Self::Lines(Dialect::Qwen) => "Qwen Code lines",
        }
    }
}

/// A transcript.
#[derive(Debug, Clone)]
pub(super) struct Transcript {
    pub(super) name: String,
    pub(super) protocol: Protocol,
    /// With both directions: the messages. Otherwise empty.
    pub(super) messages: Vec<Message>,
    /// What was printed, where only that is there.
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
    pub(super) end: JobEnd,
    /// The signal that was sent to it.
    pub(super) signal: Option<String>,
}

/// A message of a transcript with both directions.
#[derive(Debug, Clone)]
pub(super) enum Message {
    /// The client sent it.
    Sent(Value),
    /// The agent sent it.
    Got(Value),
    /// The agent printed it, and it is no JSON.
    Noise(String),
}

/// The programs and their dialects.
const PROGRAMS: [(&str, Dialect); 8] = [
    ("amp", Dialect::Amp),
    ("claude", Dialect::Claude),
    ("codex", Dialect::Codex),
    ("copilot", Dialect::Copilot),
    ("gemini", Dialect::Gemini),
    ("opencode", Dialect::Opencode),
    ("pi", Dialect::Pi),
    ("qwen", Dialect::Qwen),
];

impl Transcript {
    /// Those of a folder, by name.
    pub(super) fn all(folder: &Path) -> Vec<Self> {
        let entries = fs::read_dir(folder).expect("a folder of transcripts").flatten().map(|entry| entry.path());
        let is_transcript = |path: &PathBuf| path.extension().is_some_and(|ext| ext == "jsonl" || ext == "pty");
        let mut paths: Vec<_> = entries.filter(is_transcript).collect();
        paths.sort();
        paths.iter().map(|path| Self::read(path).unwrap_or_else(|| panic!("cannot read {}", path.display()))).collect()
    }

    fn read(path: &Path) -> Option<Self> {
        let name = path.file_stem()?.to_string_lossy().into_owned();
        let stdout = fs::read(path).ok()?;
        let meta: Value = fs::read(path.with_extension("meta.json"))
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default();
        let stderr = fs::read(path.with_extension("stderr")).unwrap_or_default();
        let text = String::from_utf8_lossy(&stdout).into_owned();
        let messages: Vec<Message> = text.lines().filter_map(message).collect();
        let protocol = match messages.first() {
            Some(first) => two_way(first)?,
            None => dialect(&meta, &text).map_or(Protocol::Text, Protocol::Lines),
        };
        let code = i32::try_from(meta["rc"].as_i64().unwrap_or_default()).ok()?;
        let end = if code < 0 {
            JobEnd::Signaled { signal: -code, stopped: false, leaked: 0 }
        } else {
            JobEnd::Exited { code, stopped: false, leaked: 0 }
        };
        let signal = meta["signal"].as_str().map(str::to_owned);
        Some(Self { name, protocol, messages, stdout, stderr, end, signal })
    }
}

fn message(line: &str) -> Option<Message> {
    let value: Value = serde_json::from_str(line).ok()?;
    let message = value.get("msg")?.clone();
    match value["dir"].as_str()? {
        ">" => Some(Message::Sent(message)),
        "<" => Some(Message::Got(message)),
        _ => Some(Message::Noise(message.as_str().unwrap_or_default().to_owned())),
    }
}

fn two_way(first: &Message) -> Option<Protocol> {
    match first {
        Message::Sent(message) if message.get("jsonrpc").is_some() => Some(Protocol::Acp),
        Message::Sent(message) if message["type"] == "control_request" => Some(Protocol::Claude),
        Message::Sent(message) if message["method"] == "initialize" => Some(Protocol::Codex),
        _ => None,
    }
}

/// The dialect, when it is a run that was to print JSON lines.
fn dialect(meta: &Value, text: &str) -> Option<Dialect> {
    let words: Vec<&str> = meta["cmd"].as_array()?.iter().filter_map(Value::as_str).collect();
    let base = |word: &str| word.rsplit('/').next().unwrap_or_default().to_owned();
    // One was recorded under a tracer.
    let program = words.iter().map(|word| base(word)).find(|name| PROGRAMS.iter().any(|(known, _)| known == name))?;
    if base(words.first()?) == "aider" {
        return None;
    }
    let json = words.iter().any(|word| matches!(*word, "--json" | "json" | "stream-json" | "--stream-json"));
    // One document at the end is another format; and a terminal puts more into the stream than lines.
    let lines = !words.windows(2).any(|pair| pair == ["--output-format", "json"]) || program == "copilot";
    let found = PROGRAMS.iter().find(|(name, _)| **name == program).map(|(_, dialect)| *dialect);
    found.filter(|_| json && lines && !text.contains('\u{1b}'))
}
