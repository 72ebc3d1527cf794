//! Agents that print anything at all.

use proptest::prelude::*;

use super::*;

const SHAPES: [&str; 3] = [
    include_str!("../../../../tests/fixtures/agents/claude-shape.jsonl"),
    include_str!("../../../../tests/fixtures/agents/codex-shape.jsonl"),
    include_str!("../../../../tests/fixtures/agents/gemini-shape.jsonl"),
];

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// What an agent printed in one of the transcripts.
fn printed(shape: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in shape.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        if record["dir"] == "<" {
            bytes.extend(format!("{}\n", record["msg"]).into_bytes());
        }
    }
    bytes
}

/// Feeds bytes in the first turn, in chunks, and ends the process.
fn fed(bytes: &[u8], size: usize) -> (Vec<(String, Value)>, Vec<Update>) {
    let mut bench = Bench::in_turn();
    for chunk in bytes.chunks(size) {
        bench.raw(chunk);
    }
    bench.ends(&JobEnd::Lost);
    (bench.written, bench.updates)
}

#[test]
fn any_bytes_are_survived() {
    let words = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        "\"",
        ":",
        ",",
        "\n",
        "\\",
        "null",
        "1e999",
        "\u{fffd}",
        "method",
        "id",
        "params",
        "result",
        "update",
        "session/update",
        "session/request_permission",
        "toolCall",
        "options",
        "prompt:s.t1",
        "initialize",
        "new",
        "sessionUpdate",
    ]);
    let word = words.prop_map(|word| word.as_bytes().to_vec());
    let pieces = prop::collection::vec(prop_oneof![word, prop::collection::vec(any::<u8>(), 0..8)], 0..60);
    proptest!(config(300), |(pieces in pieces)| {
        let (_, updates) = fed(&pieces.concat(), 7);
        let ended = matches!(updates.last(), Some(Update::TurnEnded { .. }));
        prop_assert!(ended);
    });
}

#[test]
fn a_damaged_transcript_is_read_the_same_however_it_is_split() {
    let damage = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_usize..40), 0..12);
    proptest!(config(300), |(shape in 0..SHAPES.len(), damage in damage, size in 1_usize..300)| {
        let mut bytes = printed(SHAPES[shape]);
        for (at, byte, length) in damage {
            let at = at.index(bytes.len());
            let end = (at + length).min(bytes.len());
            // Cut a piece out, or put a byte in its place.
            bytes.splice(at..end, (byte % 2 == 0).then_some(byte));
        }
        let whole = fed(&bytes, bytes.len());
        prop_assert_eq!(fed(&bytes, size), whole);
    });
}
