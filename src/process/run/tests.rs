use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::{Finished, Program, RunError, orphans, run};
use crate::base::clock;

fn shell(script: &str, input: &[u8], deadline: Duration, limit: usize) -> Result<Finished, RunError> {
    let arguments: Vec<OsString> = vec!["-c".into(), script.into()];
    let environment = vec![("PATH".into(), std::env::var_os("PATH").unwrap())];
    run(&Program {
        program: Path::new("/bin/sh"),
        arguments: &arguments,
        directory: Path::new("/"),
        environment: &environment,
        input,
        deadline,
        limit,
    })
}

const LONG: Duration = Duration::from_secs(30);

#[test]
fn output_error_and_code_come_back() {
    let finished = shell("printf out; printf err >&2; exit 3", b"", LONG, 1000).unwrap();
    assert_eq!(finished.code, Some(3));
    assert_eq!(finished.stdout, b"out");
    assert_eq!(finished.stderr, b"err");
    assert!(!finished.truncated);
}

#[test]
fn large_input_is_written_while_output_is_read() {
    let input = vec![b'x'; 3_000_000];
    let finished = shell("cat", &input, LONG, 4_000_000).unwrap();
    assert_eq!(finished.stdout.len(), input.len());
    assert_eq!(finished.code, Some(0));
}

#[test]
fn a_program_that_does_not_read_its_input_is_no_error() {
    let finished = shell("exit 0", &vec![b'x'; 3_000_000], LONG, 10).unwrap();
    assert_eq!(finished.code, Some(0));
}

#[test]
fn a_flood_is_cut_and_the_program_ended() {
    let finished =
        shell("while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done", b"", LONG, 100_000).unwrap();
    assert!(finished.truncated);
    assert_eq!(finished.stdout.len(), 100_000);
}

#[test]
fn a_deadline_kills_the_whole_group() {
    let error = shell("sleep 600 & sleep 600", b"", Duration::from_millis(100), 1000).unwrap_err();
    assert!(matches!(error, RunError::TimedOut { .. }), "{error}");
}

#[test]
fn a_grandchild_that_keeps_the_output_open_does_not_block() {
    let started = crate::base::clock::instant();
    let finished = shell("printf done; sleep 600 & exit 0", b"", LONG, 1000).unwrap();
    assert_eq!(finished.stdout, b"done");
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[test]
fn nothing_is_inherited() {
    let finished = shell("env", b"", LONG, 100_000).unwrap();
    let text = String::from_utf8(finished.stdout).unwrap();
    assert!(!text.contains("CARGO"), "{text}");
}

#[test]
fn a_missing_program_is_named() {
    let environment = Vec::new();
    let error = run(&Program {
        program: Path::new("/nowhere/at/all"),
        arguments: &[],
        directory: Path::new("/"),
        environment: &environment,
        input: b"",
        deadline: LONG,
        limit: 1,
    })
    .unwrap_err();
    assert!(error.to_string().contains("/nowhere/at/all"), "{error}");
}

#[test]
fn a_program_that_lost_its_daemon_is_waited_for() {
    let value = format!("{}-{:?}", std::process::id(), std::thread::current().id());
    let mark = |limit| orphans::await_end("cat", "DIVISI_TEST_OF", value.as_ref(), Duration::from_millis(limit));
    assert_eq!(mark(0), 0);
    let mut cat = Command::new("cat").env("DIVISI_TEST_OF", &value).stdin(Stdio::piped()).spawn().unwrap();
    // Whoever starts a program goes on a moment before the kernel shows its environment.
    let until = clock::instant() + LONG;
    while mark(0) == 0 && clock::instant() < until {
        clock::pause(Duration::from_millis(1));
    }
    assert_eq!(mark(20), 1, "it reads on");
    drop(cat.stdin.take());
    assert_eq!(mark(60_000), 0, "it is a dead process, and one without an environment");
    cat.wait().unwrap();
}
