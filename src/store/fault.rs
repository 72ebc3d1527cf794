//! A store that kills its own process at a chosen event, for tests of recovery. Only in builds with debug assertions.
//!
//! `DIVISI_TEST_KILL=after:N` ends the daemon by SIGKILL when event N is durable but nobody was told; `before:N` when it is decided
//! but not written. Several points are separated by commas: then daemon after daemon dies, also in the middle of recovery.

use std::sync::Arc;

use crate::host::port::{Batch, DamagedEvent, LiveRows, Row, Store, Table};
use crate::model::id::{Seq, SessionId};
use crate::model::{Envelope, Refusal};

/// The variable that says where.
const VARIABLE: &str = "DIVISI_TEST_KILL";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Point {
    Before(Seq),
    After(Seq),
}

/// Wraps a store when the environment asks for it.
pub fn wrap(store: Arc<dyn Store>) -> Arc<dyn Store> {
    let wanted = std::env::var(VARIABLE).unwrap_or_default();
    let points: Vec<_> = wanted.split(',').filter_map(point).collect();
    if points.is_empty() { store } else { Arc::new(KillingStore { store, points }) }
}

fn point(wanted: &str) -> Option<Point> {
    let (when, number) = wanted.split_once(':')?;
    let seq = Seq(number.parse().ok()?);
    match when {
        "before" => Some(Point::Before(seq)),
        "after" => Some(Point::After(seq)),
        _ => None,
    }
}

struct KillingStore {
    store: Arc<dyn Store>,
    points: Vec<Point>,
}

fn die() -> ! {
    let own = rustix::process::getpid();
    loop {
        // Nothing runs after the first one: the kernel ends this process before the call returns.
        let _ = rustix::process::kill_process(own, rustix::process::Signal::KILL);
    }
}

fn holds(batch: &Batch, seq: Seq) -> bool {
    batch.events.iter().any(|event| event.seq == seq)
}

impl Store for KillingStore {
    fn append(&self, batch: Batch, committed: Box<dyn FnOnce() + Send>) {
        if self.points.iter().any(|point| matches!(point, Point::Before(seq) if holds(&batch, *seq))) {
            die();
        }
        if self.points.iter().any(|point| matches!(point, Point::After(seq) if holds(&batch, *seq))) {
            self.store.append(batch, Box::new(|| die()));
        } else {
            self.store.append(batch, committed);
        }
    }

    fn head(&self) -> Seq {
        self.store.head()
    }

    fn blocked(&self) -> Option<String> {
        self.store.blocked()
    }

    fn events(&self, after: Seq, session: Option<&SessionId>, limit: usize) -> Result<Vec<Envelope>, Refusal> {
        self.store.events(after, session, limit)
    }

    fn before_last(&self, session: &SessionId, count: u32) -> Result<Seq, Refusal> {
        self.store.before_last(session, count)
    }

    fn damaged_event(&self, after: Seq, session: Option<&SessionId>) -> Result<Option<DamagedEvent>, Refusal> {
        self.store.damaged_event(after, session)
    }

    fn live_rows(&self, table: Table) -> Result<LiveRows, Refusal> {
        self.store.live_rows(table)
    }

    fn ended_rows(&self, table: Table) -> Result<LiveRows, Refusal> {
        self.store.ended_rows(table)
    }

    fn row(&self, table: Table, key: &str) -> Result<Option<Row>, Refusal> {
        self.store.row(table, key)
    }

    fn rows_of(&self, table: Table, session: &SessionId) -> Result<Vec<Row>, Refusal> {
        self.store.rows_of(table, session)
    }

    fn verify(&self) -> Result<Vec<String>, Refusal> {
        self.store.verify()
    }

    fn path(&self) -> String {
        self.store.path()
    }
}
