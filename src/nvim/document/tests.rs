use serde_json::{Value, json};

use super::{Document, KEEP, KEEP_BYTES};

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
    for edit in op["edits"].as_array().unwrap() {
        let number = |at: usize| usize::try_from(edit[at].as_u64().unwrap()).unwrap();
        let comes: Vec<String> = edit[2].as_array().unwrap().iter().map(text).collect();
        buffer.splice(number(0)..number(0) + number(1), comes);
    }
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
    apply(&mut buffer, &document.take("s", usize::MAX).unwrap());
    assert_eq!(buffer, ["a", "b", "c", "de"]);
    assert!(document.take("s", usize::MAX).is_none());
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
    apply(&mut buffer, &document.take("s", usize::MAX).unwrap());
    assert_eq!(buffer, ["a", "b", "c", ""]);
}

#[test]
fn a_frame_holds_only_what_changed() {
    let mut document = Document::new();
    document.history(vec![said(1, "a\nb")]);
    document.complete();
    let mut buffer = Vec::new();
    apply(&mut buffer, &document.take("s", usize::MAX).unwrap());
    document.live(&said(2, "!\nc"));
    let op = document.take("s", usize::MAX).unwrap();
    assert_eq!((&op["reset"], &op["edits"]), (&json!(false), &json!([[1, 1, ["b!"]], [2, 0, ["c"]]])));
    apply(&mut buffer, &op);
    assert_eq!(buffer, ["a", "b!", "c"]);
    document.resend();
    let mut again = Vec::new();
    apply(&mut again, &document.take("s", usize::MAX).unwrap());
    assert_eq!(again, buffer);
}

#[test]
fn a_long_transcript_keeps_its_end() {
    let mut document = Document::new();
    document.complete();
    let mut buffer = Vec::new();
    for seq in 1..=150 {
        document.live(&said(seq, &format!("{}{seq}\n", "x\n".repeat(999))));
        apply(&mut buffer, &document.take("s", usize::MAX).unwrap());
        assert!(buffer.len() <= KEEP + KEEP / 4 + 1);
    }
    assert_eq!(buffer[buffer.len() - 2], "150");
    let tool = |status: &str, seq: u64| {
        json!({ "seq": seq, "time": 1, "session": "s", "cause": { "by": "host" }, "type": "agent.tool",
            "payload": { "turn": "t", "call": { "id": "c", "title": "t", "kind": "k", "status": status } } })
    };
    document.live(&tool("pending", 240));
    apply(&mut buffer, &document.take("s", usize::MAX).unwrap());
    document.live(&tool("completed", 241));
    apply(&mut buffer, &document.take("s", usize::MAX).unwrap());
    assert_eq!(buffer.last().unwrap(), "- ✓ **k** t");
}

fn event(seq: u64, kind: &str, payload: &Value) -> Value {
    json!({ "seq": seq, "time": 1_000 * seq, "session": "s", "cause": { "by": "host" }, "type": kind, "payload": payload })
}

fn turn(seq: u64, number: u64) -> Value {
    let payload = json!({ "turn": format!("s.t{number}"), "number": number, "prompt": "p", "text": "do", "from": "a" });
    event(seq, "turn.started", &payload)
}

fn call(seq: u64, id: &str, status: &str, text: &str) -> Value {
    let call = json!({ "id": id, "title": id, "kind": "run", "status": status, "text": text });
    event(seq, "agent.tool", &json!({ "turn": "s.t1", "call": call }))
}

#[test]
fn what_a_call_said_comes_between_lines_that_are_there() {
    let mut document = Document::new();
    document.complete();
    let mut buffer = Vec::new();
    for event in [call(1, "a", "pending", ""), call(2, "b", "pending", ""), said(3, "meanwhile")] {
        document.live(&event);
    }
    apply(&mut buffer, &document.take("s", usize::MAX).unwrap());
    document.live(&said(4, " and on"));
    document.live(&call(5, "a", "completed", "one\ntwo"));
    document.live(&said(6, "!\n"));
    document.live(&call(7, "b", "failed", "no"));
    apply(&mut buffer, &document.take("s", usize::MAX).unwrap());
    let lines = ["- ✓ **run** a", "  │ one", "  │ two", "- ✗ **run** b", "  ┃ no", "", "meanwhile and on!", ""];
    assert_eq!(buffer, lines);
    assert_eq!(
        [0, 2, 3, 4, 6].map(|line| document.tool_at(line).map(|seq| seq.0)),
        [Some(5), Some(5), Some(7), Some(7), None]
    );
    let mut again = Vec::new();
    document.resend();
    apply(&mut again, &document.take("s", usize::MAX).unwrap());
    assert_eq!(again, buffer);
}

#[test]
fn what_came_before_is_put_before() {
    let whole: Vec<Value> = (1..=4).flat_map(|n| [turn(2 * n, n), said(2 * n + 1, &format!("said {n}\n"))]).collect();
    let mut document = Document::new();
    assert_eq!(document.missing().1, Some(2_000));
    assert!(!document.reach_back(), "nothing is known yet");
    // In the middle of the third turn: the text begins with the fourth.
    document.history(whole[5..].to_vec());
    document.complete();
    let mut buffer = Vec::new();
    let op = document.take("s", usize::MAX).unwrap();
    assert_eq!(op["more"], true);
    apply(&mut buffer, &op);
    assert_eq!(buffer[0], "## Turn 4");
    assert!(document.reach_back() && document.reach_back());
    assert_eq!((document.missing().0.0, document.missing().1), (0, Some(8_000)));
    let all: Vec<Value> = [event(1, "session.read", &json!({}))].into_iter().chain(whole).collect();
    document.history(all[..4].to_vec());
    document.live(&said(10, "and now"));
    apply(&mut buffer, &document.take("s", usize::MAX).unwrap());
    assert_eq!((buffer[0].as_str(), buffer.last().unwrap().as_str()), ("## Turn 4", "and now"));
    document.history(all[4..].to_vec());
    document.complete();
    let op = document.take("s", usize::MAX).unwrap();
    assert_eq!((&op["more"], &op["reset"], op["edits"].as_array().unwrap().len()), (&json!(false), &json!(false), 1));
    apply(&mut buffer, &op);
    assert_eq!((buffer[0].as_str(), buffer.last().unwrap().as_str()), ("## Turn 1", "and now"));
    assert_eq!(buffer.iter().filter(|line| line.starts_with("## Turn")).count(), 4);
    assert!(!document.reach_back());
}

#[test]
fn a_turn_says_what_it_took_beside_its_heading() {
    let mut document = Document::new();
    document.complete();
    document.live(&said(1, "before\n"));
    document.live(&turn(2, 1));
    document.take("s", usize::MAX).unwrap();
    let usage = json!({ "scope": "step", "source": "reported", "input": 1_200, "output": 30, "cost_micros": 20_000 });
    document.live(&event(3, "usage.reported", &json!({ "turn": "s.t1", "usage": usage })));
    document.live(&event(4, "usage.reported", &json!({ "turn": "s.t1", "usage": usage })));
    document.live(&event(67, "turn.stopped", &json!({ "turn": "s.t1", "outcome": "done", "stop_reason": "end_turn" })));
    let op = document.take("s", usize::MAX).unwrap();
    assert_eq!(op["marks"], json!([[1, 2, "2.4k→60 tokens · 0.04 USD · 1m05s"]]));
}

#[test]
fn an_editor_that_takes_nothing_does_not_make_it_grow() {
    let mut document = Document::new();
    document.complete();
    let long = "y".repeat(1_000_000);
    for seq in 1..=100 {
        document.live(&said(seq, &long));
    }
    assert!(document.bytes <= KEEP_BYTES + KEEP_BYTES / 4 + 2_000_000 && document.edits.is_empty());
    assert_eq!(document.bytes, document.lines.iter().map(String::len).sum::<usize>());
}

#[test]
fn a_burst_is_sent_in_parts() {
    let mut document = Document::new();
    document.history(vec![said(1, "a\n")]);
    document.complete();
    let mut buffer = Vec::new();
    apply(&mut buffer, &document.take("s", 10).unwrap());
    let text = (0..25).map(|number| format!("line {number}\n")).collect::<Vec<_>>().concat();
    document.live(&said(2, &text));
    let mut parts = 0;
    while document.changed() {
        let before = buffer.len();
        apply(&mut buffer, &document.take("s", 10).expect("news"));
        assert!(buffer.len() <= before + 10);
        parts += 1;
    }
    assert!(parts >= 3, "{parts}");
    assert_eq!((buffer[0].as_str(), buffer[1].as_str(), buffer[25].as_str()), ("a", "line 0", "line 24"));
}

#[test]
fn files_are_named_from_the_worktree_on_also_further_back() {
    let tool = |seq: u64, path: &str| {
        json!({
            "seq": seq, "time": seq, "session": "s", "cause": { "by": "host" }, "type": "agent.tool",
            "payload": { "turn": "s.t1", "call": {
                "id": format!("c{seq}"), "title": format!("Write {path}"), "kind": "edit", "status": "completed",
                "locations": [{ "path": path }], "diffs": [{ "path": path, "new_text": "x" }] } },
        })
    };
    let shown = |document: &mut Document| {
        let mut buffer = Vec::new();
        apply(&mut buffer, &document.take("s", usize::MAX).unwrap());
        buffer.join("\n")
    };
    let mut document = Document::within(Some("/w/one".to_owned()));
    document.history(vec![tool(8, "/w/one/src/a.rs"), tool(9, "/w/one-more/b.rs")]);
    document.complete();
    let text = shown(&mut document);
    assert!(
        text.contains("Write src/a.rs") && text.contains("creates src/a.rs") && !text.contains("/w/one/"),
        "{text}"
    );
    assert!(text.contains("creates /w/one-more/b.rs"), "{text}");
    assert!(document.reach_back());
    document.history(vec![tool(7, "/w/one/c.rs"), tool(8, "/w/one/src/a.rs"), tool(9, "/w/one-more/b.rs")]);
    document.complete();
    document.resend();
    let text = shown(&mut document);
    assert!(text.contains("creates c.rs") && !text.contains("/w/one/"), "{text}");
}
