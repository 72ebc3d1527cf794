use serde_json::{Value, json};

use super::*;
use crate::model::samples::{SESSION, every_cause, every_event};

fn envelopes() -> Vec<Envelope> {
    let causes = every_cause();
    every_event()
        .into_iter()
        .enumerate()
        .map(|(n, event)| Envelope {
            seq: Seq(n as u64 + 1),
            time: 1_700_000_000_000 + i64::try_from(n).unwrap(),
            session: (n % 3 != 0).then(|| SessionId::from(SESSION)),
            cause: causes[n % causes.len()].clone(),
            event,
        })
        .collect()
}

#[test]
fn every_event_comes_back_from_its_columns() {
    for envelope in envelopes() {
        let columns = to_columns(&envelope).unwrap();
        assert_eq!(from_columns(columns).unwrap(), envelope);
    }
}

#[test]
fn a_change_in_any_column_is_noticed() {
    let changes: [fn(&mut EventColumns); 7] = [
        |c| c.seq += 1,
        |c| c.time ^= 1 << 40,
        |c| c.session = None,
        |c| c.cause = r#"{"by":"host"}"#.to_owned(),
        |c| c.kind.push('x'),
        |c| c.version = 2,
        |c| c.payload = "{}".to_owned(),
    ];
    for change in changes {
        let envelope = envelopes().into_iter().find(|e| e.session.is_some() && e.cause != Cause::Host).unwrap();
        let mut columns = to_columns(&envelope).unwrap();
        change(&mut columns);
        assert_eq!(from_columns(columns).unwrap_err(), "its checksum does not match");
    }
}

#[test]
fn text_moved_from_one_column_to_the_next_is_noticed() {
    let mut columns = to_columns(&envelopes()[1]).unwrap();
    let moved = columns.kind.pop().unwrap();
    columns.payload.insert(0, moved);
    assert!(from_columns(columns).is_err());
}

#[test]
fn what_an_agent_nested_as_deeply_as_its_parser_allows_can_be_read_again() {
    let message: Value = serde_json::from_str(&format!("{}{}", "[".repeat(127), "]".repeat(127))).unwrap();
    let event = Event::AgentRaw { message };
    let envelope = Envelope { event, ..envelopes().remove(0) };
    assert_eq!(from_columns(to_columns(&envelope).unwrap()).unwrap(), envelope);
}

#[test]
fn an_unknown_type_and_unknown_fields_are_kept_or_ignored_not_refused() {
    let event = to_event("future.thing".to_owned(), json!({"x": 1})).unwrap();
    assert_eq!(event, Event::Unknown { kind: "future.thing".to_owned(), payload: json!({"x": 1}) });
    let event = to_event("fault.raised".to_owned(), json!({"part": "a", "message": "b", "more": 1})).unwrap();
    assert_eq!(event, Event::FaultRaised { part: "a".to_owned(), message: "b".to_owned() });
}
