//! Whatever an agent prints: no panic, the same updates however it is split, and every turn ends.
//!
//! `cargo +nightly fuzz run acp` (from the repository's root). The bytes are what the agent prints after it is ready and has its first
//! prompt; the first byte says how they are split.

#![no_main]

use divisi::agent::acp::AcpConversation;
use divisi::host::port::{Conversation, ConversationInput, ConversationSetup, Update};
use divisi::model::id::TurnId;
use divisi::model::job::JobEnd;
use libfuzzer_sys::fuzz_target;

const READY: &[&str] = &[
    r#"{"jsonrpc":"2.0","id":"initialize","result":{"protocolVersion":1,"agentCapabilities":{"loadSession":true}}}"#,
    r#"{"jsonrpc":"2.0","id":"new","result":{"sessionId":"S","modes":{"currentModeId":"a","availableModes":[{"id":"a","name":"A"}]}}}"#,
];

struct Played {
    conversation: AcpConversation,
    updates: Vec<Update>,
}

impl Played {
    fn feed(&mut self, input: ConversationInput<'_>) {
        let mut news = Vec::new();
        self.conversation.feed(input, &mut news);
        for update in news {
            if let Update::Write { key, bytes } = &update {
                self.feed(ConversationInput::Written { key, bytes });
            }
            self.updates.push(update);
        }
    }
}

fn play(bytes: &[u8], size: usize) -> Vec<Update> {
    let mut played = Played { conversation: AcpConversation::new(ConversationSetup::default()), updates: Vec::new() };
    played.feed(ConversationInput::Started);
    for line in READY {
        played.feed(ConversationInput::Output { stderr: false, bytes: format!("{line}\n").as_bytes() });
    }
    played.feed(ConversationInput::Prompt { turn: &TurnId::from("s.t1"), text: "x" });
    for chunk in bytes.chunks(size) {
        played.feed(ConversationInput::Output { stderr: false, bytes: chunk });
    }
    played.feed(ConversationInput::Ended(&JobEnd::Lost));
    played.updates
}

fuzz_target!(|input: &[u8]| {
    let Some((size, bytes)) = input.split_first() else { return };
    let whole = play(bytes, bytes.len().max(1));
    assert_eq!(play(bytes, usize::from(*size).max(1)), whole);
    assert!(whole.iter().any(|update| matches!(update, Update::TurnEnded { .. })));
});
