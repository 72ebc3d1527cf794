//! Whatever an agent prints in the Agent Client Protocol: no panic, the same updates however it is split, and every turn ends.
//!
//! `cargo +nightly fuzz run acp` (from the repository's root). The first byte says what is done meanwhile and which agent it says it
//! is, the second how the rest is split.

#![no_main]

use divisi::agent::acp::AcpConversation;
use divisi::host::port::ConversationSetup;
use libfuzzer_sys::fuzz_target;

include!("playing.rs");

/// Names with ways of their own, and one without.
const NAMES: [&str; 4] = ["@agentclientprotocol/codex-acp", "OpenCode", "Copilot", "another"];

fuzz_target!(|input: &[u8]| {
    let [acts, size, bytes @ ..] = input else { return };
    let name = NAMES[usize::from(acts >> 2) % NAMES.len()];
    let initialized = format!(
        r#"{{"jsonrpc":"2.0","id":"initialize","result":{{"protocolVersion":1,"agentCapabilities":{{"loadSession":true}},"agentInfo":{{"name":"{name}"}}}}}}"#
    );
    let opened = r#"{"jsonrpc":"2.0","id":"new","result":{"sessionId":"S","modes":{"currentModeId":"a","availableModes":[{"id":"a","name":"A"}]}}}"#;
    check(
        || Box::new(AcpConversation::new(ConversationSetup::default())),
        &[&initialized, opened],
        *acts,
        *size,
        bytes,
    );
});
