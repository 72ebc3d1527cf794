//! Logs are written by code that nobody has looked at: no reader panics, and none takes long.

use std::time::{Duration, Instant};

use divisi::eval::swebench::{Compat, Instance, Parser, Subject, classify, grade, text};
use proptest::prelude::*;

use super::pieces::{self, ALL, MARKS};

/// Long enough that a reader which looks at everything again for each line takes minutes.
const LENGTH: usize = 32 << 10;
/// What a slow machine needs at most for that length when everything is looked at once.
const PATIENCE: Duration = Duration::from_secs(5);

fn repeated(piece: &str, between: &str) -> String {
    let unit = format!("{piece}{between}");
    unit.repeat(LENGTH / unit.len())
}

#[test]
fn no_reader_takes_more_than_time_linear_in_the_log() {
    let subject = Subject { instance_id: "x-2005", version: "9.5", compat: Compat::V5 };
    for parser in Parser::all() {
        for piece in pieces::of(parser.name) {
            for between in ["", "\n", " "] {
                let log = repeated(piece, between);
                let began = Instant::now();
                let _ = parser.read(&log, &subject);
                let took = began.elapsed();
                assert!(took < PATIENCE, "{} took {took:?} for {piece:?} with {between:?}", parser.name);
            }
        }
    }
}

#[test]
fn marks_without_end_take_no_time_either() {
    let instance = Instance { log_parser: Some("parse_log_chart_js".to_owned()), ..Instance::default() };
    for piece in MARKS.iter().chain(ALL) {
        let log = format!(">>>>> Start Test Output{}>>>>> End Test Output", repeated(piece, ""));
        let began = Instant::now();
        let _ = (grade(&instance, Some("x"), &log, Compat::V5), classify(&log));
        assert!(began.elapsed() < PATIENCE, "{piece:?} took {:?}", began.elapsed());
    }
}

/// Pieces of all readers, and bytes that are no text.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let known = pieces::all();
    let piece = prop_oneof![
        6 => proptest::sample::select(known).prop_map(|piece| piece.as_bytes().to_vec()),
        2 => prop::collection::vec(any::<u8>(), 0..6),
        1 => Just(b"\n".to_vec()),
        1 => any::<char>().prop_map(|c| c.to_string().into_bytes()),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_log_makes_a_reader_panic(bytes in hostile()) {
        let log = text(&bytes);
        prop_assert!(!log.contains('\r'));
        for parser in Parser::all() {
            for compat in [Compat::V4, Compat::V5] {
                for (instance_id, version) in [("a-b-2005", "1.27"), ("a-2006", "9.5"), ("x-9141", "2.4"), ("x-8761", "x")] {
                    let subject = Subject { instance_id, version, compat };
                    if let Ok(statuses) = parser.read(&log, &subject) {
                        // What is said of a test was said in the log.
                        prop_assert!(statuses.len() <= log.len());
                    }
                }
            }
        }
    }

    #[test]
    fn no_log_makes_grading_panic(bytes in hostile(), parser in 0..Parser::all().len()) {
        let log = format!(">>>>> Start Test Output\n{}\n>>>>> End Test Output\n", text(&bytes));
        let instance = Instance {
            instance_id: "x-2005".to_owned(),
            log_parser: Some(Parser::all()[parser].name.to_owned()),
            fail_to_pass: vec!["a".to_owned(), "t[".to_owned()],
            ..Instance::default()
        };
        for compat in [Compat::V4, Compat::V5] {
            if let Ok(graded) = grade(&instance, Some("x"), &log, compat) {
                prop_assert_eq!(graded.report.resolved, graded.outcome == divisi::eval::swebench::Outcome::Resolved);
            }
        }
    }
}
