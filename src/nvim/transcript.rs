//! A session's events as lines of text: pure, one event in, edits out. `wire::transcript` has the same shape and may replace it.

use std::collections::HashMap;

use crate::base::text::{visible, visible_line};
use crate::model::agent::{ToolCall, ToolStatus};
use crate::model::approval::Answer;
use crate::model::diff::DiffStat;
use crate::model::landing::LandingState;
use crate::model::turn::TurnOutcome;
use crate::model::{Envelope, Event};

/// Every turn begins with a line that begins with this; no other line does.
pub const TURN: &str = "━━ ";
/// A line is cut after this many characters.
const MAX_LINE: usize = 4_000;
/// Lines of a failed tool call's text that are shown.
const MAX_REASON_LINES: usize = 8;

/// A change of the lines. Line numbers are zero-based and count from the first line ever made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// New lines at the end.
    Append {
        /// The lines.
        lines: Vec<String>,
    },
    /// More text on the last line; holds no newline.
    ExtendLast {
        /// The text.
        text: String,
    },
    /// Another text for a line.
    Replace {
        /// Which.
        line: usize,
        /// Its text.
        text: String,
    },
}

/// What the last line belongs to, when more of it may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stream {
    Message,
    Thought,
    Output,
}

impl Stream {
    fn prefix(self) -> &'static str {
        match self {
            Self::Message => "",
            Self::Thought => "~ ",
            Self::Output => "    ",
        }
    }
}

/// The renderer's state: where it is, and which lines can still change.
#[derive(Debug, Clone, Default)]
pub struct Transcript {
    lines: usize,
    last_chars: usize,
    last_blank: bool,
    stream: Option<Stream>,
    tools: HashMap<String, (usize, ToolStatus)>,
    approvals: HashMap<String, (usize, String)>,
    edits: Vec<Edit>,
}

impl Transcript {
    /// Renders one event.
    pub fn push(&mut self, envelope: &Envelope) -> Vec<Edit> {
        match &envelope.event {
            Event::TurnStarted { number, text, primed, .. } => self.turn(*number, text, *primed),
            Event::AgentMessage { text, .. } => self.stream(Stream::Message, text),
            Event::AgentThought { text, .. } => self.stream(Stream::Thought, text),
            Event::AgentOutput { text, .. } => self.stream(Stream::Output, text),
            Event::AgentOutputElided { bytes, .. } => self.line(&format!("! {bytes} bytes of output are left out here; the journal has them")),
            Event::AgentTool { call, .. } => self.tool(call),
            Event::AgentNotice { text, .. } => self.line(&format!("! {text}")),
            Event::TurnStopped { outcome, .. } => self.stopped(outcome),
            Event::TurnEnded { turn_stat, checkpoint, .. } => {
                let kept = checkpoint.as_ref().map_or_else(String::new, |oid| format!(" · checkpoint {}", oid.short()));
                self.line(&format!("╌╌ {}{kept}", changes(*turn_stat)));
            }
            Event::PromptQueued { prompt } => self.line(&format!("+ queued: {}", visible_line(&prompt.text, 200))),
            Event::PromptCancelled { .. } => self.line("+ a queued prompt was taken back"),
            Event::ApprovalRequested(approval) => {
                let what = approval.command_line.as_deref().unwrap_or(&approval.tool.title);
                let what = visible_line(what, 300);
                self.line(&format!("? asks: {what}"));
                self.approvals.insert(approval.id.0.clone(), (self.lines - 1, what));
            }
            Event::ApprovalAnswered { id, answer, by } => {
                let how = match answer {
                    Answer::Once => "allowed once",
                    Answer::Reject { .. } => "rejected",
                    Answer::Always { .. } => "allowed always",
                };
                self.settle(&id.0, &format!("{how} by {}", visible_line(by, 60)));
            }
            Event::ApprovalExpired { id, reason } => self.settle(&id.0, &format!("expired: {}", visible_line(reason, 120))),
            Event::SetupChanged { output, .. } if !output.is_empty() => self.stream(Stream::Output, output),
            Event::WorktreeChanged { notes, .. } => notes.iter().for_each(|note| self.line(&format!("! {note}"))),
            Event::LandingStarted(landing) => self.line(&format!("╌╌ landing on {}", branch(&landing.onto))),
            Event::LandingChanged { state, .. } => self.landing(state),
            Event::SessionFaulted { message } => self.line(&format!("! {message}")),
            Event::SessionRemoved { .. } => self.line("╌╌ removed"),
            Event::SessionRestored { .. } => self.line("╌╌ restored"),
            _ => {}
        }
        std::mem::take(&mut self.edits)
    }

    fn turn(&mut self, number: u32, prompt: &str, primed: bool) {
        if self.lines > 0 {
            self.blank();
        }
        self.append(vec![format!("{TURN}turn {number}")]);
        let prompt = visible(prompt);
        let mut lines: Vec<String> = prompt.lines().map(|line| cut(&format!("> {line}"))).collect();
        if primed {
            lines.push("! a new conversation, primed with what was said so far".to_owned());
        }
        lines.push(String::new());
        self.append(lines);
    }

    fn stopped(&mut self, outcome: &TurnOutcome) {
        let how = match outcome {
            TurnOutcome::Done { stop_reason } => format!("done · {stop_reason}"),
            TurnOutcome::Failed { reason } => format!("failed · {reason}"),
            TurnOutcome::Interrupted { reason } => format!("interrupted · {reason}"),
        };
        self.blank();
        self.line(&format!("╌╌ {how}"));
    }

    fn landing(&mut self, state: &LandingState) {
        match state {
            LandingState::Started => {}
            LandingState::Conflicted { paths } => self.line(&format!("! conflicts in {}", paths.join(", "))),
            LandingState::Completed { commit, checkout } => self.line(&format!("╌╌ landed as {} {checkout}", commit.short())),
            LandingState::Failed { reason } => self.line(&format!("! not landed: {reason}")),
            LandingState::Aborted => self.line("╌╌ landing given up"),
        }
    }

    fn tool(&mut self, call: &ToolCall) {
        let text = tool_line(call);
        match self.tools.get(&call.id).copied() {
            Some((line, _)) => self.edits.push(Edit::Replace { line, text }),
            None => self.append(vec![text]),
        }
        let line = self.tools.get(&call.id).map_or(self.lines - 1, |(line, _)| *line);
        let before = self.tools.insert(call.id.clone(), (line, call.status));
        let newly_failed = call.status == ToolStatus::Failed && before.is_none_or(|(_, was)| was != ToolStatus::Failed);
        if newly_failed && !call.text.trim().is_empty() {
            let reason = visible(&call.text);
            self.append(reason.lines().take(MAX_REASON_LINES).map(|line| cut(&format!("    {line}"))).collect());
        }
    }

    fn settle(&mut self, id: &str, how: &str) {
        if let Some((line, what)) = self.approvals.remove(id) {
            self.edits.push(Edit::Replace { line, text: format!("? {how}: {what}") });
        }
    }

    fn stream(&mut self, stream: Stream, text: &str) {
        let text = visible(text);
        if text.is_empty() {
            return;
        }
        let prefix = stream.prefix();
        let mut parts = text.split('\n');
        let first = parts.next().unwrap_or_default();
        if self.stream == Some(stream) {
            self.extend(first);
        } else {
            self.blank();
            self.append(vec![shown(prefix, first)]);
        }
        let rest: Vec<String> = parts.map(|part| shown(prefix, part)).collect();
        if !rest.is_empty() {
            self.append(rest);
        }
        self.stream = Some(stream);
    }

    /// One line of our own; whatever is in `text` stays on it.
    fn line(&mut self, text: &str) {
        self.append(vec![visible_line(text, MAX_LINE)]);
    }

    fn blank(&mut self) {
        if !self.last_blank && self.lines > 0 {
            self.append(vec![String::new()]);
        }
    }

    fn extend(&mut self, text: &str) {
        let room = MAX_LINE.saturating_sub(self.last_chars);
        let mut added: String = text.chars().take(room).collect();
        let chars = text.chars().count();
        if chars > room && room > 0 {
            added.pop();
            added.push('…');
        }
        self.last_chars += chars.min(room);
        self.last_blank &= added.trim().is_empty();
        if !added.is_empty() {
            self.edits.push(Edit::ExtendLast { text: added });
        }
    }

    fn append(&mut self, lines: Vec<String>) {
        let Some(last) = lines.last() else { return };
        self.lines += lines.len();
        self.last_chars = last.chars().count();
        self.last_blank = last.trim().is_empty();
        self.stream = None;
        self.edits.push(Edit::Append { lines });
    }
}

fn tool_line(call: &ToolCall) -> String {
    let status = match call.status {
        ToolStatus::Pending => "…",
        ToolStatus::InProgress => "▶",
        ToolStatus::Completed => "✓",
        ToolStatus::Failed => "✗",
    };
    let place = call.locations.first().map_or_else(String::new, |place| {
        let line = place.line.map_or_else(String::new, |line| format!(":{line}"));
        format!(" · {}{line}", visible_line(&place.path, 200))
    });
    format!("- {status} {} · {}{place}", visible_line(&call.kind, 20), visible_line(&call.title, 300))
}

fn changes(stat: DiffStat) -> String {
    if stat.files == 0 {
        return "no changes".to_owned();
    }
    let files = if stat.files == 1 { "file" } else { "files" };
    format!("{} {files} +{} −{}", stat.files, stat.added, stat.removed)
}

fn branch(name: &str) -> &str {
    name.strip_prefix("refs/heads/").unwrap_or(name)
}

/// A line of somebody else's text, which must not look like the beginning of a turn.
fn shown(prefix: &str, text: &str) -> String {
    let guard = if prefix.is_empty() && text.starts_with(TURN) { " " } else { "" };
    cut(&format!("{guard}{prefix}{text}"))
}

fn cut(line: &str) -> String {
    if line.chars().count() <= MAX_LINE {
        return line.to_owned();
    }
    let mut short: String = line.chars().take(MAX_LINE - 1).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests;
