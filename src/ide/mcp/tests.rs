use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Said, read};

fn answered(text: &str) -> Value {
    match read(text) {
        Said::Answer(answer) => answer,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_handshake_echoes_the_clients_version_and_offers_tools() {
    let answer =
        answered(r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}"#);
    assert_eq!(answer["id"], 0);
    assert_eq!(answer["result"]["protocolVersion"], "2025-11-25");
    assert!(answer["result"]["capabilities"]["tools"].is_object());
    assert_eq!(read(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#), Said::Ready);
    let tools = answered(r#"{"jsonrpc":"2.0","id":"a","method":"tools/list"}"#);
    let names: Vec<_> =
        tools["result"]["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"openDiff") && names.contains(&"getDiagnostics"), "{names:?}");
}

#[test]
fn a_call_a_cancellation_and_nonsense_are_told_apart() {
    let call =
        r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"close_tab","arguments":{"tab_name":"x"}}}"#;
    let arguments = json!({ "tab_name": "x" });
    assert_eq!(read(call), Said::Call { id: json!(7), tool: "close_tab".to_owned(), arguments });
    let cancelled = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}"#;
    assert_eq!(read(cancelled), Said::Cancelled(json!(7)));
    assert_eq!(read(r#"{"jsonrpc":"2.0","method":"ide_connected","params":{"pid":1}}"#), Said::Nothing);
    assert_eq!(read(r#"{"jsonrpc":"2.0","id":7,"result":{}}"#), Said::Nothing);
    assert_eq!(answered("{")["error"]["code"], -32700);
    assert_eq!(answered("[]")["error"]["code"], -32600);
    assert_eq!(answered(r#"{"id":{},"method":"ping"}"#)["error"]["code"], -32600);
    assert_eq!(answered(r#"{"id":1,"method":"nothing/known"}"#)["error"]["code"], -32601);
    assert_eq!(answered(r#"{"id":1,"method":"tools/call"}"#)["error"]["code"], -32602);
}

proptest! {
    #[test]
    fn whatever_comes_is_read(text in ".{0,200}") {
        read(&text);
    }

    #[test]
    fn whatever_json_comes_is_read(method in "[a-z/]{0,20}", id in prop_oneof![Just(json!(1)), Just(json!("a")), Just(json!([1]))],
                                   params in prop_oneof![Just(json!(null)), Just(json!([1])), Just(json!({"name": 3})), Just(json!("x"))]) {
        read(&json!({ "id": id, "method": method, "params": params }).to_string());
        read(&json!({ "method": method, "params": params }).to_string());
    }
}
