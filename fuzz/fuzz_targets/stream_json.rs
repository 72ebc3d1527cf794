//! Whatever an agent prints in Claude Code's two-way protocol: no panic, the same updates however it is split, and every turn ends.
//!
//! `cargo +nightly fuzz run stream_json` (from the repository's root). The first byte says what is done meanwhile, the second how the rest is split.

#![no_main]

use divisi::agent::claude::ClaudeConversation;
use divisi::host::port::ConversationSetup;
use libfuzzer_sys::fuzz_target;

include!("playing.rs");

const READY: &[&str] =
    &[r#"{"type":"control_response","response":{"subtype":"success","request_id":"initialize","response":{}}}"#];

fuzz_target!(|input: &[u8]| {
    let [acts, size, bytes @ ..] = input else { return };
    check(|| Box::new(ClaudeConversation::new(ConversationSetup::default())), READY, *acts, *size, bytes);
});
