//! Codex through its ACP adapter.

use super::agents::CODEX_ACP;
use super::harness::PipeSession;
use super::scenarios;
use super::session::Session as _;

fn start(test: &str, mode: Option<&str>) -> Option<PipeSession> {
    PipeSession::start(test, &CODEX_ACP, mode)
}

#[test]
fn edits_reports_usage_and_is_resumed() {
    let Some(mut session) = start("real::codex_acp::edits_reports_usage_and_is_resumed", CODEX_ACP.working) else {
        return;
    };
    scenarios::edits(&mut session);
    scenarios::reports_usage(&mut session, scenarios::Tells::Everything);
    scenarios::is_resumed(&mut session);
    assert!(session.ready().resumed);
}

#[test]
fn asks_and_is_allowed_and_refused() {
    let Some(mut session) = start("real::codex_acp::asks_and_is_allowed_and_refused", CODEX_ACP.asking) else { return };
    scenarios::asks_and_is_refused(&mut session, None);
    scenarios::asks_and_is_allowed(&mut session);
}

#[test]
fn meets_model_errors_and_is_interrupted() {
    let Some(mut session) = start("real::codex_acp::meets_model_errors_and_is_interrupted", CODEX_ACP.working) else {
        return;
    };
    scenarios::meets_a_model_error(&mut session, "err400", &["400"]);
    scenarios::still_works(&mut session);
    scenarios::is_interrupted_in_a_tool(&mut session);
    scenarios::still_works(&mut session);
}

#[test]
fn is_stopped_with_a_command_running() {
    let Some(mut session) = start("real::codex_acp::is_stopped_with_a_command_running", CODEX_ACP.working) else {
        return;
    };
    scenarios::is_stopped_with_a_command_running(&mut session);
}
