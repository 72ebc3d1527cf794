//! The script language: from text to steps.

use std::collections::BTreeMap;

/// Where the steps of a resumed conversation are kept: prompts count from one.
const RESUMED: u32 = 0;

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Say(String),
    Think(String),
    Stderr(String),
    Prompt,
    Servers,
    Plan(Vec<String>),
    ToolCall { id: String, kind: String, title: String },
    ToolDone { id: String, failed: bool },
    Edit { path: String, text: String },
    Append { path: String, text: String },
    Replace { path: String, old: String, new: String },
    Delete { path: String },
    AskPermission { id: String, title: String, command: Option<String> },
    AskQuestion { id: String, text: String, choices: Vec<String> },
    WithdrawPermission { id: String, title: String },
    If { allowed: bool, steps: Vec<Step> },
    Usage { input: u64, output: u64, cost: Option<String> },
    Mode(String),
    Commands(Vec<String>),
    Pause(u64),
    SleepUntil(String),
    Touch(String),
    Pid(String),
    WaitCancel,
    Hang(String),
    IgnoreTerm,
    LeakChild(String),
    LeakSetsid(String),
    CloseStdout,
    HalfLine,
    Garbage,
    InvalidUtf8,
    DeepJson,
    LongLine(usize),
    Flood(u64),
    FloodStderr(u64),
    UnknownUpdate,
    UnknownRequest,
    NumberIds,
    FailPrompt { code: i64, text: String },
    Stop(String),
    Crash,
    Exit(i32),
}

/// What the agent can do, or does not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trait {
    Loads,
    Resumes,
    /// It takes prompts into a running turn.
    Steers,
    /// It looks at images and takes files inside of prompts.
    Sees,
    LoadFails,
    NeedsLogin,
    RefusesInitialize,
}

/// What happens before the agent is ready, and what it can do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Startup {
    pub(super) slow_ms: u64,
    pub(super) wait_for: Option<String>,
    pub(super) die: Option<i32>,
    pub(super) traits: Vec<Trait>,
    pub(super) version: Option<u64>,
    pub(super) modes: Vec<String>,
    pub(super) models: Vec<String>,
}

/// A parsed script.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Script {
    pub(super) startup: Startup,
    /// Steps of the prompts that have none of their own.
    pub(super) steps: Vec<Step>,
    /// Steps by the prompt's number, one-based.
    pub(super) turns: BTreeMap<u32, Vec<Step>>,
}

impl Script {
    /// Parses a script; an error names the line.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut script = Self::default();
        let mut turn: Option<u32> = None;
        // Steps of the blocks that are open; the first is the section itself.
        let mut open: Vec<(bool, Vec<Step>)> = vec![(true, Vec::new())];
        for (number, line) in text.lines().enumerate() {
            let at = |error: String| format!("line {}: {error}", number + 1);
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let mut rest = Rest(line);
            let verb = rest.word().map_err(at)?;
            match verb.as_str() {
                "on-turn" => {
                    let steps = section(&mut open).map_err(at)?;
                    script.put(turn, steps);
                    turn = Some(rest.number().map_err(at)?);
                }
                "on-resume" => {
                    let steps = section(&mut open).map_err(at)?;
                    script.put(turn, steps);
                    turn = Some(RESUMED);
                }
                "if-allowed" | "if-rejected" => open.push((verb == "if-allowed", Vec::new())),
                "end" => {
                    let (allowed, steps) =
                        open.pop().filter(|_| !open.is_empty()).ok_or_else(|| at("no block is open".to_owned()))?;
                    if let Some((_, outer)) = open.last_mut() {
                        outer.push(Step::If { allowed, steps });
                    }
                }
                _ if script.startup.take(&verb, &mut rest).map_err(at)? => {}
                _ => {
                    let step = step(&verb, &mut rest).map_err(at)?;
                    if let Some((_, steps)) = open.last_mut() {
                        steps.push(step);
                    }
                }
            }
            rest.finish().map_err(at)?;
        }
        let steps = section(&mut open)?;
        script.put(turn, steps);
        Ok(script)
    }

    /// The steps of the `number`-th prompt.
    pub(super) fn turn(&self, number: u32) -> &[Step] {
        self.turns.get(&number).unwrap_or(&self.steps)
    }

    /// The steps of a prompt to a process that goes on with an earlier conversation, if there are such.
    pub(super) fn resumed(&self) -> Option<&[Step]> {
        self.turns.get(&RESUMED).map(Vec::as_slice)
    }

    fn put(&mut self, turn: Option<u32>, mut steps: Vec<Step>) {
        match turn {
            Some(turn) => self.turns.entry(turn).or_default().append(&mut steps),
            None => self.steps.append(&mut steps),
        }
    }
}

fn section(open: &mut [(bool, Vec<Step>)]) -> Result<Vec<Step>, String> {
    match open {
        [(_, steps)] => Ok(std::mem::take(steps)),
        _ => Err("a block has no `end`".to_owned()),
    }
}

impl Startup {
    /// Whether the script says so.
    pub(super) fn has(&self, wanted: Trait) -> bool {
        self.traits.contains(&wanted)
    }

    /// Takes a line that is about the start; false when it is not.
    fn take(&mut self, verb: &str, rest: &mut Rest<'_>) -> Result<bool, String> {
        match verb {
            "slow-start" => self.slow_ms = rest.number()?,
            "wait-start" => self.wait_for = Some(rest.word()?),
            "die-at-start" => self.die = Some(rest.number()?),
            "capability" => match rest.word()?.as_str() {
                "load" => self.traits.push(Trait::Loads),
                "steer" => self.traits.push(Trait::Steers),
                "see" => self.traits.push(Trait::Sees),
                "resume" => self.traits.push(Trait::Resumes),
                other => return Err(format!("unknown capability {other}")),
            },
            "load-fails" => self.traits.push(Trait::LoadFails),
            "auth-required" => self.traits.push(Trait::NeedsLogin),
            "refuse-initialize" => self.traits.push(Trait::RefusesInitialize),
            "protocol-version" => self.version = Some(rest.number()?),
            "modes" => self.modes = rest.list()?,
            "models" => self.models = rest.list()?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn step(verb: &str, rest: &mut Rest<'_>) -> Result<Step, String> {
    Ok(match verb {
        "say" => Step::Say(rest.text()),
        "think" => Step::Think(rest.text()),
        "stderr" => Step::Stderr(rest.text()),
        "prompt" => Step::Prompt,
        "servers" => Step::Servers,
        "plan" => Step::Plan(rest.list()?),
        "tool-call" => Step::ToolCall { id: rest.word()?, kind: rest.word()?, title: rest.text() },
        "tool-done" => Step::ToolDone { id: rest.word()?, failed: rest.flag("failed") },
        "edit" => Step::Edit { path: rest.word()?, text: rest.text() },
        "append" => Step::Append { path: rest.word()?, text: rest.text() },
        "replace" => {
            let path = rest.word()?;
            let (old, new) = rest.pair();
            Step::Replace { path, old, new: new.ok_or("`replace` needs OLD :: NEW")? }
        }
        "delete" => Step::Delete { path: rest.word()? },
        "ask-permission" => {
            let id = rest.word()?;
            let (title, command) = rest.pair();
            Step::AskPermission { id, title, command }
        }
        "ask-question" => {
            let id = rest.word()?;
            let (text, choices) = rest.pair();
            let choices = Rest(choices.as_deref().unwrap_or_default()).list()?;
            Step::AskQuestion { id, text, choices }
        }
        "withdraw-permission" => Step::WithdrawPermission { id: rest.word()?, title: rest.text() },
        "usage" => Step::Usage { input: rest.number()?, output: rest.number()?, cost: rest.word().ok() },
        "mode" => Step::Mode(rest.word()?),
        "commands" => Step::Commands(rest.list()?),
        "pause" => Step::Pause(rest.number()?),
        "sleep-until" => Step::SleepUntil(rest.word()?),
        "touch" => Step::Touch(rest.word()?),
        "pid" => Step::Pid(rest.word()?),
        "leak-child" => Step::LeakChild(rest.word()?),
        "leak-setsid" => Step::LeakSetsid(rest.word()?),
        "hang" => Step::Hang(rest.text()),
        "long-line" => Step::LongLine(rest.number()?),
        "flood" => Step::Flood(rest.number()?),
        "flood-stderr" => Step::FloodStderr(rest.number()?),
        "fail-prompt" => Step::FailPrompt { code: rest.number()?, text: rest.text() },
        "stop" => Step::Stop(rest.word()?),
        "exit" => Step::Exit(rest.number()?),
        _ => return plain_step(verb),
    })
}

/// Steps without arguments.
fn plain_step(verb: &str) -> Result<Step, String> {
    Ok(match verb {
        "wait-cancel" => Step::WaitCancel,
        "ignore-term" => Step::IgnoreTerm,
        "close-stdout" => Step::CloseStdout,
        "half-line" => Step::HalfLine,
        "garbage" => Step::Garbage,
        "invalid-utf8" => Step::InvalidUtf8,
        "deep-json" => Step::DeepJson,
        "unknown-update" => Step::UnknownUpdate,
        "unknown-request" => Step::UnknownRequest,
        "number-ids" => Step::NumberIds,
        "crash" => Step::Crash,
        _ => return Err(format!("unknown step {verb}")),
    })
}

/// What is left of a line.
struct Rest<'a>(&'a str);

impl Rest<'_> {
    fn word(&mut self) -> Result<String, String> {
        let text = self.0.trim_start();
        let (word, rest) = match text.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').ok_or("a quote is not closed")?,
            None => text.split_at(text.find(char::is_whitespace).unwrap_or(text.len())),
        };
        if word.is_empty() {
            return Err("a word is missing".to_owned());
        }
        self.0 = rest;
        Ok(unescaped(word))
    }

    fn number<N: std::str::FromStr>(&mut self) -> Result<N, String> {
        let word = self.word()?;
        word.parse().map_err(|_| format!("{word} is not a number that fits"))
    }

    /// The rest as text; trailing blanks are kept where an escape protects them.
    fn text(&mut self) -> String {
        unescaped(std::mem::take(&mut self.0).trim_start())
    }

    fn pair(&mut self) -> (String, Option<String>) {
        match std::mem::take(&mut self.0).split_once("::") {
            Some((first, second)) => (unescaped(first.trim()), Some(unescaped(second.trim()))),
            None => (self.text(), None),
        }
    }

    fn list(&mut self) -> Result<Vec<String>, String> {
        let text = std::mem::take(&mut self.0);
        let entries: Vec<String> = text.split('|').map(|entry| unescaped(entry.trim())).collect();
        if entries.iter().any(String::is_empty) { Err("a list has an empty entry".to_owned()) } else { Ok(entries) }
    }

    fn flag(&mut self, name: &str) -> bool {
        let found = self.0.trim() == name;
        if found {
            self.0 = "";
        }
        found
    }

    fn finish(&self) -> Result<(), String> {
        let rest = self.0.trim();
        if rest.is_empty() { Ok(()) } else { Err(format!("{rest:?} is too much")) }
    }
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('e') => out.push('\u{1b}'),
            Some('\\') | None => out.push('\\'),
            Some(other) => out.extend(['\\', other]),
        }
    }
    out
}
