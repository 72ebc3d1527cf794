//! Cases of the archived amp-session-manager: a file with an object for each, of which a commit with a fault, a prompt and a command
//! are all that matters. Field names as in the cases of its public repository (`eval_data/swebench`).

use serde_json::Value;

use super::{Case, Files, Grading, Limits, Source};

/// Whether a text is such a case.
pub fn is_one(text: &str) -> bool {
    text.trim_start().starts_with('{') && text.contains("\"bugCommit\"")
}

/// The `owner/repo` or path that it names.
///
/// # Errors
/// When it is no such case.
pub fn repository(text: &str) -> Result<String, String> {
    text_of(&object(text)?, "repo")
}

/// The case, in the repository at a path; `command` judges it when it names none.
///
/// # Errors
/// When it is no such case.
pub fn case(text: &str, repository: String, command: Option<&str>) -> Result<Case, String> {
    let object = object(text)?;
    let id: String = text_of(&object, "id")?
        .chars()
        .map(|character| if character.is_ascii_alphanumeric() || "._-".contains(character) { character } else { '-' })
        .collect();
    let judged_by = match object.get("testCommand").and_then(Value::as_str) {
        Some(own) => own.to_owned(),
        None => command.ok_or_else(|| format!("the case {id} has no 'testCommand'"))?.to_owned(),
    };
    Ok(Case {
        group: text_of(&object, "repo")?,
        source: Source::Commit { repository, base: text_of(&object, "bugCommit")? },
        prompt: text_of(&object, "prompt")?,
        id,
        follow_ups: Vec::new(),
        setup: None,
        environment: None,
        variables: Vec::new(),
        test: judged_by,
        grading: Grading::ExitCode,
        restore: Vec::new(),
        carry: Vec::new(),
        hidden: Files::new(),
        expected_files: Vec::new(),
        reference: None,
        iterations: 1,
        limits: Limits::default(),
    })
}

fn object(text: &str) -> Result<serde_json::Map<String, Value>, String> {
    serde_json::from_str(text).map_err(|error| format!("it cannot be read: {error}"))
}

fn text_of(object: &serde_json::Map<String, Value>, key: &str) -> Result<String, String> {
    let text = object.get(key).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    text.map(str::to_owned).ok_or_else(|| format!("it has no '{key}'"))
}

#[cfg(test)]
mod tests;
