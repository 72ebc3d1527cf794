//! Whatever an agent with a protocol of its own prints: no panic, the same updates however it is split, and every turn ends.
//!
//! `cargo +nightly fuzz run native` (from the repository's root). The first byte chooses the protocol or dialect, the second says how
//! the rest is split.

#![no_main]

use divisi::agent::claude::ClaudeConversation;
use divisi::agent::codex::CodexConversation;
use divisi::agent::json_lines::{Dialect, JsonLinesConversation};
use divisi::host::port::{Conversation, ConversationInput, ConversationSetup, Update};
use divisi::model::id::TurnId;
use divisi::model::job::JobEnd;
use libfuzzer_sys::fuzz_target;

const CLAUDE: &[&str] =
    &[r#"{"type":"control_response","response":{"subtype":"success","request_id":"initialize","response":{}}}"#];
const CODEX: &[&str] = &[
    r#"{"id":"initialize","result":{"userAgent":"divisi/1 x"}}"#,
    r#"{"id":"start","result":{"thread":{"id":"T"}}}"#,
];

const DIALECTS: [Dialect; 8] = [
    Dialect::Amp,
    Dialect::Claude,
    Dialect::Codex,
    Dialect::Copilot,
    Dialect::Gemini,
    Dialect::Opencode,
    Dialect::Pi,
    Dialect::Qwen,
];

fn conversation(which: u8) -> (Box<dyn Conversation>, &'static [&'static str]) {
    let setup = ConversationSetup::default();
    match usize::from(which) % (DIALECTS.len() + 2) {
        0 => (Box::new(ClaudeConversation::new(setup)), CLAUDE),
        1 => (Box::new(CodexConversation::new(setup)), CODEX),
        other => (Box::new(JsonLinesConversation::new(DIALECTS[other - 2], &setup, TurnId::from("s.t1"))), &[]),
    }
}

fn feed(conversation: &mut dyn Conversation, input: ConversationInput<'_>, updates: &mut Vec<Update>) {
    let mut news = Vec::new();
    conversation.feed(input, &mut news);
    for update in news {
        if let Update::Write { key, bytes } = &update {
            feed(conversation, ConversationInput::Written { key, bytes }, updates);
        }
        updates.push(update);
    }
}

fn play(which: u8, bytes: &[u8], size: usize) -> Vec<Update> {
    let (mut conversation, ready) = conversation(which);
    let mut updates = Vec::new();
    feed(conversation.as_mut(), ConversationInput::Started, &mut updates);
    for line in ready {
        let line = format!("{line}\n");
        feed(conversation.as_mut(), ConversationInput::Output { stderr: false, bytes: line.as_bytes() }, &mut updates);
    }
    feed(conversation.as_mut(), ConversationInput::Prompt { turn: &TurnId::from("s.t1"), text: "x", content: &[], prompt: None }, &mut updates);
    for chunk in bytes.chunks(size) {
        feed(conversation.as_mut(), ConversationInput::Output { stderr: false, bytes: chunk }, &mut updates);
    }
    feed(conversation.as_mut(), ConversationInput::Ended(&JobEnd::Lost), &mut updates);
    updates
}

fuzz_target!(|input: &[u8]| {
    let [which, size, bytes @ ..] = input else { return };
    let whole = play(*which, bytes, bytes.len().max(1));
    assert_eq!(play(*which, bytes, usize::from(*size).max(1)), whole);
    assert!(whole.iter().any(|update| matches!(update, Update::TurnEnded { .. })));
});
