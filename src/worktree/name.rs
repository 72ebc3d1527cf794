//! Names of sessions. A name becomes a directory, a branch (`divisi/<name>/work`) and a word on command lines, on file systems that
//! fold case too, so it is kept plain: lower-case ASCII letters, digits and dashes.

use crate::model::Refusal;

/// The longest name.
pub const LIMIT: usize = 48;

/// Names that a file system, git or the command line would take for something else.
const RESERVED: &[&str] = &[
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9", "lpt1", "lpt2",
    "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9", "head",
];

/// Checks a name that a person gave.
///
/// # Errors
/// When it is empty, too long, reserved, or has a character other than lower-case ASCII letters, digits and single dashes inside.
pub fn require_valid(name: &str) -> Result<(), Refusal> {
    let shown = crate::base::text::visible_line(name, 60);
    let refuse = |why: &str| {
        Err(Refusal::user(format!("cannot name a session '{shown}': {why}"))
            .hint("use lower-case letters, digits and dashes, for example --name fix-login"))
    };
    if name.is_empty() {
        return refuse("it is empty");
    }
    if name.len() > LIMIT {
        return refuse(&format!("it is longer than {LIMIT} characters"));
    }
    if !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
        return refuse("only lower-case letters, digits and dashes are allowed");
    }
    if name.starts_with('-') || name.ends_with('-') || name.contains("--") {
        return refuse("dashes stand alone and inside");
    }
    if RESERVED.contains(&name) {
        return refuse("that name is reserved");
    }
    Ok(())
}

/// A name made from a prompt: its first words, at most five; `session` when nothing usable is in it.
pub fn slug(prompt: &str) -> String {
    const WORDS: usize = 5;
    const WIDTH: usize = 32;
    let mut slug = String::new();
    let words = prompt.lines().find(|line| line.bytes().any(|b| b.is_ascii_alphanumeric())).unwrap_or_default();
    for word in words.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).take(WORDS) {
        let word: String = word.chars().take(WIDTH).map(|c| c.to_ascii_lowercase()).collect();
        if !slug.is_empty() && slug.len() + 1 + word.len() > WIDTH {
            break;
        }
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.push_str(&word);
    }
    if slug.is_empty() || RESERVED.contains(&slug.as_str()) { "session".to_owned() } else { slug }
}

/// The name itself when it is free, else the first of `name-2`, `name-3`, ... that is.
pub fn first_free(name: &str, taken: impl Fn(&str) -> bool) -> String {
    if !taken(name) {
        return name.to_owned();
    }
    let mut number = 2_u64;
    loop {
        let suffix = format!("-{number}");
        let stem = &name[..name.len().min(LIMIT - suffix.len())];
        let candidate = format!("{}{suffix}", stem.trim_end_matches('-'));
        if !taken(&candidate) {
            return candidate;
        }
        number += 1;
    }
}

/// The branch of a session, as a full ref name: one ref directory per session, so that a sandbox can confine an agent to it.
pub fn branch(name: &str) -> String {
    format!("refs/heads/divisi/{name}/work")
}

#[cfg(test)]
mod tests;
