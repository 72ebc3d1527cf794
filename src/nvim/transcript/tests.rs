use serde_json::{Value, json};

use super::{Edit, Transcript};
use crate::model::Envelope;

#[expect(clippy::needless_pass_by_value, reason = "tests read better with json! in place")]
fn envelope(kind: &str, payload: Value) -> Envelope {
    let event =
        json!({ "seq": 1, "time": 1, "session": "s", "cause": { "by": "host" }, "type": kind, "payload": payload });
    serde_json::from_value(event).unwrap()
}

fn say(text: &str) -> Envelope {
    envelope("agent.message", json!({ "turn": "s.t1", "text": text }))
}

fn tool(id: &str, status: &str, text: &str) -> Envelope {
    let call = json!({ "id": id, "title": "Run it", "kind": "execute", "status": status, "text": text });
    envelope("agent.tool", json!({ "turn": "s.t1", "call": call }))
}

fn lines(events: &[Envelope]) -> Vec<String> {
    let (mut transcript, mut lines) = (Transcript::default(), Vec::<String>::new());
    for edit in events.iter().flat_map(|event| transcript.push(event)) {
        match edit {
            Edit::Append { lines: more } => lines.extend(more),
            Edit::ExtendLast { text } => lines.last_mut().unwrap().push_str(&text),
            Edit::Replace { line, text } => lines[line] = text,
        }
    }
    assert_eq!(lines.len(), transcript.lines);
    assert!(lines.iter().all(|line| !line.contains('\n')));
    lines
}

#[test]
fn chunks_make_one_text_however_they_are_cut() {
    let text = "one two\nthree\n\n- four\nfive";
    let whole = lines(&[say(text)]);
    for size in 1..8 {
        let chars: Vec<char> = text.chars().collect();
        let chunks: Vec<Envelope> = chars.chunks(size).map(|chunk| say(&chunk.iter().collect::<String>())).collect();
        assert_eq!(lines(&chunks), whole, "chunks of {size}");
    }
    assert_eq!(whole, ["one two", "three", "", "- four", "five"]);
}

#[test]
fn a_tool_call_keeps_its_line() {
    let shown = lines(&[tool("a", "in_progress", ""), tool("b", "pending", ""), say("x"), tool("a", "completed", "")]);
    assert_eq!(shown, ["- ✓ **execute** Run it", "- ○ **execute** Run it", "", "x"]);
}

#[test]
fn a_failed_tool_call_says_why_once() {
    let failed = tool("a", "failed", "no such file\nreally");
    let shown = lines(&[tool("a", "in_progress", ""), failed.clone(), failed]);
    assert_eq!(shown, ["- ✗ **execute** Run it", "    no such file", "    really"]);
}

#[test]
fn different_streams_are_different_paragraphs() {
    let thought = envelope("agent.thought", json!({ "turn": "s.t1", "text": "hm\nwell" }));
    let output = envelope("agent.output", json!({ "turn": null, "stderr": true, "text": "E1\nE2\n" }));
    assert_eq!(
        lines(&[thought, say("hello"), output]),
        ["> hm", "> well", "", "hello", "", "    E1", "    E2", "    "]
    );
}

#[test]
fn an_endless_line_is_cut() {
    let mut events = vec![say("a")];
    events.extend((0..50).map(|_| say(&"b".repeat(1_000))));
    events.push(say("c\nnext"));
    let shown = lines(&events);
    assert_eq!(shown.len(), 2);
    assert_eq!(shown[0].chars().count(), super::MAX_LINE);
    assert!(shown[0].ends_with('…'));
    assert_eq!(shown[1], "next");
}

#[test]
fn an_approval_line_says_how_it_ended() {
    let asked = json!({
        "id": "ap", "session": "s", "turn": "s.t1", "job": "s.j1", "key": "1", "kind": "permission", "state": "open", "asked_at": 1,
        "tool": { "id": "c", "title": "x", "kind": "execute", "status": "pending" }, "command_line": "rm -rf\nx", "options": [],
    });
    let answered = json!({ "id": "ap", "answer": { "answer": "reject" }, "by": "cli" });
    let shown = lines(&[envelope("approval.requested", asked), envelope("approval.answered", answered)]);
    assert_eq!(shown, ["- ✓ **approval** `ap` rm -rf x (rejected by cli)"]);
}

#[test]
fn what_is_not_known_is_no_line() {
    assert!(
        lines(&[envelope("some.future", json!({ "a": 1 })), envelope("agent.message", json!("no object"))]).is_empty()
    );
}
