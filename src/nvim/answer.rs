//! What Lua gets to see of answers: queries' results by method, receipts, refusals.

use serde_json::{Map, Value, json};

use super::{row, timeline};
use crate::base::clock;
use crate::base::text::{visible, visible_line};
use crate::model::Refusal;

/// Fields that are sent back or opened as they are; Neovim shows control characters in paths and file texts harmlessly.
const RAW: [&str; 7] = ["id", "path", "old_path", "repository", "socket", "text", "patch"];

/// The result of `method`, for Lua.
pub fn result(method: &str, value: Value) -> Value {
    match (method, value) {
        ("session/list", Value::Array(views)) => views.iter().filter_map(row::session).collect(),
        ("session/show", view) => row::detail(&view).unwrap_or(Value::Null),
        ("approval/list", Value::Array(approvals)) => approvals.iter().filter_map(row::approval).collect(),
        ("session/diff", diff) => json!({ "files": files(&diff), "stat": clean("", diff["stat"].clone()) }),
        ("review/show", review) => super::review::view(&review),
        ("session/preflight", preflight) => checked(&preflight),
        ("session/timeline", steps) => typed(steps, |steps: Vec<_>| timeline::timeline(&steps, clock::now())),
        ("session/compare", compared) => typed(compared, |compared| timeline::comparison(&compared)),
        (_, other) => clean("", other),
    }
}

/// A result of a known type as lines; of a newer daemon's type as it is, made safe.
fn typed<T: serde::de::DeserializeOwned>(value: Value, show: impl FnOnce(T) -> Value) -> Value {
    match serde_json::from_value(value.clone()) {
        Ok(known) => show(known),
        Err(_) => clean("", value),
    }
}

/// A refusal, for Lua.
pub fn refusal(refusal: &Refusal) -> Value {
    json!({
        "kind": refusal.kind,
        "message": visible_line(&refusal.message, 500),
        "hints": refusal.hints.iter().map(|hint| visible_line(hint, 300)).collect::<Vec<_>>(),
    })
}

fn files(diff: &Value) -> Vec<Value> {
    let files = diff.get("files").and_then(Value::as_array).into_iter().flatten();
    files
        .filter_map(|file| {
            let path = file.get("path")?.as_str()?;
            Some(json!({
                "path": path,
                "shown": visible_line(path, 300),
                "old_path": file.get("old_path").and_then(Value::as_str),
                "status": file.get("status").and_then(Value::as_str).map(|status| visible_line(status, 24)),
                "binary": file.get("binary").and_then(Value::as_bool).unwrap_or(false),
                "added": file.get("added").and_then(Value::as_u64).unwrap_or(0),
                "removed": file.get("removed").and_then(Value::as_u64).unwrap_or(0),
            }))
        })
        .collect()
}

/// A preflight as the person reads it, with what Lua needs to go on.
fn checked(preflight: &Value) -> Value {
    let number = |path: &str| preflight.pointer(path).and_then(Value::as_u64).unwrap_or(0);
    let flag = |path: &str| preflight.pointer(path).and_then(Value::as_bool).unwrap_or(false);
    let text = |path: &str| preflight.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let onto = visible_line(text("/onto").strip_prefix("refs/heads/").unwrap_or(text("/onto")), 120);
    let mut lines = vec![
        format!("onto      {onto}"),
        format!(
            "brings    {}, {}, +{} −{}",
            counted(number("/ahead"), "commit"),
            counted(number("/stat/files"), "file"),
            number("/stat/added"),
            number("/stat/removed")
        ),
        format!(
            "base      {}",
            match number("/behind") {
                0 => "has not moved".to_owned(),
                behind => format!("moved by {}", counted(behind, "commit")),
            }
        ),
    ];
    if flag("/dirty") {
        lines.push("worktree  has uncommitted changes; they are committed first".to_owned());
    }
    let conflicts = overlaps(preflight, "/conflicts");
    lines.extend(conflicts.iter().map(|conflict| format!("conflict  {conflict}")));
    lines.extend(overlaps(preflight, "/overlaps").iter().map(|overlap| format!("overlaps  {overlap}")));
    if let Some(path) = preflight.pointer("/checkout/path").and_then(Value::as_str) {
        let follows = if flag("/checkout/clean") { "follows" } else { "has changes and is left alone" };
        lines.push(format!("checkout  {} {follows}", visible_line(path, 200)));
    }
    lines.extend(super::verdict::gates(preflight).map(|gates| format!("gates     {gates}")));
    let blockers: Vec<String> = strings(preflight, "/blockers");
    lines.extend(blockers.iter().map(|blocker| format!("blocked   {blocker}")));
    json!({
        "head": preflight.get("head").and_then(Value::as_str),
        "onto": onto,
        "strategy": preflight.get("strategy").and_then(Value::as_str),
        "ready": flag("/ready"),
        "ahead": number("/ahead"),
        "behind": number("/behind"),
        "dirty": flag("/dirty"),
        "files": number("/stat/files"),
        "added": number("/stat/added"),
        "removed": number("/stat/removed"),
        "conflicts": conflicts.len(),
        "blockers": blockers,
        "lines": lines,
    })
}

fn counted(number: u64, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

fn overlaps(preflight: &Value, path: &str) -> Vec<String> {
    let found = preflight.pointer(path).and_then(Value::as_array).into_iter().flatten();
    found
        .map(|conflict| {
            let with = conflict.get("with").and_then(Value::as_str).unwrap_or("?");
            format!("with {}: {}", visible_line(with, 80), strings(conflict, "/paths").join(", "))
        })
        .collect()
}

fn strings(value: &Value, path: &str) -> Vec<String> {
    let found = value.pointer(path).and_then(Value::as_array).into_iter().flatten();
    found.filter_map(Value::as_str).map(|text| visible_line(text, 300)).collect()
}

fn clean(key: &str, value: Value) -> Value {
    match value {
        Value::String(text) if !RAW.contains(&key) => Value::String(visible(&text)),
        Value::Array(items) => items.into_iter().map(|item| clean(key, item)).collect(),
        Value::Object(entries) => entries
            .into_iter()
            .map(|(key, value)| {
                let value = clean(&key, value);
                (key, value)
            })
            .collect::<Map<_, _>>()
            .into(),
        other => other,
    }
}

#[cfg(test)]
mod tests;
