//! What waits to be shown: gathered between two frames, the newest row of a session replacing an older one.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Told events beyond this many that wait (the editor is stuck) are dropped, oldest first: they are news, not state.
const MOST_NEWS: usize = 2_000;

/// What waits for the next frame.
#[derive(Debug, Default)]
pub struct Outbox {
    snapshot: Option<Value>,
    rows: BTreeMap<String, Value>,
    ops: Vec<Value>,
}

impl Outbox {
    /// Everything anew; rows that wait are older.
    pub fn snapshot(&mut self, sessions: &[Value], approvals: &[Value]) {
        self.rows.clear();
        // The snapshot's approvals are what is open; earlier news of approvals must not add to it again.
        self.ops.retain(|op| !matches!(op["kind"].as_str(), Some("approval" | "approval_gone")));
        self.snapshot = Some(json!({ "kind": "snapshot", "sessions": sessions, "approvals": approvals }));
    }

    /// A session's newest row.
    pub fn row(&mut self, row: Value) {
        if let Some(id) = row["id"].as_str() {
            self.rows.insert(id.to_owned(), row);
        }
    }

    /// Anything else, in order.
    pub fn op(&mut self, op: Value) {
        self.ops.push(op);
        if self.ops.len() > MOST_NEWS {
            let oldest = self.ops.iter().position(|op| op["kind"] == "event");
            self.ops.remove(oldest.unwrap_or(0));
        }
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.snapshot.is_none() && self.rows.is_empty() && self.ops.is_empty()
    }

    /// All of it, in the order in which it is to be applied: snapshot, rows, the rest.
    pub fn take(&mut self) -> Vec<Value> {
        let mut batch: Vec<Value> = self.snapshot.take().into_iter().collect();
        if !self.rows.is_empty() {
            let rows: Vec<Value> = std::mem::take(&mut self.rows).into_values().collect();
            batch.push(json!({ "kind": "sessions", "sessions": rows }));
        }
        batch.append(&mut self.ops);
        batch
    }
}

#[cfg(test)]
mod tests;
