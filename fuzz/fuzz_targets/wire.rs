//! Whatever a client sends: no panic; what is a command is the same command when it is written and read again.
//!
//! `cargo +nightly fuzz run wire` (from the repository's root). The bytes are lines as they come from the socket.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| divisi::wire::decode::fuzz_one(bytes));
