//! The transcript of a session as text, for an agent process that does not know the conversation so far.

use crate::host::port::Store;
use crate::model::event::Event;
use crate::model::id::{Seq, SessionId};

/// The most that is told, in bytes; what came earlier is left out.
const LIMIT: usize = 48 * 1024;

/// What was asked and said before, newest last; `None` when nothing was.
pub(crate) fn of_session(store: &dyn Store, session: &SessionId) -> Option<String> {
    let mut text = String::new();
    let mut after = Seq(0);
    loop {
        let page = store.events(after, Some(session), 2000).ok()?;
        let Some(last) = page.last() else { break };
        after = last.seq;
        for envelope in &page {
            match &envelope.event {
                Event::TurnStarted { text: prompt, .. } => {
                    text.push_str("\n\nUser:\n");
                    text.push_str(prompt);
                    text.push_str("\n\nYou:\n");
                }
                Event::AgentMessage { text: said, .. } => {
                    text.push_str(said);
                }
                _ => {}
            }
            if text.len() > 2 * LIMIT {
                keep_end(&mut text);
            }
        }
    }
    // The running turn's own prompt follows separately.
    if let Some(end) = text.rfind("\n\nUser:\n") {
        text.truncate(end);
    }
    if text.trim().is_empty() {
        return None;
    }
    keep_end(&mut text);
    Some(format!(
        "This continues an earlier conversation about the same working directory, which you cannot remember. Its transcript:\n{}\n\nEnd of the transcript. The next message:",
        text.trim()
    ))
}

fn keep_end(text: &mut String) {
    if text.len() <= LIMIT {
        return;
    }
    let mut cut = text.len() - LIMIT;
    while !text.is_char_boundary(cut) {
        cut += 1;
    }
    text.drain(..cut);
    text.insert_str(0, "[...] ");
}
