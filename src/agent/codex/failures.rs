//! Codex's names of failures.

use serde_json::Value;

use super::super::acp::wire;
use super::super::failure::FailureKind;

/// The kind of a failure: by its own name, else by the name the provider gave it, else by its words.
pub(in crate::agent) fn of_error(error: &Value) -> FailureKind {
    let words = words(error);
    match of(error.get("codexErrorInfo"), &words) {
        FailureKind::Other => inner(error)
            .and_then(|inner| inner.pointer("/error/type").and_then(Value::as_str).map(of_provider))
            .unwrap_or(FailureKind::Other),
        kind => kind,
    }
}

/// The kind by the type of an error in the provider's API.
fn of_provider(kind: &str) -> FailureKind {
    match kind {
        "invalid_request_error" => FailureKind::BadRequest,
        kind => FailureKind::of(None, kind),
    }
}

/// The JSON a provider may have wrapped an error in.
fn inner(error: &Value) -> Option<Value> {
    serde_json::from_str(wire::text(error, "message")?).ok()
}

/// The kind of a failure: by `codexErrorInfo`, else by its words.
pub(super) fn of(info: Option<&Value>, words: &str) -> FailureKind {
    match info {
        Some(Value::String(name)) => match name.as_str() {
            "badRequest" => FailureKind::of(Some(400), words),
            name => FailureKind::named(name).unwrap_or_else(|| FailureKind::of(None, words)),
        },
        Some(Value::Object(one)) => {
            let status = one.values().find_map(|detail| detail.get("httpStatusCode")?.as_u64());
            match (status, FailureKind::of(status, words)) {
                (None, FailureKind::Other) => FailureKind::Unreachable,
                (_, kind) => kind,
            }
        }
        _ => FailureKind::of(None, words),
    }
}

/// The words of an error: its message, out of the JSON a provider may have wrapped it in, with the details.
pub(in crate::agent) fn words(error: &Value) -> String {
    let message = wire::text(error, "message").unwrap_or("it gave no reason");
    let inner = inner(error);
    let message = inner
        .as_ref()
        .and_then(|inner| {
            inner.pointer("/error/message").or_else(|| inner.get("message")).or_else(|| inner.get("detail"))
        })
        .and_then(Value::as_str)
        .unwrap_or(message);
    match wire::text(error, "additionalDetails") {
        Some(details) if !message.contains(details) => format!("{message} ({details})"),
        _ => message.to_owned(),
    }
}
