use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::mpsc;
use std::time::Duration;

use super::*;
use crate::model::samples::{SESSION, every_cause, every_event};
use crate::model::{Event, RefusalKind};
use lock::beside;
use schema::MIGRATIONS;

const PATIENCE: Duration = Duration::from_secs(20);

fn directory() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn event(seq: u64, session: Option<&str>, text: &str) -> Envelope {
    Envelope {
        seq: Seq(seq),
        time: 1_000 + i64::try_from(seq).unwrap(),
        session: session.map(SessionId::from),
        cause: every_cause()[usize::try_from(seq).unwrap() % 4].clone(),
        event: Event::FaultRaised { part: "test".to_owned(), message: text.to_owned() },
    }
}

fn row(table: Table, key: &str, session: Option<&str>, live: bool, doc: Option<&str>) -> Row {
    Row { table, key: key.to_owned(), session: session.map(SessionId::from), live, doc: doc.map(str::to_owned) }
}

/// Appends a batch and waits until it is durable.
fn append(store: &SqliteStore, events: Vec<Envelope>, rows: Vec<Row>) {
    let (sent, received) = mpsc::channel();
    store.append(Batch { events, rows }, Box::new(move || sent.send(()).unwrap()));
    received.recv_timeout(PATIENCE).unwrap();
}

fn numbers(events: &[Envelope]) -> Vec<u64> {
    events.iter().map(|event| event.seq.0).collect()
}

/// Changes the database behind the store's back, as damage or another program would.
fn tamper(path: &Path, sql: &str) {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch(sql).unwrap();
}

fn refused(path: &Path) -> Refusal {
    match SqliteStore::open(path) {
        Ok(_) => panic!("{} was opened", path.display()),
        Err(refusal) => refusal,
    }
}

#[test]
fn events_and_rows_are_there_after_reopening() {
    let home = directory();
    let path = home.path().join("new/state.db");
    let mut expected = Vec::new();
    {
        let store = SqliteStore::open(&path).unwrap();
        for (n, sample) in every_event().into_iter().enumerate() {
            expected.push(Envelope { event: sample, ..event(n as u64 + 1, (n % 2 == 0).then_some(SESSION), "") });
        }
        append(&store, expected[..10].to_vec(), vec![row(Table::Sessions, "a", Some(SESSION), true, Some("{}"))]);
        append(&store, expected[10..].to_vec(), vec![]);
        assert_eq!(store.events(Seq(0), None, 1000).unwrap(), expected);
    }
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.head(), Seq(expected.len() as u64));
    assert_eq!(store.events(Seq(0), None, 1000).unwrap(), expected);
    assert_eq!(numbers(&store.events(Seq(3), None, 2).unwrap()), [4, 5]);
    let of_session = store.events(Seq(2), Some(&SESSION.into()), 3).unwrap();
    assert_eq!(numbers(&of_session), [3, 5, 7]);
    assert_eq!(store.events(store.head(), None, 10).unwrap(), []);
    assert_eq!(store.live_rows(Table::Sessions).unwrap().rows.len(), 1);
    assert_eq!(store.verify().unwrap(), Vec::<String>::new());
}

#[test]
fn rows_are_replaced_found_by_session_and_deleted() {
    let home = directory();
    let store = SqliteStore::open(&home.path().join("state.db")).unwrap();
    for table in rows::TABLES {
        let first = row(table, "k1", Some("s1"), true, Some(r#"{"n":1}"#));
        let other = row(table, "k2", Some("s2"), true, Some("2"));
        let none = row(table, "k0", None, false, Some("0"));
        append(&store, vec![], vec![first, other.clone(), none.clone()]);
        let changed = row(table, "k1", Some("s1"), false, Some("\"x\\u0000y\""));
        append(&store, vec![], vec![row(table, "k1", Some("s1"), true, Some("lost")), changed.clone()]);
        assert_eq!(store.live_rows(table).unwrap().rows, std::slice::from_ref(&other));
        assert_eq!(store.row(table, "k1").unwrap(), Some(changed.clone()));
        assert_eq!(store.row(table, "k0").unwrap(), Some(none));
        assert_eq!(store.rows_of(table, &"s1".into()).unwrap(), [changed]);
        append(&store, vec![], vec![row(table, "k2", None, true, None)]);
        assert_eq!(store.row(table, "k2").unwrap(), None);
        assert_eq!(store.live_rows(table).unwrap().rows, []);
    }
}

#[test]
fn files_are_only_for_their_owner() {
    let home = directory();
    let path = home.path().join("state/divisi/state.db");
    let store = SqliteStore::open(&path).unwrap();
    append(&store, vec![event(1, None, "x")], vec![]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    for entry in fs::read_dir(path.parent().unwrap()).unwrap() {
        let entry = entry.unwrap().path();
        assert_eq!(mode(&entry), 0o600, "{}", entry.display());
    }
}

#[test]
fn a_second_owner_is_refused_and_told_who_the_first_is() {
    let home = directory();
    let path = home.path().join("state.db");
    let store = SqliteStore::open(&path).unwrap();
    let refusal = refused(&path);
    assert_eq!(refusal.kind, RefusalKind::Conflict);
    assert!(refusal.message.contains(&format!("process {}", std::process::id())), "{refusal}");
    assert!(refusal.message.contains("state.db"), "{refusal}");
    drop(store);
    SqliteStore::open(&path).unwrap();
}

#[test]
fn callbacks_come_in_order_after_the_commit_and_one_that_panics_takes_no_other_along() {
    let home = directory();
    let store = Arc::new(SqliteStore::open(&home.path().join("state.db")).unwrap());
    let (sent, received) = mpsc::channel();
    for seq in 1..=500 {
        let (sent, seen) = (sent.clone(), Arc::clone(&store));
        let callback = move || {
            assert!(seen.head() >= Seq(seq));
            sent.send(seq).unwrap();
            assert!(seq != 7, "on purpose");
        };
        store.append(Batch { events: vec![event(seq, None, "x")], rows: vec![] }, Box::new(callback));
    }
    let order: Vec<u64> = (1..=500).map(|_| received.recv_timeout(PATIENCE).unwrap()).collect();
    assert_eq!(order, (1..=500).collect::<Vec<_>>());
}

#[test]
fn closing_writes_what_waits() {
    let home = directory();
    let path = home.path().join("state.db");
    let store = SqliteStore::open(&path).unwrap();
    for seq in 1..=3000 {
        store.append(Batch { events: vec![event(seq, None, "x")], rows: vec![] }, Box::new(|| {}));
    }
    drop(store);
    assert!(!beside(&path, "-wal").exists(), "the log is copied when the store closes");
    assert_eq!(SqliteStore::open(&path).unwrap().head(), Seq(3000));
}

#[test]
fn a_batch_with_a_wrong_number_is_named_and_the_good_ones_before_it_are_kept() {
    let home = directory();
    let path = home.path().join("state.db");
    let store = SqliteStore::open(&path).unwrap();
    let (sent, received) = mpsc::channel();
    for seq in [1, 2, 4, 5] {
        let sent = sent.clone();
        let batch = Batch { events: vec![event(seq, None, "x")], rows: vec![] };
        store.append(batch, Box::new(move || sent.send(seq).unwrap()));
    }
    assert_eq!(received.recv_timeout(PATIENCE), Ok(1));
    assert_eq!(received.recv_timeout(PATIENCE), Ok(2));
    let deadline = crate::base::clock::instant() + PATIENCE;
    let blocked = loop {
        if let Some(blocked) = store.blocked() {
            break blocked;
        }
        assert!(crate::base::clock::instant() < deadline);
        std::thread::yield_now();
    };
    assert!(blocked.contains("event 4 does not follow event 2"), "{blocked}");
    assert_eq!(store.head(), Seq(2));
    drop(sent);
    drop(store);
    assert!(received.recv().is_err(), "what cannot be written is never acknowledged");
    assert_eq!(SqliteStore::open(&path).unwrap().head(), Seq(2));
}

#[test]
fn a_damaged_event_is_named_and_the_others_stay_readable() {
    let home = directory();
    let path = home.path().join("state.db");
    let store = SqliteStore::open(&path).unwrap();
    append(&store, (1..=9).map(|seq| event(seq, Some("s"), "good")).collect(), vec![]);
    drop(store);
    tamper(
        &path,
        "UPDATE events SET payload = replace(payload, 'good', 'evil') WHERE seq = 4; DELETE FROM events WHERE seq = 7",
    );
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(numbers(&store.events(Seq(0), None, 100).unwrap()), [1, 2, 3]);
    let refusal = store.events(Seq(3), None, 100).unwrap_err();
    assert!(refusal.message.contains("event 4: its checksum does not match"), "{refusal}");
    assert!(refusal.message.contains("state.db"), "{refusal}");
    assert_eq!(numbers(&store.events(Seq(4), None, 100).unwrap()), [5, 6]);
    assert!(store.events(Seq(6), None, 100).unwrap_err().message.contains("event 7 is missing"));
    assert_eq!(numbers(&store.events(Seq(7), None, 100).unwrap()), [8, 9]);
    assert_eq!(numbers(&store.events(Seq(4), Some(&"s".into()), 100).unwrap()), [5, 6, 8, 9]);
    assert!(store.events(Seq(3), Some(&"s".into()), 100).is_err());
    let found = store.verify().unwrap();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("event 4") && found[1].contains("event 7"), "{found:?}");
    append(&store, vec![event(10, None, "goes on")], vec![]);
}

#[test]
fn a_damaged_row_is_named_and_a_new_state_mends_it() {
    let home = directory();
    let path = home.path().join("state.db");
    let store = SqliteStore::open(&path).unwrap();
    let good = row(Table::Jobs, "j2", None, true, Some("{}"));
    append(&store, vec![], vec![row(Table::Jobs, "j1", None, true, Some("{\"a\":1}")), good.clone()]);
    drop(store);
    tamper(&path, "UPDATE jobs SET doc = '{\"a\":2}' WHERE key = 'j1'");
    let store = SqliteStore::open(&path).unwrap();
    let refusal = store.row(Table::Jobs, "j1").unwrap_err();
    assert!(refusal.message.contains("row \"j1\" of jobs"), "{refusal}");
    let live = store.live_rows(Table::Jobs).unwrap();
    assert_eq!((live.rows, live.damaged.len()), (vec![good.clone()], 1));
    assert!(live.damaged[0].what.contains("row \"j1\" of jobs"), "{live_damaged:?}", live_damaged = live.damaged);
    assert_eq!(store.row(Table::Jobs, "j2").unwrap(), Some(good));
    assert_eq!(store.verify().unwrap().len(), 1);
    append(&store, vec![], vec![row(Table::Jobs, "j1", None, true, Some("{\"a\":3}"))]);
    assert_eq!(store.live_rows(Table::Jobs).unwrap().rows.len(), 2);
}

#[test]
fn what_is_not_our_database_is_refused_and_left_alone() {
    let home = directory();
    let other = home.path().join("other.db");
    tamper(&other, "CREATE TABLE precious (x); INSERT INTO precious VALUES (1)");
    let text = home.path().join("text.db");
    fs::write(&text, "a shopping list, longer than sixteen bytes").unwrap();
    let short = home.path().join("short.db");
    fs::write(&short, "milk").unwrap();
    let folder = home.path().join("folder.db");
    fs::create_dir(&folder).unwrap();
    let link = home.path().join("link.db");
    std::os::unix::fs::symlink(&other, &link).unwrap();
    let garbage = home.path().join("garbage.db");
    let mut bytes = b"SQLite format 3\0".to_vec();
    bytes.extend([0x5a; 9000]);
    fs::write(&garbage, bytes).unwrap();
    for (path, why) in [
        (&other, "another program"),
        (&text, "not a SQLite database"),
        (&short, "not a SQLite database"),
        (&folder, "not an ordinary file"),
        (&link, "not an ordinary file"),
        (&garbage, ""),
    ] {
        let before = fs::read(path).ok();
        let refusal = refused(path);
        assert!(refusal.message.contains(why), "{refusal}");
        assert!(refusal.message.contains(&path.display().to_string()), "{refusal}");
        assert!(refusal.hints.iter().any(|hint| hint.contains("mv ")), "{refusal:?}");
        assert_eq!(fs::read(path).ok(), before, "{}", path.display());
    }
}

#[test]
fn a_newer_database_is_refused_undamaged_and_the_copy_is_named() {
    let home = directory();
    let path = home.path().join("state.db");
    append(&SqliteStore::open(&path).unwrap(), vec![event(1, None, "x")], vec![]);
    tamper(&path, "PRAGMA user_version = 99; CREATE TABLE of_the_future (x)");
    fs::write(beside(&path, ".v1.bak"), "").unwrap();
    let before = fs::read(&path).unwrap();
    let refusal = refused(&path);
    assert!(refusal.message.contains("newer divisi") && refusal.message.contains("version 99"), "{refusal}");
    assert!(refusal.hints.iter().any(|hint| hint.contains("state.db.v1.bak")), "{refusal:?}");
    assert_eq!(fs::read(&path).unwrap(), before);
    tamper(&path, &format!("PRAGMA user_version = {}", MIGRATIONS.len()));
    assert_eq!(SqliteStore::open(&path).unwrap().events(Seq(0), None, 9).unwrap().len(), 1);
}

#[test]
fn a_log_that_was_lost_is_noticed() {
    let home = directory();
    let (path, copy) = (home.path().join("state.db"), home.path().join("copy.db"));
    let store = SqliteStore::open(&path).unwrap();
    append(&store, vec![event(1, None, "x")], vec![]);
    // Copied while open, without its log: as if the log had been deleted or damaged from its beginning.
    drop(store);
    let store = SqliteStore::open(&path).unwrap();
    fs::copy(&path, &copy).unwrap();
    append(&store, vec![event(2, None, "y")], vec![]);
    fs::copy(beside(&path, ".head"), beside(&copy, ".head")).unwrap();
    let refusal = refused(&copy);
    assert!(refusal.message.contains("ends at event 1, but event 2 was recorded"), "{refusal}");
    fs::rename(beside(&copy, ".head"), beside(&copy, ".head.old")).unwrap();
    assert_eq!(SqliteStore::open(&copy).unwrap().head(), Seq(1), "what the hint says works");
}

#[test]
fn a_log_without_its_database_is_not_thrown_away() {
    let home = directory();
    let path = home.path().join("state.db");
    fs::write(beside(&path, "-wal"), "frames").unwrap();
    let refusal = refused(&path);
    assert!(refusal.message.contains("is missing, but its log"), "{refusal}");
    assert_eq!(fs::read(beside(&path, "-wal")).unwrap(), b"frames");
    assert!(!path.exists());
}

#[test]
fn a_database_that_cannot_be_made_is_refused_with_the_path() {
    let home = directory();
    fs::write(home.path().join("file"), "").unwrap();
    let refusal = refused(&home.path().join("file/sub/state.db"));
    assert_eq!(refusal.kind, RefusalKind::Environment);
    assert!(refusal.message.contains("file/sub"), "{refusal}");
}

/// Builds a database at a version with that version's sample data.
fn at_version(path: &Path, version: usize) {
    let connection = Connection::open(path).unwrap();
    for sql in &MIGRATIONS[..version] {
        connection.execute_batch(sql).unwrap();
    }
    connection.execute_batch(SAMPLES[version - 1]).unwrap();
    connection.pragma_update(None, "user_version", i64::try_from(version).unwrap()).unwrap();
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())).unwrap();
}

/// Data as each version wrote it, added when the version is and never changed after.
const SAMPLES: [&str; MIGRATIONS.len()] = [
    include_str!("migrations/samples/0001.sql"),
    include_str!("migrations/samples/0002.sql"),
    include_str!("migrations/samples/0003.sql"),
    include_str!("migrations/samples/0004.sql"),
];

/// Tables as of each version: batches and runs came with the third, contests with the fourth.
const TABLES_OF: [usize; MIGRATIONS.len()] = [13, 13, 15, 16];

#[test]
fn every_version_comes_up_to_date_with_its_data_and_a_copy() {
    for version in 1..=MIGRATIONS.len() {
        let home = directory();
        let path = home.path().join("state.db");
        at_version(&path, version);
        let copy = beside(&path, &format!(".v{version}.bak"));
        let store = SqliteStore::open(&path).unwrap();
        assert_eq!(store.verify().unwrap(), Vec::<String>::new(), "version {version}");
        let events = store.events(Seq(0), None, 100).unwrap();
        assert_eq!(numbers(&events), [1, 2, 3], "version {version}");
        assert_eq!(events[1].event, Event::FaultRaised { part: "test".to_owned(), message: "two".to_owned() });
        assert_eq!(numbers(&store.events(Seq(0), Some(&"s".into()), 9).unwrap()), [1, 3]);
        for table in rows::TABLES.into_iter().take(TABLES_OF[version - 1]) {
            let rows =
                [row(table, "dead", None, false, Some("{\"b\":2}")), row(table, "live", Some("s"), true, Some("{}"))];
            assert_eq!(store.row(table, "dead").unwrap().as_ref(), Some(&rows[0]), "version {version}");
            assert_eq!(store.live_rows(table).unwrap().rows, rows[1..], "version {version}");
        }
        append(&store, vec![event(4, None, "new")], vec![]);
        drop(store);
        assert_eq!(copy.exists(), version < MIGRATIONS.len(), "version {version}");
        if copy.exists() {
            assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
            let connection = Connection::open(&copy).unwrap();
            let of_copy: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
            assert_eq!(usize::try_from(of_copy).unwrap(), version);
            let events: i64 = connection.query_row("SELECT count(*) FROM events", [], |row| row.get(0)).unwrap();
            assert_eq!(events, 3);
        }
    }
}

#[test]
fn an_earlier_copy_is_not_overwritten() {
    let home = directory();
    let path = home.path().join("state.db");
    at_version(&path, 1);
    fs::write(beside(&path, ".v1.bak"), "precious").unwrap();
    SqliteStore::open(&path).unwrap();
    assert_eq!(fs::read(beside(&path, ".v1.bak")).unwrap(), b"precious");
    assert!(beside(&path, ".v1.2.bak").exists());
}

#[test]
fn the_reserve_is_taken_given_up_once_and_taken_again() {
    let home = directory();
    let reserve = Reserve::in_directory(home.path());
    let file = home.path().join("reserve");
    assert_eq!(fs::metadata(&file).unwrap().len(), 8 * 1024 * 1024);
    assert!(reserve.release());
    assert!(!file.exists());
    assert!(!reserve.release(), "there is nothing left to give up");
    reserve.make();
    assert!(file.exists());
}
