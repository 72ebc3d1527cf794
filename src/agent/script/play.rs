//! Plays the steps of one prompt.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::base::clock;

use super::parse::{Startup, Step};
use super::process;
use super::voice::{Ask, Interrupt, Reply, ToolReport, Voice, write};

/// How the steps of a prompt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Played to the end, with a stop reason.
    Finished(String),
    /// The prompt is answered with an error.
    Failed { code: i64, text: String },
    /// It was cancelled.
    Cancelled,
    /// Nobody listens any more.
    Closed,
    /// The process ends with this code.
    Exit(i32),
}

impl From<Interrupt> for Outcome {
    fn from(interrupt: Interrupt) -> Self {
        match interrupt {
            Interrupt::Cancelled => Self::Cancelled,
            Interrupt::Closed => Self::Closed,
        }
    }
}

impl Startup {
    /// Waits as long as the script says.
    pub(super) fn begin(&self) {
        process::pause(Duration::from_millis(self.slow_ms));
        if let Some(file) = &self.wait_for {
            while !Path::new(file).exists() {
                process::pause(Duration::from_millis(5));
            }
        }
    }
}

/// Plays steps in a directory.
pub(super) struct Player<'a> {
    directory: &'a Path,
    prompt: &'a str,
    /// Tool calls begun by steps: id, kind, title.
    tools: Vec<(String, String, String)>,
    edits: u32,
    allowed: Option<bool>,
    stop: String,
}

impl<'a> Player<'a> {
    /// For one prompt.
    pub(super) fn new(directory: &'a Path, prompt: &'a str) -> Self {
        Self { directory, prompt, tools: Vec::new(), edits: 0, allowed: None, stop: "end_turn".to_owned() }
    }

    /// Plays them all.
    pub(super) fn play(mut self, steps: &[Step], voice: &mut dyn Voice) -> io::Result<Outcome> {
        Ok(match self.steps(steps, voice)? {
            Some(outcome) => outcome,
            None => Outcome::Finished(self.stop),
        })
    }

    fn steps(&mut self, steps: &[Step], voice: &mut dyn Voice) -> io::Result<Option<Outcome>> {
        for step in steps {
            if let Some(interrupt) = voice.interrupted(false) {
                return Ok(Some(interrupt.into()));
            }
            if let Some(outcome) = self.step(step, voice)? {
                return Ok(Some(outcome));
            }
        }
        Ok(None)
    }

    fn step(&mut self, step: &Step, voice: &mut dyn Voice) -> io::Result<Option<Outcome>> {
        match step {
            Step::Say(text) => voice.tell("say", json!(self.filled(text)))?,
            Step::Think(text) => voice.tell("think", json!(self.filled(text)))?,
            Step::Prompt => voice.tell("say", json!(self.prompt))?,
            Step::Servers => voice.tell("servers", Value::Null)?,
            Step::Stderr(text) => writeln!(io::stderr().lock(), "{}", self.filled(text))?,
            Step::Plan(entries) => voice.tell("plan", plan(entries))?,
            Step::Usage { input, output, cost } => {
                let cost = cost.as_ref().and_then(|cost| cost.parse::<f64>().ok());
                voice.tell("usage", json!({"input": input, "output": output, "cost": cost}))?;
            }
            Step::Mode(id) => voice.tell("mode", json!(id))?,
            Step::Commands(names) => voice.tell("commands", json!(names))?,
            Step::UnknownUpdate => voice.tell("unknown", json!({"what": "nobody knows this"}))?,
            Step::UnknownRequest => voice.tell("unknown-request", json!({"why": "nobody knows this either"}))?,
            Step::NumberIds => voice.number_ids(),
            Step::ToolCall { id, kind, title } => {
                self.tools.push((id.clone(), kind.clone(), title.clone()));
                self.tool(id, "in_progress", voice)?;
            }
            Step::ToolDone { id, failed } => self.tool(id, if *failed { "failed" } else { "completed" }, voice)?,
            Step::Edit { path, text } => self.edit(path, Some(text), false, voice)?,
            Step::Append { path, text } => self.edit(path, Some(text), true, voice)?,
            Step::Replace { path, old, new } => self.replace(path, old, new, voice)?,
            Step::Delete { path } => self.edit(path, None, false, voice)?,
            Step::AskPermission { .. } | Step::AskQuestion { .. } | Step::WithdrawPermission { .. } => {
                return self.ask(step, voice);
            }
            Step::If { allowed, steps } if self.allowed == Some(*allowed) => return self.steps(steps, voice),
            Step::If { .. } => {}
            Step::Stop(reason) => self.stop.clone_from(reason),
            Step::FailPrompt { code, text } => return Ok(Some(Outcome::Failed { code: *code, text: text.clone() })),
            Step::Exit(code) => return Ok(Some(Outcome::Exit(*code))),
            other => return self.misbehave(other, voice),
        }
        Ok(None)
    }

    fn misbehave(&mut self, step: &Step, voice: &mut dyn Voice) -> io::Result<Option<Outcome>> {
        match step {
            Step::SleepUntil(file) => {
                let file = self.path(file);
                return Ok(wait(voice, || file.exists()));
            }
            Step::Pause(milliseconds) => {
                let until = clock::instant() + Duration::from_millis(*milliseconds);
                return Ok(wait(voice, || clock::instant() >= until));
            }
            Step::WaitCancel => return Ok(wait(voice, || false)),
            Step::Hang(text) => {
                if !text.is_empty() {
                    voice.tell("say", json!(self.filled(text)))?;
                }
                loop {
                    process::pause(Duration::from_secs(3600));
                }
            }
            Step::Touch(file) => fs::write(self.path(file), "")?,
            Step::Pid(file) => self.publish(file, std::process::id())?,
            Step::IgnoreTerm => process::ignore_term()?,
            Step::LeakChild(file) => self.publish(file, process::leak(false)?)?,
            Step::LeakSetsid(file) => self.publish(file, process::leak(true)?)?,
            Step::CloseStdout => process::close_stdout()?,
            Step::HalfLine => write(b"{\"jsonrpc\":\"2.0\",\"method\":\"session/upd")?,
            Step::Garbage => write(b"this is \x1b[31mnot\x07 a protocol\n")?,
            Step::InvalidUtf8 => {
                write(b"{\"jsonrpc\":\"2.0\",\"method\":\"session/update\",\"params\":{\"update\":{\"sessionUpdate\":\"agent_message_chunk\",")?;
                write(b"\"content\":{\"type\":\"text\",\"text\":\"in\xffvalid\"}}}}\n")?;
            }
            Step::DeepJson => write(format!("{}{}\n", "[".repeat(20_000), "]".repeat(20_000)).as_bytes())?,
            Step::LongLine(length) => {
                write(&vec![b'x'; *length])?;
                write(b"\n")?;
            }
            Step::Flood(bytes) => {
                let piece = json!("flood ".repeat(1365));
                for _ in 0..bytes.div_ceil(8190) {
                    voice.tell("say", piece.clone())?;
                }
            }
            Step::FloodStderr(bytes) => {
                let piece = "flood\n".repeat(1365);
                let mut errors = io::stderr().lock();
                for _ in 0..bytes.div_ceil(8190) {
                    errors.write_all(piece.as_bytes())?;
                }
            }
            Step::Crash => std::process::abort(),
            _ => {}
        }
        Ok(None)
    }

    fn ask(&mut self, step: &Step, voice: &mut dyn Voice) -> io::Result<Option<Outcome>> {
        let (ask, withdraw) = match step {
            Step::AskPermission { id, title, command } => {
                let kind = if command.is_some() { "execute" } else { "edit" };
                self.tools.push((id.clone(), kind.to_owned(), title.clone()));
                (Ask { id, title, command: command.as_deref(), choices: &[] }, false)
            }
            Step::AskQuestion { id, text, choices } => (Ask { id, title: text, command: None, choices }, false),
            Step::WithdrawPermission { id, title } => (Ask { id, title, command: None, choices: &[] }, true),
            _ => return Ok(None),
        };
        if withdraw {
            voice.withdraw(&ask)?;
            return Ok(None);
        }
        match voice.ask(&ask)? {
            Reply::Allowed => self.allowed = Some(true),
            Reply::Rejected | Reply::Gone => self.allowed = Some(false),
            Reply::Chosen(choice) => voice.tell("say", json!(format!("chosen: {choice}\n")))?,
        }
        Ok(voice.interrupted(false).map(Outcome::from))
    }

    fn tool(&self, id: &str, status: &str, voice: &mut dyn Voice) -> io::Result<()> {
        let known = self.tools.iter().rev().find(|(known, _, _)| known == id);
        let (kind, title) = known.map_or(("other", id), |(_, kind, title)| (kind.as_str(), title.as_str()));
        voice.tool(&ToolReport { id, kind, title, status, path: None, diff: None })
    }

    /// Changes a file and reports it: `text` absent deletes it.
    fn edit(&mut self, path: &str, text: Option<&str>, append: bool, voice: &mut dyn Voice) -> io::Result<()> {
        self.edits += 1;
        let id = format!("edit-{}", self.edits);
        let title = format!("{} {path}", if text.is_some() { "Edit" } else { "Delete" });
        let kind = if text.is_some() { "edit" } else { "delete" };
        let file = self.path(path);
        let old = fs::read_to_string(&file).ok();
        let mut report =
            ToolReport { id: &id, kind, title: &title, status: "in_progress", path: Some(path), diff: None };
        voice.tool(&report)?;
        let new = match text {
            Some(text) if append => format!("{}{}", old.as_deref().unwrap_or_default(), self.filled(text)),
            Some(text) => self.filled(text),
            None => String::new(),
        };
        let done = if text.is_some() {
            file.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&file, &new))
        } else {
            fs::remove_file(&file)
        };
        report.status = if done.is_ok() { "completed" } else { "failed" };
        report.diff = Some((old.as_deref(), &new));
        voice.tool(&report)
    }

    /// Changes the first occurrence of a text in a file; a tool call that fails when the file has none.
    fn replace(&mut self, path: &str, old: &str, new: &str, voice: &mut dyn Voice) -> io::Result<()> {
        if let Some(text) = fs::read_to_string(self.path(path)).ok().filter(|text| text.contains(old)) {
            return self.edit(path, Some(&text.replacen(old, new, 1)), false, voice);
        }
        self.edits += 1;
        let (id, title) = (format!("edit-{}", self.edits), format!("Edit {path}"));
        let mut report =
            ToolReport { id: &id, kind: "edit", title: &title, status: "in_progress", path: Some(path), diff: None };
        voice.tool(&report)?;
        report.status = "failed";
        voice.tool(&report)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.directory.join(path)
    }

    /// Writes a process id into a file that appears all at once.
    fn publish(&self, file: &str, pid: u32) -> io::Result<()> {
        let file = self.path(file);
        let aside = file.with_extension("part");
        fs::write(&aside, pid.to_string())?;
        fs::rename(aside, file)
    }

    fn filled(&self, text: &str) -> String {
        text.replace("{prompt}", self.prompt)
    }
}

/// Waits until something is so, or the turn is interrupted.
fn wait(voice: &mut dyn Voice, mut so: impl FnMut() -> bool) -> Option<Outcome> {
    while !so() {
        if let Some(interrupt) = voice.interrupted(true) {
            return Some(interrupt.into());
        }
    }
    None
}

fn plan(entries: &[String]) -> Value {
    let entry = |entry: &String| {
        let (status, content) = match entry.split_at_checked(1) {
            Some(("+", content)) => ("completed", content),
            Some(("*", content)) => ("in_progress", content),
            _ => ("pending", entry.as_str()),
        };
        json!({"content": content.trim(), "status": status, "priority": "medium"})
    };
    Value::Array(entries.iter().map(entry).collect())
}
