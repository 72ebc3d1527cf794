use serde_json::json;

use super::super::samples::{changes, state, view};
use super::*;
use crate::model::session::SessionState;

fn two() -> State {
    state(vec![(view("parser"), changes("x", Vec::new())), (view("docs"), changes("x", Vec::new()))])
}

fn given(command: &str, arguments: &[Value]) -> Order {
    order(&two(), Some("/r"), command, arguments)
}

fn problem(order: Order) -> String {
    match order {
        Order::No(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn arguments_come_by_name_or_in_order() {
    let expected = Order::Call {
        method: "session/send",
        params: json!({ "session": "parser00000", "text": "go on" }),
        said: "sent to parser".to_owned(),
    };
    assert_eq!(given("divisi.send", &[json!({ "session": "parser", "text": "go on" })]), expected);
    assert_eq!(given("divisi.send", &[json!("parser"), json!("go on")]), expected);
    let Order::Call { params, .. } = given("divisi.hunk.reject", &[json!("docs"), json!("abcd")]) else { panic!() };
    assert_eq!(params, json!({ "session": "docs00000", "hunk": "abcd", "action": "reject" }));
}

#[test]
fn a_session_left_out_is_the_only_one_that_fits_or_asked_for() {
    let Order::Ask { choices, .. } = given("divisi.review", &[]) else { panic!() };
    assert_eq!(choices.len(), 2);
    let mut one = two();
    one.sessions.get_mut(&"docs00000".into()).unwrap().state = SessionState::Running;
    let Order::Call { params, .. } = order(&one, None, "divisi.stop", &[]) else { panic!() };
    assert_eq!(params, json!({ "session": "docs00000" }));
    assert!(problem(given("divisi.stop", &[])).contains("no session fits"));
}

#[test]
fn what_is_wrong_is_said_with_what_is_near() {
    assert!(problem(given("divisi.lnad", &[])).contains("did you mean divisi.land?"));
    assert!(problem(given("divisi.land", &[json!("parsr")])).contains("did you mean parser?"));
    assert!(problem(given("divisi.land", &[json!({ "sesion": "parser" })])).contains("did you mean session?"));
    assert!(problem(given("divisi.sessions", &[json!(1)])).contains("too many arguments"));
    assert!(problem(given("divisi.approve", &[])).contains("needs approval"));
    assert!(problem(order(&two(), None, "divisi.new", &[json!("do it")])).contains("no folder"));
}

#[test]
fn a_prompt_left_out_is_written_in_a_file() {
    assert_eq!(given("divisi.new", &[]), Order::Write(None, String::new()));
    assert_eq!(given("divisi.send", &[json!("docs")]), Order::Write(Some("docs00000".into()), String::new()));
    let Order::Call { method, params, .. } = given("divisi.new", &[json!("do it"), json!("claude")]) else { panic!() };
    assert_eq!(
        (method, params),
        ("session/create", json!({ "prompt": "do it", "agent": "claude", "repository": "/r" }))
    );
}

/// What a command sends is what the daemon takes: otherwise it would fail only when somebody uses it.
#[test]
fn every_call_is_a_command_of_the_wire() {
    let sample = |name: &str| match name.trim_end_matches('?') {
        "policy" => json!("auto"),
        "strategy" => json!("rebase"),
        "discard" => json!(true),
        "scope" => json!({ "matcher": { "kind": "exact", "value": "ls" }, "reach": "session" }),
        "session" => json!("docs"),
        _ => json!("text"),
    };
    for verb in VERBS {
        let arguments: Map<String, Value> =
            verb.arguments.iter().map(|name| (name.trim_end_matches('?').to_owned(), sample(name))).collect();
        if let Order::Call { method, params, .. } = given(verb.name, &[Value::Object(arguments)]) {
            let command: Result<crate::model::command::Command, _> =
                serde_json::from_value(json!({ "method": method, "params": params }));
            assert!(command.is_ok(), "{}: {:?}", verb.name, command.err());
        }
    }
}
