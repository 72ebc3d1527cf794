//! Claude Code, in its own two-way protocol.

use divisi::model::turn::TurnOutcome;

use super::agents::CLAUDE;
use super::harness::PipeSession;
use super::scenarios;
use super::session::{Session, Stop};

fn working(test: &str) -> Option<PipeSession> {
    PipeSession::start(test, &CLAUDE, CLAUDE.working)
}

fn asking(test: &str) -> Option<PipeSession> {
    PipeSession::start(test, &CLAUDE, CLAUDE.asking)
}

#[test]
fn edits() {
    let Some(mut session) = working("real::claude::edits") else { return };
    scenarios::edits(&mut session);
    let ready = session.ready();
    assert!(ready.can_resume && ready.version.is_some() && ready.name.as_deref() == Some("Claude Code"), "{ready:?}");
}

#[test]
fn asks_and_is_allowed_and_refused() {
    let Some(mut session) = asking("real::claude::asks_and_is_allowed_and_refused") else { return };
    scenarios::asks_and_is_refused(&mut session, Some("not in this folder"));
    scenarios::asks_and_is_allowed(&mut session);
    scenarios::runs_a_command(&mut session);
}

#[test]
fn a_refusal_may_end_the_turn() {
    let Some(mut session) = asking("real::claude::a_refusal_may_end_the_turn") else { return };
    session.prompt("please @@shell");
    let Stop::Asked { key, options, .. } = session.next() else { panic!("it did not ask") };
    let stop: Vec<_> = options.into_iter().filter(|option| option.id == "reject_and_stop").collect();
    session.answer(&key, &stop, "reject_once", None);
    let Stop::Ended(outcome) = session.next() else { panic!("it asks again") };
    assert_eq!(outcome, TurnOutcome::Interrupted { reason: "ended with a refusal".to_owned() });
    scenarios::still_works(&mut session);
}

#[test]
fn reports_usage() {
    let Some(mut session) = working("real::claude::reports_usage") else { return };
    scenarios::reports_usage(&mut session, scenarios::Tells::NoReasoning);
    let usage = session.usage();
    let last = usage.last().unwrap();
    assert!(last.cost_micros.is_some_and(|cost| cost > 0) && last.currency.as_deref() == Some("USD"), "{last:?}");
    assert!(last.context_used == Some(1200) && last.context_size.is_some_and(|size| size >= 200_000), "{last:?}");
    // The cost of the second turn is its own, not the total.
    let first = last.cost_micros;
    scenarios::reports_usage(&mut session, scenarios::Tells::NoReasoning);
    assert_eq!(session.usage().last().unwrap().cost_micros, first);
}

#[test]
fn meets_model_errors() {
    let Some(mut session) = working("real::claude::meets_model_errors") else { return };
    scenarios::meets_a_model_error(&mut session, "err400", &["the model rejected the request: API Error: 400"]);
    scenarios::meets_a_model_error(&mut session, "err500", &["the model failed: API Error: 500"]);
    assert!(session.notices().iter().any(|notice| notice.contains("tries again")), "{:?}", session.notices());
    scenarios::meets_a_model_error(&mut session, "err401", &["not logged in"]);
    scenarios::meets_a_model_error(&mut session, "err429", &["rate limit"]);
    scenarios::still_works(&mut session);
}

#[test]
fn is_interrupted() {
    let Some(mut session) = asking("real::claude::is_interrupted") else { return };
    scenarios::is_interrupted_in_a_tool(&mut session);
    scenarios::still_works(&mut session);
    scenarios::is_interrupted_in_a_sentence(&mut session);
    scenarios::still_works(&mut session);
}

#[test]
fn is_stopped_with_a_command_running() {
    let Some(mut session) = asking("real::claude::is_stopped_with_a_command_running") else { return };
    scenarios::is_stopped_with_a_command_running(&mut session);
}

#[test]
fn is_resumed_and_its_options_are_switched() {
    let Some(mut session) = asking("real::claude::is_resumed_and_its_options_are_switched") else { return };
    scenarios::is_resumed(&mut session);
    session.choose("mode", "acceptEdits");
    session.choose("model", "haiku");
    scenarios::edits(&mut session);
}

#[test]
fn a_conversation_that_is_gone_is_told() {
    let Some(mut session) = asking("real::claude::a_conversation_that_is_gone_is_told") else { return };
    let (reason, hints) = session.resume_lost("99999999-2222-4333-8444-555555555555");
    assert!(reason.contains("is gone") && !hints.is_empty(), "{reason} {hints:?}");
}
