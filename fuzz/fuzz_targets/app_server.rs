//! Whatever an agent prints in Codex's protocol: no panic, the same updates however it is split, and every turn ends.
//!
//! `cargo +nightly fuzz run app_server` (from the repository's root). The first byte says what is done meanwhile, the second how the rest is split.

#![no_main]

use divisi::agent::codex::CodexConversation;
use divisi::host::port::ConversationSetup;
use libfuzzer_sys::fuzz_target;

include!("playing.rs");

const READY: &[&str] =
    &[r#"{"id":"initialize","result":{"userAgent":"divisi/1 x"}}"#, r#"{"id":"start","result":{"thread":{"id":"T"}}}"#];

fuzz_target!(|input: &[u8]| {
    let [acts, size, bytes @ ..] = input else { return };
    check(|| Box::new(CodexConversation::new(ConversationSetup::default())), READY, *acts, *size, bytes);
});
