//! The one line that says what a session is doing.

use crate::base::text::visible_line;
use crate::model::agent::{ToolCall, ToolStatus};
use crate::model::event::Event;
use crate::model::session::Session;

/// Characters shown of it.
const WIDTH: usize = 120;

/// Characters kept of a line that is still being written: enough for what is shown.
const KEPT: usize = 2 * WIDTH;

/// Whether an event may go on with the line before it.
pub(super) fn goes_on(event: &Event) -> bool {
    matches!(event, Event::AgentMessage { .. } | Event::AgentOutput { .. } | Event::UsageReported { .. })
}

/// The agent said a chunk of a message.
pub(super) fn said(session: &mut Session, text: &str) {
    // A fence or a rule is no message.
    if go_on(session, text) && session.activity.as_ref().is_some_and(|line| line.contains(char::is_alphanumeric)) {
        session.said.clone_from(&session.activity);
    }
}

/// A command printed a chunk. The standard error of an agent that holds a conversation is not what it is doing.
pub(super) fn printed(session: &mut Session, stderr: bool, text: &str) {
    let converses = session.ready.as_ref().is_some_and(|ready| ready.conversation.is_some());
    if !(stderr && converses) {
        go_on(session, text);
    }
}

/// A tool call appeared or changed. A finished one says nothing about now.
pub(super) fn used(session: &mut Session, call: &ToolCall) {
    let title = if call.title.trim().is_empty() { &call.kind } else { &call.title };
    if matches!(call.status, ToolStatus::Pending | ToolStatus::InProgress) && !title.trim().is_empty() {
        session.activity = Some(visible_line(title, WIDTH));
    }
}

/// Something worth knowing while it works: that it tries a model call again, or compacts its context.
pub(super) fn noticed(session: &mut Session, text: &str) {
    if !text.trim().is_empty() {
        session.activity = Some(visible_line(text, WIDTH));
    }
}

/// Appends a chunk to the open line and shows the last line that is not blank. A carriage return begins the line again, as a progress
/// bar means it. True when there was something to show.
fn go_on(session: &mut Session, text: &str) -> bool {
    let before = session.line.take().unwrap_or_default();
    let mut lines = text.split(['\n', '\r']);
    let mut open = before;
    let mut shown = None;
    append(&mut open, lines.next().unwrap_or_default());
    for next in lines {
        if !open.trim().is_empty() {
            shown = Some(std::mem::take(&mut open));
        }
        open.clear();
        append(&mut open, next);
    }
    if !open.trim().is_empty() {
        shown = Some(open.clone());
    }
    session.line = (!open.is_empty()).then_some(open);
    let Some(shown) = shown else { return false };
    session.activity = Some(visible_line(&shown, WIDTH));
    true
}

fn append(line: &mut String, text: &str) {
    let room = KEPT.saturating_sub(line.chars().count());
    line.extend(text.chars().take(room));
}

#[cfg(test)]
mod tests;
