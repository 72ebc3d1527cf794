//! Agents that take too long to be part of every run. Install them (`tests/tools/agents .cache opencode qwen copilot pi
//! claude-agent-acp`), name the folder in `DIVISI_TEST_AGENTS`, and run `cargo test real:: -- --ignored`
//! (two are in `real::daemon`).

use super::agents::{CLAUDE_ACP, COPILOT_ONCE, OPENCODE, OPENCODE_ONCE, PI, QWEN_ONCE};
use super::harness::PipeSession;
use super::scenarios::{self, Tells};

#[test]
#[ignore = "not part of every run"]
fn opencode_over_acp() {
    let Some(mut session) = PipeSession::start("real::others::opencode_over_acp", &OPENCODE, None) else { return };
    scenarios::edits(&mut session);
    scenarios::meets_a_model_error(&mut session, "err400", &["fake model says 400"]);
    scenarios::is_interrupted_in_a_tool(&mut session);
    scenarios::is_resumed(&mut session);
}

#[test]
#[ignore = "not part of every run"]
fn opencode_once() {
    let Some(mut session) = PipeSession::start("real::others::opencode_once", &OPENCODE_ONCE, None) else { return };
    scenarios::reports_usage(&mut session, Tells::Everything);
    scenarios::edits(&mut session);
    scenarios::meets_a_model_error(&mut session, "err400", &["the model rejected the request: fake model says 400"]);
    scenarios::is_interrupted_in_a_tool(&mut session);
    scenarios::is_resumed(&mut session);
}

#[test]
#[ignore = "not part of every run"]
fn qwen_once() {
    let Some(mut session) = PipeSession::start("real::others::qwen_once", &QWEN_ONCE, QWEN_ONCE.working) else {
        return;
    };
    scenarios::reports_usage(&mut session, Tells::NoReasoning);
    scenarios::edits(&mut session);
    scenarios::meets_a_model_error(&mut session, "err400", &["fake model says 400"]);
    scenarios::is_resumed(&mut session);
}

#[test]
#[ignore = "not part of every run"]
fn copilot_once() {
    let Some(mut session) = PipeSession::start("real::others::copilot_once", &COPILOT_ONCE, COPILOT_ONCE.working)
    else {
        return;
    };
    scenarios::still_works(&mut session);
    scenarios::meets_a_model_error(&mut session, "err400", &["400"]);
    scenarios::is_interrupted_in_a_sentence(&mut session);
    scenarios::still_works(&mut session);
}

#[test]
#[ignore = "not part of every run"]
fn pi_once() {
    let Some(mut session) = PipeSession::start("real::others::pi_once", &PI, None) else { return };
    scenarios::reports_usage(&mut session, Tells::NoReasoning);
    scenarios::edits(&mut session);
    scenarios::meets_a_model_error(&mut session, "err400", &["400"]);
    scenarios::is_resumed(&mut session);
}

#[test]
#[ignore = "not part of every run"]
fn claude_over_acp() {
    let Some(mut session) = PipeSession::start("real::others::claude_over_acp", &CLAUDE_ACP, CLAUDE_ACP.working) else {
        return;
    };
    scenarios::edits(&mut session);
    scenarios::reports_usage(&mut session, Tells::NoReasoning);
    scenarios::meets_a_model_error(&mut session, "err400", &["400"]);
    scenarios::is_interrupted_in_a_sentence(&mut session);
    scenarios::is_resumed(&mut session);
}
