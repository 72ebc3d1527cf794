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
    assert!(problem(given("divisi.approve", &[])).contains("no approval to choose"));
    assert!(problem(given("divisi.rewind", &[json!("docs")])).contains("needs checkpoint"));
    assert!(problem(order(&two(), None, "divisi.new", &[json!("do it")])).contains("no folder"));
}

#[test]
fn a_prompt_left_out_is_written_in_a_file() {
    assert_eq!(given("divisi.new", &[]), Order::Write(Draft::New("/r".into()), String::new()));
    assert_eq!(given("divisi.send", &[json!("docs")]), Order::Write(Draft::To("docs00000".into()), String::new()));
    let Order::Call { method, params, .. } = given("divisi.new", &[json!("do it"), json!("claude")]) else { panic!() };
    assert_eq!(
        (method, params),
        ("session/create", json!({ "prompt": "do it", "agent": "claude", "repository": "/r" }))
    );
}

/// What a command sends is what the daemon takes: otherwise it would fail only when somebody uses it.
#[test]
fn every_call_and_every_report_is_one_of_the_wire() {
    let sample = |name: &str| match name.trim_end_matches('?') {
        "policy" => json!("auto"),
        "strategy" => json!("rebase"),
        "discard" => json!(true),
        "scope" => json!({ "matcher": { "kind": "exact", "value": "ls" }, "reach": "session" }),
        "session" => json!("docs"),
        "answer" => json!("reject"),
        "sessions" => json!("docs parser"),
        "first" | "last" | "number" | "concurrency" => json!(3),
        "runs" => json!([1, 2]),
        _ => json!("text"),
    };
    for verb in VERBS {
        let arguments: Map<String, Value> =
            verb.arguments.iter().map(|name| (name.trim_end_matches('?').to_owned(), sample(name))).collect();
        let asked = given(verb.name, &[Value::Object(arguments)]);
        assert!(!matches!(asked, Order::No(_)), "{}: {asked:?}", verb.name);
        if let Order::Call { method, params, .. } = asked {
            let command: Result<crate::model::command::Command, _> =
                serde_json::from_value(json!({ "method": method, "params": params }));
            assert!(command.is_ok(), "{}: {:?}", verb.name, command.err());
        } else if let Order::Show(View::Report(Report { method, params, .. })) = asked {
            let params: Value = serde_json::from_str(&params).unwrap();
            let query: Result<crate::model::query::Query, _> =
                serde_json::from_value(json!({ "method": method, "params": params }));
            assert!(query.is_ok(), "{}: {:?}", verb.name, query.err());
        }
    }
}

#[test]
fn what_is_left_out_is_chosen_from_what_there_is() {
    let mut state = two();
    let hunks = vec![super::super::samples::hunk("h1", 3, 4, &["-a", "+b"])];
    state.changes.insert("docs00000".into(), changes("x.rs", hunks));
    let asked = |command: &str, arguments: &[Value]| match order(&state, None, command, arguments) {
        Order::Ask { what, choices, .. } => (what, choices),
        other => panic!("{other:?}"),
    };
    let (what, choices) = asked("divisi.accept", &[json!("docs")]);
    assert_eq!(what, "hunk");
    assert_eq!(choices, [("x.rs:4".to_owned(), json!({ "session": "docs00000", "hunk": "h1" }))]);
    assert_eq!(asked("divisi.policy", &[json!("docs")]).1.len(), 3);
    assert_eq!(asked("divisi.schema", &[]).1[0].0, "config");
    let none = order(&state, None, "divisi.undo", &[json!("docs")]);
    assert!(problem(none).contains("no hunk to choose"));
}

#[test]
fn trust_without_a_digest_only_shows() {
    let Order::Show(View::Report(report)) = given("divisi.trust", &[]) else { panic!() };
    assert_eq!((report.method, report.params.as_str()), ("repository/config", r#"{"repository":"/r"}"#));
    let Order::Call { method, .. } = given("divisi.trust", &[json!("/r"), json!("abc")]) else { panic!() };
    assert_eq!(method, "repository/trust");
}

#[test]
fn an_approval_can_be_rejected_by_its_old_name() {
    let approval = [json!({ "approval": "p1" })];
    let Order::Call { method, params, .. } = given("divisi.reject", &approval) else { panic!() };
    assert_eq!((method, params), ("approval/answer", json!({ "approval": "p1", "answer": "reject" })));
}
