use serde_json::json;

use super::{Call, decode};
use crate::model::approval::Answer;
use crate::model::command::Command;
use crate::model::diff::DiffRange;
use crate::model::query::Query;
use crate::wire::message::Id;

fn call(method: &str, params: &serde_json::Value) -> Result<Call, (i64, String)> {
    let line = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
    decode(line.as_bytes())
        .map(|incoming| incoming.call)
        .map_err(|rejected| (rejected.error.code, rejected.error.message))
}

fn raw(line: &str) -> (i64, String, bool) {
    let rejected = decode(line.as_bytes()).unwrap_err();
    (rejected.error.code, rejected.error.message, rejected.answer)
}

#[test]
fn commands_and_queries_become_typed() {
    let decoded =
        call("approval/answer", &json!({"approval": "a", "answer": "reject", "message": "no", "command_id": "c1"}));
    let Ok(Call::Command(Some(id), command)) = decoded else { panic!("{decoded:?}") };
    assert_eq!(id.as_str(), "c1");
    let Command::AnswerApproval(answer) = *command else { panic!("{command:?}") };
    assert_eq!(answer.answer, Answer::Reject { message: Some("no".to_owned()) });
    for (params, range) in [
        (json!({"session": "s"}), DiffRange::Session),
        (json!({"session": "s", "of": "turn", "number": 2}), DiffRange::Turn { number: 2 }),
        (json!({"session": "s", "of": "uncommitted", "stat_only": true}), DiffRange::Uncommitted),
    ] {
        let Ok(Call::Query(query)) = call("session/diff", &params) else { panic!("{params}") };
        let Query::DiffSession(diff) = *query else { panic!() };
        assert_eq!(diff.range, range);
    }
}

#[test]
fn wrong_parameters_name_the_field() {
    let cases = [
        ("session/send", json!({"session": "s", "text": 3}), "`text`: invalid type: integer `3`, expected a string"),
        ("session/send", json!({"session": "s"}), "missing field `text`"),
        (
            "session/send",
            json!({"session": "s", "text": "t", "extra": 1}),
            "unknown field `extra`, expected one of `session`, `text`, `attach`, `when`, `caller`",
        ),
        (
            "session/diff",
            json!({"session": "s", "turn": 1}),
            "unknown field `turn`, expected `session`, `of`, `number`, `from`, `to`, `stat_only`",
        ),
        ("daemon/status", json!({"x": 1}), "unknown field `x`, expected no parameters"),
        ("daemon/stop", json!({"x": 1}), "unknown field `x`, expected no parameters"),
        ("session/send", json!(["s", "t"]), "`params` must be an object"),
        (
            "session/create",
            json!({"repository": "/r", "prompt": "p", "environment": {"A": 1}}),
            "`environment.A`: invalid type: integer `1`, expected a string",
        ),
        (
            "session/stop",
            json!({"session": "s", "command_id": ""}),
            "`command_id` must be a string of 1 to 128 printable ASCII characters",
        ),
    ];
    for (method, params, wanted) in cases {
        assert_eq!(call(method, &params).unwrap_err(), (-32602, wanted.to_owned()));
    }
}

#[test]
fn unknown_methods_get_neighbours() {
    let line = r#"{"jsonrpc":"2.0","id":"x","method":"session/crate"}"#;
    let rejected = decode(line.as_bytes()).unwrap_err();
    assert_eq!(rejected.id, Some(Id::Text("x".to_owned())));
    assert_eq!(
        (rejected.error.code, rejected.error.data.hints[0].as_str()),
        (-32601, "did you mean `session/create`?")
    );
}

#[test]
fn what_is_no_request_is_said_so() {
    assert_eq!(raw("nonsense").0, -32700);
    assert_eq!(raw(&"[".repeat(100_000)).0, -32700);
    assert_eq!(raw("[]"), (-32600, "batches are not supported".to_owned(), true));
    assert_eq!(raw("3").0, -32600);
    assert_eq!(raw(r#"{"jsonrpc":"2.0","method":"hello","id":null}"#).0, -32600);
    assert_eq!(raw(r#"{"jsonrpc":"2.0","method":"hello","id":1.5}"#).0, -32600);
    assert_eq!(raw(r#"{"method":"hello","id":1}"#).1, "`jsonrpc` must be \"2.0\"");
    assert_eq!(
        raw(r#"{"jsonrpc":"2.0","id":1,"method":"hello","extra":1}"#).1,
        "unknown field `extra` beside `method`"
    );
    assert!(!raw(r#"{"jsonrpc":"2.0","method":"nothing"}"#).2, "a notification gets no response");
    assert_eq!(decode(b"{\"jsonrpc\":\"2.0\xff\"}").unwrap_err().error.code, -32700);
}

#[test]
fn hostile_names_are_made_visible() {
    let line = json!({"jsonrpc": "2.0", "id": 1, "method": "\u{1b}[2J"}).to_string();
    assert_eq!(decode(line.as_bytes()).unwrap_err().error.message, "there is no method `␛[2J`");
}
