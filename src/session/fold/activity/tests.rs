use crate::model::agent::{AgentReady, ToolCall, ToolStatus};
use crate::model::event::{Cause, Event};
use crate::model::samples::{session, turn_id};
use crate::session::fold::apply;

fn message(text: &str) -> Event {
    Event::AgentMessage { turn: turn_id(1), text: text.to_owned() }
}

fn output(stderr: bool, text: &str) -> Event {
    Event::AgentOutput { turn: Some(turn_id(1)), stderr, text: text.to_owned() }
}

fn tool(title: &str, status: ToolStatus) -> Event {
    let call = ToolCall { title: title.to_owned(), kind: "edit".to_owned(), status, ..ToolCall::default() };
    Event::AgentTool { turn: turn_id(1), call }
}

fn activity(events: &[Event]) -> String {
    let mut session = session();
    for event in events {
        apply(&mut session, event, &Cause::Host, 1);
    }
    session.activity.unwrap_or_default()
}

#[test]
fn the_last_line_grows_with_its_chunks() {
    let chunks = ["I will ", "look at", " the pars", "er.\n", "\n"];
    let shown: Vec<String> = (1..=chunks.len())
        .map(|n| activity(&chunks[..n].iter().map(|chunk| message(chunk)).collect::<Vec<_>>()))
        .collect();
    let whole = "I will look at the parser.";
    assert_eq!(shown, ["I will", "I will look at", "I will look at the pars", whole, whole]);
    assert_eq!(activity(&[message("one\ntwo\nthr"), message("ee\n")]), "three");
    assert_eq!(activity(&[message("one\n"), message("two")]), "two");
}

#[test]
fn something_in_between_ends_the_line() {
    assert_eq!(activity(&[message("first"), tool("Write a", ToolStatus::Pending), message("second")]), "second");
    let thought = Event::AgentThought { turn: turn_id(1), text: "hm".to_owned() };
    assert_eq!(activity(&[message("first"), thought, message("second")]), "second");
}

#[test]
fn a_tool_is_shown_while_it_runs() {
    assert_eq!(activity(&[message("first"), tool("Write a", ToolStatus::InProgress)]), "Write a");
    assert_eq!(activity(&[message("first"), tool("Write a", ToolStatus::Completed)]), "first");
    assert_eq!(activity(&[tool(" ", ToolStatus::Pending)]), "edit");
}

#[test]
fn a_progress_bar_shows_its_newest_state() {
    assert_eq!(activity(&[output(false, "10%\r20%\r"), output(false, "30%")]), "30%");
    assert_eq!(activity(&[output(true, "warning: x\r\n")]), "warning: x");
}

#[test]
fn the_errors_of_an_agent_that_converses_are_not_its_activity() {
    let ready = AgentReady { conversation: Some("c".to_owned()), ..AgentReady::default() };
    assert_eq!(activity(&[Event::AgentReadied { ready }, message("hi"), output(true, "debug: noise")]), "hi");
}

#[test]
fn a_flood_on_one_line_and_escape_sequences_stay_one_visible_line() {
    let long = "x".repeat(100_000);
    let mut session = session();
    for _ in 0..3 {
        apply(&mut session, &message(&long), &Cause::Host, 1);
    }
    assert_eq!(session.activity.as_ref().map(|shown| shown.chars().count()), Some(120));
    assert!(session.line.is_some_and(|line| line.len() < 1000), "what is kept is bounded");
    assert_eq!(activity(&[message("\u{1b}]0;evil\u{7}")]), "␛]0;evil␇");
}
