//! What Lua gets to see of sessions, approvals and events: flat tables of known types, text already safe to show.
//!
//! The daemon may be newer, older or wrong: a field of an unexpected type is left out, an entry without an id is dropped.

use serde_json::{Map, Value, json};

use crate::base::text::{visible, visible_line};
use crate::model::usage::Usage;
use crate::wire::transcript::{self, changes};

/// Events that the Lua side hears of, beside views, approvals and transcripts.
const TOLD: [&str; 13] = [
    "session.created",
    "session.removed",
    "session.restored",
    "session.faulted",
    "turn.started",
    "turn.stopped",
    "turn.ended",
    "landing.started",
    "landing.changed",
    "worktree.changed",
    "session.checkpointed",
    "rewind.ended",
    "fault.raised",
];

fn text<'a>(value: &'a Value, path: &str) -> Option<&'a str> {
    value.pointer(path).and_then(Value::as_str)
}

fn line(value: &Value, path: &str, width: usize) -> Option<String> {
    text(value, path).map(|text| visible_line(text, width)).filter(|line| !line.is_empty())
}

fn number(value: &Value, path: &str) -> u64 {
    value.pointer(path).and_then(Value::as_u64).unwrap_or(0)
}

fn count(value: &Value, path: &str) -> usize {
    value.pointer(path).and_then(Value::as_array).map_or(0, Vec::len)
}

fn branch(name: &str) -> String {
    visible_line(name.strip_prefix("refs/heads/").unwrap_or(name), 120)
}

/// A session's row.
pub fn session(view: &Value) -> Option<Value> {
    let id = text(view, "/id").filter(|id| !id.is_empty())?;
    let name = line(view, "/name", 60).unwrap_or_else(|| visible_line(id, 60));
    let state = line(view, "/state", 24).unwrap_or_else(|| "unknown".to_owned());
    let unread = view.pointer("/unread").and_then(Value::as_bool).unwrap_or(false);
    // Without one, after all others.
    let rank = view.pointer("/attention").and_then(Value::as_u64).unwrap_or(u64::from(u8::MAX));
    let (sign, word) = sign(&state);
    let (began, took) = turn_times(view);
    Some(json!({
        "id": id,
        "name": name,
        "state": state,
        "sign": sign,
        "word": word,
        "began": began,
        "took": took,
        "said": line(view, "/said", 200),
        "rank": rank,
        "unread": unread,
        "waiting_for": line(view, "/waiting_for", 24),
        "agent": line(view, "/agent", 40),
        "model": line(view, "/model", 60),
        "prompt": line(view, "/prompt", 200),
        "activity": line(view, "/activity", 200),
        "reason": line(view, "/reason", 300),
        "repository": text(view, "/repository").or_else(|| text(view, "/worktree/repository")),
        "path": text(view, "/worktree/path"),
        "branch": text(view, "/worktree/branch").map(branch),
        "base": line(view, "/worktree/base/label", 60),
        "files": number(view, "/stat/files"),
        "added": number(view, "/stat/added"),
        "removed_lines": number(view, "/stat/removed"),
        "turns": number(view, "/turns"),
        "queued": count(view, "/queue"),
        "approvals": number(view, "/approvals"),
        "policy": line(view, "/policy", 24),
        "landing": line(view, "/landing/state", 24),
        "round": number(view, "/review/round"),
        "comments": number(view, "/review/comments"),
        "verdict": super::verdict::newest(view),
        "cost": cost(view.pointer("/usage")),
        "run": text(view, "/run"),
        "judges": view.pointer("/judges").and_then(Value::as_bool).unwrap_or(false),
        "created_at": number(view, "/created_at"),
        "updated_at": number(view, "/updated_at"),
        "removed": view.pointer("/removed").and_then(Value::as_bool).unwrap_or(false),
    }))
}

/// Whether an event is streamed text, of which the daemon sends no view.
pub fn is_streamed(event: &Value) -> bool {
    matches!(text(event, "/type"), Some("agent.message" | "agent.thought" | "agent.output"))
}

/// The row that takes a removed session away: there is no view of it any more.
pub fn gone(event: &Value, views: &[Value]) -> Option<Value> {
    let id = text(event, "/session").filter(|_| text(event, "/type") == Some("session.removed"))?;
    let seen = views.iter().any(|view| text(view, "/id") == Some(id));
    (!seen).then(|| json!({ "id": id, "name": id, "state": "removed", "removed": true }))
}

/// What it used, as money.
fn cost(usage: Option<&Value>) -> Option<String> {
    let usage = usage?;
    transcript::cost(&serde_json::from_value::<Usage>(usage.clone()).ok()?)
}

/// A state's sign and word, the same in every font.
fn sign(state: &str) -> (&'static str, &'static str) {
    match state {
        "awaiting_input" => ("?", "asks"),
        "failed" => ("✗", "failed"),
        "interrupted" => ("■", "stopped"),
        "review" => ("◆", "review"),
        "running" => ("▸", "running"),
        "evaluating" => ("▸", "evals"),
        "queued" => ("…", "queued"),
        "initializing" => ("…", "starts"),
        "completed" => ("✓", "done"),
        _ => (" ", "?"),
    }
}

/// The newest turn: when it began, and how long it took once it is over, in milliseconds.
fn turn_times(view: &Value) -> (Option<i64>, Option<i64>) {
    let time = |path: &str| view.pointer(path).and_then(Value::as_i64);
    let began = time("/turn/started_at");
    (began, time("/turn/ended_at").zip(began).map(|(ended, began)| ended.saturating_sub(began)))
}

/// A session's row with what only a view of this one session needs: prompts that wait and the agent's commands.
pub fn detail(view: &Value) -> Option<Value> {
    let mut row = session(view)?;
    let queue: Vec<Value> = items(view, "/queue")
        .filter_map(|prompt| Some(json!({ "id": text(prompt, "/id")?, "text": visible(text(prompt, "/text")?) })))
        .collect();
    let commands: Vec<Value> = items(view, "/commands")
        .filter_map(|command| {
            Some(json!({ "name": line(command, "/name", 80)?, "description": line(command, "/description", 200) }))
        })
        .collect();
    row["queue"] = json!(queue);
    row["commands"] = json!(commands);
    row["last_prompt"] = json!(text(view, "/turn/prompt").or_else(|| text(view, "/prompt")).map(visible));
    Some(row)
}

/// An approval, with everything a person needs to decide.
pub fn approval(approval: &Value) -> Option<Value> {
    let id = text(approval, "/id").filter(|id| !id.is_empty())?;
    let session = text(approval, "/session")?;
    let options: Vec<Value> = items(approval, "/options")
        .filter_map(|option| {
            Some(json!({
                "id": text(option, "/id")?,
                "name": line(option, "/name", 120),
                "kind": line(option, "/kind", 24),
            }))
        })
        .collect();
    let files: Vec<String> = items(approval, "/tool/diffs").filter_map(|diff| line(diff, "/path", 300)).collect();
    let mut details: Vec<String> = Vec::new();
    if let Some(command) = text(approval, "/command_line") {
        details.extend(block(command, 40));
    }
    if let Some(words) = text(approval, "/tool/text") {
        details.extend(block(words, 40));
    }
    for diff in items(approval, "/tool/diffs").filter_map(|diff| serde_json::from_value(diff.clone()).ok()) {
        details.extend(changes(&diff, 200));
    }
    Some(json!({
        "id": id,
        "session": session,
        "question": text(approval, "/kind") == Some("question"),
        "tool": line(approval, "/tool/kind", 24),
        "tool_name": text(approval, "/tool/name").or_else(|| text(approval, "/tool/kind")),
        "title": line(approval, "/tool/title", 300).unwrap_or_else(|| "something".to_owned()),
        "command": line(approval, "/command_line", 300),
        // What a rule would match: as it is, for sending back; never shown.
        "command_raw": text(approval, "/command_line"),
        "details": details,
        "files": files,
        "options": options,
        "asked_at": number(approval, "/asked_at"),
        "open": text(approval, "/state").is_none_or(|state| state == "open"),
    }))
}

/// The approvals' part of an event: asked, or gone.
pub fn approval_change(event: &Value) -> Option<Value> {
    let payload = event.get("payload")?;
    match text(event, "/type")? {
        "approval.requested" => Some(json!({ "kind": "approval", "approval": approval(payload)? })),
        "approval.answered" => Some(json!({
            "kind": "approval_gone", "id": text(payload, "/id")?, "session": text(event, "/session"),
            "answer": line(payload, "/answer/answer", 24), "by": line(payload, "/by", 60),
        })),
        "approval.expired" => Some(json!({
            "kind": "approval_gone", "id": text(payload, "/id")?, "session": text(event, "/session"),
            "reason": line(payload, "/reason", 200),
        })),
        _ => None,
    }
}

/// An event worth telling, with its payload's plain fields flattened.
pub fn event(event: &Value) -> Option<Value> {
    let kind = text(event, "/type").filter(|kind| {
        TOLD.contains(kind) || super::review::TOLD.contains(kind) || super::watch::TOLD.contains(kind)
    })?;
    let mut told = Map::new();
    told.insert("kind".to_owned(), json!("event"));
    told.insert("type".to_owned(), json!(kind));
    told.insert("seq".to_owned(), json!(number(event, "/seq")));
    told.insert("session".to_owned(), json!(text(event, "/session")));
    for field in ["number", "state", "outcome", "reason", "message", "checkout", "commit", "run", "batch"] {
        if let Some(value) = line(event, &format!("/payload/{field}"), 300) {
            told.insert(field.to_owned(), json!(value));
        }
    }
    if let Some(id) = text(event, "/payload/id").filter(|_| kind.starts_with("evaluation.")) {
        told.insert("evaluation".to_owned(), json!(id));
    }
    Some(Value::Object(told))
}

fn items<'a>(value: &'a Value, path: &str) -> impl Iterator<Item = &'a Value> {
    value.pointer(path).and_then(Value::as_array).into_iter().flatten()
}

fn block(text: &str, most: usize) -> Vec<String> {
    visible(text).lines().take(most).map(|line| visible_line(line, 300)).collect()
}

#[cfg(test)]
mod tests;
