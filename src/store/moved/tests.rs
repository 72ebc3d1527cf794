use std::collections::BTreeMap;

use rusqlite::Connection;

use super::*;
use crate::host::port::Store as _;
use crate::model::batch::Batch;
use crate::model::contest::Contest;
use crate::store::SqliteStore;
use crate::store::schema::MIGRATIONS;

/// A batch as version 3 stored it: its contests in its own row, which was all there was of them.
const OLD: &str = r#"{"id":"bababababa","plan":{"name":"old","execution":{"concurrency":1,"timeout_sec":1,"max_attempts":1,"backoff_ms":1,
"repeat":1,"on_failure":"continue","keep":"all","min_memory_percent":5,"max_load_percent":800},"agents":[],"tasks":[]},"path":"/r/p.yaml",
"created_at":7,"state":"active","concurrency":1,"opened":3,"contests":[
{"number":2,"task":"fix","prompt":"p1","repository":".","candidates":["bababababa.r1"],"seed":9,"state":"judging",
"asks":[{"order":["bababababa.r1"],"session":"s1","spend":{"tokens":40}}]},
{"number":3,"task":"fix","prompt":"p2","repository":".","candidates":["bababababa.r2"],"seed":8,"state":"closed","decided":"judge",
"ranking":["bababababa.r2"],"landed":true}]}"#;

fn row(key: &str, live: bool, doc: &str) -> Row {
    Row { table: Table::Batches, key: key.to_owned(), session: None, live, doc: Some(doc.to_owned()) }
}

#[test]
fn contests_of_an_older_database_get_rows_of_their_own() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("state.db");
    let connection = Connection::open(&path).unwrap();
    for sql in &MIGRATIONS[..3] {
        connection.execute_batch(sql).unwrap();
    }
    let ended = OLD.replace("bababababa", "cacacacaca").replace("\"active\"", "\"ended\"");
    let none = r#"{"id":"dadadadada","state":"active"}"#;
    for row in [row("bababababa", true, OLD), row("cacacacaca", false, &ended), row("dadadadada", true, none)] {
        rows::write(&connection, &row).unwrap();
    }
    // One whose document is not what was written: the events know what it was.
    rows::write(&connection, &row("fafafafafa", true, &OLD.replace("bababababa", "fafafafafa"))).unwrap();
    connection.execute("UPDATE batches SET doc = replace(doc, 'old', 'odd') WHERE key = 'fafafafafa'", []).unwrap();
    connection.pragma_update(None, "user_version", 3).unwrap();
    drop(connection);

    let store = SqliteStore::open(&path).unwrap();
    let batch = store.row(Table::Batches, "bababababa").unwrap().unwrap();
    assert!(batch.live && !batch.doc.as_ref().unwrap().contains("contests"), "{batch:?}");
    let read: Batch = serde_json::from_str(&batch.doc.unwrap()).unwrap();
    assert_eq!((read.plan.name.as_str(), read.opened, read.contests.len()), ("old", 3, 0));
    let kept: Batch = serde_json::from_str(OLD).unwrap();
    for (id, live) in [("bababababa", true), ("cacacacaca", false)] {
        let rows = store.rows_of(Table::Contests, &SessionId(id.to_owned())).unwrap();
        assert_eq!(
            rows.iter().map(|row| (row.key.clone(), row.live)).collect::<Vec<_>>(),
            [(format!("{id}.c2"), live), (format!("{id}.c3"), live)]
        );
        let contests: BTreeMap<u32, Contest> = rows
            .into_iter()
            .map(|row| serde_json::from_str::<Contest>(&row.doc.unwrap().replace(id, "bababababa")).unwrap())
            .map(|contest| (contest.number, contest))
            .collect();
        assert_eq!(contests.into_values().collect::<Vec<_>>(), kept.contests, "{id}");
    }
    assert_eq!(store.row(Table::Batches, "dadadadada").unwrap().unwrap().doc.unwrap(), none, "it had none");
    assert!(store.rows_of(Table::Contests, &SessionId("fafafafafa".to_owned())).unwrap().is_empty());
    let found = store.verify().unwrap();
    assert!(found.len() == 1 && found[0].contains("fafafafafa"), "what was damaged is found as before: {found:?}");
    assert!(home.path().join("state.db.v3.bak").exists());
}
