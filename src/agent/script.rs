//! The scripted agent: `divisi agent-script [--protocol acp|jsonl|plain] [SCRIPTFILE | -e TEXT]`.
//!
//! A program that plays an agent from a script, in every good and bad way real agents have: the first tour (`divisi try`) and the
//! tests use it. Without a script it plays the text of the variable `AGENT_SCRIPT`; without that one, the tour.
//!
//! One step per line; empty lines and lines that begin with `#` do nothing. In text `\n`, `\t`, `\e`, `\\` and `{prompt}` are
//! replaced. `ID`, `PATH` and `FILE` are one word, in double quotes if it has spaces; what follows is the rest of the line.
//!
//! | step | what it does |
//! |---|---|
//! | `say TEXT`, `think TEXT`, `stderr TEXT` | a message, a thought, a line on standard error |
//! | `prompt` | says the prompt |
//! | `plan A \| B \| C` | a plan; entries that begin with `+` are completed, with `*` in progress |
//! | `tool-call ID KIND TITLE`, `tool-done ID [failed]` | a tool call, and its end |
//! | `edit PATH TEXT`, `append PATH TEXT`, `delete PATH` | changes a file, reported as a tool call with its diff |
//! | `replace PATH OLD :: NEW` | changes the first OLD in a file, reported likewise; a failed tool call when there is none |
//! | `ask-permission ID TITLE [:: COMMAND]` | asks; then `if-allowed` or `if-rejected` ... `end` |
//! | `ask-question ID TEXT :: A \| B` | asks with choices that neither allow nor reject; the choice is said |
//! | `withdraw-permission ID TITLE` | asks and takes it back |
//! | `usage IN OUT [COST]`, `mode ID`, `commands A \| B` | what their names say |
//! | `sleep-until FILE`, `touch FILE`, `pid FILE` | waits for a file, makes one, writes the own process id into one |
//! | `pause MILLISECONDS` | waits; a cancel ends it |
//! | `wait-cancel`, `hang [TEXT]` | waits for a cancel; says the text, waits for ever and ignores everything |
//! | `ignore-term`, `leak-child FILE`, `leak-setsid FILE` | ignores SIGTERM; leaves a process behind that keeps standard output open (its id is written into FILE), in the second case in a session of its own and ignoring SIGTERM |
//! | `close-stdout`, `half-line`, `garbage`, `invalid-utf8`, `deep-json`, `long-line BYTES` | damage to the stream |
//! | `flood BYTES`, `flood-stderr BYTES` | very much of it |
//! | `unknown-update`, `unknown-request`, `number-ids` | an update and a request nobody knows; numbers as ids from here on |
//! | `fail-prompt CODE TEXT`, `stop REASON` | ends the turn with an error, or with this stop reason |
//! | `crash`, `exit CODE` | ends the process |
//!
//! Before the agent is ready, wherever they stand in the script: `slow-start MILLISECONDS`, `wait-start FILE`, `die-at-start CODE`,
//! `capability load|resume`, `load-fails`, `auth-required`, `refuse-initialize`, `protocol-version N`, `modes A | B`, `models A | B`.
//!
//! `on-turn N` begins the steps of the N-th prompt; steps before the first `on-turn` are those of every other prompt. `on-resume` begins those of
//! every prompt to a process that goes on with an earlier one's conversation. A prompt that
//! has the line `#!script` is itself a script for its turn, from the line after that.

use std::fs;
use std::io;
use std::path::Path;

mod acp;
mod parse;
mod play;
mod process;
mod voice;

use parse::Script;

/// The script that is played when none is given.
const TOUR: &str = include_str!("script/tour.script");

/// Where a script may stand when no argument gives one: a session's own, with `--env` or through the wire.
const VARIABLE: &str = "AGENT_SCRIPT";

const USAGE: &str = "usage: divisi agent-script [--protocol acp|jsonl|plain] [SCRIPTFILE | -e TEXT]";

/// Runs the program with the arguments after `agent-script`; gives its exit code.
pub fn script_main(arguments: &[String]) -> i32 {
    match run(arguments) {
        Ok(code) => code,
        Err(Fault::Usage(message)) => {
            complain(&format!("{message}\n{USAGE}"));
            2
        }
        Err(Fault::Broken(message)) => {
            complain(&message);
            1
        }
    }
}

/// Why the program cannot go on.
enum Fault {
    Usage(String),
    Broken(String),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Broken(format!("failed to write: {error}"))
    }
}

fn complain(message: &str) {
    use io::Write as _;
    // Nobody may be listening any more; there is nowhere else to say so.
    let _ = writeln!(io::stderr().lock(), "agent-script: {message}");
}

fn run(arguments: &[String]) -> Result<i32, Fault> {
    let mut protocol = "acp";
    let mut text: Option<String> = None;
    let mut words = arguments.iter().map(String::as_str);
    while let Some(word) = words.next() {
        let given = match word {
            "--linger" => return Ok(process::linger(words.collect::<Vec<_>>().as_slice())),
            "--protocol" => {
                protocol = words.next().ok_or_else(|| Fault::Usage("--protocol needs a value".to_owned()))?;
                continue;
            }
            "-e" => words.next().ok_or_else(|| Fault::Usage("-e needs a script".to_owned()))?.to_owned(),
            _ if word.starts_with('-') => return Err(Fault::Usage(format!("unknown option {word}"))),
            _ => read(Path::new(word))?,
        };
        if text.replace(given).is_some() {
            return Err(Fault::Usage("more than one script was given".to_owned()));
        }
    }
    let text = text.or_else(|| std::env::var(VARIABLE).ok().filter(|text| !text.trim().is_empty()));
    let script =
        Script::parse(text.as_deref().unwrap_or(TOUR)).map_err(|error| Fault::Broken(format!("script: {error}")))?;
    match protocol {
        "acp" => acp::serve(&script),
        "jsonl" => voice::play_once(&script, &mut voice::Lines),
        "plain" => voice::play_once(&script, &mut voice::Plain),
        other => Err(Fault::Usage(format!("unknown protocol {other}"))),
    }
}

fn read(path: &Path) -> Result<String, Fault> {
    fs::read_to_string(path).map_err(|error| Fault::Broken(format!("failed to read {}: {error}", path.display())))
}

#[cfg(test)]
mod tests;
