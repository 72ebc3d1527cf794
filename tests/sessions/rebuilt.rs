//! The tables are what the events tell: after real sessions with everything in them, made again they are the same (issue 2, section 2).

use std::collections::BTreeMap;

use divisi::host::port::Table;
use divisi::host::rebuild;
use divisi::store::SqliteStore;

use super::scene::{DEADLINE, Scene};
use crate::support::wait_until;

const TABLES: [(Table, &str); 13] = [
    (Table::Sessions, "sessions"),
    (Table::Worktrees, "worktrees"),
    (Table::Turns, "turns"),
    (Table::ToolCalls, "tool_calls"),
    (Table::Approvals, "approvals"),
    (Table::Landings, "landings"),
    (Table::Usage, "usage"),
    (Table::Jobs, "jobs"),
    (Table::Rules, "rules"),
    (Table::Trust, "trust"),
    (Table::Names, "names"),
    (Table::Receipts, "receipts"),
    (Table::Patches, "patches"),
];

/// Rows by table and key: session, whether live, document.
type Rows = BTreeMap<(Table, String), (Option<String>, bool, serde_json::Value)>;

fn kept(database: &std::path::Path) -> Rows {
    let connection = rusqlite::Connection::open(database).unwrap();
    let mut rows = Rows::new();
    for (table, name) in TABLES {
        let mut statement = connection.prepare(&format!("SELECT key, session, live, doc FROM {name}")).unwrap();
        let found =
            statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get::<_, String>(3)?)));
        for row in found.unwrap() {
            let (key, session, live, doc) = row.unwrap();
            rows.insert((table, key), (session, live, serde_json::from_str(&doc).unwrap()));
        }
    }
    rows
}

fn told(database: &std::path::Path) -> Rows {
    let store = SqliteStore::open(database).expect("the daemon has let go of it");
    let rows = rebuild::rows(&store).expect("every event is intact");
    rows.into_iter()
        .map(|row| {
            let doc = serde_json::from_str(&row.doc.unwrap()).unwrap();
            ((row.table, row.key), (row.session.map(|session| session.0), row.live, doc))
        })
        .collect()
}

#[test]
fn every_table_made_again_from_the_events_is_the_one_that_was_kept() {
    let scene = Scene::new();
    let asks = |key: &str, command: &str| format!("ask-permission {key} Run :: {command}");
    // Approvals of every end, rules, tools, plans, usage.
    let script = format!(
        "plan +a | *b\ntool-call t1 execute Look\n{}\n{}\n{}\ntool-done t1\nusage 10 5 0.1\nsay done",
        asks("a", "make test"),
        asks("b", "make test"),
        asks("c", "make clean")
    );
    scene.scripted("ask", &script);
    let first = scene.wait_for_approval("ask");
    scene.divisi(&["answer", &first, "always", "--scope", "exact"]).ok();
    wait_until(DEADLINE, "the third request is open", || {
        scene.approvals().first().is_some_and(|open| open["command_line"] == "make clean")
    });
    scene.kill_daemon();
    let third = scene.wait_for_approval("ask");
    scene.divisi(&["answer", &third, "reject", "--message", "#!script\nsay instead"]).ok();
    scene.scripted("left", &asks("d", "make open"));
    scene.wait_for_approval("left");
    scene.scripted("withdrawn", &asks("e", "make gone"));
    scene.wait_for_approval("withdrawn");
    scene.divisi(&["stop", "withdrawn"]).ok();
    // A daemon that dies in the middle of a stream.
    let gate = scene.env.path("gate");
    scene.scripted("stream", &format!("say some \nsay words \nsleep-until {}\nsay more", gate.display()));
    wait_until(DEADLINE, "it has spoken", || scene.spoken("stream").contains("words"));
    scene.kill_daemon();
    std::fs::write(&gate, "").unwrap();
    scene.wait_for("stream", &["completed"]);
    // A failure that passes, and a silence.
    scene.scripted("limit", "usage 10 5\nfail-prompt 429 try again in 20m");
    scene.wait_for("limit", &["failed"]);
    let script = "#!script\nsay hello\nhang";
    scene.divisi(&["new", "--name", "quiet", "--agent", "scripted", "--silence", "1", script]).ok();
    let silent = scene.wait_for_approval("quiet");
    scene.divisi(&["answer", &silent, "once", "--option", "interrupt"]).ok();
    scene.wait_for("quiet", &["interrupted"]);
    scene.discard(&["limit", "quiet"]);
    // Hunks, queues, trust, a failed turn, a conflict, a landing.
    scene.shell("hunks", "sed -i -e 's/line 1$/first/' -e 's/line 12/last/' lines.txt").ok();
    let diff = scene.env.json(&scene.repo, &["diff", "hunks"]);
    let hunk = |number: usize| diff["files"][0]["hunks"][number]["id"].as_str().unwrap().to_owned();
    scene.divisi(&["accept", "hunks", &hunk(0)]).ok();
    scene.divisi(&["reject", "hunks", &hunk(1)]).ok();
    scene.divisi(&["undo", "hunks", &hunk(1)]).ok();
    scene.divisi(&["reject", "hunks", &hunk(1)]).ok();
    scene.shell("rival", "sed -i 's/line 1$/premier/' lines.txt; exit 3").exits(4);
    scene.divisi(&["land", "hunks"]).ok();
    scene.divisi(&["land", "rival"]).exits(1);
    scene.divisi(&["land", "rival", "--abort"]).ok();
    scene.env.write("repo/.divisi.toml", "[setup]\ncommands = [\"echo ready\"]\n");
    let digest = scene.env.json(&scene.repo, &["trust"])["digest"].as_str().unwrap().to_owned();
    scene.divisi(&["trust", "--digest", &digest]).ok();
    scene.shell("setup", "echo x > x.txt").ok();
    scene.divisi(&["policy", "setup", "auto"]).ok();
    // Removal, and back.
    scene.divisi(&["remove", "hunks"]).ok();
    scene.discard(&["rival", "setup"]);
    scene.divisi(&["restore", "rival"]).ok();
    scene.divisi(&["send", "rival", "--wait", "echo on > on.txt"]).ok();
    scene.wait_for("ask", &["failed", "completed", "review", "interrupted"]);
    scene.divisi(&["daemon", "stop"]).ok();
    let database = scene.env.path("home/state/divisi/state.db");
    let (kept, told) = (kept(&database), told(&database));
    for (key, row) in &kept {
        assert_eq!(told.get(key), Some(row), "{key:?}");
    }
    assert_eq!(told.keys().collect::<Vec<_>>(), kept.keys().collect::<Vec<_>>());
    for (table, name) in TABLES {
        assert!(kept.keys().any(|(of, _)| *of == table), "nothing was in {name}");
    }
    scene.discard(&["ask", "left", "withdrawn", "stream"]);
}
