//! What an agent says, joined from streamed pieces and from the whole messages that repeat them.

use crate::host::port::Update;

/// What was said last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Last {
    #[default]
    Nothing,
    Text {
        ends_line: bool,
    },
}

/// Joins streamed pieces of text with the whole messages that repeat them.
#[derive(Debug, Clone, Default)]
pub(super) struct Speech {
    /// What is to be told, taken by the caller.
    pub(super) said: Vec<Update>,
    /// Text of the current block that was streamed already.
    text: String,
    /// The same for thoughts.
    thought: String,
    last: Last,
}

impl Speech {
    /// A turn begins.
    pub(super) fn begin_turn(&mut self) {
        *self = Self { said: std::mem::take(&mut self.said), ..Self::default() };
    }

    /// A new block begins.
    pub(super) fn block_begins(&mut self) {
        self.text.clear();
        self.thought.clear();
    }

    /// A streamed piece of the current block.
    pub(super) fn piece(&mut self, thought: bool, text: &str) {
        let streamed = if thought { &mut self.thought } else { &mut self.text };
        let first = streamed.is_empty();
        streamed.push_str(text);
        self.say(thought, text, first);
    }

    fn say(&mut self, thought: bool, text: &str, begins: bool) {
        if text.is_empty() {
            return;
        }
        if thought {
            self.said.push(Update::Thought(text.to_owned()));
            return;
        }
        let apart = begins && self.last == Last::Text { ends_line: false };
        self.said.push(Update::Message(if apart { format!("\n\n{text}") } else { text.to_owned() }));
        self.last = Last::Text { ends_line: text.ends_with('\n') };
    }

    /// A whole block: what of it was not streamed is said.
    pub(super) fn whole(&mut self, thought: bool, text: &str) {
        let streamed = std::mem::take(if thought { &mut self.thought } else { &mut self.text });
        match text.strip_prefix(streamed.as_str()) {
            Some(rest) => self.say(thought, rest, streamed.is_empty()),
            None => self.say(thought, text, true),
        }
    }

    /// Something else came between two texts.
    pub(super) fn interrupted_by_tool(&mut self) {
        self.last = Last::Nothing;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(speech: &mut Speech) -> String {
        let text = |update| if let Update::Message(text) = update { text } else { String::new() };
        std::mem::take(&mut speech.said).into_iter().map(text).collect()
    }

    #[test]
    fn a_message_that_was_streamed_is_said_once() {
        let mut speech = Speech::default();
        speech.block_begins();
        speech.piece(false, "I ");
        speech.piece(false, "will");
        speech.whole(false, "I will.");
        speech.whole(false, "Next");
        assert_eq!(told(&mut speech), "I will.\n\nNext");
        speech.interrupted_by_tool();
        speech.whole(false, "Done");
        assert_eq!(told(&mut speech), "Done");
    }
}
