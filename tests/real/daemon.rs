//! Real agents through the whole product: the command line, the daemon, the shim, the worktree.

use std::fs;
use std::time::{Duration, Instant};

use divisi::model::agent::Protocol;
use divisi::model::event::Event;
use divisi::model::turn::TurnOutcome;
use serde_json::Value;

use crate::sessions::scene::{is_alive, kill};
use crate::support::wait_until;

use super::agents::{
    Agent, CLAUDE, CLAUDE_ACP, CODEX, CODEX_ACP, GEMINI, GEMINI_ONCE, OPENCODE, OPENCODE_ASKING, OPENCODE_ONCE,
};
use super::scenarios::{self, Tells};
use super::session::{Session as _, Stop};
use super::through::{DaemonSession, Way};

/// It edits, tells what it used, meets a model error, is stopped in a tool, and goes on each time in the same conversation and, unless
/// it has one for each turn, in the same process.
fn works(session: &mut DaemonSession, tells: Tells, error: &[&str]) {
    let once = session.protocol() == Protocol::JsonLines;
    let first = session.ready().conversation;
    assert!(first.is_some(), "{:?}", session.ready());
    scenarios::edits(session);
    assert_eq!(session.changed(), ["README.md", "hello.txt"]);
    assert_eq!(session.show()["state"], "review");

    scenarios::reports_usage(session, tells);
    let shown = session.show();
    let figure = |usage: &Value, name: &str| usage[name].as_u64().unwrap_or_default();
    let of_turn = &shown["turn"]["usage"];
    let told = [
        figure(of_turn, "input") + figure(of_turn, "cache_read"),
        figure(of_turn, "output") + figure(of_turn, "reasoning"),
    ];
    // What they tell apart is told apart in the events.
    assert_eq!(told, tells.sums(), "{of_turn}");
    assert_eq!((&of_turn["source"], &shown["usage"]["source"]), (&"reported".into(), &"reported".into()));
    assert!(figure(&shown["usage"], "input") > figure(of_turn, "input"), "{}", shown["usage"]);

    scenarios::meets_a_model_error(session, "err400", error);
    let shown = session.show();
    assert_eq!(shown["state"], "failed");
    assert!(error.iter().any(|words| shown["reason"].as_str().is_some_and(|reason| reason.contains(words))), "{shown}");
    scenarios::still_works(session);

    scenarios::is_interrupted_in_a_tool(session);
    assert_eq!(session.show()["state"], "interrupted");
    no_tool_survives(session);
    fs::remove_file(session.worktree().join("long.txt")).unwrap();
    scenarios::is_told_a_word(session);
    scenarios::remembers(session);
    assert_eq!(session.ready().conversation, first);
    assert_eq!(session.processes_started(), if once { session.turns() } else { 1 });
}

/// The command that was interrupted goes, the agent waits for the next prompt. Codex says that the turn is over a moment before the
/// last process of its sandbox has ended.
fn no_tool_survives(session: &DaemonSession) {
    let began = Instant::now();
    wait_until(Duration::from_secs(5), "the interrupted command is gone", || {
        !session.processes().iter().any(|process| process.contains("sleep 600"))
    });
    println!("the interrupted command was gone {} ms after the turn", began.elapsed().as_millis());
}

/// The daemon is killed while a tool runs; the next one goes on with the turn as if nothing had happened.
fn outlives_its_daemon(session: &mut DaemonSession) {
    session.prompt("please @@gated");
    session.wait_for_file("long.txt");
    let before = session.processes_started();
    let daemon = session.scene.daemon_pid();
    kill(daemon);
    fs::write(session.worktree().join("gate.txt"), "").unwrap();
    match session.next() {
        Stop::Ended(TurnOutcome::Done { .. }) => {}
        other => panic!("{other:?}"),
    }
    let next = session.scene.daemon_pid();
    assert!(next != daemon && is_alive(next));
    let said = session.said();
    assert_eq!(said.matches("I will wait for the gate.").count(), 1, "{said:?}");
    assert_eq!(said.matches("Done.").count(), 1, "{said:?}");
    assert_eq!(fs::read_to_string(session.worktree().join("long.txt")).unwrap(), "begin\nend\n");
    assert_eq!(session.processes_started(), before);
    assert!(session.events().iter().any(|envelope| matches!(envelope.event, Event::JobAttached { .. })));
    assert_eq!(session.show()["state"], "review");
    scenarios::still_works(session);
}

/// Removed while its tool runs: nothing is left.
fn is_removed_with_a_command_running(session: &mut DaemonSession) {
    fs::remove_file(session.worktree().join("long.txt")).unwrap();
    session.prompt("please @@longshell");
    session.wait_for_file("long.txt");
    assert!(session.processes().iter().any(|process| process.contains("sleep 600")), "{:?}", session.processes());
    let worktree = session.worktree().to_owned();
    assert_eq!(session.stop(), Vec::<String>::new());
    assert!(!worktree.exists());
}

fn working(test: &str, agent: &Agent, way: Way) -> Option<DaemonSession> {
    DaemonSession::start(test, agent, agent.working, way)
}

fn all(session: &mut DaemonSession, tells: Tells, error: &[&str]) {
    works(session, tells, error);
    outlives_its_daemon(session);
    is_removed_with_a_command_running(session);
}

/// It is refused and allowed.
fn asks(session: &mut DaemonSession) {
    scenarios::asks_and_is_refused(session, None);
    scenarios::asks_and_is_allowed(session);
    assert_eq!(session.changed(), ["hello.txt"]);
}

/// It is refused and allowed, and after its process was killed goes on with the same conversation in another.
fn asks_and_is_resumed(session: &mut DaemonSession) {
    asks(session);
    scenarios::is_resumed(session);
    assert_eq!(session.processes_started(), 2);
    assert!(!session.was_told("could not be resumed"));
}

#[test]
fn claude_works() {
    // In this mode it edits by itself, and asks before it runs a command.
    let Some(mut session) = working("real::daemon::claude_works", &CLAUDE, Way::Daemon) else { return };
    all(&mut session, Tells::NoReasoning, &["the model rejected the request: API Error: 400"]);
}

#[test]
fn claude_asks_and_is_resumed() {
    let test = "real::daemon::claude_asks_and_is_resumed";
    let Some(mut session) = DaemonSession::start(test, &CLAUDE, CLAUDE.asking, Way::Given) else { return };
    asks_and_is_resumed(&mut session);
}

#[test]
fn codex_works() {
    let Some(mut session) = working("real::daemon::codex_works", &CODEX, Way::Given) else { return };
    all(&mut session, Tells::Everything, &["the model rejected the request: fake model says 400"]);
}

#[test]
fn codex_asks_and_is_resumed() {
    let test = "real::daemon::codex_asks_and_is_resumed";
    let Some(mut session) = DaemonSession::start(test, &CODEX, Some("read-only"), Way::Named) else { return };
    asks_and_is_resumed(&mut session);
}

#[test]
fn codex_acp_works() {
    let Some(mut session) = working("real::daemon::codex_acp_works", &CODEX_ACP, Way::Daemon) else { return };
    all(&mut session, Tells::Everything, &["400"]);
}

#[test]
fn codex_acp_asks_and_is_resumed() {
    let test = "real::daemon::codex_acp_asks_and_is_resumed";
    let Some(mut session) = DaemonSession::start(test, &CODEX_ACP, CODEX_ACP.asking, Way::Given) else { return };
    asks_and_is_resumed(&mut session);
}

#[test]
fn gemini_asks_and_goes_on() {
    let test = "real::daemon::gemini_asks_and_goes_on";
    let Some(mut session) = DaemonSession::start(test, &GEMINI, GEMINI.asking, Way::Given) else { return };
    asks(&mut session);
    // It has not stored the conversation yet: it says so, and gets the transcript.
    scenarios::is_told_a_word(&mut session);
    session.resume();
    scenarios::remembers(&mut session);
    assert_eq!((session.ready().resumed, session.was_told("could not be resumed")), (false, true));
    assert_eq!(session.processes_started(), 2);
}

#[test]
fn gemini_works() {
    let Some(mut session) = working("real::daemon::gemini_works", &GEMINI, Way::Daemon) else { return };
    all(&mut session, Tells::Sums, &["fake model says 400"]);
}

#[test]
fn gemini_once_works() {
    let Some(mut session) = working("real::daemon::gemini_once_works", &GEMINI_ONCE, Way::Given) else { return };
    all(&mut session, Tells::ReasoningApart, &["the model rejected the request", "fake model says 400"]);
}

#[test]
fn opencode_works() {
    let Some(mut session) = working("real::daemon::opencode_works", &OPENCODE, Way::Daemon) else { return };
    all(&mut session, Tells::LastStep, &["fake model says 400"]);
}

#[test]
fn opencode_asks_and_is_resumed() {
    let test = "real::daemon::opencode_asks_and_is_resumed";
    let Some(mut session) = DaemonSession::start(test, &OPENCODE_ASKING, None, Way::Given) else { return };
    asks_and_is_resumed(&mut session);
}

#[test]
#[ignore = "not part of every run: each of its twelve processes takes seconds"]
fn opencode_once_works() {
    let Some(mut session) = working("real::daemon::opencode_once_works", &OPENCODE_ONCE, Way::Daemon) else { return };
    all(&mut session, Tells::Everything, &["the model rejected the request: fake model says 400"]);
}

#[test]
#[ignore = "not part of every run: see real::others"]
fn claude_acp_works() {
    let Some(mut session) = working("real::daemon::claude_acp_works", &CLAUDE_ACP, Way::Daemon) else { return };
    all(&mut session, Tells::NoReasoning, &["400"]);
}

#[test]
#[ignore = "not part of every run: see real::others"]
fn claude_acp_asks_and_is_resumed() {
    let test = "real::daemon::claude_acp_asks_and_is_resumed";
    let Some(mut session) = DaemonSession::start(test, &CLAUDE_ACP, Some("default"), Way::Given) else { return };
    asks_and_is_resumed(&mut session);
}
