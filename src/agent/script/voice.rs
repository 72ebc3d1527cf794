//! How a played script is heard: as plain text or as JSON lines. The third way, ACP, is a protocol of its own.

use std::io::{self, BufRead as _, Write as _};
use std::path::Path;

use serde_json::{Value, json};

use super::Fault;
use super::parse::Script;
use super::play::{Outcome, Player};

/// A tool call as it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct ToolReport<'a> {
    pub(super) id: &'a str,
    pub(super) kind: &'a str,
    pub(super) title: &'a str,
    pub(super) status: &'a str,
    pub(super) path: Option<&'a str>,
    /// Text before and after, for an edit.
    pub(super) diff: Option<(Option<&'a str>, &'a str)>,
}

/// A question.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ask<'a> {
    pub(super) id: &'a str,
    pub(super) title: &'a str,
    pub(super) command: Option<&'a str>,
    /// Choices that neither allow nor reject; empty for a permission.
    pub(super) choices: &'a [String],
}

/// Its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    Allowed,
    Rejected,
    Chosen(String),
    /// Nobody will answer.
    Gone,
}

/// Why a script does not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interrupt {
    /// The turn was cancelled.
    Cancelled,
    /// Standard input was closed.
    Closed,
}

/// One way to be heard.
pub(super) trait Voice {
    /// Tells one thing: its kind, and what there is to say.
    fn tell(&mut self, kind: &str, value: Value) -> io::Result<()>;
    /// Tells a tool call.
    fn tool(&mut self, tool: &ToolReport<'_>) -> io::Result<()>;
    /// Asks and waits for the answer.
    fn ask(&mut self, ask: &Ask<'_>) -> io::Result<Reply>;
    /// Asks and takes the question back.
    fn withdraw(&mut self, ask: &Ask<'_>) -> io::Result<()>;
    /// Uses numbers as ids from here on.
    fn number_ids(&mut self) {}
    /// Whether the turn should stop; waits a moment for it when there is nothing else to do.
    fn interrupted(&mut self, wait: bool) -> Option<Interrupt>;
}

/// Writes to standard output at once.
pub(super) fn write(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// Plays the default steps once; gives the exit code.
pub(super) fn play_once(script: &Script, voice: &mut dyn Voice) -> Result<i32, Fault> {
    script.startup.begin();
    if let Some(code) = script.startup.die {
        return Ok(code);
    }
    Ok(match Player::new(Path::new("."), "").play(script.turn(1), voice)? {
        Outcome::Finished(_) | Outcome::Cancelled | Outcome::Closed => 0,
        Outcome::Failed { text, .. } => {
            super::complain(&text);
            1
        }
        Outcome::Exit(code) => code,
    })
}

fn moment(wait: bool) -> Option<Interrupt> {
    if wait {
        super::process::pause(std::time::Duration::from_millis(5));
    }
    None
}

/// A line of standard input; nothing at its end.
fn answer() -> io::Result<Option<String>> {
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line)?;
    Ok((read > 0).then(|| line.trim().to_owned()))
}

fn reply(line: Option<String>, choices: &[String]) -> Reply {
    match line {
        None => Reply::Gone,
        Some(line) if choices.contains(&line) => Reply::Chosen(line),
        Some(line) if choices.is_empty() && matches!(line.as_str(), "y" | "yes" | "allow") => Reply::Allowed,
        Some(_) => Reply::Rejected,
    }
}

/// Plain text.
#[derive(Debug, Default)]
pub(super) struct Plain;

impl Voice for Plain {
    fn tell(&mut self, kind: &str, value: Value) -> io::Result<()> {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match kind {
            "say" => write(text.as_bytes()),
            _ => write(format!("[{kind}] {text}\n").as_bytes()),
        }
    }

    fn tool(&mut self, tool: &ToolReport<'_>) -> io::Result<()> {
        write(format!("[{}] {}\n", tool.status, tool.title).as_bytes())
    }

    fn ask(&mut self, ask: &Ask<'_>) -> io::Result<Reply> {
        write(format!("[ask] {} {}\n", ask.title, ask.choices.join(" | ")).as_bytes())?;
        Ok(reply(answer()?, ask.choices))
    }

    fn withdraw(&mut self, ask: &Ask<'_>) -> io::Result<()> {
        write(format!("[ask] {} (taken back)\n", ask.title).as_bytes())
    }

    fn interrupted(&mut self, wait: bool) -> Option<Interrupt> {
        moment(wait)
    }
}

/// One JSON object per line: `{"type": KIND, ...}`. A question waits for a line `{"answer": "allow"}`, or one of its choices.
#[derive(Debug, Default)]
pub(super) struct Lines;

impl Lines {
    fn line(value: &Value) -> io::Result<()> {
        write(format!("{value}\n").as_bytes())
    }
}

impl Voice for Lines {
    fn tell(&mut self, kind: &str, value: Value) -> io::Result<()> {
        Self::line(&json!({"type": kind, "value": value}))
    }

    fn tool(&mut self, tool: &ToolReport<'_>) -> io::Result<()> {
        Self::line(
            &json!({"type": "tool", "id": tool.id, "kind": tool.kind, "title": tool.title, "status": tool.status, "path": tool.path}),
        )
    }

    fn ask(&mut self, ask: &Ask<'_>) -> io::Result<Reply> {
        Self::line(
            &json!({"type": "ask", "id": ask.id, "title": ask.title, "command": ask.command, "choices": ask.choices}),
        )?;
        let line = answer()?.map(|line| {
            let value: Value = serde_json::from_str(&line).unwrap_or_default();
            value.get("answer").and_then(Value::as_str).unwrap_or_default().to_owned()
        });
        Ok(reply(line, ask.choices))
    }

    fn withdraw(&mut self, ask: &Ask<'_>) -> io::Result<()> {
        Self::line(&json!({"type": "withdrawn", "id": ask.id, "title": ask.title}))
    }

    fn interrupted(&mut self, wait: bool) -> Option<Interrupt> {
        moment(wait)
    }
}
