//! Whatever an agent prints as JSON lines, in any dialect: no panic, the same updates however it is split, and every turn ends.
//!
//! `cargo +nightly fuzz run json_lines` (from the repository's root). The first byte chooses the dialect, the second says how the rest is split.

#![no_main]

use divisi::agent::json_lines::{Dialect, JsonLinesConversation};
use divisi::host::port::ConversationSetup;
use libfuzzer_sys::fuzz_target;

include!("playing.rs");

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

fuzz_target!(|input: &[u8]| {
    let [which, size, bytes @ ..] = input else { return };
    let dialect = DIALECTS[usize::from(*which) % DIALECTS.len()];
    let setup = ConversationSetup::default();
    check(|| Box::new(JsonLinesConversation::new(dialect, &setup, TurnId::from("s.t1"))), &[], 0, *size, bytes);
});
