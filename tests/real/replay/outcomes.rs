//! How a transcript must end, from what is recorded beside it.

use divisi::host::port::Update;
use divisi::model::job::JobEnd;
use divisi::model::turn::TurnOutcome;
use serde_json::Value;

use super::transcript::{Message, Protocol, Transcript};

/// Runs that end without a word and with exit code 0, though they were not done: refused permissions stop opencode.
const STOPPED: [&str; 3] = ["oc-perm-deny", "oc-outside", "opencode-denied"];

/// Recorded where no agent can be worked with, though none says so: asked for version 99 of ACP it answers with its draft of version 2,
/// and it never answers the request for a session.
const NO_AGENT: [&str; 2] = ["acp-claude-proto99", "acp-pi"];

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
        Protocol::Text => {
            let [outcome] = found.as_slice() else { return Err(format!("{} outcomes", found.len())) };
            let expected = if matches!(transcript.end, JobEnd::Exited { code: 0, .. }) { "done" } else { "failed" };
            if word(outcome) == expected { Ok(()) } else { Err(format!("{outcome:?}, not {expected}")) }
        }
        // It never became ready: the error that says so is in the transcript.
        _ if unusable => {
            let refused = transcript.messages.iter().any(|message| match message {
                Message::Got(message) => message.get("error").is_some() || message["response"]["subtype"] == "error",
                _ => false,
            });
            if refused || NO_AGENT.contains(&transcript.name.as_str()) {
                Ok(())
            } else {
                Err("unusable, and the agent refused nothing".to_owned())
            }
        }
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

/// Agents that end a turn as if all were well though the model failed: what they say beside it decides.
const HIDDEN: [&str; 2] = ["acp-codex-err500", "acp-cp-err400"];

/// Every prompt ends once, and as its answer says; one without an answer is not done.
fn check_turns(transcript: &Transcript, found: &[&TurnOutcome]) -> Result<(), String> {
    let answers = answers(transcript);
    if found.len() != answers.len() {
        return Err(format!("{} outcomes of {} prompts: {found:?}", found.len(), answers.len()));
    }
    for (answer, outcome) in answers.into_iter().zip(found) {
        let agrees = match answer {
            Some("done") if HIDDEN.contains(&transcript.name.as_str()) => word(outcome) == "failed",
            Some(answer) => word(outcome) == answer,
            None => word(outcome) != "done",
        };
        if !agrees {
            return Err(format!("{outcome:?}, but the agent said {answer:?}"));
        }
    }
    Ok(())
}

/// What the agent said at the end of each prompt's turn, if it did.
fn answers(transcript: &Transcript) -> Vec<Option<&'static str>> {
    let sent = transcript.messages.iter().enumerate().filter_map(|(at, message)| match message {
        Message::Sent(message) => Some((at, message)),
        _ => None,
    });
    let is_prompt = |message: &Value| {
        let name = message["method"].as_str().or(message["type"].as_str()).unwrap_or_default();
        ["session/prompt", "turn/start", "user"].contains(&name)
    };
    let prompts: Vec<(usize, &Value)> = sent.filter(|(_, message)| is_prompt(message)).collect();
    let got = |from: usize| {
        transcript.messages[from..].iter().filter_map(|message| match message {
            Message::Got(message) => Some(message),
            _ => None,
        })
    };
    if transcript.protocol == Protocol::Acp {
        let of_prompt = |(at, prompt): &(usize, &Value)| {
            got(*at).find(|message| message.get("method").is_none() && message["id"] == prompt["id"]).and_then(answer)
        };
        return prompts.iter().map(of_prompt).collect();
    }
    let mut ends: Vec<_> = got(0).filter_map(answer).map(Some).collect();
    ends.resize(prompts.len(), None);
    ends
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
    if message.get("error").is_some() && message.get("type").is_none() {
        return Some("failed");
    }
    match message.pointer("/result/stopReason").and_then(Value::as_str)? {
        "cancelled" => Some("interrupted"),
        "refusal" => Some("failed"),
        _ => Some("done"),
    }
}
