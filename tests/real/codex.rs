//! Codex: its own protocol, and one process per turn with JSON lines.

use super::agents::{CODEX, CODEX_ONCE};
use super::harness::PipeSession;
use super::scenarios;
use super::session::{Session, Stop};

fn working(test: &str) -> Option<PipeSession> {
    PipeSession::start(test, &CODEX, CODEX.working)
}

fn asking(test: &str) -> Option<PipeSession> {
    PipeSession::start(test, &CODEX, CODEX.asking)
}

#[test]
fn edits() {
    let Some(mut session) = working("real::codex::edits") else { return };
    scenarios::edits(&mut session);
    let ready = session.ready();
    assert!(ready.version.is_some_and(|version| version.starts_with("0.")), "{:?}", session.ready());
}

#[test]
fn asks_and_is_allowed_and_refused() {
    let Some(mut session) =
        PipeSession::start("real::codex::asks_and_is_allowed_and_refused", &CODEX, Some("read-only"))
    else {
        return;
    };
    scenarios::asks_and_is_refused(&mut session, None);
    scenarios::asks_and_is_allowed(&mut session);
}

#[test]
fn runs_a_command() {
    let Some(mut session) = asking("real::codex::runs_a_command") else { return };
    scenarios::runs_a_command(&mut session);
}

#[test]
fn a_refusal_may_end_the_turn() {
    let Some(mut session) = asking("real::codex::a_refusal_may_end_the_turn") else { return };
    session.prompt("please @@shell");
    let Stop::Asked { key, options, .. } = session.next() else { panic!("it did not ask") };
    let stop: Vec<_> = options.into_iter().filter(|option| option.id == "cancel").collect();
    session.answer(&key, &stop, "reject_once", None);
    let Stop::Ended(outcome) = session.next() else { panic!("it asks again") };
    assert!(
        matches!(&outcome, divisi::model::turn::TurnOutcome::Interrupted { reason } if reason.contains("refusal")),
        "{outcome:?}"
    );
    scenarios::still_works(&mut session);
}

#[test]
fn reports_usage() {
    let Some(mut session) = working("real::codex::reports_usage") else { return };
    scenarios::reports_usage(&mut session, scenarios::Tells::Everything);
    scenarios::reports_usage(&mut session, scenarios::Tells::Everything);
}

#[test]
fn meets_model_errors() {
    let Some(mut session) = working("real::codex::meets_model_errors") else { return };
    scenarios::meets_a_model_error(&mut session, "err400", &["the model rejected the request: fake model says 400"]);
    scenarios::meets_a_model_error(&mut session, "err500", &["the model failed", "overloaded", "cannot be reached"]);
    assert!(session.notices().iter().any(|notice| notice.contains("tries again")), "{:?}", session.notices());
    scenarios::meets_a_model_error(&mut session, "err429", &["rate limit", "out of quota"]);
    scenarios::still_works(&mut session);
}

#[test]
fn is_interrupted() {
    let Some(mut session) = working("real::codex::is_interrupted") else { return };
    scenarios::is_interrupted_in_a_tool(&mut session);
    scenarios::still_works(&mut session);
    scenarios::is_interrupted_in_a_sentence(&mut session);
    scenarios::still_works(&mut session);
}

#[test]
fn is_stopped_with_a_command_running() {
    let Some(mut session) = working("real::codex::is_stopped_with_a_command_running") else { return };
    scenarios::is_stopped_with_a_command_running(&mut session);
}

#[test]
fn is_resumed_and_its_options_are_switched() {
    let Some(mut session) = working("real::codex::is_resumed_and_its_options_are_switched") else { return };
    scenarios::is_resumed(&mut session);
    session.choose("mode", "read-only");
    scenarios::asks_and_is_refused(&mut session, None);
}

fn once(test: &str) -> Option<PipeSession> {
    PipeSession::start(test, &CODEX_ONCE, CODEX_ONCE.working)
}

#[test]
fn edits_and_reports_usage_once() {
    let Some(mut session) = once("real::codex::edits_and_reports_usage_once") else { return };
    // Usage is that of the whole conversation: the first turn tells its own.
    scenarios::reports_usage(&mut session, scenarios::Tells::Everything);
    scenarios::edits(&mut session);
}

#[test]
fn fails_and_is_interrupted_once() {
    let Some(mut session) = once("real::codex::fails_and_is_interrupted_once") else { return };
    scenarios::meets_a_model_error(&mut session, "err400", &["the model rejected the request: fake model says 400"]);
    scenarios::still_works(&mut session);
    scenarios::is_interrupted_in_a_tool(&mut session);
    scenarios::still_works(&mut session);
}

#[test]
fn is_stopped_with_a_command_running_once() {
    let Some(mut session) = once("real::codex::is_stopped_with_a_command_running_once") else { return };
    scenarios::is_stopped_with_a_command_running(&mut session);
}

#[test]
fn is_resumed_once() {
    let Some(mut session) = once("real::codex::is_resumed_once") else { return };
    scenarios::is_resumed(&mut session);
}
