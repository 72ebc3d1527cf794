//! Contests as they are stored: each by itself, because the plan in a batch's own row is long and there are thousands of them.

use std::sync::Mutex;

use super::*;
use crate::host::port::{Batch as Stored, DamagedEvent, LiveRows, Row, Store, Table};
use crate::model::batch::samples::{BATCH, batch, plan, run};
use crate::model::batch::{BatchChange, BatchChanged, BatchState, NewBatch, Run, RunQueued, Spend};
use crate::model::contest::{Ask, Contest, ContestState, Decided};
use crate::model::id::{BatchId, RunId, Seq};
use crate::model::{Envelope, Refusal};

/// What was stored, and nothing else.
#[derive(Default)]
struct Kept(Mutex<BTreeMap<(Table, String), Row>>);

impl Kept {
    /// Takes what a change writes; the tables it wrote to.
    fn take(&self, decision: Decision) -> Vec<(Table, String)> {
        let rows: Vec<Row> = decision.batch.rows;
        let written = rows.iter().map(|row| (row.table, row.key.clone())).collect();
        let mut kept = self.0.lock().unwrap();
        for row in rows {
            match row.doc {
                Some(_) => kept.insert((row.table, row.key.clone()), row),
                None => kept.remove(&(row.table, row.key)),
            };
        }
        written
    }

    fn loaded(&self) -> BTreeMap<BatchId, crate::host::registry::LiveBatch> {
        Registry::load(self).unwrap().batches
    }
}

impl Store for Kept {
    fn append(&self, _: Stored, _: Box<dyn FnOnce() + Send>) {}

    fn head(&self) -> Seq {
        Seq(0)
    }

    fn blocked(&self) -> Option<String> {
        None
    }

    fn events(&self, _: Seq, _: Option<&SessionId>, _: usize) -> Result<Vec<Envelope>, Refusal> {
        Ok(Vec::new())
    }

    fn before_last(&self, _: &SessionId, _: u32) -> Result<Seq, Refusal> {
        Ok(Seq(0))
    }

    fn damaged_event(&self, _: Seq, _: Option<&SessionId>) -> Result<Option<DamagedEvent>, Refusal> {
        Ok(None)
    }

    fn live_rows(&self, table: Table) -> Result<LiveRows, Refusal> {
        let kept = self.0.lock().unwrap();
        let rows = kept.values().filter(|row| row.table == table && row.live).cloned().collect();
        Ok(LiveRows { rows, damaged: Vec::new() })
    }

    fn row(&self, table: Table, key: &str) -> Result<Option<Row>, Refusal> {
        Ok(self.0.lock().unwrap().get(&(table, key.to_owned())).cloned())
    }

    fn ended_rows(&self, table: Table) -> Result<LiveRows, Refusal> {
        let kept = self.0.lock().unwrap();
        let rows = kept.values().filter(|row| row.table == table && !row.live).cloned().collect();
        Ok(LiveRows { rows, damaged: Vec::new() })
    }

    fn rows_of(&self, table: Table, session: &SessionId) -> Result<Vec<Row>, Refusal> {
        let kept = self.0.lock().unwrap();
        Ok(kept.values().filter(|row| row.table == table && row.session.as_ref() == Some(session)).cloned().collect())
    }

    fn verify(&self) -> Result<Vec<String>, Refusal> {
        Ok(Vec::new())
    }

    fn path(&self) -> String {
        "memory".to_owned()
    }
}

fn id(number: u32) -> RunId {
    run(number).id
}

fn contest(number: u32, prompt: &str, of: &[u32]) -> Contest {
    let candidates: Vec<RunId> = of.iter().map(|number| id(*number)).collect();
    let spend = Spend { tokens: 70, usd_micros: Some(9), partial: false };
    Contest {
        number,
        task: "fix".to_owned(),
        prompt: prompt.to_owned(),
        repository: ".".to_owned(),
        candidates: candidates.clone(),
        seed: 0,
        asks: vec![Ask { spend, ..Ask::of(candidates) }],
        ranking: Vec::new(),
        decided: None,
        note: None,
        state: ContestState::Judging,
        landed: false,
        unlanded: None,
        spend: Spend::default(),
    }
}

fn emit(brain: &mut Brain, event: Event) -> Decision {
    let mut change = Change::new(brain, 4_000, Cause::Host);
    change.emit(None, event);
    change.finish()
}

fn changed(change: BatchChange) -> Event {
    Event::BatchChanged(BatchChanged { batch: BATCH.into(), change })
}

fn as_now(contest: &Contest) -> Event {
    changed(BatchChange::Contest { contest: Box::new(contest.clone()) })
}

#[test]
fn a_contest_that_changes_is_stored_without_the_plan_and_loads_again_as_it_was() {
    let (mut brain, kept) = (brain(), Kept::default());
    let runs = [run(1), run(2), Run { prompt: "p2".to_owned(), ..run(3) }].to_vec();
    let new = Event::BatchCreated(Box::new(NewBatch { batch: batch(plan()), runs }));
    kept.take(emit(&mut brain, new));
    let key = |table, key: &str| (table, format!("{BATCH}.{key}"));
    let (first, mut other) = (contest(1, "p1", &[1, 2]), contest(2, "p2", &[3]));
    assert_eq!(kept.take(emit(&mut brain, as_now(&first))), [key(Table::Contests, "c1")]);
    kept.take(emit(&mut brain, as_now(&other)));
    assert_eq!(kept.loaded(), brain.registry.batches, "they were opened");
    (other.ranking, other.decided) = (vec![id(3)], Some(Decided::Judge));
    (other.state, other.landed) = (ContestState::Closed, true);
    // Whose winner landed is a landed attempt: that is in the run's row.
    let landed = kept.take(emit(&mut brain, as_now(&other)));
    assert_eq!(landed, [key(Table::Runs, "r3"), key(Table::Contests, "c2")]);
    assert_eq!(kept.loaded(), brain.registry.batches, "one was decided");
    // Who competes again takes the contest away: what it cost and its number stay with the batch.
    let queued = kept.take(emit(&mut brain, Event::RunQueued(RunQueued { run: id(1) })));
    let batch_row = (Table::Batches, BATCH.to_owned());
    assert_eq!(queued, [batch_row, key(Table::Runs, "r1"), key(Table::Contests, "c1")]);
    let loaded = kept.loaded();
    assert_eq!(loaded, brain.registry.batches, "one is gone");
    let now = &loaded[&BatchId::from(BATCH)].batch;
    assert_eq!((now.contests.len(), now.opened, now.judged().tokens), (1, 2, 140));
    // Run again without a contest that goes, nothing of the batch itself is written.
    let queued = kept.take(emit(&mut brain, Event::RunQueued(RunQueued { run: id(2) })));
    assert_eq!(queued, [key(Table::Runs, "r2")]);
    // A batch that has ended is not loaded, nor anything of it.
    kept.take(emit(&mut brain, changed(BatchChange::State { state: BatchState::Ended, reason: None })));
    assert!(kept.loaded().is_empty());
    assert!(kept.0.lock().unwrap().values().all(|row| !row.live));
    assert_eq!(kept.rows_of(Table::Contests, &SessionId(BATCH.to_owned())).unwrap().len(), 1);
}
