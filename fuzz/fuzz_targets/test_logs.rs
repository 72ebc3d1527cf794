//! Test logs: any bytes, read by every reader and graded in both releases.

#![no_main]

use divisi::eval::swebench::{Compat, Instance, Parser, classify, grade, text};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let log = text(bytes);
    let _ = classify(&log);
    let log = format!(">>>>> Start Test Output\n{log}\n>>>>> End Test Output\n");
    for parser in Parser::all() {
        let instance = Instance {
            instance_id: "x-2005".to_owned(),
            version: "9.5".to_owned(),
            log_parser: Some(parser.name.to_owned()),
            fail_to_pass: vec!["a".to_owned(), "t[".to_owned()],
            ..Instance::default()
        };
        for compat in [Compat::V4, Compat::V5] {
            let _ = grade(&instance, Some("x"), &log, compat);
        }
    }
});
