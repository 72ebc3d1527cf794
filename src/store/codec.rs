//! Events as columns and back, each row under a checksum: `SQLite` itself has none and notices less than half of random damage.

use crc32fast::Hasher;
use rusqlite::Row as SqlRow;
use serde::Deserialize as _;
use serde_json::Value;

use crate::model::id::{Seq, SessionId};
use crate::model::{Cause, Envelope, Event};

/// The shape of payloads as this divisi writes them.
pub(super) const PAYLOAD_VERSION: i64 = 1;

/// The columns of `events`, in the order [`from_columns`] takes them.
pub(super) const COLUMNS: &str = "seq, time, session, cause, type, version, payload, crc";

/// One event as it is stored.
#[derive(Debug)]
pub(super) struct EventColumns {
    pub(super) seq: i64,
    pub(super) time: i64,
    pub(super) session: Option<String>,
    pub(super) cause: String,
    pub(super) kind: String,
    pub(super) version: i64,
    pub(super) payload: String,
    pub(super) crc: i64,
}

impl EventColumns {
    fn checksum(&self) -> i64 {
        let mut hasher = Hasher::new();
        hasher.update(&self.seq.to_le_bytes());
        hasher.update(&self.time.to_le_bytes());
        text(&mut hasher, self.session.as_deref());
        text(&mut hasher, Some(&self.cause));
        text(&mut hasher, Some(&self.kind));
        hasher.update(&self.version.to_le_bytes());
        text(&mut hasher, Some(&self.payload));
        i64::from(hasher.finalize())
    }
}

/// Splits an event into its columns.
pub(super) fn to_columns(envelope: &Envelope) -> Result<EventColumns, String> {
    let seq = i64::try_from(envelope.seq.0).map_err(|_| format!("its number {} is out of range", envelope.seq))?;
    let mut event = serde_json::to_value(&envelope.event).map_err(|error| error.to_string())?;
    let Some(Value::String(kind)) = event.get_mut("type").map(Value::take) else {
        return Err("it has no type".to_owned());
    };
    let payload = event.get_mut("payload").map(Value::take).unwrap_or_default();
    let mut columns = EventColumns {
        seq,
        time: envelope.time,
        session: envelope.session.as_ref().map(|session| session.0.clone()),
        cause: serde_json::to_string(&envelope.cause).map_err(|error| error.to_string())?,
        kind,
        version: PAYLOAD_VERSION,
        payload: payload.to_string(),
        crc: 0,
    };
    columns.crc = columns.checksum();
    Ok(columns)
}

/// Reads the columns of one row, in the order of [`COLUMNS`].
pub(super) fn from_row(row: &SqlRow<'_>) -> rusqlite::Result<EventColumns> {
    Ok(EventColumns {
        seq: row.get(0)?,
        time: row.get(1)?,
        session: row.get(2)?,
        cause: row.get(3)?,
        kind: row.get(4)?,
        version: row.get(5)?,
        payload: row.get(6)?,
        crc: row.get(7)?,
    })
}

/// Puts an event together again.
///
/// # Errors
/// What is wrong with it, without its number.
pub(super) fn from_columns(columns: EventColumns) -> Result<Envelope, String> {
    if columns.checksum() != columns.crc {
        return Err("its checksum does not match".to_owned());
    }
    let seq = u64::try_from(columns.seq).map_err(|_| "its number is negative".to_owned())?;
    let cause: Cause = serde_json::from_str(&columns.cause).map_err(|error| format!("its cause: {error}"))?;
    let payload = deep_value(&columns.payload).map_err(|error| format!("its payload: {error}"))?;
    Ok(Envelope {
        seq: Seq(seq),
        time: columns.time,
        session: columns.session.map(SessionId),
        cause,
        event: to_event(columns.kind, payload).map_err(|error| format!("its payload: {error}"))?,
    })
}

fn to_event(kind: String, payload: Value) -> Result<Event, serde_json::Error> {
    let mut whole = serde_json::Map::with_capacity(2);
    whole.insert("type".to_owned(), Value::String(kind));
    whole.insert("payload".to_owned(), payload);
    serde_json::from_value(Value::Object(whole))
}

/// Parses JSON that this process or an earlier one wrote. What an agent sent may be nested as deeply as its parser allowed; the event
/// around it adds levels, so the usual limit would make a committed event unreadable.
fn deep_value(json: &str) -> Result<Value, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    deserializer.disable_recursion_limit();
    let value = Value::deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// The checksum of a projection row.
pub(super) fn row_checksum(table: &str, key: &str, session: Option<&str>, live: bool, doc: &str) -> i64 {
    let mut hasher = Hasher::new();
    text(&mut hasher, Some(table));
    text(&mut hasher, Some(key));
    text(&mut hasher, session);
    hasher.update(&[u8::from(live)]);
    text(&mut hasher, Some(doc));
    i64::from(hasher.finalize())
}

/// Feeds a text with its length, so that no two rows run together to the same bytes.
fn text(hasher: &mut Hasher, text: Option<&str>) {
    match text {
        Some(text) => {
            hasher.update(&(text.len() as u64 + 1).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        None => hasher.update(&0_u64.to_le_bytes()),
    }
}

#[cfg(test)]
mod tests;
