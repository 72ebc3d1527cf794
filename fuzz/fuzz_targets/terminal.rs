//! Whatever a program draws on its terminal: no panic, every turn ends once, and what is shown can be drawn.
//!
//! `cargo +nightly fuzz run terminal` (from the repository's root). The first byte says how the rest is split, the second how often the
//! program is silent in between.

#![no_main]

use divisi::agent::pty::{PtyConversation, PtySetup};
use divisi::host::port::{Conversation, ConversationInput, Update};
use divisi::model::id::TurnId;
use divisi::model::job::JobEnd;
use divisi::model::terminal::TerminalSize;
use libfuzzer_sys::fuzz_target;

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

fuzz_target!(|input: &[u8]| {
    let [size, silence, bytes @ ..] = input else { return };
    let mut conversation = PtyConversation::new(PtySetup::default());
    let mut updates = Vec::new();
    feed(&mut conversation, ConversationInput::Started, &mut updates);
    let turn = TurnId::from("s.t1");
    let prompt = ConversationInput::Prompt { turn: &turn, text: "x", content: &[], prompt: None };
    feed(&mut conversation, prompt, &mut updates);
    let mut last = None;
    for (number, piece) in bytes.chunks(usize::from(*size).max(1)).enumerate() {
        feed(&mut conversation, ConversationInput::Output { stderr: false, bytes: piece }, &mut updates);
        if number % usize::from(*silence).max(1) == 0 {
            feed(&mut conversation, ConversationInput::Quiet, &mut updates);
            let columns = 10 + u16::from(piece[0] % 100);
            feed(&mut conversation, ConversationInput::Resized(TerminalSize { columns, rows: 20 }), &mut updates);
        }
        let image = conversation.image().expect("it has a screen");
        let drawing = image.drawing(last.as_ref());
        assert!(!drawing.contains("\u{1b}]52") && !drawing.contains("\u{1b}]7501"), "what the program printed came through");
        last = Some(image);
    }
    feed(&mut conversation, ConversationInput::Ended(&JobEnd::Lost), &mut updates);
    let ends = updates.iter().filter(|update| matches!(update, Update::TurnEnded { .. })).count();
    assert_eq!(ends, 1);
});
