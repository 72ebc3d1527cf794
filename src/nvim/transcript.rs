//! A session's events as lines of text: pure, one event in, edits out. `wire::transcript` has the same shape and may replace it.

use std::collections::HashMap;

use crate::base::text::{visible, visible_line};
use crate::model::agent::{ToolCall, ToolStatus};
use crate::model::approval::Answer;
use crate::model::diff::DiffStat;
use crate::model::landing::LandingState;
use crate::model::turn::TurnOutcome;
use crate::model::{Envelope, Event};

/// Every turn begins with a line that begins with this.
pub const TURN: &str = "## Turn ";
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
            Self::Thought => "> ",
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
    last_item: bool,
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
            Event::AgentOutputElided { bytes, .. } => {
                self.note(&format!("{bytes} bytes of output are only in the journal"));
            }
            Event::AgentTool { call, .. } => self.tool(call),
            Event::AgentNotice { text, .. } => self.note(text),
            Event::TurnStopped { outcome, .. } => self.stopped(outcome),
            Event::TurnEnded { turn_stat, checkpoint: Some(oid), .. } => {
                self.note(&format!("checkpoint {}: {}", oid.short(), changes(*turn_stat)));
            }
            Event::PromptQueued { prompt } => {
                self.note(&format!("waiting prompt: {}", visible_line(&prompt.text, 200)));
            }
            Event::PromptCancelled { .. } => self.note("a waiting prompt was taken back"),
            Event::ApprovalRequested(approval) => {
                let what = approval.command_line.as_deref().unwrap_or(&approval.tool.title);
                let what = format!("`{}` {}", visible_line(&approval.id.0, 40), visible_line(what, 300));
                self.item(format!("- ? **approval** {what}"));
                self.approvals.insert(approval.id.0.clone(), (self.lines - 1, what));
            }
            Event::ApprovalAnswered { id, answer, by, .. } => {
                let how = match answer {
                    Answer::Once => "allowed once",
                    Answer::Reject { .. } => "rejected",
                    Answer::Always { .. } => "allowed always",
                };
                self.settle(&id.0, &format!("{how} by {}", visible_line(by, 60)));
            }
            Event::ApprovalExpired { id, reason } => {
                self.settle(&id.0, &format!("expired: {}", visible_line(reason, 120)));
            }
            Event::SetupChanged { output, .. } if !output.is_empty() => self.stream(Stream::Output, output),
            Event::WorktreeChanged { notes, .. } => notes.iter().for_each(|note| self.note(note)),
            Event::LandingStarted(landing) => self.note(&format!("landing on {}", branch(&landing.onto))),
            Event::LandingChanged { state, .. } => self.landing(state),
            Event::SessionFaulted { message } => self.note(&format!("failed: {message}")),
            Event::SessionRemoved { .. } => self.note("removed"),
            Event::SessionRestored { .. } => self.note("restored"),
            _ => {}
        }
        std::mem::take(&mut self.edits)
    }

    fn turn(&mut self, number: u32, prompt: &str, primed: bool) {
        self.blank();
        self.append(vec![format!("{TURN}{number}"), String::new()]);
        if primed {
            self.note("a new conversation, primed with this transcript");
            self.blank();
        }
        let mut lines: Vec<String> = visible(prompt.trim_end()).lines().map(cut).collect();
        lines.extend([String::new(), "---".to_owned()]);
        self.append(lines);
    }

    fn stopped(&mut self, outcome: &TurnOutcome) {
        match outcome {
            TurnOutcome::Done { stop_reason } => self.note(&format!("done ({stop_reason})")),
            TurnOutcome::Failed { reason } => self.note(&format!("failed: {reason}")),
            TurnOutcome::Interrupted { reason } => self.note(&format!("interrupted: {reason}")),
        }
    }

    fn landing(&mut self, state: &LandingState) {
        match state {
            LandingState::Started => {}
            LandingState::Conflicted { paths } => {
                self.note(&format!("landing stopped at conflicts in {}", paths.join(", ")));
            }
            LandingState::Completed { commit, checkout } => {
                self.note(&format!("landed as {} {checkout}", commit.short()));
            }
            LandingState::Failed { reason } => self.note(&format!("landing failed: {reason}")),
            LandingState::Aborted => self.note("landing given up"),
        }
    }

    fn tool(&mut self, call: &ToolCall) {
        let text = tool_line(call);
        match self.tools.get(&call.id).copied() {
            Some((line, _)) => self.edits.push(Edit::Replace { line, text }),
            None => self.item(text),
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
            self.edits.push(Edit::Replace { line, text: format!("- ✓ **approval** {what} ({how})") });
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
            self.append(vec![cut(&format!("{prefix}{first}"))]);
        }
        let rest: Vec<String> = parts.map(|part| cut(&format!("{prefix}{part}"))).collect();
        if !rest.is_empty() {
            self.append(rest);
        }
        self.stream = Some(stream);
    }

    /// One line of our own in a paragraph of its own; whatever is in `text` stays on it.
    fn note(&mut self, text: &str) {
        self.blank();
        self.append(vec![format!("*{}*", visible_line(text, MAX_LINE).replace('*', "\\*"))]);
    }

    /// An item of a list: directly below another one, else after an empty line.
    fn item(&mut self, text: String) {
        if !self.last_item {
            self.blank();
        }
        self.append(vec![text]);
        self.last_item = true;
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
        self.last_item = false;
        self.edits.push(Edit::Append { lines });
    }
}

fn tool_line(call: &ToolCall) -> String {
    let status = match call.status {
        ToolStatus::Pending => "○",
        ToolStatus::InProgress => "…",
        ToolStatus::Completed => "✓",
        ToolStatus::Failed => "✗",
    };
    let place = call.locations.first().map_or_else(String::new, |place| {
        let line = place.line.map_or_else(String::new, |line| format!(":{line}"));
        format!(" ({}{line})", visible_line(&place.path, 200))
    });
    format!("- {status} **{}** {}{place}", visible_line(&call.kind, 20), visible_line(&call.title, 300))
}

fn changes(stat: DiffStat) -> String {
    let files = if stat.files == 1 { "file" } else { "files" };
    format!("{} {files} +{} −{}", stat.files, stat.added, stat.removed)
}

fn branch(name: &str) -> &str {
    name.strip_prefix("refs/heads/").unwrap_or(name)
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
