//! How a transcript must end, from what is recorded beside it.

use divisi::host::port::Update;
use divisi::model::job::JobEnd;
use divisi::model::turn::TurnOutcome;
use serde_json::Value;

use super::transcript::{Message, Protocol, Transcript};

/// Runs that end without a word and with exit code 0, though they were not done: refused permissions stop opencode.
const STOPPED: [&str; 3] = ["oc-perm-deny", "oc-outside", "opencode-denied"];

/// What only the agent's own clients understand, and requests for what only the recorded client offered: they are refused where they
/// ask, and kept as they are.
pub(super) fn is_extension(message: &Value) -> bool {
    let method = message["method"].as_str().unwrap_or_default();
    ["_", "qwen/", "craft/", "$/", "fs/", "terminal/"].iter().any(|prefix| method.starts_with(prefix))
}

fn word(outcome: &TurnOutcome) -> &'static str {
    match outcome {
        TurnOutcome::Done { .. } => "done",
        TurnOutcome::Failed { .. } => "failed",
        TurnOutcome::Interrupted { .. } => "interrupted",
    }
}

/// Compares what was told with what is recorded.
pub(super) fn check(transcript: &Transcript, updates: &[Update]) -> Result<(), String> {
    let found: Vec<&TurnOutcome> = updates
        .iter()
        .filter_map(|update| if let Update::TurnEnded { outcome, .. } = update { Some(outcome) } else { None })
        .collect();
    let unusable = updates.iter().any(|update| matches!(update, Update::Unusable { .. }));
    match transcript.protocol {
        Protocol::Lines(_) => {
            let [outcome] = found.as_slice() else { return Err(format!("{} outcomes", found.len())) };
            let expected = expected(transcript);
            if expected.contains(&word(outcome)) { Ok(()) } else { Err(format!("{outcome:?}, not {expected:?}")) }
        }
        _ if unusable => Ok(()),
        _ => check_turns(transcript, &found),
    }
}

/// What the exit code and the signal allow.
fn expected(transcript: &Transcript) -> &'static [&'static str] {
    match (&transcript.end, transcript.signal.as_deref()) {
        _ if STOPPED.contains(&transcript.name.as_str()) => &["interrupted"],
        (JobEnd::Exited { code: 0, .. }, None) => &["done"],
        (JobEnd::Exited { code: 0, .. }, Some(_)) => &["interrupted"],
        (JobEnd::Exited { .. }, None) => &["failed"],
        (JobEnd::Exited { .. }, Some(_)) => &["failed", "interrupted"],
        _ => &["interrupted"],
    }
}

/// Every prompt ends once, and as its answer says.
fn check_turns(transcript: &Transcript, found: &[&TurnOutcome]) -> Result<(), String> {
    let sent = |names: &[&str]| {
        let is = |message: &&Message| match message {
            Message::Sent(message) => {
                let name = message["method"].as_str().or(message["type"].as_str()).unwrap_or_default();
                names.contains(&name)
            }
            _ => false,
        };
        transcript.messages.iter().filter(is).count()
    };
    let prompts = sent(&["session/prompt", "turn/start", "user"]);
    if found.len() != prompts {
        return Err(format!("{} outcomes of {prompts} prompts: {found:?}", found.len()));
    }
    let answers = transcript.messages.iter().filter_map(|message| match message {
        Message::Got(message) => answer(message),
        _ => None,
    });
    for (answer, outcome) in answers.zip(found) {
        // A failing model is passed off as the end of a turn by some.
        let hidden = answer == "done" && transcript.name.contains("err") && word(outcome) == "failed";
        if word(outcome) != answer && !hidden {
            return Err(format!("{outcome:?}, but the agent said {answer}"));
        }
    }
    Ok(())
}

/// What the agent says of a turn that ends.
fn answer(message: &Value) -> Option<&'static str> {
    if message["type"] == "result" {
        let aborted = message["terminal_reason"].as_str().is_some_and(|reason| reason.starts_with("aborted"));
        let failed = message["is_error"] == true;
        return Some(if aborted {
            "interrupted"
        } else if failed {
            "failed"
        } else {
            "done"
        });
    }
    if message["method"] == "turn/completed" {
        return Some(match message.pointer("/params/turn/status").and_then(Value::as_str)? {
            "completed" => "done",
            "interrupted" => "interrupted",
            _ => "failed",
        });
    }
    match message.pointer("/result/stopReason").and_then(Value::as_str)? {
        "cancelled" => Some("interrupted"),
        "refusal" => Some("failed"),
        _ => Some("done"),
    }
}
