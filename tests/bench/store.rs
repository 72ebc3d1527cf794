//! The store: durable events per second and the time until one is durable; the time until a large database answers.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use divisi::host::port::{Batch, Row, Store as _, Table};
use divisi::model::id::Seq;
use divisi::model::{Cause, Envelope, Event};
use divisi::store::SqliteStore;

use super::{Measure, directory, median, millis, percentile, timed};

/// Threads that append, as the promise says.
const PRODUCERS: usize = 8;

/// How long each round of a throughput bench lasts.
const ROUND: Duration = Duration::from_millis(1500);

/// Rounds, of which the median counts.
const ROUNDS: usize = 5;

/// Events of the large database.
const MANY: u64 = 1_000_000;

fn event(seq: u64, sessions: u64) -> Envelope {
    Envelope {
        seq: Seq(seq),
        time: i64::try_from(seq).expect("benches are short"),
        session: Some(format!("session{:03}", seq % sessions).as_str().into()),
        cause: Cause::Journal { job: "session000.j1".into(), offset: seq },
        event: Event::AgentMessage { turn: "session000.t1".into(), text: "all work and no play ".repeat(8) },
    }
}

/// A row as large as a session's document usually is.
fn row(seq: u64, sessions: u64) -> Row {
    let session = format!("session{:03}", seq % sessions);
    Row {
        table: Table::Sessions,
        key: session.clone(),
        session: Some(session.as_str().into()),
        live: true,
        doc: Some(format!("{{\"seq\":{seq},\"filler\":\"{}\"}}", "x".repeat(1200))),
    }
}

/// Writes of 4 KiB in place with a flush each, per second: the least that makes anything durable, one after another. (Where a file
/// grows, a flush costs up to twice as much.)
fn flushes_per_second(directory: &Path) -> u64 {
    const LENGTH: u64 = 4 * 1024 * 1024;
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(directory.join("raw"));
    let file = file.expect("the disk can be written");
    if file.metadata().is_ok_and(|found| found.len() < LENGTH) {
        let zeros = vec![0; usize::try_from(LENGTH).expect("small")];
        file.write_all_at(&zeros, 0).and_then(|()| file.sync_all()).expect("the disk can be written");
    }
    let (begin, mut flushes) = (Instant::now(), 0);
    while begin.elapsed() < ROUND / 3 {
        let at = flushes as u64 * 4096 % LENGTH;
        file.write_all_at(&[7; 4096], at).and_then(|()| file.sync_data()).expect("the disk can be written");
        flushes += 1;
    }
    per_second(flushes, begin.elapsed())
}

fn per_second(count: usize, took: Duration) -> u64 {
    u64::try_from(count as u128 * 1_000_000 / took.as_micros().max(1)).unwrap_or(u64::MAX)
}

/// One round: every producer keeps `ahead` events on their way, with a pause after each when it is paced. Events per second, and each event's time until durable.
fn round(store: &Arc<SqliteStore>, ahead: usize, with_rows: bool, pace: Option<Duration>) -> (u64, Vec<Duration>) {
    let next = Arc::new(Mutex::new(store.head().0 + 1));
    let begin = Instant::now();
    let producers: Vec<_> = (0..PRODUCERS)
        .map(|_| {
            let (store, next) = (Arc::clone(store), Arc::clone(&next));
            std::thread::spawn(move || {
                let (sent, received) = mpsc::channel();
                let mut times = Vec::new();
                let mut waiting = 0;
                loop {
                    while waiting < ahead && begin.elapsed() < ROUND {
                        let (sent, asked) = (sent.clone(), Instant::now());
                        let mut next = next.lock().expect("no producer panics");
                        let rows = if with_rows { vec![row(*next, PRODUCERS as u64)] } else { Vec::new() };
                        let batch = Batch { events: vec![event(*next, PRODUCERS as u64)], rows };
                        *next += 1;
                        store.append(batch, Box::new(move || sent.send(asked.elapsed()).unwrap_or_default()));
                        drop(next);
                        waiting += 1;
                        if let Some(pace) = pace {
                            divisi::base::clock::pause(pace);
                        }
                    }
                    if waiting == 0 {
                        return times;
                    }
                    times.push(received.recv().expect("every append is answered"));
                    waiting -= 1;
                }
            })
        })
        .collect();
    let times: Vec<Duration> = producers.into_iter().flat_map(|producer| producer.join().expect("no panic")).collect();
    (per_second(times.len(), begin.elapsed()), times)
}

fn tenths(tenths: u64) -> String {
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// Durable events per second with eight producers.
pub(super) fn throughput() -> Vec<Measure> {
    let home = directory();
    let mut measures = Vec::new();
    let paced = Some(Duration::from_millis(2));
    for (name, ahead, with_rows, pace, rate_goal, time_goal) in [
        ("8 producers that each wait for their event", 1, false, None, "20,000/s", ""),
        ("the same with their session's row", 1, true, None, "", ""),
        ("8 producers with 64 events on their way each", 64, false, None, "20,000/s", ""),
        ("the same with their session's rows", 64, true, None, "20,000/s", ""),
        ("8 agents that stream up to 500 events a second each, with rows", 63, true, paced, "", "p99 under 20 ms"),
    ] {
        let store = Arc::new(SqliteStore::open(&home.path().join(format!("{ahead}{with_rows}.db"))).expect("opens"));
        let (mut rates, mut flushes, mut halves, mut worst) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            flushes.push(flushes_per_second(home.path()));
            let (rate, mut times) = round(&store, ahead, with_rows, pace);
            rates.push(rate);
            halves.push(percentile(&mut times, 50));
            worst.push(percentile(&mut times, 99));
        }
        let (rate, flushes) = (median(&mut rates), median(&mut flushes));
        measures.push(Measure {
            what: format!("durable events per second, {name}"),
            median: format!("{rate}/s"),
            ratio: format!("{} × writing and flushing 4 KiB ({flushes}/s)", tenths(rate * 10 / flushes.max(1))),
            goal: rate_goal.to_owned(),
        });
        measures.push(Measure {
            what: format!("until one is durable, {name}"),
            median: format!("p50 {}, p99 {}", millis(median(&mut halves)), millis(median(&mut worst))),
            ratio: format!(
                "flushing 4 KiB takes {}",
                millis(Duration::from_secs(1) / u32::try_from(flushes.max(1)).unwrap_or(1))
            ),
            goal: time_goal.to_owned(),
        });
    }
    measures
}

/// Opening a database of a million events, and what a daemon reads first.
pub(super) fn opening() -> Vec<Measure> {
    let home = directory();
    let path = home.path().join("state.db");
    let store = SqliteStore::open(&path).expect("opens");
    let log = home.path().join("state.db-wal");
    let mut longest = 0;
    let (filled, ()) = timed(|| {
        let (sent, received) = mpsc::channel();
        for first in (1..=MANY).step_by(1000) {
            let batch = Batch {
                events: (first..first + 1000).map(|seq| event(seq, 200)).collect(),
                rows: (first..first + 200).map(|seq| row(seq, 200)).collect(),
            };
            let sent = sent.clone();
            store.append(batch, Box::new(move || sent.send(()).unwrap_or_default()));
            if first > 50_000 {
                received.recv().expect("every append is answered");
            }
            longest = longest.max(std::fs::metadata(&log).map_or(0, |log| log.len()));
        }
        drop(sent);
        while received.recv().is_ok() {}
    });
    // As a kill at this moment would leave them.
    let killed = home.path().join("killed.db");
    for suffix in ["", "-wal", ".head"] {
        std::fs::copy(home.path().join(format!("state.db{suffix}")), home.path().join(format!("killed.db{suffix}")))
            .expect("the disk can be written");
    }
    let left = std::fs::metadata(home.path().join("killed.db-wal")).map_or(0, |log| log.len());
    drop(store);
    let (recovered, _) = timed(|| SqliteStore::open(&killed).expect("opens"));
    let (mut opens, mut firsts, mut pages) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..15 {
        let (open, store) = timed(|| SqliteStore::open(&path).expect("opens"));
        let (first, rows) = timed(|| store.live_rows(Table::Sessions).expect("reads").rows);
        let (page, events) = timed(|| store.events(Seq(MANY / 2), Some(&"session007".into()), 100).expect("reads"));
        assert_eq!((store.head(), rows.len(), events.len()), (Seq(MANY), 200, 100));
        opens.push(open);
        firsts.push(open + first);
        pages.push(page);
    }
    let store = SqliteStore::open(&path).expect("opens");
    let (verified, findings) = timed(|| store.verify().expect("reads"));
    assert_eq!(findings, Vec::<String>::new());
    let size = std::fs::metadata(&path).map_or(0, |file| file.len());
    let line = |what: &str, median: String, goal: &str| Measure {
        what: format!("{what}, 1,000,000 events"),
        median,
        ratio: String::new(),
        goal: goal.to_owned(),
    };
    vec![
        line("open", millis(median(&mut opens)), ""),
        line("open and read 200 sessions", millis(median(&mut firsts)), "100 ms"),
        line(&format!("open after a kill with {} MB in the log", left / 1_000_000), millis(recovered), "100 ms"),
        line("100 events of one session", millis(median(&mut pages)), ""),
        line("verify everything", millis(verified), ""),
        line("append in batches of 1,000 with 200 rows each", format!("{:.1} s", filled.as_secs_f64()), ""),
        line("longest log while appending", format!("{} MB", longest / 1_000_000), ""),
        line("size of the file", format!("{} MB", size / 1_000_000), ""),
    ]
}
