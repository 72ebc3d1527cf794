//! Damage to the stream never stops what comes after it.

use divisi::host::port::Update;
use divisi::model::job::JobEnd;
use divisi::model::turn::TurnOutcome;

use super::run::{Run, done};

#[test]
fn what_comes_after_the_damage_is_heard() {
    let cases = [
        ("garbage", "this is ␛[31mnot␇ a protocol"),
        ("deep-json", "recursion limit"),
        ("long-line 17000000", "more than 16 MiB"),
        ("invalid-utf8", ""),
        ("unknown-update", ""),
        ("unknown-request", ""),
        ("number-ids\nunknown-request", ""),
    ];
    for (step, notice) in cases {
        let mut run = Run::start(&format!("say before \n{step}\nsay after\n"));
        assert_eq!(run.turn("s.t1", "x"), done("end_turn"), "{step}");
        assert!(run.said().starts_with("before") && run.said().ends_with("after"), "{step}: {}", run.said());
        let notices = run.notices();
        assert_eq!(notices.len(), usize::from(!notice.is_empty()), "{step}: {notices:?}");
        assert!(notices.iter().all(|text| text.contains(notice)), "{step}: {notices:?}");
        let raw = run.updates.iter().filter(|update| matches!(update, Update::Raw(_))).count();
        assert_eq!(raw, usize::from(step.contains("unknown")), "{step}");
        assert_eq!(run.said().contains("answered: -32601"), step.contains("request"), "{step}");
        assert_eq!(run.said().contains("in\u{fffd}valid"), step.contains("utf8"), "{step}");
    }
}

#[test]
fn half_a_line_and_the_end() {
    let mut run = Run::start("say before\nhalf-line\nexit 0\n");
    run.prompt("s.t1", "x");
    run.until_ended(true);
    assert!(matches!(run.outcome("s.t1"), TurnOutcome::Failed { reason } if reason.contains("exit 0")));
    assert!(run.notices()[0].contains("the beginning of a line, and ended"), "{:?}", run.notices());
}

#[test]
fn standard_output_closed_in_the_middle() {
    let mut run = Run::start("say before\nclose-stdout\nsay lost\nexit 0\n");
    run.prompt("s.t1", "x");
    run.until_ended(true);
    assert!(matches!(run.outcome("s.t1"), TurnOutcome::Failed { .. }));
    assert_eq!(run.said(), "before");
}

#[test]
fn floods_are_taken_and_bounded_where_they_are_not_protocol() {
    let mut run = Run::start("flood 20000000\nflood-stderr 20000000\nsay end\n");
    assert_eq!(run.turn("s.t1", "x"), done("end_turn"));
    let said = run.said();
    assert!(said.len() >= 20_000_000 && said.ends_with("end"), "{}", said.len());
    // What is still in the pipe of standard error belongs to no turn.
    run.close_stdin();
    assert_eq!(run.until_ended(true), JobEnd::Exited { code: 0, stopped: false, leaked: 0 });
    let shown: usize =
        run.updates.iter().map(|update| if let Update::Output { text, .. } = update { text.len() } else { 0 }).sum();
    assert!(shown < 5 * 1024 * 1024, "{shown}");
    assert!(run.updates.len() < 10_000, "{}", run.updates.len());
}
