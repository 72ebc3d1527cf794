use serde_json::{Value, json};

use super::{Document, KEEP};

fn said(seq: u64, text: &str) -> Value {
    json!({
        "seq": seq, "time": 1, "session": "s", "cause": { "by": "host" }, "type": "agent.message",
        "payload": { "turn": "s.t1", "text": text },
    })
}

/// What Lua has after applying what was taken.
fn apply(buffer: &mut Vec<String>, op: &Value) {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    if op["reset"] == true {
        buffer.clear();
    }
    for pair in op["set"].as_array().unwrap() {
        let line = usize::try_from(pair[0].as_u64().unwrap()).unwrap();
        buffer[line] = text(&pair[1]);
    }
    buffer.extend(op["append"].as_array().unwrap().iter().map(text));
}

#[test]
fn live_events_wait_for_the_history_and_none_is_shown_twice() {
    let mut document = Document::new();
    document.live(&said(3, "c\n"));
    document.history(vec![said(1, "a\n"), said(2, "b\n"), said(3, "c\n")]);
    document.live(&said(4, "d"));
    document.complete();
    document.live(&said(5, "e"));
    let mut buffer = Vec::new();
    apply(&mut buffer, &document.take("s").unwrap());
    assert_eq!(buffer, ["a", "b", "c", "de"]);
    assert!(document.take("s").is_none());
}

#[test]
fn after_a_gap_the_hole_is_filled_before_what_follows() {
    let mut document = Document::new();
    document.history(vec![said(1, "a\n")]);
    document.complete();
    document.reload();
    document.live(&said(3, "c\n"));
    document.history(vec![said(2, "b\n")]);
    document.complete();
    let mut buffer = Vec::new();
    apply(&mut buffer, &document.take("s").unwrap());
    assert_eq!(buffer, ["a", "b", "c", ""]);
}

#[test]
fn a_frame_holds_only_what_changed() {
    let mut document = Document::new();
    document.history(vec![said(1, "a\nb")]);
    document.complete();
    let mut buffer = Vec::new();
    apply(&mut buffer, &document.take("s").unwrap());
    document.live(&said(2, "!\nc"));
    let op = document.take("s").unwrap();
    assert_eq!((&op["reset"], &op["set"], &op["append"]), (&json!(false), &json!([[1, "b!"]]), &json!(["c"])));
    apply(&mut buffer, &op);
    assert_eq!(buffer, ["a", "b!", "c"]);
    document.resend();
    let mut again = Vec::new();
    apply(&mut again, &document.take("s").unwrap());
    assert_eq!(again, buffer);
}

#[test]
fn a_long_transcript_keeps_its_end() {
    let mut document = Document::new();
    document.complete();
    let mut buffer = Vec::new();
    for seq in 1..=30 {
        document.live(&said(seq, &format!("{}{seq}\n", "x\n".repeat(999))));
        apply(&mut buffer, &document.take("s").unwrap());
        assert!(buffer.len() <= KEEP + KEEP / 4 + 1);
    }
    assert_eq!(buffer[buffer.len() - 2], "30");
    let tool = |status: &str, seq: u64| {
        json!({ "seq": seq, "time": 1, "session": "s", "cause": { "by": "host" }, "type": "agent.tool",
            "payload": { "turn": "t", "call": { "id": "c", "title": "t", "kind": "k", "status": status } } })
    };
    document.live(&tool("pending", 40));
    apply(&mut buffer, &document.take("s").unwrap());
    document.live(&tool("completed", 41));
    apply(&mut buffer, &document.take("s").unwrap());
    assert_eq!(buffer.last().unwrap(), "- ✓ **k** t");
}
