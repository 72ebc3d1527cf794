//! The projection made again from the events, by the same fold that made it: for what was found damaged, and to compare.

use std::collections::BTreeMap;

use crate::batch::fold as batches;
use crate::host::port::{DamagedEvent, Row, Store, Table};
use crate::host::registry::{LiveBatch, Registry};
use crate::model::batch::BatchState;
use crate::model::id::{BatchId, Seq, SessionId};
use crate::model::session::Session;
use crate::model::{Event, Refusal};

/// Events read at once.
const PAGE: usize = 2000;

/// What the events tell.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    /// What is live after them.
    pub(crate) registry: Registry,
    /// The rows that were asked for, as the events leave them.
    pub(crate) rows: BTreeMap<(Table, String), Row>,
    /// Events that are damaged and therefore told nothing.
    pub(crate) holes: Vec<DamagedEvent>,
    /// Sessions that are removed: they can come back.
    removed: BTreeMap<SessionId, Session>,
    /// Batches that have ended: their runs can be run again.
    ended: BTreeMap<BatchId, LiveBatch>,
}

/// Folds all events in, keeping the rows of the wanted tables. Takes some seconds per million events.
///
/// # Errors
/// When the store cannot be read; damaged events are no error (see [`Replay::holes`]).
pub(crate) fn replay(store: &dyn Store, wanted: impl Fn(Table) -> bool) -> Result<Replay, Refusal> {
    let mut replay = Replay::default();
    let mut after = Seq(0);
    let head = store.head();
    while after < head {
        if let Some(hole) = store.damaged_event(after, None)? {
            after = hole.seq.max(Seq(after.0 + 1));
            replay.holes.push(hole);
            continue;
        }
        let page = store.events(after, None, PAGE)?;
        let Some(last) = page.last() else { break };
        after = last.seq;
        for envelope in &page {
            if let (Event::SessionRestored { .. }, Some(id)) = (&envelope.event, &envelope.session)
                && let Some(session) = replay.removed.remove(id)
            {
                replay.registry.sessions.insert(id.clone(), session);
            }
            let batch = batches::batch_of(&envelope.event);
            if let Some(ended) = batch.as_ref().and_then(|id| replay.ended.remove(id)) {
                replay.registry.batches.entry(ended.batch.id.clone()).or_insert(ended);
            }
            if let Some(mut ending) = batch.as_ref().and_then(|id| replay.registry.batches.get(id)).cloned()
                && matches!(envelope.event, Event::BatchChanged(_))
            {
                batches::apply(&mut ending.batch, &mut ending.runs, &envelope.event, envelope.time);
                if ending.batch.state == BatchState::Ended {
                    replay.ended.insert(ending.batch.id.clone(), ending);
                }
            }
            let leaving = match (&envelope.event, &envelope.session) {
                (Event::SessionRemoved { .. }, Some(id)) => replay.registry.sessions.get(id).cloned(),
                _ => None,
            };
            for row in replay.registry.apply(envelope) {
                if let Some(mut session) = leaving.clone().filter(|_| row.table == Table::Sessions) {
                    crate::session::fold::apply(&mut session, &envelope.event, &envelope.cause, envelope.time);
                    replay.removed.insert(session.id.clone(), session);
                }
                if wanted(row.table) {
                    replay.rows.insert((row.table, row.key.clone()), row);
                }
            }
        }
    }
    Ok(replay)
}

/// Every row of every table as the events tell it, without those that were deleted again: what the store should hold.
///
/// # Errors
/// When the store cannot be read, or an event is damaged (the message names it).
pub fn rows(store: &dyn Store) -> Result<Vec<Row>, Refusal> {
    let replay = replay(store, |_| true)?;
    if let Some(hole) = replay.holes.first() {
        return Err(
            Refusal::environment(format!("failed to rebuild {}: {}", store.path(), hole.what)).hint("divisi doctor")
        );
    }
    Ok(replay.rows.into_values().filter(|row| row.doc.is_some()).collect())
}
