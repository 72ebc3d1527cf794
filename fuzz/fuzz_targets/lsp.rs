//! Whatever an editor sends to the language server, and whatever it hears of a daemon: no panic, and one answer to every request.
//!
//! `cargo +nightly fuzz run lsp` (from the repository's root). The bytes are lines: `src/lsp/fuzz.rs` says which.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| drop(divisi::lsp::fuzz_one(bytes)));
