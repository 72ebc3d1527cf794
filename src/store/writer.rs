//! The one writer: takes whatever waits, writes it in one transaction, then tells everyone whose batch was in it.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, TransactionBehavior, params};

use crate::base::clock;
use crate::host::port::{Batch, Row, Table};
use crate::model::id::Seq;
use crate::store::checkpoint::LogGauge;
use crate::store::codec::to_columns;
use crate::store::headmark::HeadMark;
use crate::store::lock::OwnerLock;
use crate::store::reserve::Reserve;
use crate::store::rows;

/// Events and rows written in one transaction at most, so that the first of them does not wait long for the last.
const GROUP_ITEMS: usize = 4096;

/// The first pause after a failed write; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// The longest pause between tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The longest the writer waits for those to come back whose last batches it has just written together, so that they share a flush
/// again. Never longer than half of what the flush takes.
const LONGEST_COMPANY: Duration = Duration::from_micros(250);

/// A batch with what to call once it is durable.
pub(super) struct Pending {
    pub(super) batch: Batch,
    pub(super) committed: Box<dyn FnOnce() + Send>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Pending>,
    /// The writer is only woken when this many wait.
    wanted: usize,
    closing: bool,
}

/// What the writer shares with the store.
pub(super) struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
    head: AtomicU64,
    blocked: Mutex<Option<String>>,
}

impl Shared {
    pub(super) fn new(head: Seq) -> Arc<Self> {
        Arc::new(Self {
            queue: Mutex::default(),
            wake: Condvar::new(),
            head: AtomicU64::new(head.0),
            blocked: Mutex::new(None),
        })
    }

    /// Queues a batch behind all earlier ones.
    pub(super) fn push(&self, pending: Pending) {
        let mut queue = self.queue();
        queue.waiting.push_back(pending);
        if queue.waiting.len() >= queue.wanted {
            self.wake.notify_one();
        }
    }

    /// The newest committed event.
    pub(super) fn head(&self) -> Seq {
        Seq(self.head.load(Ordering::Acquire))
    }

    /// Why nothing can be written.
    pub(super) fn blocked(&self) -> Option<String> {
        self.blocked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks the writer to write what waits and end.
    pub(super) fn close(&self) {
        self.queue().closing = true;
        self.wake.notify_all();
    }

    fn set_blocked(&self, why: Option<String>) {
        *self.blocked.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The writer's thread.
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    pub(super) mark: Option<HeadMark>,
    pub(super) reserve: Reserve,
    pub(super) log: Arc<LogGauge>,
    pub(super) shared: Arc<Shared>,
    /// Held until the connection is closed.
    pub(super) lock: OwnerLock,
    /// True once it is.
    pub(super) released: Arc<AtomicBool>,
}

/// Why a transaction was not committed.
#[derive(Debug)]
enum Trouble {
    /// The disk is full.
    Full(String),
    /// Something that may pass: I/O errors, another program's lock.
    Passing(String),
    /// It will never work.
    Never(String),
}

/// How many batches are likely to come together, and how long to wait for them.
#[derive(Debug, Default, Clone, Copy)]
struct Company {
    expected: usize,
    patience: Duration,
}

impl Company {
    /// What to expect after a group of some batches whose writing took some time. One that stays away is soon forgotten.
    fn after(self, written: usize, took: Duration) -> Self {
        Self {
            expected: written.max(self.expected - self.expected.div_ceil(4)),
            patience: (took / 2).min(LONGEST_COMPANY),
        }
    }
}

impl Writer {
    /// Writes until the store is closed and nothing waits (or what waits cannot be written).
    pub(super) fn run(mut self) {
        // Whatever ends this thread, nobody is to wait in the dark.
        let shared = Arc::clone(&self.shared);
        let path = self.path.display().to_string();
        if catch_unwind(AssertUnwindSafe(|| self.write_until_closed())).is_err() {
            shared.set_blocked(Some(format!(
                "the writer of {path} stopped because of a fault in divisi; restart the daemon"
            )));
        }
        let Self { connection, lock, released, .. } = self;
        drop(connection);
        drop(lock);
        released.store(true, Ordering::Release);
    }

    fn write_until_closed(&mut self) {
        let mut group: VecDeque<Pending> = VecDeque::new();
        let mut pause = FIRST_PAUSE;
        // After a failure batches are tried one at a time: less may fit, and a bad one does not take others along.
        let mut alone = false;
        let mut company = Company::default();
        loop {
            if group.is_empty() && !self.take(&mut group, &company) {
                return;
            }
            let tried = if alone { 1 } else { group.len() };
            let begin = clock::instant();
            match self.commit(&group, tried) {
                Ok(()) => {
                    company = company.after(tried, begin.elapsed());
                    self.shared.set_blocked(None);
                    pause = FIRST_PAUSE;
                    alone = alone && group.len() > tried;
                    for pending in group.drain(..tried) {
                        // A callback's panic is its owner's fault; the others have a right to be told.
                        let _ = catch_unwind(AssertUnwindSafe(pending.committed));
                    }
                    self.log.grew(&self.connection);
                }
                Err(Trouble::Never(_)) if tried > 1 => alone = true,
                Err(Trouble::Never(why)) => {
                    let seq = group
                        .front()
                        .and_then(|pending| pending.batch.events.first())
                        .map_or(Seq(0), |event| event.seq);
                    self.shared.set_blocked(Some(format!(
                        "the batch of event {seq} can never be written to {}: {why}; this is a fault of divisi, restart the daemon",
                        self.path.display()
                    )));
                    self.wait_for_close();
                    return;
                }
                Err(Trouble::Full(_)) if self.reserve.release() => alone = true,
                Err(Trouble::Full(why) | Trouble::Passing(why)) => {
                    alone = true;
                    self.shared.set_blocked(Some(format!(
                        "nothing can be recorded in {}: {why}; what happens is kept in memory and written as soon as it can be",
                        self.path.display()
                    )));
                    if self.pause(pause) {
                        return;
                    }
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Takes what waits, at most a group; waits when nothing does, and a moment for as many as came together last time. False: closed.
    fn take(&self, group: &mut VecDeque<Pending>, company: &Company) -> bool {
        let mut queue = self.shared.queue();
        queue.wanted = 1;
        while queue.waiting.is_empty() {
            if queue.closing {
                return false;
            }
            queue = self.shared.wake.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        if queue.waiting.len() < company.expected {
            queue.wanted = company.expected;
            let incomplete = |queue: &mut Queue| queue.waiting.len() < company.expected && !queue.closing;
            let waited = self.shared.wake.wait_timeout_while(queue, company.patience, incomplete);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        queue.wanted = usize::MAX;
        let mut items = 0;
        while let Some(pending) = queue.waiting.pop_front() {
            items += pending.batch.events.len() + pending.batch.rows.len();
            group.push_back(pending);
            if items >= GROUP_ITEMS {
                break;
            }
        }
        true
    }

    /// Waits before the next try; true when the store is closed meanwhile.
    fn pause(&self, pause: Duration) -> bool {
        let queue = self.shared.queue();
        let waited = self.shared.wake.wait_timeout_while(queue, pause, |queue| !queue.closing);
        waited.unwrap_or_else(PoisonError::into_inner).0.closing
    }

    fn wait_for_close(&self) {
        let queue = self.shared.queue();
        drop(self.shared.wake.wait_while(queue, |queue| !queue.closing));
    }

    /// Commits the first batches of a group in one transaction.
    fn commit(&mut self, group: &VecDeque<Pending>, tried: usize) -> Result<(), Trouble> {
        let mut head = self.shared.head();
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(|error| trouble(&error))?;
        // Of several states of the same row only the last one matters.
        let mut newest: HashMap<(Table, &str), &Row> = HashMap::new();
        for Pending { batch, .. } in group.iter().take(tried) {
            let mut insert = transaction
                .prepare_cached(
                    "INSERT INTO events (seq, time, session, cause, type, version, payload, crc)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                )
                .map_err(|error| trouble(&error))?;
            for event in &batch.events {
                if event.seq.0 != head.0 + 1 {
                    return Err(Trouble::Never(format!("event {} does not follow event {head}", event.seq)));
                }
                let columns = to_columns(event).map_err(|why| Trouble::Never(format!("event {}: {why}", event.seq)))?;
                let values = params![
                    columns.seq,
                    columns.time,
                    columns.session,
                    columns.cause,
                    columns.kind,
                    columns.version,
                    columns.payload,
                    columns.crc
                ];
                insert.execute(values).map_err(|error| trouble(&error))?;
                head = event.seq;
            }
            newest.extend(batch.rows.iter().map(|row| ((row.table, row.key.as_str()), row)));
        }
        for row in newest.values() {
            rows::write(&transaction, row).map_err(|error| trouble(&error))?;
        }
        transaction.commit().map_err(|error| trouble(&error))?;
        if let Some(mark) = &self.mark {
            mark.write(head);
        }
        self.shared.head.store(head.0, Ordering::Release);
        Ok(())
    }
}

fn trouble(error: &rusqlite::Error) -> Trouble {
    let text = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Trouble::Full("the disk is full".to_owned()),
        Some(
            ErrorCode::ConstraintViolation
            | ErrorCode::TooBig
            | ErrorCode::TypeMismatch
            | ErrorCode::ParameterOutOfRange
            | ErrorCode::ApiMisuse,
        )
        | None => Trouble::Never(text),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            Trouble::Passing(format!("the database is damaged ({text}); `divisi doctor` says where"))
        }
        Some(_) => Trouble::Passing(text),
    }
}
