//! Gemini CLI: its own ACP, and one process per turn with JSON lines.

use super::agents::{GEMINI, GEMINI_ONCE};
use super::harness::PipeSession;
use super::scenarios;

#[test]
fn edits_over_acp() {
    let Some(mut session) = PipeSession::start("real::gemini::edits_over_acp", &GEMINI, GEMINI.working) else { return };
    scenarios::edits(&mut session);
    scenarios::reports_usage(&mut session, scenarios::Tells::Sums);
}

#[test]
fn asks_and_is_allowed_and_refused_over_acp() {
    let test = "real::gemini::asks_and_is_allowed_and_refused_over_acp";
    let Some(mut session) = PipeSession::start(test, &GEMINI, GEMINI.asking) else { return };
    scenarios::asks_and_is_refused(&mut session, None);
    scenarios::asks_and_is_allowed(&mut session);
}

#[test]
fn fails_and_is_interrupted_over_acp() {
    let test = "real::gemini::fails_and_is_interrupted_over_acp";
    let Some(mut session) = PipeSession::start(test, &GEMINI, GEMINI.working) else { return };
    scenarios::meets_a_model_error(&mut session, "err400", &["fake model says 400"]);
    scenarios::still_works(&mut session);
    scenarios::is_interrupted_in_a_tool(&mut session);
    scenarios::still_works(&mut session);
}

#[test]
fn is_stopped_with_a_command_running_over_acp() {
    let test = "real::gemini::is_stopped_with_a_command_running_over_acp";
    let Some(mut session) = PipeSession::start(test, &GEMINI, GEMINI.working) else { return };
    scenarios::is_stopped_with_a_command_running(&mut session);
}

#[test]
fn edits_and_reports_usage_once() {
    let test = "real::gemini::edits_and_reports_usage_once";
    let Some(mut session) = PipeSession::start(test, &GEMINI_ONCE, GEMINI_ONCE.working) else { return };
    scenarios::edits(&mut session);
    scenarios::reports_usage(&mut session, scenarios::Tells::ReasoningApart);
}

#[test]
fn fails_and_is_interrupted_once() {
    let test = "real::gemini::fails_and_is_interrupted_once";
    let Some(mut session) = PipeSession::start(test, &GEMINI_ONCE, GEMINI_ONCE.working) else { return };
    scenarios::meets_a_model_error(&mut session, "err400", &["the model rejected the request", "fake model says 400"]);
    scenarios::is_interrupted_in_a_sentence(&mut session);
    scenarios::still_works(&mut session);
}

#[test]
fn is_stopped_with_a_command_running_once() {
    let test = "real::gemini::is_stopped_with_a_command_running_once";
    let Some(mut session) = PipeSession::start(test, &GEMINI_ONCE, GEMINI_ONCE.working) else { return };
    scenarios::is_stopped_with_a_command_running(&mut session);
}

#[test]
fn is_resumed_once() {
    let test = "real::gemini::is_resumed_once";
    let Some(mut session) = PipeSession::start(test, &GEMINI_ONCE, GEMINI_ONCE.working) else { return };
    scenarios::is_resumed(&mut session);
}
